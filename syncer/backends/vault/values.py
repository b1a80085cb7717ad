"""How a value lies in the fields of a KV secret: in one of them, or each key of a JSON object in its own."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, NoReturn

from syncer.backends.vault.marks import FIELDS, MAX_TEXT
from syncer.errors import Unsupported
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from syncer.backends.vault.wire import Json
    from syncer.model import Address


class Layout(ABC):
    """Where a value stands among the fields of a KV secret; the others are somebody else's."""

    def shape(self, value: Sensitive) -> Sensitive:
        """Give the value as `value` will give it back."""
        return value

    def check(self, address: Address, value: Sensitive) -> None:
        """Raise Unsupported for a value that cannot lie so."""

    @abstractmethod
    def fields(self, value: Sensitive) -> Json:
        """Give the fields to write."""

    @abstractmethod
    def value(self, fields: Json, custom: Mapping[str, str]) -> Sensitive | None:
        """Give the value out of all fields; None where it is not there."""

    def held(self, custom: Mapping[str, str]) -> frozenset[str]:
        """Name the fields that our mark says are ours; none where they need no mark."""
        return frozenset()

    def mark(self, names: Collection[str]) -> dict[str, str | None]:
        """Give the mark that says so."""
        return {}
