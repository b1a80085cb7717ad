"""Backoff with jitter, and waiting for a turn."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer import halt
from syncer.errors import AccessDenied, BackendError, Throttled, Transient
from syncer.retry import DEFAULT, Pace, Retry


class Clock:
    """Notes how long was slept and what the jitter was asked for."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.asked: list[tuple[float, float]] = []

    def most(self, low: float, high: float) -> float:
        """Jitter that always takes the longest time."""
        self.asked.append((low, high))
        return high

    def retry(self, **settings: float) -> Retry:
        """Make a Retry that runs on this clock."""
        return Retry(sleep=self.slept.append, jitter=self.most, **settings)  # type: ignore[arg-type]


class Flaky:
    """Fails with each of its errors in turn, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        """Raise the next error, or succeed."""
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_success_is_not_repeated() -> None:
    """One call, no waiting."""
    clock, operation = Clock(), Flaky()
    assert clock.retry().call(operation) == "done"
    assert (operation.calls, clock.slept) == (1, [])


def test_the_ceiling_doubles_up_to_the_cap() -> None:
    """Full jitter: from nothing to a ceiling that doubles."""
    clock = Clock()
    operation = Flaky(*[Transient("again")] * 5)
    assert clock.retry(attempts=6, base=0.5, cap=3.0).call(operation) == "done"
    assert clock.asked == [(0.0, 0.5), (0.0, 1.0), (0.0, 2.0), (0.0, 3.0), (0.0, 3.0)]
    assert clock.slept == [0.5, 1.0, 2.0, 3.0, 3.0]


@pytest.mark.parametrize("attempts", [1, 2, 6])
def test_the_last_error_is_raised_after_so_many_attempts(attempts: int) -> None:
    """Without waiting after the last one."""
    clock = Clock()
    errors = [Transient(f"failure {number}") for number in range(10)]
    operation = Flaky(*errors)
    with pytest.raises(Transient) as caught:
        clock.retry(attempts=attempts).call(operation)
    assert caught.value is errors[attempts - 1]
    assert (operation.calls, len(clock.slept)) == (attempts, attempts - 1)


@pytest.mark.parametrize("error", [BackendError("no"), AccessDenied("no"), ValueError("no")])
def test_what_another_try_would_not_mend_is_raised_at_once(error: Exception) -> None:
    """Only Transient and its kin are tried again."""
    clock, operation = Clock(), Flaky(error)
    with pytest.raises(type(error)):
        clock.retry().call(operation)
    assert (operation.calls, clock.slept) == (1, [])


def test_the_server_s_delay_is_honoured() -> None:
    """At least as long as it asks, jitter on top so that not all come back at once."""
    clock = Clock()
    assert clock.retry(base=0.5).call(Flaky(Throttled("slow", retry_after=7.0))) == "done"
    assert clock.slept == [7.5]


def test_the_server_s_delay_is_capped() -> None:
    """A minute is more than we would wait ourselves, and granted; an hour is not."""
    clock = Clock()
    clock.retry(base=0.5, cap=20.0).call(
        Flaky(Throttled("slow", retry_after=60.0), Throttled("slow", retry_after=3600.0))
    )
    assert clock.slept == [60.5, 121.0]


def test_a_stop_ends_the_waiting_and_the_trying() -> None:
    """The last error comes out at once, without a look at what was left behind."""
    stop, errors = threading.Event(), [Transient("one"), Throttled("two", retry_after=100.0)]
    operation = Flaky(*errors)
    threading.Timer(0.05, stop.set).start()
    begun = time.monotonic()
    with pytest.raises(Throttled, match="two"):
        Retry(stop=stop, base=0.0).call(operation)
    assert (operation.calls, time.monotonic() - begun < 30) == (2, True)
    clock, again = Clock(), Flaky(Transient("again"))
    with pytest.raises(Transient, match="again"):
        Retry(stop=stop, sleep=clock.slept.append).call(again)
    assert (again.calls, len(clock.slept)) == (1, 1)
    assert Retry(stop=stop).call(Flaky()) == "done"


def test_a_worker_nobody_waits_for_tries_no_more() -> None:
    """As with a stop of its own."""
    over, caught = threading.Event(), []
    over.set()

    def work() -> None:
        halt.bind(over)
        try:
            DEFAULT.call(Flaky(Throttled("slow", retry_after=100.0)))
        except Throttled as error:
            caught.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    worker.join(30)
    assert len(caught) == 1
    assert halt.given_up() is None


def test_a_throttle_without_a_delay_backs_off() -> None:
    """Like any other transient error; zero is a delay too."""
    clock = Clock()
    clock.retry(base=0.5).call(Flaky(Throttled("slow"), Throttled("slow", retry_after=0.0)))
    assert clock.slept == [0.5, 1.0]


@given(st.integers(1, 12), st.floats(0.01, 10), st.floats(0.01, 60))
def test_no_pause_is_longer_than_the_cap(attempts: int, base: float, cap: float) -> None:
    """With the real jitter, however often it fails."""
    clock = Clock()
    retry = Retry(attempts=attempts, base=base, cap=cap, sleep=clock.slept.append)
    with pytest.raises(Transient):
        retry.call(Flaky(*[Transient("again")] * 12))
    assert all(0 <= pause <= cap for pause in clock.slept)


def test_throttles_are_borne_longer_than_failures() -> None:
    """They do not mean that anything is broken; but no longer than patience lasts."""
    clock = Clock()
    assert clock.retry(attempts=3, patience=8).call(Flaky(*[Throttled("slow")] * 7)) == "done"
    with pytest.raises(Throttled):
        clock.retry(attempts=3, patience=8).call(Flaky(*[Throttled("slow")] * 8))
    mixed = [Throttled("slow"), Transient("lost"), Throttled("slow"), Transient("lost"), Transient("lost")]
    with pytest.raises(Transient, match="lost"):
        clock.retry(attempts=3, patience=8).call(Flaky(*mixed))


def test_pace_spreads_the_turns() -> None:
    """Three at once wait for nothing, a third and two thirds of a second; a late one waits for nothing."""
    slept: list[float] = []
    now = [100.0]
    pace = Pace(3.0, clock=lambda: now[0])
    retry = Retry(sleep=slept.append)
    for _ in range(3):
        pace.wait(retry)
    now[0] = 200.0
    pace.wait(retry)
    assert slept == pytest.approx([1 / 3, 2 / 3])


def test_until_gives_what_is_ready() -> None:
    """At once where it is, even without any time."""
    clock = Clock()
    assert clock.retry().until(lambda: "here", timeout=0) == "here"
    assert clock.slept == []


def test_until_asks_again_after_each_step() -> None:
    """Whatever is not None is an answer, also what is false."""
    clock = Clock()
    answers = iter([None, None, 0])
    assert clock.retry().until(lambda: next(answers), timeout=10, step=0.5) == 0
    assert clock.slept == [0.5, 0.5]


def test_until_gives_up_after_the_timeout() -> None:
    """The last pause is cut to fit, and it is asked once more after it."""
    clock, asked = Clock(), []
    assert clock.retry().until(lambda: asked.append(1), timeout=1.25, step=0.5) is None
    assert clock.slept == [0.5, 0.5, 0.25]
    assert len(asked) == 4


def test_the_default_really_sleeps() -> None:
    """Six attempts of at most 20 seconds apart, on the real clock."""
    assert (DEFAULT.attempts, DEFAULT.cap, DEFAULT.sleep) == (6, 20.0, time.sleep)
