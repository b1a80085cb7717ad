"""The files of a manifest, formatted: all of them are read before any is written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.errors import InvalidManifest, Problem
from syncer.manifest.compose import Fault
from syncer.manifest.document import load
from syncer.manifest.fmt.format import formatted, parse, refused
from syncer.manifest.loader import collector_paused, matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_MISSING = "no such file; `syncer init` writes a first one, `-f` names another"


@dataclass(frozen=True, slots=True, kw_only=True)
class Formatted:
    """A file as it is, and as it should be."""

    name: str
    """As a user would type it."""
    old: bytes
    new: bytes

    @property
    def differs(self) -> bool:
        """Whether there is anything to write."""
        return self.old != self.new


def format_text(raw: bytes, name: str) -> Formatted:
    """Format one text. Raise InvalidManifest, SyncerError."""
    with collector_paused():
        return Formatted(name=name, old=raw, new=formatted(raw, name))


def format_files(paths: Sequence[Path]) -> list[Formatted]:
    """Format each file, once where several names stand for it.

    Raise InvalidManifest with every file that is no YAML, and SyncerError.
    """
    found: list[Formatted] = []
    problems: list[Problem] = []
    once: dict[str, Path] = {}
    for path in paths:
        once.setdefault(os.path.realpath(path), path)
    for path in once.values():
        try:
            found.append(format_text(_read(path), str(path)))
        except InvalidManifest as error:
            problems += error.problems
    if problems:
        raise InvalidManifest(problems)
    return found


def files_of(manifest: Path) -> list[Path]:
    """Name the files of a manifest: itself, those that it includes, and that of its policy. Raise InvalidManifest."""
    data = parse(_read(manifest, _MISSING), str(manifest))
    given = data if isinstance(data, dict) else {}
    return [manifest, *_included(manifest.parent, given.get("include")), *_policy(manifest.parent, given.get("policy"))]


def _included(folder: Path, patterns: object) -> Iterator[Path]:
    for pattern in patterns if isinstance(patterns, list) else ():
        if isinstance(pattern, str):
            yield from matches(folder, pattern)


def _policy(folder: Path, name: object) -> Iterator[Path]:
    if isinstance(name, str):
        yield folder / name


def _read(path: Path, if_missing: str = "no such file") -> bytes:
    fault = Fault("not a regular file")
    try:
        # What is no file could be read but not replaced, and some would be waited for without end.
        if path.is_file() or path.is_dir() or not path.exists():
            return load(path, if_missing)
    except Fault as found:
        fault = found
    raise refused(str(path), [fault])
