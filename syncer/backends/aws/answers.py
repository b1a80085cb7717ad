"""What can be read of an answer: the SDK takes half a listing for no secrets, and gives a number for a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def text(entry: Mapping[str, object], name: str) -> str:
    """Give a text of an answer. Raise LookupError where it is missing, TypeError where it is none."""
    found = entry[name]
    if not isinstance(found, str):
        raise TypeError(name)
    return found


def optional(entry: Mapping[str, object], name: str) -> str:
    """Give a text of an answer, empty where it is missing. Raise TypeError where it is none."""
    return text(entry, name) if name in entry else ""


def number(entry: Mapping[str, object], name: str) -> int:
    """Give a whole number of an answer. Raise LookupError where it is missing, TypeError where it is none."""
    found = entry[name]
    if not isinstance(found, int):
        raise TypeError(name)
    return found
