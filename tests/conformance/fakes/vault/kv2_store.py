"""What a mount of KV version 2 holds, and the checks that all its writes share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.fakes.vault.entries import Entry, Settings, Version
from conformance.fakes.vault.fields import Unreadable, integer
from conformance.fakes.vault.replies import Refused, errors
from conformance.fakes.vault.tree import Tree

if TYPE_CHECKING:
    from conformance.fakes.vault.calls import Call
    from conformance.fakes.vault.replies import Document


@dataclass(slots=True, kw_only=True)
class Store:
    """Secrets by path, and the mount's settings."""

    settings: Settings = field(default_factory=Settings)
    entries: Tree[Entry] = field(default_factory=Tree)

    def write(self, call: Call, key: str, data: Document | None) -> Document:
        """Add a version, and describe it."""
        entry = self.entries.get(key)
        if entry is None:
            entry = Entry(created=call.now, updated=call.now)
            self.entries.put(key, entry)
        entry.add(Version(created=call.now, created_by=call.who(), data=data), self.settings)
        return entry.about(entry.current)

    def check_cas(self, call: Call, entry: Entry | None) -> None:
        """Refuse a write that expects another version, or names none where it must; null expects 0."""
        options = call.given.get("options") or {}
        if "cas" not in options:
            if self.settings.cas_required or (entry and entry.settings.cas_required):
                raise Refused(errors(400, "check-and-set parameter required for this call"))
            return
        try:
            expected = integer(options["cas"], call.flavour)
        except Unreadable:
            raise Refused(errors(400, "error parsing check-and-set parameter")) from None
        if expected != (entry.current if entry else 0):
            raise Refused(errors(400, "check-and-set parameter did not match the current version"))
