"""Trying again what a platform did not do, with an end to all waiting."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from syncer.errors import Throttled, Transient
from syncer.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Patience:
    """How long a run waits for its platform, all its calls together. Times are in seconds.

    A limit may be set back as late as in an hour, and a job that waits costs money: it gives up at once where the wait
    would be longer than what is left.
    """

    retry: Retry = field(default_factory=lambda: Retry(attempts=5, base=0.5))
    left: float = 300.0

    def call(self, operation: Callable[[], T]) -> T:
        """Run `operation` until it succeeds or fails for good. Raise the last error."""
        tries = failures = 0
        while True:
            try:
                return operation()
            except Transient as error:
                tries += 1
                failures += not isinstance(error, Throttled)
                pause = self._pause(tries, error)
                if failures >= self.retry.attempts or tries >= self.retry.patience or pause > self.left:
                    raise
                self.left -= pause
                if self.retry.pause(pause):
                    raise

    def _pause(self, tries: int, error: Transient) -> float:
        backoff = self.retry.jitter(0.0, min(self.retry.cap, self.retry.base * 2 ** (tries - 1)))
        return backoff + (error.retry_after or 0.0)
