"""What `syncer` keeps among the tags of an AWS resource, and what AWS takes for a tag."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from syncer.backends.aws.answers import text

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from syncer.model import Address

MARK = "syncer:"
"""What every mark of ours begins with."""
PROJECT = "syncer:project"
ADDRESS = "syncer:address"
ENABLED = "syncer:enabled"
"""`OFF` while disabled, absent else."""
OFF = "false"

MOST = 50
"""Tags of one resource, ours included."""
LONGEST_KEY = 128
LONGEST_VALUE = 256

_RESERVED = "aws:"
_CATEGORIES = frozenset("LNZ")
_SYMBOLS = frozenset("_.:/=+-@")


def owned(project: str, address: Address) -> dict[str, str]:
    """Give the marks of a secret of this project."""
    return {PROJECT: project, ADDRESS: str(address)}


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Write tags as requests hold them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def read(listed: Iterable[Mapping[str, object]]) -> dict[str, str]:
    """Read tags as answers hold them, marks included. Raise LookupError or TypeError for anything else."""
    return {text(pair, "Key"): text(pair, "Value") for pair in listed}


def unmarked(tags: Mapping[str, str], more: Container[str] = ()) -> dict[str, str]:
    """Leave the marks out, and those that have a name of their own."""
    return {key: value for key, value in tags.items() if not key.startswith(MARK) and key not in more}


def problem(tags: Mapping[str, str], *, marks: int) -> str | None:
    """Say why these tags cannot stand beside so many marks; None where they can.

    The limits that all of AWS shares, and the pattern that SSM's model gives for keys and values.
    """
    if len(tags) + marks > MOST:
        return f"at most {MOST - marks} tags can stand beside those of syncer"
    return next(filter(None, (_problem(key, value) for key, value in tags.items())), None)


def value_problem(said: str) -> str | None:
    """Say why a text cannot be the value of a tag; None where it can."""
    if len(said) > LONGEST_VALUE:
        return f"is longer than {LONGEST_VALUE} characters"
    if said.lower().startswith(_RESERVED):
        return f"begins with `{_RESERVED}`, which is AWS's own"
    if not _spelt(said):
        return "holds something else than letters, digits, spaces and _.:/=+-@"
    return None


def _problem(key: str, value: str) -> str | None:
    if key.startswith(MARK):
        return f"tags that begin with `{MARK}` are syncer's own"
    if len(key) > LONGEST_KEY:
        return f"a tag's name is longer than {LONGEST_KEY} characters"
    wrong = value_problem(key)
    if wrong is not None:
        return f"a tag's name {wrong}"
    wrong = value_problem(value)
    return None if wrong is None else f"tag `{key}` {wrong}"


def _spelt(said: str) -> bool:
    return all(character in _SYMBOLS or unicodedata.category(character)[0] in _CATEGORIES for character in said)
