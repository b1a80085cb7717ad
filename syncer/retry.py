"""Backoff with jitter, and waiting for a turn: the only place that sleeps."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from syncer.errors import Throttled, Transient

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often and how patiently to try again. Times are in seconds."""

    attempts: int = 6
    base: float = 0.2
    cap: float = 20.0
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[float, float], float] = random.uniform

    def call(self, operation: Callable[[], T], *, recover: Callable[[], None] = lambda: None) -> T:
        """Run `operation` until it succeeds or fails for good, with full jitter between the tries.

        `recover` runs before each new try; it may look at what the last one left behind. The delay that a
        server asks for is honoured, up to `cap`. Raise the last error.

        Full jitter: AWS Architecture Blog, "Exponential Backoff And Jitter".
        """
        for attempt in range(self.attempts - 1):
            try:
                return operation()
            except Transient as error:
                self.sleep(self._delay(attempt, error))
                recover()
        return operation()

    def _delay(self, attempt: int, error: Transient) -> float:
        asked = error.retry_after if isinstance(error, Throttled) else None
        backoff = self.jitter(0.0, min(self.cap, self.base * 2**attempt))
        return backoff if asked is None else min(self.cap, asked) + backoff

    def until(self, ready: Callable[[], T | None], *, timeout: float, step: float = 0.2) -> T | None:
        """Ask `ready` until it gives something or `timeout` seconds were slept; None then."""
        slept = 0.0
        while (found := ready()) is None and slept < timeout:
            pause = min(step, timeout - slept)
            self.sleep(pause)
            slept += pause
        return found


DEFAULT = Retry()
