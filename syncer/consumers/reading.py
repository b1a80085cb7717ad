"""What consumers ask while they live: one value, or all of a scope, as they see it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from syncer.consumers.cache import Cache
from syncer.consumers.collect import collect_found
from syncer.consumers.consume import find_value

if TYPE_CHECKING:
    from syncer.consumers.access import Allows
    from syncer.consumers.consume import Found
    from syncer.engine.session import Session
    from syncer.model import Address


class Reading:
    """The values of one manifest, kept as its `cache` says; safe to share between threads.

    What is allowed must be the same for each call of a scope. A rotation that is applied on this host shows at once;
    one from elsewhere shows when what is kept expires.
    """

    def __init__(self, session: Session) -> None:
        manifest = session.manifest
        self._session = session
        # Opened now: two threads must not open one twice. No store gets more calls at once than it stands.
        backends = [session.backend(scope.backend) for scope in manifest.scopes.values()]
        self._turns = threading.BoundedSemaphore(min((backend.concurrency for backend in backends), default=1))
        stamp = session.state_store.stamp
        self._values: Cache[Found] = Cache(manifest.cache, stamp)
        self._scopes: Cache[dict[str, Found]] = Cache(manifest.cache, stamp)

    def value(self, address: Address, version: str | None, allows: Allows) -> Found:
        """Give the value at an address, or at what its scope falls back to. Raise as `find_value` does."""
        return self._values.through((address, version), lambda: self._read(address, version, allows))

    def scope(self, scope: str, allows: Allows) -> dict[str, Found]:
        """Give all values that a consumer of a scope sees, by ref. Raise as `collect_found` does."""
        return dict(self._scopes.through(scope, lambda: self._collect(scope, allows)))

    def _read(self, address: Address, version: str | None, allows: Allows) -> Found:
        with self._turns:
            return find_value(self._session, address, version, allows)

    def _collect(self, scope: str, allows: Allows) -> dict[str, Found]:
        with self._turns:
            return collect_found(self._session, scope, allows=allows)
