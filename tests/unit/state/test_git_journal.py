"""When a journal in a branch is pushed, and by whom."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from syncer.errors import StateError, Transient
from syncer.state.git.journal import BranchJournal
from syncer.state.journal import Unwritable


@dataclass
class Branch:
    """Takes pushes, and fails as told."""

    pushed: list[bytes] = field(default_factory=list)
    patient: list[bool] = field(default_factory=list)
    error: Exception | None = None
    time: float = 0.0

    def push(self, text: bytes, *, patient: bool) -> None:
        """Take the whole journal."""
        if self.error is not None:
            raise self.error
        self.pushed.append(text)
        self.patient.append(patient)

    def discard(self) -> None:
        """Be told that it is over."""
        self.pushed.append(b"gone")


@pytest.fixture
def branch() -> Branch:
    """A remote."""
    return Branch()


@pytest.fixture
def journal(branch: Branch) -> BranchJournal:
    """A journal by a clock of the test's."""
    return BranchJournal("j", branch.push, branch.discard, clock=lambda: branch.time)


def test_all_that_was_appended_goes_in_one_push(journal: BranchJournal, branch: Branch) -> None:
    """A second sync has nothing to do."""
    journal.append(b"head\n")
    journal.append(b"one\n")
    assert branch.pushed == []
    journal.sync()
    journal.sync()
    assert (branch.pushed, branch.patient) == ([b"head\none\n"], [True])
    journal.close()
    journal.discard()
    assert branch.pushed[1:] == [b"gone"]


def test_results_are_pushed_now_and_then(journal: BranchJournal, branch: Branch) -> None:
    """Ten seconds after the last push, and not patiently: others wait."""
    journal.append(b"a\n")
    journal.sync()
    for moment, text in ((1.0, b"b\n"), (9.9, b"c\n"), (10.0, b"d\n"), (15.0, b"e\n"), (20.0, b"f\n")):
        branch.time = moment
        journal.append(text)
        journal.noted()
    assert branch.pushed == [b"a\n", b"a\nb\nc\nd\n", b"a\nb\nc\nd\ne\nf\n"]
    assert branch.patient == [True, False, False]


def test_a_remote_that_is_away_for_a_while_is_left_alone(journal: BranchJournal, branch: Branch) -> None:
    """The intents are there; results go along once it is back. Anything else ends the writing."""
    journal.append(b"a\n")
    journal.sync()
    branch.time, branch.error = 10.0, Transient("away")
    journal.noted()
    branch.time, branch.error = 15.0, StateError("lost")
    journal.noted()
    branch.time = 20.0
    with pytest.raises(Unwritable, match="lost"):
        journal.noted()
    branch.error = None
    journal.sync()
    assert branch.pushed == [b"a\n"]
    journal.append(b"b\n")
    journal.sync()
    assert branch.pushed[1:] == [b"a\nb\n"]


def test_intents_that_cannot_be_pushed_are_an_error(journal: BranchJournal, branch: Branch) -> None:
    """However that comes."""
    for error in (Transient("away"), StateError("lost")):
        branch.error = error
        journal.append(b"a\n")
        with pytest.raises(Unwritable):
            journal.sync()


def test_threads_share_a_push(branch: Branch) -> None:
    """Who waited while another pushed finds its lines gone along."""
    begun, go_on = threading.Event(), threading.Event()

    def push(text: bytes, *, patient: bool) -> None:
        begun.set()
        assert go_on.wait(30)
        branch.push(text, patient=patient)

    journal = BranchJournal("j", push, branch.discard, clock=lambda: branch.time)
    journal.append(b"a\n")
    first = threading.Thread(target=journal.sync)
    first.start()
    assert begun.wait(30)
    journal.append(b"b\n")
    journal.noted()  # somebody is at it
    others = [threading.Thread(target=journal.sync) for _ in range(4)]
    for thread in others:
        thread.start()
    go_on.set()
    for thread in (first, *others):
        thread.join()
    assert branch.pushed == [b"a\n", b"a\nb\n"]
