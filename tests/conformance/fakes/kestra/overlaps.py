"""Writes to one namespace at the same time, and what a test does in the middle of one."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.fakes.kestra.names import Place


class Overlaps:
    """Where a write is between its read and its writing back; no lock is held there."""

    def __init__(self) -> None:
        self.most: Counter[Place] = Counter()
        """How many were there at once, at most."""
        self._there: Counter[Place] = Counter()
        self._came: Counter[Place] = Counter()
        self._waiting: list[tuple[str, Callable[[], object]]] = []
        self._changed = threading.Condition()

    def add(self, action: Callable[[], object], calls: str) -> None:
        """Let an action wait for a write whose `METHOD /path` fits a glob; its thread does it, once."""
        with self._changed:
            self._waiting.append((calls, action))

    @contextmanager
    def pause(self, place: Place, name: str, linger: float) -> Iterator[None]:
        """Stand there until another write has come, or no longer than so many seconds; then do what waits."""
        self._arrive(place, linger)
        try:
            self._act(name)
            yield
        finally:
            with self._changed:
                self._there[place] -= 1

    def _arrive(self, place: Place, linger: float) -> None:
        with self._changed:
            self._there[place] += 1
            self._came[place] += 1
            self.most[place] = max(self.most[place], self._there[place])
            self._changed.notify_all()
            mine = self._came[place]
            self._changed.wait_for(lambda: self._came[place] > mine or self._there[place] > 1, linger)

    def _act(self, name: str) -> None:
        with self._changed:
            fitting = [one for one in self._waiting if fnmatchcase(name, one[0])]
            if not fitting:
                return
            self._waiting.remove(fitting[0])
        fitting[0][1]()
