"""Whole runs on a state in a branch: two hosts at once, hosts that vanish, a remote that does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from git_samples import BRANCH, KEY_TEXT, LOCK, Origin, Recorder, git
from real_runs import Project, ended, kill, moments, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

ENVS, MADE = 40, 10
KILLED = -9


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """An empty remote."""
    return Origin.made(tmp_path / "origin.git")


@pytest.fixture
def on_host(tmp_path: Path, origin: Origin) -> Callable[..., Project]:
    """Makes a clone on a host of its own, with the store that all of them share."""
    store = tmp_path / "shared/store.db"
    store.parent.mkdir()

    def make(name: str, *, envs: int = 2, made: int = 1, turn: int = 1) -> Project:
        project = Project(
            folder=origin.clone(tmp_path / name),
            envs=envs,
            made=made,
            turn=turn,
            backend=f"{{type: local, path: {store}}}",
            state_spec="{type: git}",
            variables={"SYNCER_KEY": KEY_TEXT},
        )
        project.write()
        return project

    return make


def test_apply_here_and_plan_there(on_host: Callable[..., Project], origin: Origin) -> None:
    """The state is all that the second host needs; nothing of a value is in the branch."""
    one, other = on_host("one"), on_host("other")
    assert one.apply().expect(0).out.count("Resources: 3 added") == 1
    other.check_converged()
    assert origin.files() == ["state.json"]
    assert origin.git("for-each-ref", "--format=%(refname)").splitlines() == [BRANCH]
    assert "env:000" in other.run("state", "list").expect(0).out
    other.run("state", "mv", "env:000", "env:zzz").expect(0)
    assert "env:zzz" in one.run("state", "list").expect(0).out
    log = origin.git("log", "--format=%s", BRANCH).splitlines()
    assert log[0].startswith("state mv: serial ")
    assert b"value-000" not in origin.everything()


def test_how_often_git_is_called(on_host: Callable[..., Project], tmp_path: Path) -> None:
    """A plan without changes: one fetch, two looks. An apply: five calls of the remote, however much there is to do."""
    project = on_host("one", envs=30, made=30)
    recorder = Recorder(tmp_path / "bin")
    project.variables |= recorder.environ
    project.apply().expect(0)
    calls = [call.split()[0] for call in recorder.taken()]
    assert [call for call in calls if call in ("fetch", "ls-remote", "push")] == [
        "push",
        "fetch",
        "push",
        "push",
        "push",
    ]
    project.run("plan").expect(0)
    assert [call.split()[0] for call in recorder.taken()] == ["config", "fetch", "cat-file", "ls-remote", "ls-remote"]


def test_two_applies_at_once(on_host: Callable[..., Project]) -> None:
    """One waits for the other, or is told by whom; no record is lost."""
    one, other = on_host("one", envs=ENVS), on_host("other", envs=ENVS)
    both = [project.start("apply", "--auto-approve", "--lock-timeout", "120s") for project in (one, other)]
    results = [ended(process).expect(0) for process in both]
    assert sorted(result.out.count(f"Resources: {ENVS + 1} added") for result in results) == [0, 1]
    one.check_converged()
    assert set(one.versions().values()) == {1}


def test_who_does_not_wait_is_told_by_whom(on_host: Callable[..., Project], origin: Origin) -> None:
    """Exit 6, and the way out."""
    one, other = on_host("one"), on_host("other")
    origin.put({"lock.json": b"{}"}, LOCK)
    refused = one.apply().expect(6)
    commit = origin.tip(LOCK)
    assert "the state is locked: somebody@somewhere" in refused.err
    one.run("plan").expect(0)
    assert "the lock is broken" in other.run("state", "unlock", commit).expect(0).out
    other.apply().expect(0)


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_apply_and_the_next_host(on_host: Callable[..., Project], origin: Origin, seed: int) -> None:
    """The host is gone for good, with all that was on it: another one converges, and creates nothing twice."""
    hits = 0
    for number, fraction in enumerate(moments(3, seed)):
        one, other = (on_host(f"{name}-{number}", envs=ENVS, made=MADE, turn=number + 1) for name in ("one", "other"))
        before = other.versions()
        hits += killed(one, origin, sum(before.values()) + int(fraction * (ENVS + MADE)))
        left = other.planned()
        assert left["complete"]
        # What the lost host had in hand is looked at again; here, on this machine, its lock is known to be nobody's.
        again = other.apply().expect(0)
        assert not origin.tip(LOCK)
        assert hits == 0 or "took over the lock" in again.err or not left["resource_changes"]
        other.check_converged()
        steps = {address: version - before.get(address, 0) for address, version in other.versions().items()}
        assert set(steps.values()) <= {1, 2}
    assert hits


def killed(project: Project, origin: Origin, writes: int) -> bool:
    """Kill an apply once its intents are on the remote and the store has taken so many writes; tell if that hit it."""
    process = project.start("apply", "--auto-approve", "--parallelism", "2")
    wait_until(lambda: bool(origin.tip()) and "state.json.journal" in origin.files(), process)
    wait_until(lambda: sum(project.versions().values()) >= writes, process)
    return kill(process).expect(0, KILLED).code == KILLED


def test_a_remote_that_vanishes_in_an_apply(on_host: Callable[..., Project], origin: Origin, tmp_path: Path) -> None:
    """Exit 1 with what is done and what comes next; once it is back, the next run looks and converges."""
    one, other = on_host("one"), on_host("other")
    recorder = Recorder(tmp_path / "bin")
    one.variables |= recorder.environ
    # The intents get through, the state does not.
    recorder.say(
        f'[ "$1" = push ] && [ $(grep -c ^push {recorder.calls}) -eq 3 ] && mv {origin.path} {origin.path}.away'
    )
    failed = one.apply().expect(1)
    assert "the state was not written: remote `origin` cannot be written: there is no such repository" in failed.err
    assert "the next run looks at each again" in failed.err
    assert "the lock could not be let go" in failed.err
    Path(f"{origin.path}.away").rename(origin.path)
    assert origin.files() == ["state.json.journal"]
    # The process is this one, and lives: nobody may take its lock.
    other.apply().expect(6)
    origin.git("update-ref", "-d", LOCK)
    other.apply().expect(0)
    other.check_converged()
    assert set(other.versions().values()) <= {1, 2}


def test_a_remote_that_is_not_there_stops_a_first_run(on_host: Callable[..., Project], origin: Origin) -> None:
    """No key is made for a state that cannot be seen."""
    project = on_host("one")
    del project.variables["SYNCER_KEY"]
    origin.path.rename(f"{origin.path}.away")
    assert "there is no such repository" in project.apply().expect(1).err
    assert not (project.folder / ".syncer/key").exists()


def test_a_lost_key_is_not_made_again(on_host: Callable[..., Project]) -> None:
    """Neither by a run nor by `init`, on any host, where the branch holds a state."""
    on_host("one").apply().expect(0)
    other = on_host("other")
    other.backend = "{type: local}"
    other.write()
    del other.variables["SYNCER_KEY"]
    assert "no project key" in other.apply().expect(3).err
    told = other.run("init", str(other.folder)).expect(3).err
    assert ".syncer/key is missing, and branch `syncer-state` cannot be opened with a new key" in told
    assert not (other.folder / ".syncer/key").exists()


def test_a_plan_without_the_key(on_host: Callable[..., Project]) -> None:
    """As a fork has it: without values, and marked as not authenticated."""
    on_host("one").apply().expect(0)
    other = on_host("other", envs=3)
    other.backend = "{type: local}"
    other.write()
    del other.variables["SYNCER_KEY"]
    planned = other.planned("--values", "skip", "--no-refresh")
    assert "state_not_authenticated" in {found["code"] for found in planned["diagnostics"]}


def test_a_tampered_and_a_rewritten_branch(on_host: Callable[..., Project], origin: Origin) -> None:
    """Exit 1 from whatever reads it."""
    project = on_host("one")
    project.apply().expect(0)
    good, text = origin.tip(), origin.file("state.json")
    origin.put({"state.json": text.replace(b'"enabled": true', b'"enabled": false', 1)})
    for command in (("plan",), ("apply", "--auto-approve"), ("drift",), ("state", "list")):
        assert "was changed by something other than syncer" in project.run(*command).expect(1).err
    origin.git("update-ref", BRANCH, good)
    project.turn += 1
    project.write()
    project.apply().expect(0)
    origin.git("update-ref", BRANCH, good)
    assert "was seen there before" in project.run("plan").expect(1).err


def test_the_state_branch_of_a_repository_in_use(on_host: Callable[..., Project], origin: Origin) -> None:
    """Neither the work tree nor the branches of the user's repository are touched."""
    project = on_host("one")
    git("add", "syncer.yaml", cwd=project.folder)
    git("commit", "--quiet", "-m", "Declare secrets", cwd=project.folder)
    (project.folder / ".git/info/exclude").write_text(".syncer/\n")
    before = git("for-each-ref", cwd=project.folder), sorted((project.folder / ".git").iterdir())
    project.apply().expect(0)
    assert (git("for-each-ref", cwd=project.folder), sorted((project.folder / ".git").iterdir())) == before
    assert git("status", "--porcelain", cwd=project.folder) == ""
    assert origin.git("branch", "--format=%(refname)") == BRANCH
