"""What an engine is told of a request, and what an engine is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from conformance.fakes.vault.fields import VALIDATION, Fields

if TYPE_CHECKING:
    from conformance.fakes.vault.flavours import Flavour
    from conformance.fakes.vault.replies import Document, Reply
    from conformance.fakes.vault.requests import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that a policy has let through."""

    operation: Operation
    path: str
    """Inside the mount."""
    raw: Document
    now: int
    """In nanoseconds."""
    actor: str
    """The display name of the token."""
    client: str
    flavour: Flavour

    @property
    def fields(self) -> Fields:
        """Give the fields; an error in one of them begins with a prefix."""
        return self.fields_after(VALIDATION)

    def fields_after(self, prefix: str) -> Fields:
        """Give the fields; an error in one of them begins with this."""
        return Fields(raw=self.raw, flavour=self.flavour, prefix=prefix)

    def who(self, operation: str | None = None) -> Document:
        """Say who does what."""
        return {"actor": self.actor, "operation": operation or str(self.operation), "client_id": self.client}


class Engine(Protocol):
    """What stands behind a mount."""

    version: str
    """The `version` among the options of its mount."""

    def exists(self, path: str) -> bool:
        """Tell whether a write would find something: a policy must then allow `update`, else `create`."""

    def reply(self, call: Call) -> Reply:
        """Do what is asked."""
