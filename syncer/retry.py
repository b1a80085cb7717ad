"""Backoff with jitter, and waiting for a turn: the only place that sleeps."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from syncer import halt
from syncer.errors import Throttled, Transient

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often and how patiently to try again. Times are in seconds."""

    attempts: int = 6
    base: float = 0.2
    cap: float = 20.0
    """The longest pause of our own choice."""
    asked_cap: float = 120.0
    """The longest pause that a server gets when it asks for one."""
    stop: threading.Event | None = None
    """Once it is set, nothing is tried again. In a worker without one, the event of `halt` counts."""
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[float, float], float] = random.uniform

    def call(self, operation: Callable[[], T], *, recover: Callable[[], None] = lambda: None) -> T:
        """Run `operation` until it succeeds or fails for good, with full jitter between the tries.

        `recover` runs before each new try; it may look at what the last one left behind. The delay that a
        server asks for is honoured, up to `asked_cap`. Raise the last error.

        Full jitter: AWS Architecture Blog, "Exponential Backoff And Jitter".
        """
        for attempt in range(self.attempts - 1):
            try:
                return operation()
            except Transient as error:
                if self._stopped_in(self._delay(attempt, error)):
                    raise
                recover()
        return operation()

    def _stopped_in(self, pause: float) -> bool:
        """Wait, and say whether it was all for nothing."""
        stop = self.stop or halt.given_up()
        if stop is None:
            self.sleep(pause)
            return False
        if self.sleep is time.sleep:
            return stop.wait(pause)
        self.sleep(pause)  # a clock of somebody else's
        return stop.is_set()

    def _delay(self, attempt: int, error: Transient) -> float:
        asked = error.retry_after if isinstance(error, Throttled) else None
        backoff = self.jitter(0.0, min(self.cap, self.base * 2**attempt))
        return backoff if asked is None else min(self.asked_cap, asked) + backoff

    def until(self, ready: Callable[[], T | None], *, timeout: float, step: float = 0.2) -> T | None:
        """Ask `ready` until it gives something or `timeout` seconds were slept; None then."""
        slept = 0.0
        while (found := ready()) is None and slept < timeout:
            pause = min(step, timeout - slept)
            self.sleep(pause)
            slept += pause
        return found


DEFAULT = Retry()
