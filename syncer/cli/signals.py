"""Ctrl-C and a polite kill end an apply in good order; a second one at once."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from syncer.cli.console import Console

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_ENDING = (*_SIGNALS, signal.SIGHUP)
STOPPING = "stopping: finishing what is in flight; once more to stop at once"

_BURST = 0.5
"""Seconds in which several signals count as one: time enough to end the programs that sources run."""


def interrupt_on_ending() -> None:
    """Let SIGTERM and SIGHUP do as Ctrl-C does, so that no program that a source runs is left behind."""
    last = -_BURST

    def handle(_number: int, _frame: Any) -> None:
        nonlocal last
        before, last = last, time.monotonic()
        if last - before >= _BURST:
            raise KeyboardInterrupt

    for number in _ENDING:
        if signal.getsignal(number) in {
            signal.SIG_DFL,
            signal.default_int_handler,
        }:  # `nohup` ignores one, and so do we
            signal.signal(number, handle)


@contextlib.contextmanager
def stop_on_signals(console: Console) -> Iterator[threading.Event]:
    """Give an event that the first SIGINT or SIGTERM sets; the second raises KeyboardInterrupt."""
    stop = threading.Event()

    def handle(_number: int) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        console.note(STOPPING)

    with heed_signals(handle):
        yield stop


@contextlib.contextmanager
def heed_signals(handle: Callable[[int], None]) -> Iterator[None]:
    """Let a function have the number of each SIGINT and SIGTERM."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals; a program that calls us here has its own
        return
    before = {number: signal.signal(number, lambda number, _frame: handle(number)) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
