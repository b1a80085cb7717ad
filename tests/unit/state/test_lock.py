"""The lock: one writer, whom people can see, and who takes it along when it dies."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from real_runs import child_environment
from state_samples import NOW

from syncer.errors import StateError, StateLocked
from syncer.retry import Retry
from syncer.state.lock import Holder, StateLock, unlock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ELSEWHERE = Holder(
    id="7f1d", who="deploy", host="runner-17.invalid", pid=4711, operation="apply", created="2026-03-01T12:00:00Z"
)

_HOLD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from syncer.state.lock import StateLock
with StateLock(Path(sys.argv[1]), "apply", now=datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC)):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the path of a lock."""
    return tmp_path / "state.json.lock"


def lock(path: Path, *, timeout: float = 0.0, waiting: Callable[[Holder], None] = lambda _holder: None) -> StateLock:
    """A lock of this process that must not sleep."""
    return patient(path, timeout, waiting, lambda _seconds: pytest.fail("slept"))


def patient(path: Path, timeout: float, waiting: Callable[[Holder], None], sleep: Callable[[float], None]) -> StateLock:
    """A lock of this process with a sleep of the test's."""
    return StateLock(path, "state mv", now=NOW, timeout=timeout, waiting=waiting, retry=Retry(sleep=sleep))


@pytest.fixture
def other(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lock until it is killed or its standard input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=child_environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_lock_is_held_shown_and_let_go(path: Path) -> None:
    """The file stays, empty and private: removing it would race with the one who waits."""
    with lock(path):
        written = json.loads(path.read_bytes())
        assert (written["pid"], written["host"]) == (os.getpid(), socket.gethostname())
        assert (written["operation"], written["created"]) == ("state mv", "2026-03-01T12:30:45Z")
    assert path.read_bytes() == b""
    assert path.stat().st_mode & 0o777 == 0o600
    with lock(path):
        pass


def test_the_lock_is_let_go_after_an_error(path: Path) -> None:
    """Whatever ends the work."""
    with pytest.raises(KeyboardInterrupt), lock(path):
        raise KeyboardInterrupt
    with lock(path):
        pass


def test_who_waits_is_told_once_by_whom(path: Path, other: subprocess.Popen[bytes]) -> None:
    """Who, where, which process, what and since when; then the wait ends with an error that says it again."""
    told: list[Holder] = []
    slept: list[float] = []
    with pytest.raises(StateLocked) as caught, patient(path, 1.0, told.append, slept.append):
        pytest.fail("two writers")
    assert sum(slept) == pytest.approx(1.0)
    assert len(told) == 1
    holder = told[0]
    assert (holder.pid, holder.host, holder.operation) == (other.pid, socket.gethostname(), "apply")
    assert caught.value.message == f"the state is locked: {holder}"
    for part in (holder.who, holder.host, str(other.pid), "apply", "2026-03-01T12:30:45Z", holder.id):
        assert part in str(holder)
    assert f"syncer state unlock {holder.id}" in (caught.value.hint or "")
    assert caught.value.exit_code == 6


@pytest.mark.usefixtures("other")
def test_without_patience_nobody_sleeps(path: Path) -> None:
    """A timeout of 0 fails at once."""
    with pytest.raises(StateLocked), lock(path):
        pytest.fail("two writers")


def test_who_waits_takes_it_when_it_is_free(path: Path, other: subprocess.Popen[bytes]) -> None:
    """Also when the holder is let go between the last look and the end of the wait."""

    def end(_seconds: float) -> None:
        other.communicate()

    told: list[Holder] = []
    with patient(path, 0.2, told.append, end):
        assert json.loads(path.read_bytes())["pid"] == os.getpid()
    assert [holder.pid for holder in told] == [other.pid]


def test_a_lock_let_go_at_the_last_moment_is_taken(path: Path) -> None:
    """Its holder ends after our last try and before our error: that is no error."""
    held = lock(path)
    held.__enter__()
    looks = 0

    class Impatient(Retry):
        """Gives up by itself, just before the lock is free."""

        def until(self, ready: Callable[[], object], *, timeout: float, step: float = 0.2) -> None:  # type: ignore[override]  # noqa: ARG002
            nonlocal looks
            looks += 1
            assert ready() is None
            held.__exit__(None, None, None)

    with StateLock(path, "apply", now=NOW, retry=Impatient()):
        assert looks == 1
        assert json.loads(path.read_bytes())["operation"] == "apply"


def test_a_killed_process_takes_its_lock_along(path: Path, other: subprocess.Popen[bytes]) -> None:
    """`kill -9` leaves what it wrote, and holds nobody up."""
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert json.loads(path.read_bytes())["pid"] == other.pid
    with lock(path, waiting=lambda holder: pytest.fail(str(holder))):
        assert json.loads(path.read_bytes())["pid"] == os.getpid()


def test_two_locks_of_one_process_exclude_each_other(path: Path) -> None:
    """Threads are writers too."""
    with lock(path), pytest.raises(StateLocked), lock(path):
        pytest.fail("two writers")


# What other hosts left.


def test_the_lock_of_another_host_is_kept(path: Path) -> None:
    """Whether its process lives cannot be seen from here."""
    path.write_text(json.dumps(asdict(ELSEWHERE)))
    for _ in range(2):
        with pytest.raises(StateLocked, match=r"deploy@runner-17\.invalid \(process 4711\) runs apply"), lock(path):
            pytest.fail("broke a lock of another host")
    assert json.loads(path.read_bytes()) == asdict(ELSEWHERE)


def test_waiting_ends_when_the_other_host_lets_go(path: Path) -> None:
    """It empties the file, as we do."""
    path.write_text(json.dumps(asdict(ELSEWHERE)))
    with patient(path, 5.0, lambda _holder: None, lambda _seconds: path.write_text("") and None):
        assert json.loads(path.read_bytes())["pid"] == os.getpid()


def test_the_lock_of_another_host_is_broken_by_its_id(path: Path) -> None:
    """And by no other."""
    path.write_text(json.dumps(asdict(ELSEWHERE)))
    with pytest.raises(StateError, match="locked under another id: deploy@runner-17"):
        unlock(path, "7f1e")
    assert unlock(path, ELSEWHERE.id) == ELSEWHERE
    assert path.read_bytes() == b""
    with lock(path):
        pass


def test_the_lock_of_a_living_process_is_not_broken(path: Path, other: subprocess.Popen[bytes]) -> None:
    """Its process is named: ending it is the way."""
    held = json.loads(path.read_bytes())
    with pytest.raises(StateError, match="is alive") as caught:
        unlock(path, held["id"])
    assert caught.value.hint == f"end process {other.pid} first; its lock goes with it"
    assert json.loads(path.read_bytes()) == held


def test_what_a_dead_process_left_may_be_broken(path: Path, other: subprocess.Popen[bytes]) -> None:
    """It needs no breaking, and does no harm."""
    held = json.loads(path.read_bytes())
    other.kill()
    other.wait()
    assert asdict(unlock(path, held["id"])) == held


@pytest.mark.parametrize("content", [None, b""])
def test_a_state_that_is_not_locked_cannot_be_unlocked(path: Path, content: bytes | None) -> None:
    """Nor is a lock made."""
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StateError, match="the state is not locked"):
        unlock(path, "7f1d")
    assert path.exists() is (content is not None)


# What is no lock.

GARBAGE = [
    b"\0" * 100,
    b"\xff\xfe",
    b"null",
    b"[]",
    b"{}",
    b'{"id": "x"}',
    b"[" * 5000,
    b"x" * 10_000,
    json.dumps(asdict(ELSEWHERE)).encode()[:-5],
    json.dumps({**asdict(ELSEWHERE), "more": 1}).encode(),
    json.dumps({**asdict(ELSEWHERE), "id": 5}).encode(),
    json.dumps({**asdict(ELSEWHERE), "host": None}).encode(),
    json.dumps({**asdict(ELSEWHERE), "pid": "4711"}).encode(),
    json.dumps({**asdict(ELSEWHERE), "who": "\x1b[2J"}).encode(),
]


@pytest.mark.parametrize("content", GARBAGE, ids=lambda content: repr(content[:16]) + str(len(content)))
def test_garbage_locks_nobody_out(path: Path, content: bytes) -> None:
    """A holder that cannot be named cannot be unlocked by id, so it must not hold."""
    path.write_bytes(content)
    with pytest.raises(StateError, match="the state is not locked"):
        unlock(path, "x")
    with lock(path):
        assert json.loads(path.read_bytes())["pid"] == os.getpid()


def test_a_holder_that_has_not_said_its_name_yet_is_somebody(path: Path, other: subprocess.Popen[bytes]) -> None:
    """Between taking the lock and writing, or with a file that was damaged meanwhile."""
    path.write_bytes(b"garbage")
    with pytest.raises(StateLocked, match="somebody@this host"), lock(path):
        pytest.fail("two writers")
    assert other.poll() is None


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "fifo"])
def test_what_is_no_file_is_an_error(path: Path, make: Callable[[Path], None]) -> None:
    """Named, without a traceback, and without waiting."""
    make(path)
    with pytest.raises(StateError, match=r"the lock state\.json\.lock cannot be used: "), lock(path):
        pytest.fail("locked")
    with pytest.raises(StateError, match=r"the lock state\.json\.lock cannot be used: "):
        unlock(path, "7f1d")


def test_a_file_where_its_folder_should_be_is_an_error(tmp_path: Path) -> None:
    """The folder cannot be made."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(StateError, match="cannot be used: Not a directory"), lock(tmp_path / "taken" / "lock"):
        pytest.fail("locked")


def test_a_disk_without_room_is_an_error(path: Path) -> None:
    """A lock whose holder cannot be written is none."""
    path.symlink_to("/dev/full")
    with pytest.raises(StateError, match="cannot be used: "), lock(path):
        pytest.fail("locked")


def test_a_user_without_a_name_is_a_number(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in containers that run under any user."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda number: {}[number])
    with lock(path):
        assert json.loads(path.read_bytes())["who"] == str(os.getuid())
