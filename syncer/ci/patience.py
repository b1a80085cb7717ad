"""Trying again what a platform did not do, with an end to all waiting."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf
from typing import TYPE_CHECKING, TypeVar

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
        return replace(self.retry, asked_cap=inf).call(operation, affordable=self._spend)

    def _spend(self, seconds: float) -> bool:
        if seconds > self.left:
            return False
        self.left -= seconds
        return True
