"""Whether anybody still waits for what a worker thread does."""

from __future__ import annotations

import threading

_here = threading.local()


def bind(given_up: threading.Event) -> None:
    """Tell this thread, a worker from now on, by what it learns that nobody waits for it any more."""
    _here.given_up = given_up


def given_up() -> threading.Event | None:
    """Give the event that is set once nobody waits for this thread; None where it is nobody's worker."""
    found: threading.Event | None = getattr(_here, "given_up", None)
    return found
