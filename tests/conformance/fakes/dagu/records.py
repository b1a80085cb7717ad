"""A secret: what is said of it, and its versions, values and all."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from enum import StrEnum

from conformance.fakes.clock import stamp
from conformance.fakes.dagu.replies import Document, without_nothing

MANAGED = "dagu-managed"


class Status(StrEnum):
    """Whether runs may have it."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a request reads, changes and writes back as a whole; times in nanoseconds."""

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    workspace: str
    ref: str
    description: str = ""
    current_version: int = 0
    """0: there is no value yet."""
    status: Status = Status.ACTIVE
    created: int
    updated: int
    resolved: int | None = None
    rotated: int | None = None

    def document(self) -> Document:
        """Spell it as the API does: what is empty is left out."""
        return {
            "createdAt": stamp(self.created),
            "currentVersion": self.current_version,
            "hasValue": self.current_version > 0,
            "id": self.id,
            "providerType": MANAGED,
            "ref": self.ref,
            "status": str(self.status),
            "updatedAt": stamp(self.updated),
            "workspace": self.workspace,
        } | without_nothing(
            {
                "description": self.description,
                "lastResolvedAt": self.resolved and stamp(self.resolved),
                "lastRotatedAt": self.rotated and stamp(self.rotated),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A value under a number, which need not be its own alone."""

    number: int
    value: str = field(repr=False)
    created: int


@dataclass(slots=True, kw_only=True)
class Record:
    """What is stored of a secret."""

    metadata: Metadata
    versions: list[Version] = field(default_factory=list)
    readable: bool = True
    """False: the file is damaged. No list shows it, its ref stays taken, and what names its id breaks the server."""

    @property
    def served(self) -> str | None:
        """The value that runs get, enabled or not: the first entry with the current number."""
        numbers = (version.value for version in self.versions if version.number == self.metadata.current_version)
        return next(numbers, None)

    @property
    def values(self) -> list[str]:
        """All values that were ever written, the oldest first."""
        return [version.value for version in self.versions]
