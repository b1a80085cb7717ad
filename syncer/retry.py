"""Backoff with jitter, and waiting for a turn: the only place that sleeps."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from syncer import halt
from syncer.errors import Throttled, Transient

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often and how patiently to try again. Times are in seconds."""

    attempts: int = 6
    patience: int = 20
    """Tries in all while a server says that we are too fast: it does not mean that anything is broken."""
    base: float = 0.2
    cap: float = 20.0
    """The longest pause of our own choice."""
    asked_cap: float = 120.0
    """The longest pause that a server gets when it asks for one."""
    stop: threading.Event | None = None
    """Once it is set, nothing is tried again. In a worker without one, the event of `halt` counts."""
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[float, float], float] = random.uniform

    def call(self, operation: Callable[[], T], *, affordable: Callable[[float], bool] = lambda _pause: True) -> T:
        """Run `operation` until it succeeds or fails for good, with full jitter between the tries.

        The delay that a server asks for is honoured, up to `asked_cap`; no pause is made that is not `affordable`.
        Raise the last error.

        Full jitter: AWS Architecture Blog, "Exponential Backoff And Jitter".
        """
        tries = failures = 0
        while True:
            try:
                return operation()
            except Transient as error:
                tries += 1
                failures += not isinstance(error, Throttled)
                if failures >= self.attempts or tries >= max(self.attempts, self.patience):
                    raise
                pause = self._delay(tries - 1, error)
                if not affordable(pause) or self.pause(pause):
                    raise

    def pause(self, seconds: float) -> bool:
        """Wait, and say whether it was all for nothing, because the run was stopped meanwhile."""
        stop = self.stop or halt.given_up()
        if stop is None:
            self.sleep(seconds)
            return False
        if self.sleep is time.sleep:
            return stop.wait(seconds)
        self.sleep(seconds)  # a clock of somebody else's
        return stop.is_set()

    def _delay(self, attempt: int, error: Transient) -> float:
        asked = error.retry_after
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


class Pace:
    """Lets callers through at a steady rate, for stores that allow a few writes a second. Safe to share."""

    def __init__(self, per_second: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._step = 1.0 / per_second
        self._clock = clock
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self, retry: Retry) -> None:
        """Wait for a turn, as `retry` waits. The first comes at once."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self._step
        if turn > now:
            retry.pause(turn - now)


DEFAULT = Retry()
