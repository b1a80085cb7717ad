"""Bounded workers; no thread at all where one is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
R = TypeVar("R")


def run(work: Callable[[T], R], items: Iterable[T], width: int) -> Iterator[R]:
    """Do the work for each item, `width` at once, and give the results in the order of the items.

    An exception of one item comes out where its result would; items that did not begin are then dropped.
    """
    todo = list(items)
    width = min(width, len(todo))
    if width <= 1:
        yield from map(work, todo)
        return
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  # 10 ms that a plan on one backend need not pay

    with ThreadPoolExecutor(width, thread_name_prefix="syncer") as pool:
        futures = [pool.submit(work, item) for item in todo]
        try:
            for future in futures:
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)
