"""A time after which nobody waits any longer, whatever still hangs."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar

from syncer import halt
from syncer.errors import SyncerError, Transient

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable
    from concurrent.futures import Future

T = TypeVar("T", bound="Hashable")
R = TypeVar("R")


class Deadline:
    """So many seconds from now on, for all that goes by it together."""

    def __init__(self, seconds: float, asked: float | None = None) -> None:
        """Begin now; `asked` is what a user has asked for, where some of that is for something else."""
        self.asked = seconds if asked is None else asked
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left; never less than none."""
        return max(0.0, self._end - time.monotonic())

    def part(self, share: float) -> Deadline:
        """Give one that takes a share of what is left, so that not all of it is gone with what hangs."""
        return Deadline(self.left * share, self.asked)

    def each(self, work: Callable[[T], R], items: Collection[T]) -> dict[T, R | SyncerError]:
        """Do the work for each item, all at once, and give what came of it: the result or the error.

        Transient is given for what has not ended in time. It is told by `halt` that nobody waits for it, and left
        alone: only the end of the process ends what hangs in a call.
        """
        if not items:
            return {}
        from concurrent.futures import ThreadPoolExecutor, wait  # noqa: PLC0415  # 10 ms

        over = threading.Event()
        pool = ThreadPoolExecutor(len(items), thread_name_prefix="syncer", initializer=halt.bind, initargs=(over,))
        try:
            futures: dict[T, Future[R]] = {item: pool.submit(work, item) for item in items}
            wait(futures.values(), timeout=self.left)
            return {item: self._error(future) or future.result() for item, future in futures.items()}
        finally:
            over.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def _error(self, future: Future[R]) -> SyncerError | None:
        if not future.done():
            return Transient(f"no answer within {self.asked:.1f} seconds")
        error = future.exception()
        return error if isinstance(error, SyncerError) else None
