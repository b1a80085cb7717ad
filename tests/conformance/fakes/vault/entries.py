"""Versions of a secret, and what is said of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.fakes.clock import stamp

if TYPE_CHECKING:
    from conformance.fakes.vault.flavours import Flavour
    from conformance.fakes.vault.replies import Document

MAX_VERSIONS = 10
"""How many versions are kept where neither the mount nor the secret says."""


@dataclass(slots=True, kw_only=True)
class Settings:
    """What a mount or a secret asks of writes."""

    max_versions: int = 0
    cas_required: bool = False
    metadata_cas_required: bool = False


@dataclass(slots=True, kw_only=True)
class Version:
    """One value; times in nanoseconds."""

    created: int
    created_by: Document | None
    data: Document | None
    deleted: int | None = None
    deleted_by: Document | None = None
    destroyed: bool = False

    @property
    def readable(self) -> bool:
        """Whether it is neither deleted nor destroyed."""
        return self.deleted is None and not self.destroyed

    def remove(self, now: int, who: Document) -> None:
        """Delete it softly; a second time changes nothing."""
        if self.readable:
            self.deleted, self.deleted_by = now, who

    def restore(self) -> None:
        """Undo that, unless it is destroyed."""
        if not self.destroyed:
            self.deleted, self.deleted_by = None, None

    def destroy(self) -> None:
        """Forget the value for ever; a soft deletion stays noted."""
        self.destroyed, self.data = True, None

    def times(self) -> Document:
        """Give what every mention of a version says."""
        return {
            "created_time": stamp(self.created),
            "deletion_time": "" if self.deleted is None else stamp(self.deleted),
            "destroyed": self.destroyed,
        }


@dataclass(slots=True, kw_only=True)
class Entry:
    """A secret: its versions and its metadata."""

    created: int
    updated: int
    settings: Settings = field(default_factory=Settings)
    versions: dict[int, Version] = field(default_factory=dict)
    current: int = 0
    oldest: int = 0
    """The lowest number that may still be there; 0 until a version has been dropped."""
    metadata_version: int = 0
    custom_metadata: dict[str, str] = field(default_factory=dict)
    updated_by: Document | None = None

    def add(self, version: Version, mount: Settings) -> None:
        """Write a version, and drop those that there is no room for; a secret's limit counts only above the mount's."""
        self.current += 1
        self.versions[self.current] = version
        self.updated, self.updated_by = version.created, version.created_by
        room = max(self.settings.max_versions, mount.max_versions) or MAX_VERSIONS
        if self.current - self.oldest >= room:
            self.oldest = self.current - room + 1
            self.versions = {number: kept for number, kept in self.versions.items() if number >= self.oldest}

    def chosen(self, number: int) -> int:
        """Give the number of the version asked for; anything below 1 is the current one."""
        return number if number > 0 else self.current

    def about(self, number: int) -> Document:
        """Describe a version as reads and writes of data do."""
        return self.versions[number].times() | {"custom_metadata": self.custom_metadata or None, "version": number}

    def document(self, flavour: Flavour) -> Document:
        """Describe the secret as `metadata/` does."""
        known: dict[str, Any] = {
            "cas_required": self.settings.cas_required,
            "created_time": stamp(self.created),
            "current_version": self.current,
            "custom_metadata": self.custom_metadata or None,
            "delete_version_after": "0s",
            "max_versions": self.settings.max_versions,
            "oldest_version": self.oldest,
            "updated_time": stamp(self.updated),
            "versions": {str(number): self._version(kept, flavour) for number, kept in self.versions.items()},
        }
        if flavour.attributes:
            known["last_updated_by"] = self.updated_by
        if flavour.metadata_cas:
            known["current_metadata_version"] = self.metadata_version
            known["metadata_cas_required"] = self.settings.metadata_cas_required
        return known

    @staticmethod
    def _version(version: Version, flavour: Flavour) -> Document:
        by = {"created_by": version.created_by, "deleted_by": version.deleted_by} if flavour.attributes else {}
        return version.times() | by
