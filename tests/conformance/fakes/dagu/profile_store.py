"""Runtime profiles and default layers: documents that are read, changed and written back as a whole."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field, replace
from enum import StrEnum

from conformance.fakes.clock import stamp
from conformance.fakes.dagu.records import Status
from conformance.fakes.dagu.replies import Document, without_nothing

GLOBAL_LAYER = "_global"
WORKSPACE_LAYERS = "_workspaces/"


class Kind(StrEnum):
    """What an entry is."""

    VARIABLE = "variable"
    SECRET = "secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One environment variable of runs: a value, or the secret that holds it."""

    key: str
    kind: Kind
    value: str = ""
    secret: str = ""
    created: int
    updated: int

    def document(self) -> Document:
        """Spell it; an empty value is left out like a missing one."""
        return {
            "key": self.key,
            "kind": str(self.kind),
            "createdAt": stamp(self.created),
            "updatedAt": stamp(self.updated),
        } | without_nothing({"value": self.value, "secretId": self.secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A profile, or a layer that all runs inherit, whose name then begins with an underscore."""

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    name: str
    description: str = ""
    status: Status = Status.ACTIVE
    protected: bool = False
    default_profile: str = ""
    entries: dict[str, Entry] = field(default_factory=dict)
    created: int
    updated: int

    @property
    def is_layer(self) -> bool:
        """Whether it is no profile that a run may choose."""
        return self.name.startswith("_")

    @property
    def stored_name(self) -> str:
        """What its document is called in the server's own folder, and in descriptions of secrets."""
        workspace = self.name.removeprefix(WORKSPACE_LAYERS)
        return self.name if workspace == self.name else f"_workspace.{hexed(workspace)}"

    def ref(self, key: str) -> str:
        """Give the ref of the secret behind an entry, in Global."""
        workspace = self.name.removeprefix(WORKSPACE_LAYERS)
        if not self.is_layer:
            return f"runtime-profiles/{self.name}/key-{hexed(key)}"
        place = "global" if self.name == GLOBAL_LAYER else f"workspaces/{hexed(workspace)}"
        return f"runtime-profile-defaults/{place}/key-{hexed(key)}"

    def with_entry(self, entry: Entry, now: int) -> Profile:
        """Add or replace an entry."""
        return replace(self, entries=self.entries | {entry.key: entry}, updated=now)

    def without(self, key: str, now: int) -> Profile:
        """Drop an entry."""
        left = {name: entry for name, entry in self.entries.items() if name != key}
        return replace(self, entries=left, updated=now)

    def document(self) -> Document:
        """Spell it."""
        return {
            "id": self.id,
            "name": self.name,
            "status": str(self.status),
            "protected": self.protected,
            "entries": [self.entries[key].document() for key in sorted(self.entries)],
            "createdAt": stamp(self.created),
            "updatedAt": stamp(self.updated),
        } | without_nothing({"description": self.description, "defaultProfile": self.default_profile})


class Profiles:
    """All of them by name, layers as `_global` and `_workspaces/NAME`."""

    def __init__(self) -> None:
        self.by_name: dict[str, Profile] = {}
        self._lock = threading.RLock()

    def create(self, profile: Profile) -> bool:
        """Add one; False: the name is taken."""
        with self._lock:
            return self.by_name.setdefault(profile.name, profile) is profile

    def find(self, name: str) -> Profile | None:
        """Give one."""
        return self.by_name.get(name)

    def listed(self) -> list[Profile]:
        """Give all profiles in the order of names, without the layers."""
        return sorted((one for one in list(self.by_name.values()) if not one.is_layer), key=lambda one: one.name)

    def put(self, profile: Profile) -> bool:
        """Write one back; False: it is gone."""
        with self._lock:
            if profile.name not in self.by_name:
                return False
            self.by_name[profile.name] = profile
            return True

    def drop(self, name: str) -> bool:
        """Forget one, not its secrets; False: it was gone."""
        with self._lock:
            return self.by_name.pop(name, None) is not None


def hexed(name: str) -> str:
    """Spell a name so that it fits into a ref."""
    return name.encode().hex()
