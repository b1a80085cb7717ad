"""Which number of a version is new: Dagu may give one a second time."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from syncer.errors import Transient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from syncer.backends.base import Backend
    from syncer.backends.dagu.rows import Row
    from syncer.model import Address

_MOST = 200
"""Versions that one write makes, so that a number too high to be true keeps nobody for long."""


class Versions:
    """The highest number that each secret is known to have had; safe to share between threads.

    A write to metadata, and a run that reads the secret, put back whatever was there when they began. A version that
    was written meanwhile loses its number to the next one, and of two with one number runs get the older.
    """

    def __init__(self, backend: Backend) -> None:
        self._unhurried = backend.unhurried
        self._then = backend.then
        self._highest: dict[str, int] = {}

    def recall(self, versions: Iterable[tuple[str, str]]) -> None:
        """Take in what state remembers, as `Row.version` spells it."""
        for secret_id, version in versions:
            with suppress(ValueError):
                self._raise(secret_id, int(version.partition("@")[0]))

    def note(self, row: Row) -> None:
        """Take in what is there."""
        self._raise(row.id, row.number)

    def write(self, address: Address, once: Callable[[], Row]) -> Row:
        """Write the value under a number that the secret has never had, if need be by writing it again.

        Raise Transient where the numbers do not rise that far: of two versions with one number runs get the older.
        """
        row = self._unhurried(once)
        highest = self._highest.get(row.id, 0)
        for _ in range(min(highest - row.number + 1, _MOST)):
            row = self._then(once)
        if row.number <= highest:
            raise undone(address)
        self.note(row)
        return row

    def _raise(self, secret_id: str, number: int) -> None:
        self._highest[secret_id] = max(number, self._highest.get(secret_id, 0))


def undone(address: Address) -> Transient:
    """Tell of a new value that is not what runs get."""
    return Transient(f"{address}: somebody else wrote it in dagu at the same moment, and the new value may be lost")


def put_back(address: Address) -> Transient:
    """Tell of a secret that is there again."""
    return Transient(f"{address}: dagu deleted it, and a run that read it has put it back")
