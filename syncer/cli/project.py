"""`init` and `validate`."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syncer.cli import OK
from syncer.cli.options import format_option, policy_option
from syncer.cli.reports import tell_faults, tell_findings
from syncer.engine.session import Session
from syncer.errors import InvalidConfiguration, InvalidManifest, StateError
from syncer.manifest import load_manifest
from syncer.manifest.paths import kept_paths
from syncer.plans import Severity
from syncer.registry import EMBEDDED
from syncer.render.text import quantity
from syncer.state.key import KEY_FILE, make_key

if TYPE_CHECKING:
    from syncer.cli.console import Console
    from syncer.model import Manifest
    from syncer.plans import Diagnostic

MANIFEST = "syncer.yaml"
IGNORED = ".syncer/"

_TEMPLATE = """\
# What is secret here, and where its value comes from; never a value itself.
version: 1
project: "{project}"           # the owner's name, written on everything that syncer creates

backend: {{type: {backend}}}        # an encrypted store in .syncer/, no set-up needed

scopes:
  global:
    description: shared by everything
    secrets: {{}}
    # secrets:
    #   session-key:
    #     source: {{generate: {{length: 40}}}}       # made once, at apply
    #     rotate: {{every: 90d, warn: 7d}}
    #   database/password:
    #     description: primary database
    #     source: {{env: DATABASE_PASSWORD}}        # or file, command, sealed
    #     tags: {{team: payments}}
    #     enabled: true
"""


@click.command
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.pass_obj
def init(console: Console, folder: Path) -> None:
    """Write a commented manifest, .gitignore lines and the project key; overwrite nothing.

    \b
    Example:
      syncer init my-secrets
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _tell(console, MANIFEST, done=_write_manifest(folder))
        _tell(console, ".gitignore", done=_ignore(folder))
        _tell(console, KEY_FILE, done=_make_key(folder))
    except OSError as error:
        message = f"{error.filename} cannot be written: {error.strerror}"
        raise StateError(message) from None


def _tell(console: Console, name: str, *, done: bool) -> None:
    console.result(f"+ {name}\n" if done else f"  {name} is there already, left alone\n")


def _write_manifest(folder: Path) -> bool:
    text = _TEMPLATE.format(project=_project_name(folder), backend=EMBEDDED)
    try:
        with (folder / MANIFEST).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def _ignore(folder: Path) -> bool:
    path = folder / ".gitignore"
    text = path.read_bytes() if path.exists() else b""
    if IGNORED.encode() in text.splitlines():
        return False
    gap = "" if not text or text.endswith(b"\n") else "\n"
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{gap}# the key, the state and the store of syncer\n{IGNORED}\n")
    return True


def _make_key(folder: Path) -> bool:
    key = folder / KEY_FILE
    if not key.exists() and (kept := _kept(folder, key.parent)):
        message = f"{KEY_FILE} is missing, and {', '.join(kept)} cannot be opened with a new key"
        raise InvalidConfiguration(message, hint=f"bring the key back, or move {', '.join(kept)} away to start afresh")
    try:
        make_key(folder)
    except FileExistsError:
        return False
    return True


def _kept(folder: Path, private: Path) -> list[str]:
    """Name what an earlier key was made for: state and stores, their backups and journals."""
    # A lock is empty, a draft that a kill left is nobody's.
    found = {path for path in private.glob("*") if path.is_file() and path.suffix != ".tmp" and path.stat().st_size}
    shared = []
    with contextlib.suppress(InvalidManifest):
        manifest = load_manifest(folder / MANIFEST)
        found |= {path for path in kept_paths(manifest) if path.exists()}
        shared += [f"branch `{manifest.state.branch}`"] if _holds_branch(manifest) else []
    names = {os.path.relpath(os.path.realpath(path), os.path.realpath(folder)) for path in found}
    return [*sorted(names), *shared]


def _holds_branch(manifest: Manifest) -> bool:
    """Whether the state is in a branch that is there. Raise StateError where its remote cannot tell."""
    if not manifest.state.in_branch:
        return False
    with Session(manifest) as session:
        return session.state_store.exists


def _project_name(folder: Path) -> str:
    """Make a project name of a folder's: lower case, digits and dashes, at most 40."""
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower())[:40].strip("-")
    return name or "project"


@click.command
@policy_option
@format_option("human", "json", "junit", "sarif")
@click.pass_obj
def validate(console: Console, policies: tuple[Path, ...], form: str) -> int:
    """Check the manifest and its policy, offline: no key, no source and no backend is asked.

    What breaks a rule ends with exit code 3, unless the rule only warns.

    \b
    Examples:
      syncer -f deploy/syncer.yaml validate
      syncer validate --policy ../platform/policy.yaml --format sarif
    """
    console.json = form == "json"
    try:
        manifest = load_manifest(Path(console.manifest), policies)
    except InvalidManifest as error:
        tell_faults(console, error, form)
        raise
    found = _violations(manifest)
    tell_findings(console, manifest, found, form)
    if any(each.severity is Severity.ERROR for each in found):
        return InvalidManifest.exit_code
    if form == "human":
        secrets, scopes = quantity(len(manifest.secrets), "secret"), quantity(len(manifest.scopes), "scope")
        console.result(f"{console.manifest} is valid: {secrets} in {scopes}.\n")
    return OK


def _violations(manifest: Manifest) -> list[Diagnostic]:
    if not manifest.policy:
        return []
    from syncer.policy.check import findings  # noqa: PLC0415  # most manifests have no policy

    return findings(manifest)
