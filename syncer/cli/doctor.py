"""`doctor`: what other programs would refuse, of executables and of files that name secrets."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from syncer.cli.handles import SCOPE, Given, check_scopes, ground, ground_options, named_scopes
from syncer.cli.launcher import read_launcher
from syncer.cli.options import PATH, format_option, open_session, stores_option
from syncer.cli.references import STORE_HELP, SUFFIXES, Document, Naming, answers, configuration_files, read_document
from syncer.consumers.executable import examine, user
from syncer.errors import InvalidManifest, SyncerError
from syncer.exchange.agent import spoken
from syncer.exchange.references import agent_command
from syncer.manifest import load_manifest
from syncer.render.doctor import Finding, doctor_json, doctor_text
from syncer.state.key import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from syncer.cli.console import Console
    from syncer.cli.launcher import Launcher
    from syncer.consumers.handles import Ground
    from syncer.exchange.references import Reference

_BY_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@click.command
@click.argument("paths", metavar="PATH...", type=PATH, nargs=-1, required=True)
@ground_options
@stores_option(STORE_HELP)
@click.option(
    "--allow-group-exec", is_flag=True, help="As with secret_backend_command_allow_group_exec_perm: 0750 is fine."
)
@format_option("human", "json")
@click.pass_obj
def doctor(
    console: Console,
    *,
    paths: tuple[Path, ...],
    stores: dict[str, str],
    allow_group_exec: bool,
    form: str,
    **given: Unpack[Given],
) -> int:
    """Say of each path what other programs would refuse; exit 1 if there is anything.

    Of an executable: whether the Datadog Agent would run it, by its rules for Linux. Of YAML and JSON files, and of all
    such files in a folder: each `ENC[handle]` and each `secretKeyRef` of a Dapr component, where it stands, and whether
    it can be resolved. No value is shown.

    \b
    Example:
      syncer doctor /etc/datadog-agent/syncer-backend /etc/datadog-agent/datadog.yaml /etc/datadog-agent/conf.d
    """
    console.json = form == "json"
    naming = Naming(scope=given["scope"] or SCOPE, stores=stores)
    findings, documents = _look(paths, group=allow_group_exec)
    named = (*named_scopes(given), *stores.values())
    findings += _resolved(console, ground(given), naming, documents, named)
    findings.sort(key=_place)
    console.result(doctor_json(findings) if console.json else doctor_text(findings, console.style))
    return int(any(found.problems for found in findings))


def _look(paths: Sequence[Path], *, group: bool) -> tuple[list[Finding], list[Document]]:
    """Look at executables at once, and read the documents."""
    findings: list[Finding] = []
    documents: list[Document] = []
    for path in paths:
        files = list(configuration_files(path)) if path.is_dir() else [path]
        if path.is_dir() and not files:
            findings.append(_wrong(path, "a folder without YAML and JSON files; no program can run it either"))
        for file in files:
            if not file.name.lower().endswith(SUFFIXES):
                findings.append(_executable(file, group=group))
                continue
            try:
                documents.append(read_document(file))
            except InvalidManifest as error:
                findings += [_wrong(file, problem.message, problem.line) for problem in error.problems]
            except SyncerError as error:
                findings.append(_wrong(file, spoken(error)))
    return findings, documents


def _wrong(file: Path, problem: str, line: int | None = None) -> Finding:
    return Finding(file=str(file), what="file", line=line, problems=(problem,))


def _executable(path: Path, *, group: bool, file: Path | None = None) -> Finding:
    found = examine(path, group=group)
    launcher = read_launcher(path)
    problems, notes = _needed(path, launcher, group=group) if launcher else ((), ())
    return Finding(
        file=str(file or path),
        what="executable",
        name=f"{path}: {found.facts}" if file else found.facts,
        problems=(*found.refusals, *problems),
        notes=notes,
    )


def _needed(path: Path, launcher: Launcher, *, group: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give problems and notes of what a launcher needs: the manifest, the scopes that it names, the project key."""
    problems, notes = _key(path, launcher.key, group=group)
    try:
        check_scopes(load_manifest(launcher.manifest), launcher.scopes)
    except SyncerError as error:
        return (*problems, spoken(error)), notes
    return problems, notes


def _key(path: Path, key: Path, *, group: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give problems and notes: whether whoever may run a launcher may read the project key, its owner's only."""
    try:
        runs, found = path.stat().st_uid, key.stat()
    except (OSError, ValueError):
        if os.environ.get(VARIABLE):
            return (), (f"{key} is not there, or hidden: {VARIABLE} goes into the Agent's environment",)
        return (f"{key} is not there, or hidden, and {VARIABLE} is not set: bring the key back",), ()
    reads = found.st_uid
    if found.st_mode & _BY_OTHERS:
        return (f"{key} can be read by others: chmod 600, and consider the key known",), ()
    if group:
        return (), (f"{key} and what is beside it are for {user(reads)} only: the Agent must run as that user",)
    if runs != reads:
        told = f"{key} is for {user(reads)} only, and this may be run by {user(runs)} only"
        return (f"{told}: the Agent's user must own both",), ()
    return (), (f"the Agent must run as {user(runs)}, who owns this and {key}",)


def _resolved(
    console: Console, where: Ground, naming: Naming, documents: Sequence[Document], named: Collection[str]
) -> Iterator[Finding]:
    for document in documents:
        command = agent_command(document.nodes)
        if command is not None:
            yield _absolute(_executable(Path(command[0]), group=command[1], file=document.path), command[0])
        yield from (_stray(document.path, stray) for stray in document.strays)
    found = [reference for document in documents for reference in document.references]
    if not (found or named):
        return  # executables need no manifest
    files = {id(reference): document.path for document in documents for reference in document.references}
    with open_session(console) as session:
        check_scopes(session.manifest, named)
        for reference, answer in answers(session, where, naming, found):
            problem = (spoken(answer),) if isinstance(answer, SyncerError) else ()
            yield _handle(files[id(reference)], reference, problem)


def _absolute(found: Finding, command: str) -> Finding:
    """Object to a path that is another one in each folder."""
    if Path(command).is_absolute():
        return found
    return replace(
        found, problems=("it is no absolute path, and the Agent runs in a folder of its own", *found.problems)
    )


def _stray(file: Path, reference: Reference) -> Finding:
    note = "the Agent never replaces a handle in a longer text, only one that is the whole text"
    return replace(_handle(file, reference, ()), notes=(note,))


def _handle(file: Path, reference: Reference, problem: tuple[str, ...]) -> Finding:
    return Finding(
        file=str(file), what="handle", name=str(reference), path=reference.path, line=reference.line, problems=problem
    )


def _place(found: Finding) -> tuple[str, int, str]:
    return found.file, found.line or 0, found.path
