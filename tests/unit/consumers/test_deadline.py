"""Work that is not waited for without end."""

from __future__ import annotations

import threading

import pytest

from syncer import halt
from syncer.consumers.deadline import Deadline
from syncer.errors import NotFound, SyncerError, Transient

PATIENCE = 30.0


def test_results_and_errors_side_by_side() -> None:
    """Each item has its own; a bug is no error of ours, and comes out."""
    message = "nothing"

    def work(number: int) -> int:
        if number == 2:
            raise NotFound(message)
        return number * number

    found = Deadline(PATIENCE).each(work, [1, 2, 3])
    assert (found[1], found[3]) == (1, 9)
    assert isinstance(found[2], NotFound)
    assert Deadline(PATIENCE).each(work, []) == {}

    def broken(_number: int) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Deadline(PATIENCE).each(broken, [1])


def test_what_hangs_is_left_behind() -> None:
    """It gets an error, the others their results; and it learns that nobody waits any more."""
    over, told = threading.Event(), threading.Event()

    def work(name: str) -> str:
        given_up = halt.given_up()
        if name == "slow" and given_up is not None and given_up.wait(PATIENCE):
            told.set()
            over.wait(PATIENCE)
        return name

    try:
        found = Deadline(0.1).each(work, ["slow", "quick"])
        assert found["quick"] == "quick"
        assert isinstance(found["slow"], Transient)
        assert found["slow"].message == "no answer within 0.1 seconds"
        assert told.wait(PATIENCE)
    finally:
        over.set()


def test_what_was_asked_for_is_told() -> None:
    """Not what is left of that for us."""
    over = threading.Event()
    try:
        (error,) = Deadline(0.1, 30).part(0.5).each(lambda _item: over.wait(PATIENCE), [1]).values()
    finally:
        over.set()
    assert str(error) == "no answer within 30.0 seconds"


def test_a_part_of_what_is_left() -> None:
    """Never more than that, and nothing of nothing."""
    whole = Deadline(PATIENCE)
    assert whole.part(0.5).left <= PATIENCE / 2
    assert Deadline(-1).part(0.5).left == Deadline(-1).left == 0


def test_no_time_at_all() -> None:
    """What has not ended is late at once."""
    gate = threading.Event()
    try:
        (late,) = Deadline(0).each(lambda _one: gate.wait(PATIENCE), [1]).values()
    finally:
        gate.set()
    assert isinstance(late, SyncerError)
