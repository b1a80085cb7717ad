"""`kill -9` at any moment loses nothing, makes nothing twice, and the next run converges by itself."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from real_runs import Project, ended, kill, lives_for, moments, wait_until

from syncer.model import Address

if TYPE_CHECKING:
    from pathlib import Path

    from real_runs import Result

ENVS, MADE = 60, 20
KILLED = -9


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """How long a run takes from its start to its end, and for how long its journal stands. Seconds."""

    whole: float
    journal: float


def measured(project: Project) -> Span:
    """Time an apply."""
    begin = time.perf_counter()
    process = project.start("apply", "--auto-approve")
    wait_until(project.journal.exists, process)
    written = time.perf_counter()
    wait_until(lambda: not project.journal.exists(), process)
    removed = time.perf_counter()
    ended(process).expect(0)
    return Span(whole=time.perf_counter() - begin, journal=removed - written)


@pytest.fixture(scope="module")
def spans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Span]:
    """Time a first apply and one that rotates everything, on this machine."""
    folder = tmp_path_factory.mktemp("measured")
    project = Project(folder=folder / "warm", envs=1)
    project.write()
    project.spawn("apply", "--auto-approve").expect(0)  # compiles what the next ones import
    project = Project(folder=folder / "timed", envs=ENVS, made=MADE)
    project.write()
    creating = measured(project)
    project.turn += 1
    project.write()
    return {"create": creating, "rotate": measured(project)}


def killed_apply(project: Project, span: Span, fraction: float, *, writing: bool) -> bool:
    """Kill an apply at a fraction of its whole time, or of the time in which it writes; tell whether that hit it."""
    process = project.start("apply", "--auto-approve")
    if writing:
        wait_until(project.journal.exists, process)
    lives_for(process, fraction * (span.journal if writing else span.whole))
    return kill(process).expect(0, KILLED).code == KILLED


def plan_of_what_is_left(project: Project) -> int:
    """Plan on the state that a kill left, changing nothing; give how many changes are left."""
    before = sorted((path.name, path.stat().st_mtime_ns) for path in (project.folder / ".syncer").glob("state*"))
    planned = project.planned()
    after = sorted((path.name, path.stat().st_mtime_ns) for path in (project.folder / ".syncer").glob("state*"))
    assert before == after
    assert planned["complete"]
    assert not [found for found in planned["diagnostics"] if found["severity"] == "error"]
    return len(planned["resource_changes"])


def written_twice(project: Project, expected: int) -> int:
    """Check that each version counter stands where one run would have left it, or one further; count the latter."""
    versions = project.versions()
    assert set(versions.values()) <= {expected, expected + 1}
    return sum(version > expected for version in versions.values())


@pytest.mark.parametrize("seed", range(5))
def test_a_killed_first_apply(tmp_path: Path, spans: dict[str, Span], seed: int) -> None:
    """Five kills while everything is created: one of them anywhere, the rest while it writes."""
    hits = 0
    for number, fraction in enumerate(moments(5, seed)):
        project = Project(folder=tmp_path / str(number), envs=ENVS, made=MADE)
        project.write()
        hit = killed_apply(project, spans["create"], fraction, writing=number > 0)
        (project.folder / ".syncer").mkdir(exist_ok=True)
        left = plan_of_what_is_left(project)
        project.apply().expect(0)
        project.check_converged()
        # What was in the backend's hands as the run was killed may or may not have been written: it is written again.
        assert written_twice(project, 1) <= 1
        assert left <= ENVS + MADE
        assert hit or left == 0
        hits += hit
    assert hits


@pytest.mark.parametrize("seed", range(5, 10))
def test_a_killed_rotation_of_everything(tmp_path: Path, spans: dict[str, Span], seed: int) -> None:
    """Five kills, one after the other on the same project, each while every value is replaced."""
    project = Project(folder=tmp_path / "project", envs=ENVS, made=MADE)
    project.write()
    project.apply().expect(0)
    hits = 0
    for number, fraction in enumerate(moments(5, seed)):
        before = project.versions()
        project.turn += 1
        project.write()
        hit = killed_apply(project, spans["rotate"], fraction, writing=number > 0)
        left = plan_of_what_is_left(project)
        assert hit or left == 0
        project.apply().expect(0)
        project.check_converged()
        steps = {address: version - before[address] for address, version in project.versions().items()}
        assert set(steps.values()) <= {1, 2}
        assert sum(step == 2 for step in steps.values()) <= 1
        hits += hit
    assert hits


def test_a_kill_for_each_run_until_one_is_through(tmp_path: Path, spans: dict[str, Span]) -> None:
    """Run after run is killed; each goes on where the last one was, and what was known to be done stays done."""
    project = Project(folder=tmp_path, envs=ENVS, made=MADE)
    project.write()
    known: dict[Address, str | None] = {}
    for _ in range(8):
        killed_apply(project, spans["create"], 0.3, writing=True)
        records = project.state().records
        assert all(records[address].version == version for address, version in known.items())
        known = {address: record.version for address, record in records.items() if record.fingerprint}
    project.apply().expect(0)
    project.check_converged()


_CUT_OFF_IN_A_TRANSACTION = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
assert db.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
db.execute("PRAGMA cache_size=1")
db.execute("BEGIN IMMEDIATE")
db.execute("DELETE FROM version")
db.execute("UPDATE secret SET description = hex(randomblob(4000))")
os._exit(0)
"""


def test_a_store_whose_turn_to_wal_was_cut_off_can_be_planned_on(tmp_path: Path) -> None:
    """A rollback journal is left beside it: even a run that only reads must first undo what it stands for."""
    project = Project(folder=tmp_path, envs=20)
    project.write()
    project.apply().expect(0)
    store = tmp_path / ".syncer/store.db"
    subprocess.run([sys.executable, "-c", _CUT_OFF_IN_A_TRANSACTION, str(store)], check=True)
    assert store.with_name("store.db-journal").stat().st_size > 0
    assert project.spawn("plan", "--detailed-exitcode", "--verify-values").expect(0).out.startswith("No changes.")
    project.apply().expect(0)
    project.check_converged()


# Commands that write the state alone.


def killed_at(project: Project, fraction: float, whole: float, *arguments: str) -> Result:
    """Kill any command at a fraction of its time."""
    process = project.start(*arguments)
    lives_for(process, fraction * whole)
    return kill(process)


def timed(process: subprocess.Popen[str]) -> float:
    """Give how long a process that starts now takes."""
    begin = time.perf_counter()
    ended(process).expect(0)
    return time.perf_counter() - begin


def test_a_killed_import(tmp_path: Path) -> None:
    """All of the addresses are managed, or none is; the same command then does the rest."""
    project = Project(folder=tmp_path, envs=20, made=5)
    project.write()
    project.apply().expect(0)
    addresses = sorted(map(str, project.addresses))
    unmanaged = tmp_path / "unmanaged"
    (tmp_path / ".syncer/state.json").unlink()
    shutil.copytree(tmp_path / ".syncer", unmanaged)
    whole = timed(project.start("import", *addresses))
    for fraction in moments(6, 11):
        shutil.rmtree(tmp_path / ".syncer")
        shutil.copytree(unmanaged, tmp_path / ".syncer")
        killed_at(project, 0.5 + fraction / 2, whole, "import", *addresses).expect(0, KILLED)
        managed = set(project.state().records)
        assert managed in (set(), project.addresses)
        again = project.run("import", *addresses).expect(3 if managed else 0)
        assert ("under management already" in again.err) is bool(managed)
        project.check_converged()
        assert written_twice(project, 1) == 0


def test_a_killed_rename_in_the_state(tmp_path: Path) -> None:
    """The record is at its old address or at its new one, with all of its facts: never at both, never at none."""
    project = Project(folder=tmp_path, envs=30)
    project.write()
    project.apply().expect(0)
    names = ["env:000", "more:moved"]
    record = project.state().records[Address.parse(names[0])]
    whole = timed(project.start("state", "mv", *names))
    for fraction in moments(8, 12):
        names.reverse()
        killed_at(project, 0.4 + fraction * 0.6, whole, "state", "mv", *names).expect(0, KILLED)
        records = project.state().records
        where = [name for name in names if Address.parse(name) in records]
        assert len(where) == 1
        assert records[Address.parse(where[0])] == record
        assert len(records) == 30
        if where == names[:1]:
            project.run("state", "mv", *names).expect(0)
    if names[1] != "env:000":
        project.run("state", "mv", *reversed(names)).expect(0)
    project.check_converged()
