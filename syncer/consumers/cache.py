"""Keeps what was read for a while, in memory: for readers that live long."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from cachetools import TTLCache

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from syncer.model import CacheSpec

T = TypeVar("T")


class Cache(Generic[T]):
    """Safe to share between threads. What an apply on this host has written, and put on record, is given at once."""

    def __init__(self, spec: CacheSpec, stamp: Callable[[], object]) -> None:
        """Keep what `spec` says; `stamp` moves with each write of an apply on this host."""
        self._kept: TTLCache[Hashable, T] = TTLCache(
            maxsize=spec.maximum_size if spec.enabled else 0, ttl=spec.expire_after_write.total_seconds()
        )
        self._stamp = stamp
        self._seen: object = stamp()
        self._lock = threading.Lock()

    def through(self, key: Hashable, read: Callable[[], T]) -> T:
        """Give what is kept, or read it and keep that. What `read` raises is not kept."""
        before = self._stamp()
        with self._lock:
            if before != self._seen:
                self._kept.clear()
                self._seen = before
            if key in self._kept:
                return self._kept[key]
        found = read()
        with self._lock:
            # An apply that wrote while we read may have written just this.
            if self._stamp() == before == self._seen and self._kept.maxsize:
                self._kept[key] = found
        return found
