"""Several runs at once on one project: one writer, no lost record, and readers that are never misled."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from real_runs import Project, ended, kill, lives_for, wait_until

from syncer.model import Address

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from real_runs import Result

WAIT = ("--lock-timeout", "60s")
LOCKED = 6


def both(first: subprocess.Popen[str], second: subprocess.Popen[str]) -> tuple[Result, Result]:
    """Wait for two processes that run at once."""
    return ended(first), ended(second)


# Two writers.


@pytest.mark.parametrize("turn", range(3))
def test_two_applies_of_different_parts_both_get_through(tmp_path: Path, turn: int) -> None:
    """One waits for the other, tells for whom, and finds its records."""
    project = Project(folder=tmp_path, envs=40, made=20 + turn)
    project.write()
    results = both(
        project.start("apply", "--auto-approve", "--target", "env:*", *WAIT),
        project.start("apply", "--auto-approve", "--target", "made:*", *WAIT),
    )
    for result in results:
        result.expect(0)
    project.check_converged()
    assert set(project.versions().values()) == {1}
    assert project.state().serial == 2 * len(project.addresses) + 2  # an intent and a result each, and two ends


def test_two_applies_of_the_same_do_it_once(tmp_path: Path) -> None:
    """The second plans when it has the lock, so it finds nothing to do."""
    project = Project(folder=tmp_path, envs=40, made=20)
    project.write()
    results = both(*(project.start("apply", "--auto-approve", *WAIT) for _ in range(2)))
    added = sorted(result.expect(0).out.count("60 added") for result in results)
    assert added == [0, 1]
    project.check_converged()
    assert set(project.versions().values()) == {1}
    assert project.state().serial == 2 * len(project.addresses) + 1


@pytest.mark.parametrize("turn", range(3))
def test_without_patience_the_second_apply_ends_with_6(tmp_path: Path, turn: int) -> None:
    """It names the first one and has written nothing."""
    project = Project(folder=tmp_path, envs=300, made=turn)
    project.write()
    first = project.start("apply", "--auto-approve")
    assert wait_until(project.journal.exists, first)
    second = project.apply().expect(LOCKED)
    assert f"(process {first.pid}) runs apply since" in second.err
    ended(first).expect(0)
    project.check_converged()
    assert set(project.versions().values()) == {1}


def test_two_manifests_of_one_project_share_a_state(tmp_path: Path) -> None:
    """Each plans on the other's records: what the other declared would be withdrawn, so both have targets."""
    one = Project(folder=tmp_path, envs=30)
    other = Project(folder=tmp_path, made=30, manifest="other.yaml")
    one.write()
    other.write()
    for _ in range(3):
        results = both(
            one.start("apply", "--auto-approve", "--target", "env:*", *WAIT),
            other.start("apply", "--auto-approve", "--target", "made:*", *WAIT),
        )
        for result in results:
            result.expect(0)
        assert set(one.state().records) == one.addresses | other.addresses
        one.turn += 1
        other.turn += 1
        one.write()
        other.write()


def test_a_writer_that_waits_takes_over_from_one_that_is_killed(tmp_path: Path) -> None:
    """The lock goes with the process; its journal is folded in by the one that waited."""
    project = Project(folder=tmp_path, envs=300)
    project.write()
    first = project.start("apply", "--auto-approve")
    assert wait_until(project.journal.exists, first)
    second = project.start("apply", "--auto-approve", *WAIT)
    assert second.stderr is not None
    told = second.stderr.readline()
    kill(first)
    if "waiting for the lock" in told:
        assert f"(process {first.pid}) runs apply" in told
    ended(second).expect(0)
    project.check_converged()
    assert sorted(project.versions().values())[-2] == 1


# First runs.


@pytest.mark.parametrize("turn", range(4))
def test_two_first_runs_make_one_key(tmp_path: Path, turn: int) -> None:
    """Nothing is there yet, and both need it at once: for a plan, for an apply."""
    project = Project(folder=tmp_path, envs=5 + turn, made=5)
    project.write()
    results = both(project.start("apply", "--auto-approve", *WAIT), project.start("plan"))
    made = [result.expect(0).err.count("made the project key") for result in results]
    assert sum(made) == 1
    project.check_converged()


def test_many_first_applies_at_once(tmp_path: Path) -> None:
    """One makes the key, the store and the state; the others read them."""
    project = Project(folder=tmp_path, envs=10, made=10)
    project.write()
    results = [ended(process) for process in [project.start("apply", "--auto-approve", *WAIT) for _ in range(4)]]
    made = [result.expect(0).err.count("made the project key") for result in results]
    assert sum(made) == 1
    project.check_converged()
    assert set(project.versions().values()) == {1}


# Readers.


@pytest.mark.parametrize("turn", range(2))
def test_plans_during_a_first_apply_are_never_wrong(tmp_path: Path, turn: int) -> None:
    """No error, no drift, and nothing that was there already is to be created."""
    project = Project(folder=tmp_path, envs=400, made=turn)
    project.write()
    project.run("init", str(tmp_path)).expect(0)
    process = project.start("apply", "--auto-approve")
    partly = 0
    while lives_for(process, 0.0):
        there = set(map(str, project.versions()))
        planned = project.planned()
        assert planned["drift"] == []
        reasons = {change["address"]: change["reason"] for change in planned["resource_changes"]}
        assert set(reasons.values()) <= {"new", "missing", "unknown_value"}
        assert not {address for address in there if reasons.get(address) in ("new", "missing")}
        assert bool(planned["unchecked"]) is any(found["code"] == "busy" for found in planned["diagnostics"])
        partly += 0 < len(there) < len(project.addresses)
    ended(process).expect(0)
    assert partly
    project.check_converged()


def test_plans_during_a_rotation_are_never_wrong(tmp_path: Path) -> None:
    """A value that the apply has written a moment ago is not taken for somebody else's."""
    project = Project(folder=tmp_path, envs=400)
    project.write()
    project.apply().expect(0)
    project.turn = 2
    project.write()
    process = project.start("apply", "--auto-approve")
    while lives_for(process, 0.0):
        done = {str(address) for address, version in project.versions().items() if version == 2}
        planned = project.planned()
        assert planned["drift"] == []
        reasons = {change["address"]: change["reason"] for change in planned["resource_changes"]}
        assert set(reasons.values()) <= {"source_changed", "unknown_value"}
        assert not {address for address in done if reasons.get(address) == "source_changed"}
        project.run("drift").expect(0)
    ended(process).expect(0)
    project.check_converged()


def test_a_plan_that_is_slow_is_not_misled_by_an_apply_meanwhile(tmp_path: Path) -> None:
    """Its source blocks while another run creates everything else: what it then sees is not taken for unmanaged."""
    project = Project(folder=tmp_path, envs=20, more={"slow": '{command: ["sh", "-c", "echo > started; cat answer"]}'})
    project.write()
    project.run("init", str(tmp_path)).expect(0)
    (tmp_path / "answer").write_text("now")
    answer = tmp_path / "answer"
    answer.unlink()
    os.mkfifo(answer)
    process = project.start("plan", "--format", "json")
    assert wait_until((tmp_path / "started").exists, process)
    project.apply("--target", "env:*").expect(0)
    answer.write_text("now")
    ended(process).expect(0)


# Edits of the state.


@pytest.mark.parametrize("edit", [("state", "mv", "env:000", "env:moved"), ("state", "rm", "env:000")], ids=" ".join)
@pytest.mark.parametrize("patient", [True, False])
def test_an_edit_during_an_apply_waits_or_is_refused(tmp_path: Path, edit: tuple[str, ...], *, patient: bool) -> None:
    """Neither loses what the other did."""
    project = Project(folder=tmp_path, envs=300)
    project.write()
    project.apply("--target", "env:000").expect(0)
    process = project.start("apply", "--auto-approve", "--exclude", "env:000")
    assert wait_until(project.journal.exists, process)
    told = project.run(*edit, *(WAIT if patient else ())).expect(0 if patient else LOCKED)
    assert f"(process {process.pid}) runs apply" in told.err
    ended(process).expect(0)
    records = project.state().records
    assert len(records) == 300 - (patient and edit[1] == "rm")
    assert (Address("env", "000") in records) is not patient
    assert set(project.versions().values()) == {1}


def test_an_import_during_an_apply_waits(tmp_path: Path) -> None:
    """Both records are there at the end."""
    project = Project(folder=tmp_path, envs=300)
    project.write()
    project.apply("--target", "env:000").expect(0)
    project.run("state", "rm", "env:000").expect(0)
    process = project.start("apply", "--auto-approve", "--exclude", "env:000")
    assert wait_until(project.journal.exists, process)
    project.run("import", "env:000").expect(LOCKED)
    project.run("import", "env:000", *WAIT).expect(0)
    ended(process).expect(0)
    project.check_converged()


def test_an_apply_waits_for_an_edit(tmp_path: Path) -> None:
    """Edits and applies in turn, all at once: every one of them counts."""
    project = Project(folder=tmp_path, envs=30)
    project.write()
    project.apply().expect(0)
    project.turn = 2
    project.write()
    processes = [
        project.start("state", "mv", "env:000", "more:a", *WAIT),
        project.start("apply", "--auto-approve", "--target", "env:01*", *WAIT),
        project.start("state", "rm", "env:029", *WAIT),
        project.start("apply", "--auto-approve", "--target", "env:02[0-8]", *WAIT),
    ]
    for process in processes:
        ended(process).expect(0)
    records = project.state().records
    assert set(records) == project.addresses - {Address("env", "000"), Address("env", "029")} | {Address("more", "a")}
    assert project.state().serial == (2 * 30 + 1) + (2 * 19 + 2) + 2  # two applies of 19 together, two edits
    versions = project.versions()
    assert {ref for (_, ref), version in versions.items() if version == 2} == {f"{n:03}" for n in range(10, 29)}


def test_a_saved_plan_applied_twice_at_once_is_applied_once(tmp_path: Path) -> None:
    """The second finds that the state has moved."""
    project = Project(folder=tmp_path, envs=60)
    project.write()
    out = tmp_path / "plan.json"
    project.run("plan", "--out", str(out)).expect(0)
    copy = tmp_path / "copy.json"
    shutil.copy(out, copy)
    results = both(*(project.start("apply", str(path), *WAIT) for path in (out, copy)))
    assert sorted(result.expect(0, 7).code for result in results) == [0, 7]
    project.check_converged()
    assert set(project.versions().values()) == {1}
