"""Programs that read a store by rules of their own, and what these rules make of refs."""

from __future__ import annotations

import re
from enum import StrEnum, auto
from typing import TYPE_CHECKING, Protocol

from syncer.errors import InvalidConfiguration, Unsupported

if TYPE_CHECKING:
    from syncer.model import Address


class Reader(StrEnum):
    """For whom secrets are laid out, as the option `reader` names it."""

    KESTRA = auto()
    """Kestra Enterprise whose secrets manager is read-only: what is in the store is the truth, and found by its rules.

    https://kestra.io/docs/enterprise/governance/read-only-secrets
    """
    DAPR = auto()
    """A secret store of Dapr: names as they are, text, fields that are strings.

    https://docs.dapr.io/reference/components-reference/supported-secret-stores/
    """

    @classmethod
    def of(cls, given: str | None) -> Reader | None:
        """Read the option. Raise InvalidConfiguration for what it does not know, never repeating it."""
        if given is None:
            return None
        if given not in tuple(cls):
            message = f"option `reader` must be one of {', '.join(cls)}"
            raise InvalidConfiguration(message)
        return cls(given)

    def names(self) -> Names:
        """Give what checks the names of one manifest's secrets."""
        return Keys() if self is Reader.KESTRA else Refs()


class Names(Protocol):
    """What a reader asks for, checked one by one."""

    def check(self, address: Address, key: str) -> None:
        """Raise Unsupported for a name that it cannot ask for."""


_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Keys:
    """What Kestra calls the secrets of one manifest, collected while they are checked one by one."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], Address] = {}

    def holder(self, scope: str, key: str) -> Address | None:
        """Give the declared secret that a key is, if there is one."""
        return self._first.get((scope, key))

    def check(self, address: Address, key: str) -> None:
        """Raise Unsupported for a key that is no name, and for one that another ref of the namespace gives too."""
        if not _KEY.fullmatch(key):
            message = f"{address}: Kestra would call it `{key}`, which is no name"
            raise Unsupported(message, hint="a name has letters, digits and _, and no digit first; rename it")
        first = self._first.setdefault((address.scope, key), address)
        if first != address:
            message = f"{address}: Kestra would call it `{key}`, and {first} too"
            raise Unsupported(message, hint="rename one of them")


class Refs:
    """What Dapr can ask for."""

    def check(self, address: Address, key: str) -> None:
        """Raise Unsupported for the one name by which Dapr's API gives all secrets."""
        if key == "bulk":
            message = f"{address}: Dapr's API gives all secrets under this name, and so never this one"
            raise Unsupported(message, hint="rename it")
