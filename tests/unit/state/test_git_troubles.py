"""The state in a branch where git is none, says nothing, or is cut off in the middle of a push."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from git_samples import BRANCH, KEY, LOCK, Origin, Recorder, git, state
from state_samples import LINEAGE, NOW, RECORD, SMALL

from syncer.errors import StateError
from syncer.model import Address
from syncer.retry import Retry
from syncer.state.git.settings import settings

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.state.git.lock import BranchLock
    from syncer.state.git.store import GitState

THREE = Address("global", "three")
KNOWN = replace(RECORD, version="7")
NEXT = replace(SMALL, serial=4)
ALWAYS = "true"


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    """A git that can be told what to do instead."""
    return Recorder(tmp_path / "bin")


def locked(stored: GitState) -> BranchLock:
    """The lock of a run that does not wait."""
    return stored.lock("apply", now=NOW, timeout=0.0, waiting=lambda _holder: None, retry=Retry())


# A push without an answer.


def unheard(recorder: Recorder) -> None:
    """Let pushes arrive, and nothing come back from then on."""
    recorder.say(
        'case $1 in push) $REAL "$@" > /dev/null 2>&1;; fetch|ls-remote) ;; *) exec $REAL "$@";; esac\n'
        'echo "fatal: Could not resolve host: h" >&2; exit 128'
    )


def test_results_that_arrived_unheard_do_not_pass_for_somebody_elses(
    here: Path, origin: Origin, recorder: Recorder
) -> None:
    """The next push builds on them, and the lock is let go."""
    stored = state(here, environ=recorder.environ)
    stored.write(SMALL)
    with locked(stored):
        journal = stored.journal(stored.fold(), LINEAGE)
        journal.intend([(THREE, RECORD)])
        vars(journal.sink)["_next"] = 0.0  # it is time again
        unheard(recorder)
        before = origin.tip()
        journal.record([(THREE, KNOWN)])
        assert origin.tip() != before
        recorder.say("")
        after = SMALL.advance({THREE: KNOWN}, lineage=LINEAGE, steps=journal.serial_steps)
        stored.write(after)
        journal.discard()
    assert origin.tip(LOCK) == ""
    assert state(here).read() == after


def test_a_state_that_arrived_unheard_leaves_no_lock_behind(here: Path, origin: Origin, recorder: Recorder) -> None:
    """Where the remote answers again in time."""
    stored = state(here, environ=recorder.environ)
    stored.write(SMALL)
    with locked(stored):
        stored.fold()
        unheard(recorder)
        with pytest.raises(StateError, match="the state was not written"):
            stored.write(NEXT)
        recorder.say("")
    assert origin.tip(LOCK) == ""
    assert state(here).read() == NEXT


def test_a_push_that_never_arrived_is_made_again(here: Path, origin: Origin, recorder: Recorder) -> None:
    """On what was there before."""
    stored = state(here, environ=recorder.environ)
    stored.write(SMALL)
    with locked(stored):
        stored.fold()
        recorder.say('[ "$1" = push ] && { echo "fatal: Could not resolve host: h" >&2; exit 128; }')
        with pytest.raises(StateError, match="the state was not written"):
            stored.write(NEXT)
        recorder.say("")
        stored.write(NEXT)
    assert origin.tip(LOCK) == ""
    assert origin.git("log", "--format=%s", BRANCH).splitlines() == ["apply: serial 4", "write: serial 3"]


def test_who_writes_between_two_looks_of_this_host_is_no_attack(here: Path, origin: Origin, recorder: Recorder) -> None:
    """Its state is noted here before the older one is read: then that is looked for again."""
    state(here).write(SMALL)
    old = origin.tip()
    state(here).write(NEXT)
    new = origin.tip()
    origin.git("update-ref", BRANCH, old)
    recorder.say(f'[ "$1" = cat-file ] && $REAL --git-dir={origin.path} update-ref {BRANCH} {new}')
    assert state(here, environ=recorder.environ).read() == NEXT


# A git that is none.


@pytest.mark.parametrize("command", ["ls-remote", "cat-file", "fast-import"])
@pytest.mark.parametrize("answer", [ALWAYS, r"printf '\377\376 nonsense\n\n'", "echo nonsense"])
def test_an_answer_that_makes_no_sense_is_an_error(
    here: Path, origin: Origin, recorder: Recorder, command: str, answer: str
) -> None:
    """Nothing is pushed on the strength of it: an empty name would delete the branch."""
    state(here).write(SMALL)
    before = origin.tip()
    recorder.say(f'[ "$1" = {command} ] && {{ {answer}; exit 0; }}')
    stored = state(here, environ=recorder.environ)

    def use() -> None:
        stored.read()
        stored.read()
        stored.write(NEXT)

    if (command, answer) == ("ls-remote", ALWAYS):  # a remote without refs answers like this
        use()
        return
    with pytest.raises(StateError, match=r"git was asked for .* and gave something else|holds other files"):
        use()
    assert origin.tip() == before


@pytest.mark.parametrize(
    "script",
    [
        'case "$*" in *--show-scope*) echo "error: unknown option \\`show-scope\'" >&2; exit 129;; esac',
        "unset GIT_CONFIG_COUNT",
    ],
)
def test_a_git_that_is_too_old_is_named(here: Path, recorder: Recorder, script: str) -> None:
    """One does not know an option, another hears of no settings."""
    recorder.say(script)
    with pytest.raises(StateError, match="this git is too old") as caught:
        state(here, environ=recorder.environ).read()
    assert caught.value.hint == "a state of `type: git` needs git 2.31 or newer on the path"


def test_a_link_in_the_place_of_the_copy_is_not_followed(tmp_path: Path, here: Path) -> None:
    """Whoever commits one could have a folder of somebody's removed, or a file made elsewhere."""
    theirs = tmp_path / "theirs/repository"
    theirs.mkdir(parents=True)
    (here / ".syncer").mkdir()
    kept = here / ".syncer/git"
    kept.symlink_to(theirs.parent)
    with pytest.raises(StateError, match=r"\.syncer/git cannot be used: it is a link"):
        state(here).read()
    assert list(theirs.parent.iterdir()) == [theirs]
    kept.unlink()
    kept.mkdir()
    (kept / "turn").symlink_to(tmp_path / "made")
    with pytest.raises(StateError, match=r"\.syncer/git cannot be used"):
        state(here).read()
    assert not (tmp_path / "made").exists()


def test_an_older_git_takes_no_repository_in_the_checkout_either(here: Path, recorder: Recorder) -> None:
    """It has never heard of `safe.bareRepository`; what is planted there could name programs."""
    folder = here / "east"
    git("init", "--quiet", "--bare", str(folder), cwd=here)
    git("config", "-f", str(folder / "config"), "core.sshCommand", "planted", cwd=here)
    git("config", "-f", str(folder / "config"), "remote.origin.url", "https://planted.example/", cwd=here)
    recorder.say('[ "$1" = config ] && unset GIT_CONFIG_COUNT')
    environ = {**os.environ, **recorder.environ}
    told = settings(environ, folder, "ssh://git@host/r.git").environ
    assert not [text for text in told.values() if "planted" in text]
    with pytest.raises(StateError, match="is in no git repository"):
        settings(environ, folder, "origin")


@pytest.mark.parametrize(
    "habits",
    [
        "[fetch]\n\tunpackLimit = 1\n[fastimport]\n\tunpackLimit = 0\n",
        "[init]\n\tdefaultObjectFormat = sha256\n\tdefaultRefFormat = reftable\n",
        "[core]\n\tautocrlf = true\n[commit]\n\tgpgSign = true\n[push]\n\tgpgSign = true\n\tnegotiate = true\n",
    ],
)
def test_what_a_user_has_told_git_changes_nothing(tmp_path: Path, here: Path, habits: str) -> None:
    """Objects stay loose, so that old ones can be removed, and refs are files of their own."""
    told = tmp_path / "config"
    told.write_text(habits)
    for serial in (3, 4):
        state(here, environ={"GIT_CONFIG_GLOBAL": str(told)}).write(replace(SMALL, serial=serial))
    assert state(here, key=KEY, environ={"GIT_CONFIG_GLOBAL": str(told)}).read() == NEXT
    kept = here / ".syncer/git/repository"
    assert list((kept / "objects/pack").glob("*.pack")) == []
    assert "sha256" not in (kept / "config").read_text()


def test_who_lost_to_a_run_that_has_ended_meanwhile_tries_again(here: Path, origin: Origin, recorder: Recorder) -> None:
    """The lock was held when the push came, and is free when one looks why it was refused."""
    state(here).write(SMALL)
    once = recorder.folder / "once"
    other = origin.put({"lock.json": b"{}"}, "refs/heads/other")
    recorder.say(
        f'[ "$1" = push ] && [ ! -e {once} ] && {{ touch {once}; at="$REAL --git-dir={origin.path} update-ref"\n'
        f'$at {LOCK} {other}; $REAL "$@"; code=$?; $at -d {LOCK}; exit $code; }}'
    )
    with locked(state(here, environ=recorder.environ)):
        assert origin.tip(LOCK)
    assert origin.tip(LOCK) == ""
