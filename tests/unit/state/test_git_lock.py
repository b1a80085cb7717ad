"""The lock of a branch: one writer, whom people can see, and no lock that holds everybody up for ever."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from git_samples import LOCK, Origin, Recorder, state
from real_runs import child_environment
from state_samples import LINEAGE, NOW, ONE, RECORD, SMALL

from syncer.errors import StateError, StateLocked
from syncer.retry import Retry
from syncer.state.git.claim import run_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from syncer.state.git.lock import BranchLock
    from syncer.state.git.store import GitState
    from syncer.state.lock import Holder

_HOLD = """
import sys
from pathlib import Path
from git_samples import state
from state_samples import NOW
from syncer.retry import DEFAULT
stored = state(Path(sys.argv[1]))
with stored.lock("apply", now=NOW, timeout=0.0, waiting=lambda holder: None, retry=DEFAULT):
    print("held", flush=True)
    sys.stdin.read()
"""
ELSEWHERE = {
    "id": "7f1d",
    "who": "deploy",
    "host": "runner-17.invalid",
    "pid": 4711,
    "operation": "apply",
    "created": "2026-03-01T12:00:00Z",
    "run": "https://ci.example.com/runs/7",
    "renewed": "2026-03-01T12:00:00Z",
    "beat": 3,
    "boot": "another",
    "namespace": "pid:[1]",
    "started": "1",
}


@pytest.fixture
def other(there: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process, in another clone, that holds the lock until it is killed or its standard input ends."""
    tests = os.pathsep.join([child_environment()["PYTHONPATH"], *(path for path in sys.path if "tests" in path)])
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(there)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=child_environment({"PYTHONPATH": tests}),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def lock(
    stored: GitState,
    *,
    now: datetime = NOW,
    timeout: float = 0.0,
    waiting: Callable[[Holder], None] = lambda _holder: None,
    sleep: Callable[[float], None] = lambda _seconds: pytest.fail("slept"),
) -> BranchLock:
    """A lock of this process."""
    return stored.lock("state mv", now=now, timeout=timeout, waiting=waiting, retry=Retry(sleep=sleep))


def left(origin: Origin, **facts: object) -> None:
    """Leave a lock that another run held."""
    origin.put({"lock.json": json.dumps({**ELSEWHERE, **facts}).encode()}, LOCK)


def test_a_lock_is_held_shown_and_let_go(here: Path, origin: Origin) -> None:
    """The ref goes with it."""
    with lock(state(here)):
        written = origin.lock()
        assert (written["pid"], written["host"]) == (os.getpid(), socket.gethostname())
        assert (written["operation"], written["created"]) == ("state mv", "2026-03-01T12:30:45Z")
        assert origin.files(LOCK) == ["lock.json"]
    assert origin.tip(LOCK) == ""
    with pytest.raises(KeyboardInterrupt), lock(state(here)):
        raise KeyboardInterrupt
    assert origin.tip(LOCK) == ""


def test_one_call_takes_it_and_one_lets_go(here: Path, tmp_path: Path) -> None:
    """Nobody is asked before."""
    recorder = Recorder(tmp_path / "bin")
    with lock(state(here, environ=recorder.environ)):
        pass
    assert [call.split()[0] for call in recorder.taken()] == ["config", "init", "fast-import", "push", "push"]


def test_who_waits_is_told_once_by_whom(here: Path, other: subprocess.Popen[bytes]) -> None:
    """Then the wait ends with an error that says it again; it looks now and then, and not all the time."""
    told: list[Holder] = []
    slept: list[float] = []
    with pytest.raises(StateLocked) as caught, lock(state(here), timeout=30.0, waiting=told.append, sleep=slept.append):
        pytest.fail("two writers")
    assert sum(slept) == pytest.approx(30.0)
    assert min(slept) >= 1.0
    (holder,) = told
    assert (holder.pid, holder.operation) == (other.pid, "apply")
    assert caught.value.message == f"the state is locked: {holder}"
    assert f"syncer state unlock {holder.id}" in (caught.value.hint or "")
    assert caught.value.exit_code == 6


@pytest.mark.usefixtures("other")
def test_without_patience_nobody_sleeps(here: Path) -> None:
    """A timeout of 0 fails at once; two locks of one process exclude each other too."""
    with pytest.raises(StateLocked), lock(state(here)):
        pytest.fail("two writers")


def test_who_waits_takes_it_when_it_is_free(here: Path, origin: Origin, other: subprocess.Popen[bytes]) -> None:
    """A plan needs no lock meanwhile."""
    assert state(here).read().records == {}

    def end(_seconds: float) -> None:
        other.communicate()

    with lock(state(here), timeout=5.0, sleep=end):
        assert origin.lock()["pid"] == os.getpid()


def test_a_lock_let_go_between_our_push_and_our_look(here: Path, origin: Origin, tmp_path: Path) -> None:
    """We try again."""
    left(origin)
    recorder = Recorder(tmp_path / "bin")
    recorder.say(f'[ "$1" = fetch ] && GIT_DIR={origin.path} $REAL update-ref -d {LOCK}')
    with lock(state(here, environ=recorder.environ)):
        assert origin.lock()["pid"] == os.getpid()


def test_the_lock_of_a_killed_process_of_this_machine_is_taken_over(
    here: Path, origin: Origin, other: subprocess.Popen[bytes]
) -> None:
    """At once, with a note: its number and the moment it was started are known here."""
    other.kill()
    other.wait()
    told: list[str] = []
    with lock(state(here, tell=told.append)):
        assert origin.lock()["pid"] == os.getpid()
    assert len(told) == 1
    assert told[0].startswith("took over the lock of a run that is gone: ")
    assert f"(process {other.pid})" in told[0]


@pytest.mark.usefixtures("other")
def test_a_number_that_is_another_process_by_now(here: Path, origin: Origin) -> None:
    """What holds the lock was started at another moment."""
    mine = origin.lock()
    left(origin, **{**mine, "pid": os.getpid(), "started": "1"})
    with lock(state(here)):
        pass
    assert origin.tip(LOCK) == ""


@pytest.mark.parametrize("fact", ["boot", "namespace"])
def test_a_process_of_another_machine_or_container_is_not_judged(
    here: Path, origin: Origin, other: subprocess.Popen[bytes], fact: str
) -> None:
    """The same number means nothing there."""
    other.kill()
    other.wait()
    left(origin, **{**origin.lock(), fact: "another"})
    with pytest.raises(StateLocked), lock(state(here)):
        pytest.fail("took over")


def test_a_lock_that_nobody_heard_of_for_an_hour_is_taken_over(here: Path, origin: Origin) -> None:
    """And not one moment before."""
    told: list[str] = []
    left(origin)
    renewed = NOW.replace(minute=0, second=0)
    with pytest.raises(StateLocked, match=r"deploy@runner-17\.invalid .*\(https://ci\.example\.com/runs/7\)"):
        lock(state(here), now=renewed + timedelta(minutes=59)).__enter__()
    with lock(state(here, tell=told.append), now=renewed + timedelta(minutes=61)):
        assert origin.lock()["id"] != "7f1d"
    assert "deploy@runner-17.invalid" in told[0]


def test_each_push_is_a_sign_of_life(here: Path, origin: Origin) -> None:
    """So a long apply keeps its lock."""
    stored = state(here)
    with lock(stored):
        first = origin.lock()
        stored.fold()
        stored.journal(SMALL, LINEAGE).intend([(ONE, RECORD)])
        second = origin.lock()
        stored.write(SMALL)
        third = origin.lock()
    assert first["beat"] < second["beat"] < third["beat"]
    assert {**first, "beat": 0, "renewed": ""} == {**third, "beat": 0, "renewed": ""}


@pytest.mark.parametrize("how", ["broken", "taken over"])
def test_a_run_that_lost_its_lock_writes_no_more(here: Path, there: Path, origin: Origin, how: str) -> None:
    """Its next push fails, also where nobody else has written yet; it lets the new holder be."""
    stored = state(here)
    with lock(stored):
        journal = stored.journal(stored.fold(), LINEAGE)
        journal.intend([(ONE, RECORD)])
        if how == "broken":
            origin.git("update-ref", "-d", LOCK)
        else:
            left(origin)
        for attempt in (lambda: journal.intend([(ONE, None)]), journal.check, lambda: stored.write(SMALL)):
            with pytest.raises(StateError, match="the lock was broken or taken over by another run meanwhile"):
                attempt()
    assert state(there).read().records == {ONE: RECORD}
    assert bool(origin.tip(LOCK)) is (how == "taken over")


def test_a_lock_that_cannot_be_let_go_is_told(here: Path, origin: Origin) -> None:
    """What was done is done: no error, but a note that names the way out."""
    told: list[str] = []
    held = lock(state(here, tell=told.append))
    with held:
        away = origin.path.rename(origin.path.with_name("away"))
    away.rename(origin.path)
    cause = "remote `origin` cannot be written: there is no such repository"
    assert told == [f"the lock could not be let go ({cause}): `syncer state unlock {origin.lock()['id']}`"]


# Broken by hand.


def test_a_lock_is_broken_by_its_id_and_no_other(here: Path, origin: Origin) -> None:
    """Of whatever host."""
    with pytest.raises(StateError, match="the state is not locked"):
        state(here).unlock("7f1d")
    left(origin)
    with pytest.raises(StateError, match="locked under another id: deploy@runner-17"):
        state(here).unlock("7f1e")
    assert state(here).unlock("7f1d").host == "runner-17.invalid"
    assert origin.tip(LOCK) == ""


def test_the_lock_of_a_living_process_is_not_broken(here: Path, origin: Origin, other: subprocess.Popen[bytes]) -> None:
    """Its process is named: ending it is the way."""
    held = origin.lock()
    with pytest.raises(StateError, match="is alive") as caught:
        state(here).unlock(held["id"])
    assert caught.value.hint == f"end process {other.pid} first"
    assert origin.lock() == held


def test_a_lock_that_was_renewed_while_we_broke_it(here: Path, origin: Origin, tmp_path: Path) -> None:
    """It is not: its holder is alive."""
    left(origin)
    recorder = Recorder(tmp_path / "bin")
    commit = origin.put({"lock.json": json.dumps({**ELSEWHERE, "beat": 4}).encode()}, "refs/heads/next")
    recorder.say(f'[ "$1" = push ] && GIT_DIR={origin.path} $REAL update-ref {LOCK} {commit}')
    with pytest.raises(StateError, match="the lock has changed meanwhile"):
        state(here, environ=recorder.environ).unlock("7f1d")
    assert origin.tip(LOCK) == commit


WRONG: tuple[dict[str, object], ...] = ({"pid": "1"}, {"id": 1}, {"more": "x"}, {"beat": None})
GARBAGE = [b"", b"null", b"[]", b"{}", b"\xff", b"[" * 5000, *(json.dumps({**ELSEWHERE, **w}).encode() for w in WRONG)]


@pytest.mark.parametrize("content", GARBAGE, ids=lambda content: repr(content[:16]) + str(len(content)))
def test_a_lock_that_cannot_be_read_is_somebodys(here: Path, origin: Origin, content: bytes) -> None:
    """It is broken by the name of its commit."""
    commit = origin.put({"lock.json": content}, LOCK)
    with pytest.raises(StateLocked, match="somebody@somewhere") as caught, lock(state(here)):
        pytest.fail("two writers")
    assert f"syncer state unlock {commit}" in (caught.value.hint or "")
    state(here).unlock(commit)
    assert origin.tip(LOCK) == ""


def test_what_stands_in_a_lock_is_shown_on_one_line(here: Path, origin: Origin) -> None:
    """Whoever may push could write orders to a terminal there."""
    left(origin, who="x\x1b[2J\n::error::")
    with pytest.raises(StateLocked) as caught:
        lock(state(here)).__enter__()
    assert caught.value.message.isprintable()


def test_the_run_on_a_platform_is_named(here: Path, origin: Origin) -> None:
    """So that who waits can look at it."""
    github = {
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_RUN_ID": "42",
    }
    assert run_url(github) == "https://github.com/acme/shop/actions/runs/42"
    assert run_url({"CI_JOB_URL": "https://gitlab.example.com/j/1"}) == "https://gitlab.example.com/j/1"
    assert run_url({}) == ""
    with lock(state(here, environ=github)):
        assert origin.lock()["run"] == "https://github.com/acme/shop/actions/runs/42"
