"""What consumers ask while they live: one value, or all of a scope, as they see it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from syncer.engine.cache import Cache
from syncer.engine.collect import collect
from syncer.engine.consume import read_value

if TYPE_CHECKING:
    from syncer.engine.session import Session
    from syncer.model import Address
    from syncer.sensitive import Sensitive


class Reading:
    """The values of one manifest, kept as its `cache` says; safe to share between threads.

    A rotation that is applied on this host shows at once. One from elsewhere shows when what is kept expires.
    """

    def __init__(self, session: Session) -> None:
        manifest = session.manifest
        self._session = session
        # Opened now: two threads must not open one twice. No store gets more calls at once than it stands.
        backends = [session.backend(scope.backend) for scope in manifest.scopes.values()]
        self._turns = threading.BoundedSemaphore(min((backend.concurrency for backend in backends), default=1))
        stamp = session.state_file.stamp
        self._values: Cache[Sensitive] = Cache(manifest.cache, stamp)
        self._scopes: Cache[dict[str, Sensitive]] = Cache(manifest.cache, stamp)

    def value(self, address: Address, version: str | None = None) -> Sensitive:
        """Give the value at an address, or at what its scope falls back to. Raise as `read_value` does."""
        return self._values.through((address, version), lambda: self._read(address, version))

    def scope(self, scope: str) -> dict[str, Sensitive]:
        """Give all values that a consumer of a scope sees, by ref. Raise as `collect` does."""
        return dict(self._scopes.through(scope, lambda: self._collect(scope)))

    def _read(self, address: Address, version: str | None) -> Sensitive:
        with self._turns:
            return read_value(self._session, address, version)

    def _collect(self, scope: str) -> dict[str, Sensitive]:
        with self._turns:
            return collect(self._session, scope)
