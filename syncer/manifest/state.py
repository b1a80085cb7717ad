"""`state:`: a file, or a branch of a git repository."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from syncer.model import StateSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncer.manifest.document import Document, Report

_FILE, _GIT = "file", "git"

_DEFAULTS = {
    _FILE: {"path": StateSpec().path},
    _GIT: {"branch": "syncer-state", "remote": "origin", "path": "state.json"},
}

_LONGEST = 200
_NO_REF = re.compile(r"[^!-~]|[~^:?*\[\\]|\.\.|//|@\{|(^|/)\.|\.lock(/|$)|^[-/]|[/.]$|^(@|HEAD)$")
"""What `git check-ref-format` refuses, and what is no plain ASCII."""
_NO_PATH = re.compile(r"[^!-~]|[\"\\:*?]|//|(^|/)(\.{1,2}|(?i:\.git))(/|$)|^[-/]|/$")
_NO_REMOTE = re.compile(r"[^!-~]|^-")
_WITH_PASSWORD = re.compile(r"://[^/@]*:[^/]*@")


def declared_state(main: Document, report: Report) -> StateSpec:
    """Read `state`, and note what is wrong with it."""
    given = main.data.get("state", {})
    kind = given.get("type", _FILE)
    own = _DEFAULTS[kind]
    for key in given.keys() - own.keys() - {"type"}:
        other = next(name for name, options in _DEFAULTS.items() if key in options)
        report.at_key(main, ("state", key), f"`{key}` belongs to `type: {other}`")
    chosen = {name: str(given.get(name, default)) for name, default in own.items()}
    if kind == _GIT:
        for name, text in chosen.items():
            if fault := _CHECKS[name](text):
                report.at_value(main, ("state", name), fault)
    return StateSpec(type=kind, **chosen)


def _branch_fault(text: str) -> str:
    wrong = _NO_REF.search(text) or len(text) > _LONGEST
    return "`branch` is no name that git takes for a branch" if wrong else ""


def _path_fault(text: str) -> str:
    wrong = _NO_PATH.search(text) or len(text) > _LONGEST
    return "`path` must be a relative path inside the branch, such as state.json" if wrong else ""


def _remote_fault(text: str) -> str:
    if _WITH_PASSWORD.search(text):
        return "`remote` must not hold a password: SYNCER_GIT_TOKEN is for one"
    return "`remote` must be the name of a remote, or an address" if _NO_REMOTE.search(text) else ""


_CHECKS: dict[str, Callable[[str], str]] = {"branch": _branch_fault, "path": _path_fault, "remote": _remote_fault}
