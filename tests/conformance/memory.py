"""A backend in memory, for tests only: it can everything, or as little as its option `without` leaves."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from syncer.backends.base import DISABLES, Backend, BackendContext, Capability
from syncer.errors import AlreadyExists, InvalidConfiguration, NotFound, Throttled, VersionConflict
from syncer.model import Address, Observed, Secret

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from syncer.sensitive import Sensitive

PAGE = 100


@dataclass(slots=True, kw_only=True)
class MemoryStore:
    """What one store holds; every backend that is opened on the same folder and name shares it."""

    entries: dict[Address, Observed] = field(default_factory=dict)
    values: dict[Address, Sensitive] = field(default_factory=dict)
    history: dict[Address, dict[str, Sensitive]] = field(default_factory=dict)
    """Every value by its version, the current one too."""
    versions: int = 0
    busy: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)

    def put(self, entry: Observed, value: Sensitive) -> Observed:
        """Write an entry with a new version."""
        self.versions += 1
        self.entries[entry.address] = replace(entry, version=str(self.versions))
        self.values[entry.address] = value
        self.history.setdefault(entry.address, {})[str(self.versions)] = value
        return self.entries[entry.address]


STORES: dict[tuple[Path, str], MemoryStore] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryOptions:
    """What may stand beside `type: memory`."""

    name: str = "memory"
    without: list[str] = field(default_factory=list)
    """Capabilities to take away, by value; `tags` takes the owner mark's update away too."""
    removes: bool = False
    """Have no disabled state: what is disabled is taken out, for good."""


class MemoryBackend(Backend):
    """Secrets in a dictionary, with every capability that `without` leaves."""

    type_name: ClassVar[str] = "memory"
    capabilities = frozenset(Capability) - {Capability.DISABLE_ADVISORY, Capability.DISABLE_REMOVES}
    concurrency = 8
    Options: ClassVar[type[Any]] = MemoryOptions

    def __init__(self, options: MemoryOptions, context: BackendContext) -> None:
        super().__init__(options, context)
        taken = frozenset(map(Capability, options.without))
        self.capabilities = type(self).capabilities - taken
        if options.removes:
            self.capabilities = self.capabilities - DISABLES | {Capability.DISABLE_REMOVES}
        if Capability.DELETE in taken and Capability.SOFT_DELETE not in taken:
            message = "without delete there is no soft-delete"
            raise InvalidConfiguration(message)
        self.store = STORES.setdefault((context.folder, options.name), MemoryStore())

    def observe(self, scopes: Collection[str], addresses: Collection[Address]) -> Iterable[Observed]:  # noqa: ARG002  # all is in the scopes
        """Give every page."""
        with self._called():
            found = [entry for entry in self.store.entries.values() if entry.address.scope in scopes]
        yield from found[:PAGE]
        for start in range(PAGE, len(found), PAGE):
            with self._called():
                yield from found[start : start + PAGE]

    def create(self, secret: Secret, value: Sensitive) -> Observed:
        """Write a new entry."""
        with self._called():
            self._refuse_taken(secret.address)
            entry = Observed(
                address=secret.address,
                version="",
                tags=dict(secret.tags) if self._can(Capability.TAGS) else {},
                enabled=True,
                description=self._description(secret),
                owner=self.context.project,
            )
            return self.store.put(entry, value)

    def rotate(self, secret: Secret, value: Sensitive, expected: Observed) -> Observed:
        """Write a new version."""
        with self._called():
            return self.store.put(self._found(secret.address, expected), value)

    def read(self, address: Address) -> Sensitive:
        """Give the value."""
        if not self._can(Capability.READ):
            return super().read(address)
        with self._called(values_read=1):
            self._found(address)
            return self.store.values[address]

    def read_version(self, address: Address, version: str) -> Sensitive:
        """Give the value of a version."""
        if not self._can(Capability.READ_VERSION):
            return super().read_version(address, version)
        with self._called(values_read=1):
            self._found(address)
            if version not in self.store.history[address]:
                message = f"{address}: no version {version} in memory"
                raise NotFound(message)
            return self.store.history[address][version]

    def update(self, secret: Secret, expected: Observed, drop: Collection[str]) -> Observed:
        """Set metadata and the owner mark."""
        if not {Capability.TAGS, Capability.DESCRIPTION} & self.capabilities:
            return super().update(secret, expected, drop)
        with self._called():
            entry = self._found(secret.address, expected)
            tags = {name: text for name, text in entry.tags.items() if name not in drop} | dict(secret.tags)
            owner = self.context.project if self._can(Capability.TAGS) else entry.owner
            return self._keep(replace(entry, tags=tags, description=self._description(secret), owner=owner))

    def set_enabled(self, expected: Observed, *, enabled: bool) -> Observed:
        """Note it."""
        if self._can(Capability.DISABLE_REMOVES) and not enabled:
            self._take_out(expected)
            return replace(expected, enabled=False)
        if not DISABLES & self.capabilities:
            return super().set_enabled(expected, enabled=enabled)
        with self._called():
            return self._keep(replace(self._found(expected.address, expected), enabled=enabled))

    def delete(self, expected: Observed) -> None:
        """Mark it, or drop it where deletions are not soft."""
        if not self._can(Capability.DELETE):
            super().delete(expected)
        if not self._can(Capability.SOFT_DELETE):
            self._take_out(expected)
            return
        with self._called():
            self._keep(replace(self._found(expected.address, expected), deleted=True))

    def restore(self, expected: Observed) -> Observed:
        """Take the mark away."""
        if not self._can(Capability.SOFT_DELETE):
            return super().restore(expected)
        with self._called():
            return self._keep(replace(self._found(expected.address, expected, deleted=True), deleted=False))

    def move(self, secret: Secret, expected: Observed) -> Observed:
        """Rename it."""
        if not self._can(Capability.MOVE):
            return super().move(secret, expected)
        with self._called():
            entry = self._found(expected.address, expected)
            self._refuse_taken(secret.address)
            self.store.values[secret.address] = self.store.values.pop(expected.address)
            self.store.history[secret.address] = self.store.history.pop(expected.address)
            del self.store.entries[expected.address]
            return self._keep(replace(entry, address=secret.address))

    def _take_out(self, expected: Observed) -> None:
        with self._called():
            self._found(expected.address, expected)
            del self.store.entries[expected.address], self.store.values[expected.address]
            del self.store.history[expected.address]

    @contextmanager
    def _called(self, *, values_read: int = 0) -> Iterator[None]:
        self.meter.call(values_read=values_read)
        with self.store.lock:
            if self.store.busy:
                message = "the memory is too busy"
                raise Throttled(message, retry_after=1)
            yield

    def _can(self, capability: Capability) -> bool:
        return capability in self.capabilities

    def _description(self, secret: Secret) -> str | None:
        return secret.description if self._can(Capability.DESCRIPTION) else None

    def _keep(self, entry: Observed) -> Observed:
        self.store.entries[entry.address] = entry
        return entry

    def _refuse_taken(self, address: Address) -> None:
        if address in self.store.entries:
            message = f"{address}: already in memory"
            raise AlreadyExists(message)

    def _found(self, address: Address, expected: Observed | None = None, *, deleted: bool = False) -> Observed:
        entry = self.store.entries.get(address)
        if entry is None or entry.deleted is not deleted:
            message = f"{address}: not in memory"
            raise NotFound(message)
        conditional = expected is not None and self._can(Capability.CONDITIONAL_WRITE)
        if conditional and expected.version != entry.version:
            message = f"{address}: another version is in memory"
            raise VersionConflict(message)
        return entry
