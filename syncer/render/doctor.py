"""What `doctor` found, as text for people and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from syncer import __version__
from syncer.render.json import FORMAT_VERSION, to_json
from syncer.render.text import GREEN, RED, YELLOW, Style, clean, quantity

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    file: str
    what: str
    """`executable`, `handle` or `file`."""
    name: str = ""
    """The handle as it stands there, or what is known of the executable."""
    path: str = ""
    """The keys that lead to it, joined by slashes."""
    line: int | None = None
    problems: tuple[str, ...] = ()
    """Why it would fail; each may name what to do."""
    notes: tuple[str, ...] = ()
    """What to keep in mind."""


def doctor_text(findings: Sequence[Finding], style: Style) -> str:
    """Tell what was found, file by file, and count it."""
    lines = []
    for file, group in groupby(findings, key=_file):
        lines.append(clean(file))
        for found in group:
            lines += _lines(found, style)
    wrong = sum(bool(found.problems) for found in findings)
    count = quantity(len(findings), "finding")
    verdict = f"{count}: {wrong} would fail." if wrong else f"{count}: all is well."
    return "\n".join([*lines, verdict]) + "\n"


def doctor_json(findings: Sequence[Finding]) -> str:
    """Write what was found as one JSON document."""
    return to_json(
        {
            "format_version": FORMAT_VERSION,
            "syncer_version": __version__,
            "fine": not any(found.problems for found in findings),
            "findings": [
                {
                    "file": found.file,
                    "what": found.what,
                    "name": found.name,
                    "path": found.path,
                    "line": found.line,
                    "fine": not found.problems,
                    "problems": list(found.problems),
                    "notes": list(found.notes),
                }
                for found in findings
            ],
        }
    )


def _lines(found: Finding, style: Style) -> list[str]:
    mark = style.paint("fails", RED) if found.problems else style.paint("fine ", GREEN)
    where = f"{found.line}: {found.path}: " if found.line is not None else ""
    told = [f"  {mark}  {clean(where + found.name)}".rstrip()]
    told += (f"           {style.paint(clean(problem), RED)}" for problem in found.problems)
    return [*told, *(f"           {style.paint(clean(note), YELLOW)}" for note in found.notes)]


def _file(found: Finding) -> str:
    return found.file
