"""What a test does between a request's read and its write, so that races happen when it says."""

from __future__ import annotations

import threading
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Interludes:
    """Actions that wait for a request; each is done once, by the thread of that request, with no lock held.

    The enabling, disabling and changing of secrets, and every write to a profile or a default layer, read a copy, may
    be interrupted here, and write the whole copy back.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[str, Callable[[], object]]] = []
        self._lock = threading.Lock()

    def add(self, action: Callable[[], object], calls: str = "*") -> None:
        """Let an action wait for a request whose `METHOD /path` fits a glob."""
        with self._lock:
            self._waiting.append((calls, action))

    def run(self, name: str) -> None:
        """Do the first action that waits for this request."""
        with self._lock:
            fitting = [one for one in self._waiting if fnmatchcase(name, one[0])]
            if not fitting:
                return
            self._waiting.remove(fitting[0])
        fitting[0][1]()
