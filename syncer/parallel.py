"""Bounded workers; no thread at all where one is enough."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

from syncer import halt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

T = TypeVar("T")
R = TypeVar("R")

_ATTENTION = 0.2
"""Seconds after which an interruption is noticed at the latest."""


def run(work: Callable[[T], R], items: Iterable[T], width: int) -> Iterator[R]:
    """Do the work for each item, `width` at once, and give the results in the order of the items.

    An exception of one item comes out where its result would. Items that did not begin are then dropped, and those
    that did are told by `halt` that nobody waits for them; so too where the caller is interrupted.
    """
    todo = list(items)
    width = min(width, len(todo))
    if width <= 1:
        yield from map(work, todo)
        return
    from concurrent.futures import ThreadPoolExecutor, wait  # noqa: PLC0415  # 10 ms that most plans need not pay

    over = threading.Event()
    with ThreadPoolExecutor(width, thread_name_prefix="syncer", initializer=halt.bind, initargs=(over,)) as pool:
        try:
            for future in [pool.submit(work, item) for item in todo]:
                _await(future, wait)
                yield future.result()
        finally:
            over.set()
            pool.shutdown(cancel_futures=True)


def _await(future: Future[R], wait: Callable[..., object]) -> None:
    # A signal that comes just before a wait without end is seen at its end only.
    while not future.done():
        wait([future], timeout=_ATTENTION)
