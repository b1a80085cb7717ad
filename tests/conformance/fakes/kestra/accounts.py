"""Who may do what."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from conformance.fakes.kestra.errors import FORBIDDEN, UNAUTHENTICATED, Refused
from conformance.fakes.kestra.names import lineage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MODES = ("token", "basic")


class Right(StrEnum):
    """What may be done to secrets; who may update may create."""

    LIST = "list"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody with a credential."""

    name: str
    grants: Mapping[str, Iterable[Right]] | None = None
    """Rights by namespace, good for all below it too; None: all of them everywhere."""

    def may(self, right: Right, namespace: str | None = None) -> bool:
        """Whether a right is granted in a namespace, or in any at all."""
        if self.grants is None:
            return True
        return any(
            right in rights
            for granted, rights in self.grants.items()
            if namespace is None or granted in lineage(namespace)
        )

    def require(self, right: Right, namespace: str) -> None:
        """Refuse those who may not."""
        if not self.may(right, namespace):
            raise Refused(FORBIDDEN)


@dataclass(slots=True, kw_only=True)
class Accounts:
    """Everybody, by what they send as `Authorization`."""

    mode: str
    by_header: dict[str, Account] = field(default_factory=dict)

    def identify(self, headers: Mapping[str, str]) -> Account:
        """Tell who it is."""
        found = self.by_header.get(headers.get("authorization", ""))
        if found is None:
            raise Refused(UNAUTHENTICATED)
        return found


def bearer(token: str) -> str:
    """Spell the header of a token."""
    return f"Bearer {token}"


def basic(user: str, password: str) -> str:
    """Spell the header of a user."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
