"""Connections to a server that are kept alive and lent out, one at a time to each thread."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx


class Connections:
    """HTTP clients with a connection each; safe to share between threads.

    One client for all threads is not: where one thread looks for connections that the server has ended, it may find the
    answer that another is about to read, take it for that end, and close the connection (httpcore 1.0.9).
    """

    def __init__(self, make: Callable[[], httpx.Client], width: int) -> None:
        """Have clients made by `make`, by one thread at a time, and lend out up to `width` at once."""
        self._make = make
        self._turns = threading.Semaphore(width)
        self._lock = threading.Lock()
        self._idle: deque[httpx.Client] = deque()
        self._closed = False

    @contextmanager
    def lent(self) -> Iterator[httpx.Client]:
        """Lend a client that nobody else uses, once there is one. Raise what `make` raises."""
        with self._turns:
            http = self._take()
            try:
                yield http
            finally:
                self._put_back(http)

    def close(self) -> None:
        """End those that nobody uses; the others as soon as nobody does."""
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().close()

    def _take(self) -> httpx.Client:
        with self._lock:
            return self._idle.pop() if self._idle else self._make()

    def _put_back(self, http: httpx.Client) -> None:
        with self._lock:
            if self._closed:
                http.close()
            else:
                self._idle.append(http)
