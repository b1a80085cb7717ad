"""What an engine is told of a request, and what an engine is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

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
    given: Document
    """The fields; an engine that knows their types gives them those."""
    now: int
    """In nanoseconds."""
    actor: str
    """The display name of the token."""
    client: str
    flavour: Flavour

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
