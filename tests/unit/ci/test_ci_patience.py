"""How long a run waits for its platform."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from syncer.ci.patience import Patience
from syncer.errors import Refused, Throttled, Transient
from syncer.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable


def patience(slept: list[float], *, left: float = 300.0, stop: threading.Event | None = None) -> Patience:
    """Make one that tries three times, or five times where it is asked to wait."""
    retry = Retry(attempts=3, patience=5, base=1.0, sleep=slept.append, jitter=lambda _, high: high, stop=stop)
    return Patience(retry=retry, left=left)


def failing(*errors: Exception) -> Callable[[], str]:
    """Fail so, then succeed."""
    left = list(errors)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return call


def throttled(seconds: float | None) -> Throttled:
    """Ask for patience."""
    return Throttled("busy", retry_after=seconds)


def test_what_may_pass_is_tried_again() -> None:
    """With longer and longer pauses."""
    slept: list[float] = []
    assert patience(slept).call(failing(Transient("a"), Transient("b"))) == "done"
    assert slept == [1.0, 2.0]


def test_what_will_not_pass_is_not_tried_again() -> None:
    """Nor what goes on failing."""
    slept: list[float] = []
    with pytest.raises(Refused):
        patience(slept).call(failing(Refused("no")))
    assert slept == []
    with pytest.raises(Transient, match="c"):
        patience(slept).call(failing(Transient("a"), Transient("b"), Transient("c")))


def test_a_pause_that_is_asked_for_is_made() -> None:
    """And does not count as a failure, up to a number."""
    slept: list[float] = []
    assert patience(slept).call(failing(*[throttled(0.0)] * 4)) == "done"
    with pytest.raises(Throttled):
        patience(slept).call(failing(*[throttled(0.0)] * 5))
    slept.clear()
    patience(slept).call(failing(throttled(60.0)))
    assert slept == [61.0]


def test_there_is_an_end_to_all_waiting() -> None:
    """Of all calls together; a pause beyond it is not begun."""
    slept: list[float] = []
    waits = patience(slept, left=100.0)
    waits.call(failing(throttled(60.0)))
    with pytest.raises(Throttled):
        waits.call(failing(throttled(60.0)))
    assert slept == [61.0]


def test_nobody_waits_for_a_run_that_was_stopped() -> None:
    """The error is the last one."""
    stop = threading.Event()
    stop.set()
    with pytest.raises(Transient, match="a"):
        patience([], stop=stop).call(failing(Transient("a")))
