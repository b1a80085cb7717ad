"""The script that other programs run instead of `syncer`: they allow it one path, and nobody else to touch it."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syncer.cli.handles import check_scopes
from syncer.cli.options import open_session
from syncer.cli.out import check_out, plain, replace_out
from syncer.consumers.executable import user
from syncer.errors import InvalidConfiguration
from syncer.exchange.maps import quoted
from syncer.manifest.paths import KEY_FILE
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from syncer.cli.console import Console
    from syncer.model import Manifest

ALONE, WITH_GROUP = 0o700, 0o750

_FIRST = b"#!/bin/sh\n# Written by `syncer"
_BYTES = 64 * 1024
_PLAIN = re.compile(r"/(?:[A-Za-z0-9/._ -]*[A-Za-z0-9/._-])?")
"""A path that YAML takes as it is, without quotes."""
_SCOPES = ("--scope", "--allow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Launcher:
    """A script that was written here."""

    manifest: Path
    scopes: tuple[str, ...] = ()
    """Those that it names."""

    @property
    def key(self) -> Path:
        """The file of the project key."""
        return self.manifest.parent / KEY_FILE


def install_for_agent(
    console: Console, path: Path, command: Sequence[str], scopes: Iterable[str], *, group: bool
) -> None:
    """Write a script for the Datadog Agent, and say what goes into its configuration. Raise SyncerError."""
    with open_session(console) as session:
        check_scopes(session.manifest, scopes)
        install(path, session.manifest, command, group=group)
    found, place = path.stat(), str(plain(path))
    console.result(f"secret_backend_command: {place if _PLAIN.fullmatch(place) else quoted(place)}\n")
    if group:
        console.result("secret_backend_command_allow_group_exec_perm: true\n")
    console.note(
        f"wrote {path}, mode {stat.S_IMODE(found.st_mode):04o}, owner {user(found.st_uid)}; "
        "these lines go into datadog.yaml\n"
        f"the Agent's user must own it and the files in .syncer; `syncer doctor {shlex.quote(str(path))}` tells"
    )


def install(path: Path, manifest: Manifest, command: Sequence[str], *, group: bool) -> None:
    """Write a script that runs one command of this `syncer` over this manifest. Raise SyncerError.

    An older one is replaced as a whole; anything else that stands there is left alone.
    """
    if str(path) == "-":
        message = "--install takes a file, and - is none"
        raise InvalidConfiguration(message, hint="give the path that secret_backend_command is to name")
    if not (str(path).isprintable() and str(Path.cwd()).isprintable()):
        message = "--install: the path holds what is not printable, and no file can name it then"
        raise InvalidConfiguration(message, hint="give a plainer name")
    check_out(manifest, path)
    if os.path.lexists(path) and not _head(path).startswith(_FIRST):
        message = f"{path} exists and was not written by `--install`"
        raise InvalidConfiguration(message, hint="give another name, or remove it first")
    replace_out(path, Sensitive(_script(manifest, command)), mode=WITH_GROUP if group else ALONE)


def read_launcher(path: Path) -> Launcher | None:
    """Read such a script; None for anything else."""
    head = _head(path)
    if not head.startswith(_FIRST):
        return None
    try:
        words = shlex.split(head.split(b"\n", 2)[-1].decode(errors="surrogateescape"))
        _, folder, _, manifest, *command = words[words.index("-C") :]
    except ValueError:
        return None  # somebody has edited it
    named = (value for option, value in itertools.pairwise(command) if option in _SCOPES)
    return Launcher(manifest=Path(folder, manifest), scopes=tuple(named))


def _script(manifest: Manifest, command: Sequence[str]) -> bytes:
    # -P: what stands in the folder where the other program happens to be is not to be imported.
    program = [sys.executable, "-P", "-m", "syncer", "-C", str(Path.cwd()), "-f", str(plain(manifest.path))]
    line = shlex.join([*program, *command])
    return _FIRST + os.fsencode(f' {command[0]} --install`, and replaced by it.\nexec {line} "$@"\n')


def _head(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return b""
        with path.open("rb") as file:
            return file.read(_BYTES)
    except (OSError, ValueError):  # ValueError: not a file name
        return b""
