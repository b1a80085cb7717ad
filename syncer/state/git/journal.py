"""A journal in a branch: what is noted is pushed before it is needed, and now and then."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

from syncer.errors import SyncerError, Transient
from syncer.state.journal import Unwritable

if TYPE_CHECKING:
    from collections.abc import Callable

_EVERY = 10.0
"""Seconds between two pushes of results."""


class Push(Protocol):
    """Puts the whole journal into the branch. Raise SyncerError."""

    def __call__(self, text: bytes, *, patient: bool) -> None:
        """Push it; where not `patient`, once."""


class BranchJournal:
    """The lines of a journal, pushed as a whole. A runner that vanishes leaves what was pushed."""

    batch = 1_000_000
    """A push takes a second, so one is made for all intents of a phase."""

    def __init__(
        self,
        name: str,
        push: Push,
        discard: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin; `discard` takes it out of the branch."""
        self.name = name
        self._push = push
        self._discard = discard
        self._clock = clock
        self._text = bytearray()
        self._lines = threading.Lock()
        self._turn = threading.Lock()
        self._pushed = 0
        self._next = 0.0

    def append(self, text: bytes) -> None:
        """Keep lines for the next push."""
        with self._lines:
            self._text += text

    def sync(self) -> None:
        """Push what was appended, unless another thread has done so meanwhile. Raise Unwritable."""
        wanted = len(self._text)
        with self._turn:
            if self._pushed < wanted:
                self._send(patient=True)

    def noted(self) -> None:
        """Push results where it is time again and nobody else is at it. Raise Unwritable.

        Where the remote cannot be reached, the intents there speak for these results until it can.
        """
        if self._clock() < self._next or not self._turn.acquire(blocking=False):
            return
        try:
            self._send(patient=False)
        finally:
            self._turn.release()

    def discard(self) -> None:
        """Take it out of the branch, where it still is. Raise Unwritable."""
        self._do(self._discard)

    def close(self) -> None:
        """Leave what was pushed."""

    def _send(self, *, patient: bool) -> None:
        with self._lines:
            text = bytes(self._text)
        self._next = self._clock() + _EVERY
        if self._do(lambda: self._push(text, patient=patient), may_fail=not patient):
            self._pushed = len(text)
        self._next = self._clock() + _EVERY

    def _do(self, work: Callable[[], None], *, may_fail: bool = False) -> bool:
        try:
            work()
        except SyncerError as error:
            if may_fail and isinstance(error, Transient):
                return False
            failure = Unwritable(error.message)
        else:
            return True
        raise failure
