"""One text for each marker: found again, changed in its place, made once.

The same for comments and for issues, on every platform.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from syncer.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LOOKS = 3
"""How often what was found may be gone again before we believe that it cannot be changed at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A comment or an issue."""

    number: int
    """Grows with time."""
    url: str


class Shelf(Protocol):
    """Where the entries of one marker stand."""

    def ours(self) -> Sequence[Entry]:
        """Give the open ones that begin with the marker and that we have written."""

    def make(self, body: str) -> Entry:
        """Add one."""

    def change(self, entry: Entry, body: str) -> None:
        """Give it another body. Raise NotFound where it is gone."""

    def drop(self, entry: Entry) -> None:
        """Take one away that was made in vain."""


def marked(marker: str, body: str) -> str:
    """Put the marker before a body."""
    return f"{marker}\n{body}"


def begins_with(marker: str, body: str | None) -> bool:
    """Whether a body is one of the marker; on some platforms its lines end otherwise than we have sent them."""
    return body is not None and body.partition("\n")[0].rstrip("\r") == marker


def put(shelf: Shelf, body: str, *, create: bool = True) -> str | None:
    """Change the oldest entry, or add one, and give its URL; None where there is none to change and `create` is False.

    May be tried again whole, at any point: it looks before it adds, and so finds what was added by a call whose answer
    was lost.
    """
    for _ in range(_LOOKS):
        oldest = _oldest(shelf)
        if oldest is None:
            return _added(shelf, body) if create else None
        with suppress(NotFound):  # somebody has deleted it
            return _changed(shelf, oldest, body)
    message = "what was found to be changed is gone each time"
    raise NotFound(message)


def close(shelf: Shelf, comments: Callable[[Entry], Shelf], body: str) -> str | None:
    """Drop every entry after a comment on it; the oldest one's URL, None where there is none."""
    found = sorted(shelf.ours(), key=lambda entry: entry.number)
    for entry in found:
        put(comments(entry), body)
        shelf.drop(entry)
    return found[0].url if found else None


def _oldest(shelf: Shelf) -> Entry | None:
    return min(shelf.ours(), key=lambda entry: entry.number, default=None)


def _changed(shelf: Shelf, entry: Entry, body: str) -> str:
    shelf.change(entry, body)
    return entry.url


def _added(shelf: Shelf, body: str) -> str:
    """Add one, and look again: of two runs that both saw none, both then see the same oldest one, and keep that."""
    made = shelf.make(body)
    oldest = _oldest(shelf)
    if oldest is None or oldest.number >= made.number:
        return made.url
    with suppress(NotFound):
        url = _changed(shelf, oldest, body)
        shelf.drop(made)
        return url
    return made.url
