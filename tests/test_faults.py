"""Signals, full disks, read-only folders, closed streams: a clear end, nothing lost, and the next run converges."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from real_runs import Project, child_environment, ended, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from real_runs import Result

    from syncer.model import Address

# Signals.

MANY = 400
"""Changes enough that an apply is surely still at it when a signal comes."""


def interrupted(project: Project, *signals: signal.Signals, after: int = 30_000) -> Result:
    """Apply, and send signals once the journal holds that many bytes."""
    process = project.start("apply", "--auto-approve")
    assert wait_until(lambda: project.journal.exists() and project.journal.stat().st_size > after, process)
    for number in signals:
        process.send_signal(number)
    return ended(process)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_what_is_in_flight(tmp_path: Path, number: signal.Signals) -> None:
    """Exit 130 with state written: what was done is on record exactly, the rest was never begun."""
    project = Project(folder=tmp_path, envs=MANY)
    project.write()
    told = interrupted(project, number).expect(130)
    assert "stopping: finishing what is in flight" in told.err
    assert "interrupted; what was in flight is finished and recorded" in told.err
    assert not project.journal.exists()
    versions = project.versions()
    assert 0 < len(versions) < MANY
    records = project.state().records
    assert {address: record.version for address, record in records.items()} == {
        address: str(version) for address, version in versions.items()
    }
    left = project.planned()["resource_changes"]
    assert len(left) == MANY - len(versions)
    project.apply().expect(0)
    project.check_converged()
    assert set(project.versions().values()) == {1}


def test_a_signal_while_rotating(tmp_path: Path) -> None:
    """What was not begun keeps its old value and its record: no value becomes unknown."""
    project = Project(folder=tmp_path, envs=MANY)
    project.write()
    project.apply().expect(0)
    project.turn = 2
    project.write()
    interrupted(project, signal.SIGINT).expect(130)
    assert all(record.fingerprint for record in project.state().records.values())
    before = project.versions()
    assert set(before.values()) == {1, 2}
    project.apply().expect(0)
    project.check_converged()
    assert set(project.versions().values()) == {2}


@pytest.mark.parametrize("numbers", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT)])
def test_a_second_signal_stops_at_once(tmp_path: Path, numbers: tuple[signal.Signals, ...]) -> None:
    """Whatever the journal holds then is enough to go on from."""
    project = Project(folder=tmp_path, envs=MANY)
    project.write()
    interrupted(project, *numbers).expect(130)
    assert len(project.versions()) < MANY
    project.planned()
    project.apply().expect(0)
    project.check_converged()
    assert sorted(project.versions().values())[-2] == 1


def test_a_signal_while_planning_writes_nothing(tmp_path: Path) -> None:
    """The source blocks: nothing is written yet, the lock goes with the process, and no traceback is shown."""
    fifo = tmp_path / "never"
    os.mkfifo(fifo)
    project = Project(folder=tmp_path, more={"slow": '{command: ["sh", "-c", "echo > started; exec cat never"]}'})
    project.write()
    process = project.start("apply", "--auto-approve")
    assert wait_until((tmp_path / "started").exists, process)
    process.send_signal(signal.SIGINT)
    told = ended(process).expect(130)
    assert "interrupted" in told.err
    assert not (tmp_path / ".syncer/store.db").exists()
    project.more["slow"] = "{command: [echo, now]}"
    project.write()
    project.apply().expect(0)
    project.check_converged()


_INTERRUPTED_IMPORT = """
import os, signal, sys
class Interrupt:
    def find_spec(self, name, path, target=None):
        if name == "syncer.cli":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
from syncer.__main__ import main
main()
"""


def test_a_signal_while_starting_shows_no_traceback() -> None:
    """Importing takes longest where the disk is cold: Ctrl-C then ends it without a word."""
    process = subprocess.Popen(
        [sys.executable, "-c", _INTERRUPTED_IMPORT],
        env=child_environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    told = ended(process)
    assert (told.code, told.out, told.err) == (-signal.SIGINT, "", "")


# Full disks.


def mount(folder: Path, options: str) -> bool:
    """Mount a file system in memory, or mount it again with other options; give False where that is not allowed."""
    mounting = shutil.which("mount")
    if mounting is None or os.geteuid() != 0:
        return False
    done = subprocess.run(
        [mounting, "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=False, capture_output=True
    )
    return done.returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Give a folder on a file system of its own, to be resized and made read-only."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount(folder, "size=4m"):
        pytest.skip("needs root and the right to mount a tmpfs; the tests with RLIMIT_FSIZE cover a part of it")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def resize(folder: Path, size: str) -> None:
    """Make the file system of a folder larger or smaller."""
    assert mount(folder, f"remount,size={size}")


def used(folder: Path) -> int:
    """Give how many bytes the file system of a folder holds."""
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


ENVS, MADE = 40, 10
ROOM = [4 * number for number in (*range(1, 8), *range(8, 32, 3))]
"""KiB left on the disk as an apply starts: from nearly nothing to enough for some of it."""


def run_out(project: Project, disk: Path, room: int, *arguments: str) -> Result:
    """Apply with little room left, then make room."""
    resize(disk, f"{used(disk) // 1024 + room}k")
    told = project.apply(*arguments)
    resize(disk, "16m")
    return told.expect(0, 1, 5)


def check_told(told: Result) -> None:
    """Check that the cause of a failure is named."""
    if told.code:
        assert "error" in told.err
        assert "No space left on device" in told.err or "the disk is full" in told.err, told.err


def check_nothing_lost(project: Project, told: Result, before: Mapping[Address, int] | None = None) -> None:
    """Check that a plan works as it is, that the next apply does the rest, and that nothing was made twice.

    Where neither journal nor state had room for the last word, the one write that was in flight is done again.
    """
    project.planned()
    assert set(project.versions()) <= set(project.state().records)
    project.apply().expect(0)
    project.check_converged()
    after = project.versions()
    steps = sorted(version - (before or {}).get(address, 0) for address, version in after.items())
    assert steps[:-1] == [1] * (len(steps) - 1)
    assert steps[-1] <= 1 + (told.code == 1)


def test_a_disk_that_fills_up(disk: Path) -> None:
    """Key, state, journal and store on it: whichever is the first to find no room."""
    codes = set()
    for room in (*ROOM, 160, 200, 260, 400):
        project = Project(folder=disk / "project", envs=ENVS, made=MADE)
        project.write()
        told = run_out(project, disk, room)
        check_told(told)
        codes.add(told.code)
        check_nothing_lost(project, told)
        shutil.rmtree(project.folder)
    assert codes >= {1, 5}


def test_a_disk_that_fills_up_while_rotating(disk: Path) -> None:
    """The records of what could not be written stay true."""
    project = Project(folder=disk / "project", envs=ENVS, made=MADE)
    project.write()
    project.apply().expect(0)
    codes = set()
    for room in ROOM:
        project.turn += 1
        project.write()
        before = project.versions()
        told = run_out(project, disk, room)
        check_told(told)
        codes.add(told.code)
        check_nothing_lost(project, told, before)
    assert len(codes) > 1


def test_no_room_for_the_journal_or_the_state(tmp_path: Path, disk: Path) -> None:
    """Without a journal nothing is written to the store; without the new state the journal speaks for it."""
    seen = set()
    for room in ROOM:
        project = Project(
            folder=tmp_path / str(room), envs=ENVS, made=MADE, state_path=str(disk / str(room) / "state.json")
        )
        project.write()
        told = run_out(project, disk, room)
        check_told(told)
        if told.code == 5:
            seen.add("journal")
            assert "state.json.journal cannot be written: No space left on device" in told.err
        elif told.code == 1 and "\nerror: state.json cannot be written: No space left on device" in f"\n{told.err}":
            seen.add("state")
            assert project.state().serial >= len(project.state().records)  # an entry each, at least
            unknown = project.planned()["resource_changes"]
            assert [change["reason"] for change in unknown].count("unknown_value") <= 1
        check_nothing_lost(project, told)
    assert seen == {"journal", "state"}


def test_no_room_for_the_store(tmp_path: Path, disk: Path) -> None:
    """Each change that could not be written is named; those before it are done and on record."""
    partly = 0
    for room in (8, 24, 64, 96, 128, 160, 200, 260):
        store = disk / str(room) / "store.db"
        project = Project(folder=tmp_path / str(room), envs=ENVS, made=MADE, backend=f"{{type: local, path: {store}}}")
        project.write()
        told = run_out(project, disk, room)
        check_told(told)
        assert told.code in (0, 5)
        done = project.versions()
        if told.code:
            assert re.search(rf"{ENVS + MADE - len(done)} changes failed, {len(done)} \D*done and recorded", told.err)
            assert project.state().records.keys() == done.keys()
            partly += bool(done)
        check_nothing_lost(project, told)
    assert partly


def test_no_room_for_a_saved_plan(tmp_path: Path, disk: Path) -> None:
    """The plan saved before stays, whole, and nothing is left beside it."""
    project = Project(folder=tmp_path, envs=ENVS)
    project.write()
    out = disk / "plan.json"
    project.run("plan", "--out", str(out)).expect(0)
    saved = out.read_bytes()
    resize(disk, f"{used(disk) // 1024 + 4}k")
    told = project.run("plan", "--out", str(out)).expect(1)
    assert "the plan cannot be written to" in told.err
    assert "No space left on device" in told.err
    assert out.read_bytes() == saved
    assert [path.name for path in disk.iterdir()] == ["plan.json"]
    resize(disk, "4m")
    project.run("apply", str(out)).expect(0)
    project.check_converged()


@pytest.mark.parametrize("limit", [20, 200, 4096, 8192, 16_384, 24_576, 40_000, 60_000])
def test_files_that_may_not_grow(tmp_path: Path, limit: int) -> None:
    """RLIMIT_FSIZE stands in for a full disk where none can be mounted: each file ends somewhere else."""
    project = Project(folder=tmp_path, envs=ENVS, made=MADE)
    project.write()
    project.run("init", str(tmp_path)).expect(0)
    told = project.spawn(
        "apply",
        "--auto-approve",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        # Python would cut off what it compiles, and read that the next time.
        env={"PYTHONDONTWRITEBYTECODE": "1"},
    )
    told.expect(1, 4, 5)
    assert "error" in told.err
    check_nothing_lost(project, told)


# What may not be written.


@pytest.fixture
def frozen(tmp_path: Path) -> Iterator[tuple[Project, Callable[[bool], None]]]:
    """Give a project that is applied, and a switch that makes its folder read-only."""
    folder = tmp_path / "frozen"
    folder.mkdir()
    mounted = mount(folder, "size=4m")
    if not mounted and os.geteuid() == 0:
        pytest.skip("root may write everywhere, and a tmpfs to be made read-only cannot be mounted here")
    project = Project(folder=folder, envs=5, made=2)
    project.write()
    project.apply().expect(0)

    def freeze(frozen: bool) -> None:  # noqa: FBT001  # a switch
        if mounted:
            assert mount(folder, f"remount,{'ro' if frozen else 'rw'}")
        else:
            for path in (folder, folder / ".syncer"):
                path.chmod(0o500 if frozen else 0o700)

    try:
        yield project, freeze
    finally:
        freeze(False)  # noqa: FBT003
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_read_only_folder_stops_an_apply_before_it_begins(frozen: tuple[Project, Callable[[bool], None]]) -> None:
    """The lock cannot be taken; nothing is half done, and the same run works once it may write."""
    project, freeze = frozen
    project.turn = 2
    project.write()
    freeze(True)  # noqa: FBT003
    told = project.spawn("apply", "--auto-approve").expect(1, 4)
    assert "error: " in told.err
    for arguments in (["state", "rm", "env:000"], ["import", "env:000"], ["drift", "--accept", "--auto-approve"]):
        project.spawn(*arguments).expect(1, 3, 4)
    project.spawn("plan", "--out", str(project.folder / "plan.json")).expect(1, 4)
    project.spawn("state", "list").expect(0)
    freeze(False)  # noqa: FBT003
    project.apply().expect(0)
    project.check_converged()


def test_a_folder_that_may_not_be_made(tmp_path: Path) -> None:
    """A file stands where `.syncer` should be: named, and left alone."""
    project = Project(folder=tmp_path, envs=1, variables={"SYNCER_KEY": "A" * 43 + "="})
    project.write()
    (tmp_path / ".syncer").write_text("mine")
    told = project.spawn("apply", "--auto-approve").expect(1)
    assert "Not a directory" in told.err
    assert (tmp_path / ".syncer").read_text() == "mine"
    assert "cannot be written: Not a directory" in project.spawn("init", str(tmp_path)).expect(1).err


# Closed streams.


def closed_pipe() -> int:
    """Give the writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["plan", "--help"], 0),
        (["version"], 0),
        (["plan"], 0),
        (["plan", "--detailed-exitcode"], 2),
        (["plan", "--format", "json"], 0),
        (["show"], 0),
        (["state", "list"], 0),
        (["get", "env:000"], 0),
        (["schema", "manifest"], 0),
        (["plan", "--target", "no:where"], 3),
    ],
    ids=str,
)
def test_a_reader_that_has_gone_is_no_error(tmp_path: Path, arguments: list[str], code: int) -> None:
    """`| head -1`: no traceback, and the exit code of the work, not of the pipe."""
    project = Project(folder=tmp_path, envs=3)
    project.write()
    project.apply().expect(0)
    project.turn = 2
    project.write()
    writing = closed_pipe()
    try:
        told = project.spawn(*arguments, stdout=writing).expect(code)
    finally:
        os.close(writing)
    assert (told.err == "") is (code != 3)


def test_a_reader_that_goes_does_not_stop_an_apply(tmp_path: Path) -> None:
    """Neither that of the results nor that of the messages."""
    project = Project(folder=tmp_path, envs=20)
    project.write()
    for stream in ("stdout", "stderr"):
        writing = closed_pipe()
        try:
            project.spawn("apply", "--auto-approve", **{stream: writing}).expect(0)
        finally:
            os.close(writing)
        project.check_converged()
        project.turn += 1
        project.write()


def test_head_reads_one_line(tmp_path: Path) -> None:
    """A plan longer than a pipe holds, of which one line is read."""
    project = Project(folder=tmp_path, envs=1500)
    project.write()
    process = project.start("plan")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("Actions are indicated")
    process.stdout.close()
    process.stdout = None
    ended(process).expect(0)


@pytest.mark.parametrize("closed", [[0], [1], [2], [0, 1, 2]], ids=str)
def test_streams_that_were_never_open(tmp_path: Path, closed: list[int]) -> None:
    """As `<&-` and `>&-` leave them: files that are opened meanwhile are not mistaken for them."""
    project = Project(folder=tmp_path, envs=3, made=1)
    project.write()

    def close() -> None:
        for descriptor in closed:
            os.close(descriptor)

    if 1 in closed:  # results that nobody can read are an error, and nothing is begun
        project.spawn("apply", "--auto-approve", stdin=None, preexec_fn=close).expect(1)
        assert not (tmp_path / ".syncer/state.json").exists()
        return
    project.spawn("apply", "--auto-approve", stdin=None, preexec_fn=close).expect(0)
    project.check_converged()
    project.spawn("plan", "--detailed-exitcode", stdin=None, preexec_fn=close).expect(0)
    project.turn = 2
    project.write()
    project.spawn("apply", stdin=None, preexec_fn=close).expect(64)
    project.spawn("seal", "env:000", preexec_fn=close).expect(1)
    assert json.loads((tmp_path / ".syncer/state.json").read_text())["serial"] == 2 * 4 + 1
