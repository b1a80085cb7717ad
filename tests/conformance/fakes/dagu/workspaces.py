"""Workspaces: names that secrets may stand under, though nothing ties the secrets to them."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field

from conformance.fakes.clock import stamp
from conformance.fakes.dagu.replies import Document, without_nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One of them."""

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    name: str
    description: str = ""
    created: int
    updated: int

    def document(self) -> Document:
        """Spell it."""
        return {
            "id": self.id,
            "name": self.name,
            "createdAt": stamp(self.created),
            "updatedAt": stamp(self.updated),
        } | without_nothing({"description": self.description})


class Workspaces:
    """All of them by id."""

    def __init__(self) -> None:
        self.by_id: dict[str, Workspace] = {}
        self.lock = threading.RLock()
        """Held by each request that writes here, from its first look to its last."""

    def listed(self) -> list[Workspace]:
        """Give all, the one that was written last at the end."""
        with self.lock:
            return sorted(self.by_id.values(), key=lambda one: (one.updated, one.id))

    def named(self, name: str) -> Workspace | None:
        """Give the one that is called so; upper and lower case are different."""
        return next((one for one in list(self.by_id.values()) if one.name == name), None)

    def put(self, workspace: Workspace) -> bool:
        """Add or replace one; False: another has its name."""
        with self.lock:
            other = self.named(workspace.name)
            if other and other.id != workspace.id:
                return False
            self.by_id[workspace.id] = workspace
            return True
