"""The state in a branch: what is read, what is pushed, and what nobody may slip in."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from git_samples import BRANCH, KEY, LOCK, Origin, Recorder, git, state
from state_samples import LINEAGE, NOW, ONE, RECORD, SMALL, TWO

from syncer.errors import AccessDenied, StateError, SyncerError
from syncer.model import Address
from syncer.retry import Retry
from syncer.state.model import State

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.state.git.lock import BranchLock
    from syncer.state.git.store import GitState

KNOWN = replace(RECORD, version="7")
THREE = Address("global", "three")
NEXT = replace(SMALL, serial=4)


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    """A git that is listened to."""
    return Recorder(tmp_path / "bin")


def locked(stored: GitState, operation: str = "apply") -> BranchLock:
    """The lock of a run that does not wait."""
    return stored.lock(operation, now=NOW, timeout=0.0, waiting=lambda _holder: None, retry=Retry())


# Written and read.


def test_a_branch_that_is_not_there_is_a_state_that_was_never_written(here: Path, origin: Origin) -> None:
    """And looking makes none."""
    stored = state(here)
    assert not stored.exists
    assert stored.read() == stored.read(authenticate=False) == stored.fold() == State(project="shop")
    assert origin.git("for-each-ref") == ""


def test_what_one_clone_writes_another_reads(here: Path, there: Path, origin: Origin) -> None:
    """The first commit has no parent, each one after it has the one before; neither says more than what was done."""
    with locked(state(here)):
        state(here).write(SMALL)
    assert state(there).read() == SMALL
    assert state(there).exists
    stored = state(there)
    with locked(stored, "state mv"):
        assert stored.read() == SMALL
        stored.write(NEXT)
    assert state(here).read() == NEXT
    log = origin.git("log", "--format=%an %ae %s", BRANCH).splitlines()
    assert log == ["syncer syncer@localhost state mv: serial 4", "syncer syncer@localhost write: serial 3"]
    assert origin.files() == ["state.json"]
    assert stored.document() == json.loads(origin.file("state.json"))
    assert origin.tip(LOCK) == ""


def test_what_is_kept_here_is_private(here: Path) -> None:
    """The folder of the key may be made by this."""
    state(here).write(SMALL)
    for folder in (here / ".syncer", here / ".syncer/git"):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_reading_again_costs_a_look_and_no_fetch(here: Path, there: Path, recorder: Recorder) -> None:
    """The same object, until somebody has written."""
    state(there).write(SMALL)
    stored = state(here, environ=recorder.environ)
    first = stored.read()
    assert [call.split()[0] for call in recorder.taken()] == ["config", "init", "fetch", "cat-file"]
    assert stored.read() is first
    assert [call.split()[0] for call in recorder.taken()] == ["ls-remote"]
    state(there).write(NEXT)
    assert stored.read() == NEXT
    assert [call.split()[0] for call in recorder.taken()] == ["ls-remote", "fetch", "cat-file"]


def test_who_holds_the_lock_asks_once(here: Path, recorder: Recorder) -> None:
    """Its pushes are refused where somebody else has written all the same."""
    state(here).write(SMALL)
    stored = state(here, environ=recorder.environ)
    with locked(stored):
        assert stored.fold() == stored.read() == SMALL
        recorder.taken()
        assert stored.read() is stored.read()
        assert recorder.taken() == []


def test_the_stamp_asks_nobody_and_moves_with_what_this_host_does(here: Path, there: Path, recorder: Recorder) -> None:
    """Long-lived readers look at it often."""
    stored = state(here, environ=recorder.environ)
    before = stored.stamp()
    assert recorder.taken() == []
    state(here).write(SMALL)
    written = stored.stamp()
    state(there).write(NEXT)
    assert stored.stamp() == written != before
    state(here).read()
    assert stored.stamp() != written


def test_paths_in_folders_and_files_of_others_are_kept(here: Path, there: Path, origin: Origin) -> None:
    """Somebody may put a README beside the state."""
    state(here, path="shop/state.json").write(SMALL)
    git("fetch", "--quiet", "origin", "syncer-state", cwd=there)
    git("checkout", "--quiet", "-b", "x", "FETCH_HEAD", cwd=there)
    (there / "README.md").write_text("The state of the shop.\n")
    git("add", "README.md", cwd=there)
    git("commit", "--quiet", "-m", "Say what this is", cwd=there)
    git("push", "--quiet", "origin", "x:syncer-state", cwd=there)
    stored = state(here, path="shop/state.json")
    with locked(stored):
        journal = stored.journal(stored.fold(), LINEAGE)
        journal.intend([(THREE, RECORD)])
        assert origin.files() == ["README.md", "shop/state.json", "shop/state.json.journal"]
        stored.write(NEXT)
        journal.discard()
    assert origin.files() == ["README.md", "shop/state.json"]
    assert state(there, path="shop/state.json").read() == NEXT


def test_a_branch_of_other_files_is_refused(here: Path, origin: Origin) -> None:
    """It may be the main branch, given by mistake."""
    origin.put({"main.py": b""})
    for attempt in (state(here).read, state(here).fold, lambda: state(here).write(SMALL)):
        with pytest.raises(StateError, match=r"branch `syncer-state` holds other files, and no state\.json"):
            attempt()
    assert origin.files() == ["main.py"]


# Races.


def test_a_race_without_a_lock_is_lost_by_one_and_loses_nothing(here: Path, there: Path) -> None:
    """Each push is made from what its run knows."""
    state(here).write(SMALL)
    one, other = state(here), state(there)
    assert one.read() == other.read()
    one.write(SMALL.advance({THREE: KNOWN}, lineage=LINEAGE))
    with pytest.raises(StateError, match="somebody else wrote branch `syncer-state` meanwhile") as caught:
        other.write(SMALL.advance({ONE: None}, lineage=LINEAGE))
    assert caught.value.hint == "nothing that is recorded is lost: run it again"
    assert other.read().records.keys() == {ONE, TWO, THREE}
    other.write(other.read().advance({ONE: None}, lineage=LINEAGE))
    assert state(here).read().records.keys() == {TWO, THREE}


def test_two_first_writes_at_once(here: Path, there: Path) -> None:
    """One makes the branch."""
    one, other = state(here), state(there)
    assert one.read() == other.read() == State(project="shop")
    other.write(SMALL)
    with pytest.raises(StateError, match="somebody else wrote"):
        one.write(NEXT)
    assert state(here).read() == SMALL


@pytest.mark.parametrize("answer", ["Connection reset by peer", "the remote end hung up unexpectedly"])
def test_a_push_whose_answer_was_lost_is_there_all_the_same(here: Path, recorder: Recorder, answer: str) -> None:
    """The remote is asked, and nothing is pushed twice."""
    recorder.say(f'[ "$1" = push ] && {{ $REAL "$@"; echo "fatal: {answer}" >&2; exit 128; }}')
    stored = state(here, environ=recorder.environ)
    stored.write(SMALL)
    assert [call.split()[0] for call in recorder.taken()].count("push") == 1
    assert state(here).read() == SMALL


def test_what_passes_by_itself_is_tried_again(here: Path, recorder: Recorder) -> None:
    """Twice no answer, then one."""
    recorder.say(
        f"case $1 in fetch|push|ls-remote) [ $(grep -c . {recorder.folder}/failed 2>/dev/null || echo 0) -lt 2 ] "
        f'&& {{ echo x >> {recorder.folder}/failed; echo "fatal: Could not resolve host: h" >&2; exit 128; }};; esac'
    )
    stored = state(here, environ=recorder.environ)
    stored.write(SMALL)
    assert state(here).read() == SMALL
    (recorder.folder / "failed").write_text("")
    stored.write(NEXT)
    assert state(here).read() == NEXT


def test_a_remote_that_never_answers_is_an_error(here: Path, recorder: Recorder) -> None:
    """After all tries, with the cause and the next step."""
    recorder.say('[ "$1" = fetch ] && { echo "fatal: Could not resolve host: git.example.com" >&2; exit 128; }')
    with pytest.raises(StateError, match="remote `origin` cannot be read: Could not resolve host") as caught:
        state(here, environ=recorder.environ).read()
    assert caught.value.hint
    assert len([call for call in recorder.taken() if call.startswith("fetch")]) == 3


def test_a_server_without_atomic_pushes_will_do(here: Path, origin: Origin) -> None:
    """Each ref is compared and set by itself then."""
    origin.git("config", "receive.advertiseAtomic", "false")
    stored = state(here)
    with locked(stored):
        stored.fold()
        stored.write(SMALL)
        stored.write(NEXT)
    assert state(here).read() == NEXT
    assert origin.tip(LOCK) == ""


def test_a_hook_that_refuses_is_heard(here: Path, origin: Origin) -> None:
    """Its reason is shown, and nothing is tried again."""
    hook = origin.path / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho 'error: protected by the rules of the house' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(StateError, match="remote `origin` cannot be written: protected by the rules of the house"):
        state(here).write(SMALL)
    assert origin.tip() == ""


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("fatal: Authentication failed for 'https://ann:hunter2@h/r.git/'", AccessDenied),
        ("remote: HTTP Basic: Access denied\nfatal: Authentication failed", AccessDenied),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", AccessDenied),
        ("git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.", AccessDenied),
        ("fatal: unable to access 'https://ann:hunter2@h/': The requested URL returned error: 403", AccessDenied),
        ("Host key verification failed.\nfatal: Could not read from remote repository.", StateError),
        ("remote: Repository not found.\nfatal: repository 'https://h/r.git/' not found", StateError),
        ("fatal: unable to access 'https://ann:hunter2@h/': The requested URL returned error: 429", StateError),
        ("fatal: something of tomorrow at https://ann:hunter2@h/ \x1b[31m", StateError),
    ],
)
def test_what_git_says_is_translated(here: Path, recorder: Recorder, said: str, kind: type[SyncerError]) -> None:
    """Nothing of a password in an address comes through."""
    (recorder.folder / "said").write_text(said)
    recorder.say(f'[ "$1" = fetch ] && {{ cat {recorder.folder}/said >&2; exit 128; }}')
    with pytest.raises(kind) as caught:
        state(here, environ=recorder.environ).read()
    assert type(caught.value) is kind
    assert "hunter2" not in f"{caught.value.message}{caught.value.hint}"
    assert caught.value.message.isprintable()


def test_a_remote_that_is_gone(here: Path, origin: Origin) -> None:
    """Named as what it is, for reader and writer; a key must not be made then either."""
    stored = state(here)
    stored.write(SMALL)
    away = origin.path.rename(origin.path.with_name("away"))
    for attempt in (
        stored.read,
        lambda: stored.write(NEXT),
        lambda: state(here).exists,
        lambda: locked(stored)._take(),
    ):
        with pytest.raises(StateError, match="there is no such repository"):
            attempt()
    away.rename(origin.path)
    stored.write(NEXT)
    assert state(here).read() == NEXT


# Tampered with, put back, swapped.


def test_a_state_that_was_changed_by_hand_is_refused(here: Path, origin: Origin) -> None:
    """As in a file."""
    state(here).write(SMALL)
    text = origin.file("state.json")
    origin.put({"state.json": text.replace(b'"serial": 3', b'"serial": 4')})
    with pytest.raises(StateError, match=r"state\.json in branch `syncer-state` was changed by something other"):
        state(here).read()
    origin.put({"state.json": text[:100]})
    with pytest.raises(StateError, match="truncated or damaged") as caught:
        state(here).read()
    assert caught.value.hint == "the commit before holds the state before the last write"


def test_another_key_and_no_key(here: Path) -> None:
    """The first is refused; without one the state is taken as it stands, unauthenticated."""
    state(here).write(SMALL)
    with pytest.raises(StateError, match="another project key"):
        state(here, key=KEY[::-1]).read()
    assert state(here, key=KEY[::-1]).read(authenticate=False) == SMALL


def test_an_older_state_is_refused_where_a_newer_one_was_seen(here: Path, there: Path, origin: Origin) -> None:
    """It is authentic, so only memory can tell."""
    state(here).write(SMALL)
    old = origin.tip()
    state(here).write(NEXT)
    new = origin.tip()
    origin.git("update-ref", BRANCH, old)
    for attempt in (state(here).read, state(here).fold):
        with pytest.raises(StateError, match="holds serial 3, and serial 4 was seen there before") as caught:
            attempt()
        assert f"push commit {new[:12]} there again" in (caught.value.hint or "")
    assert state(there).read() == SMALL  # which has seen nothing
    (kept,) = (here / ".syncer/git").glob("seen-*")
    kept.unlink()
    assert state(here).read() == SMALL


def test_a_branch_that_was_seen_and_is_gone_is_no_new_project(here: Path, origin: Origin) -> None:
    """Everything would be taken for unmanaged, and a new key could be made."""
    state(here).write(SMALL)
    origin.git("update-ref", "-d", BRANCH)
    for attempt in (state(here).read, lambda: state(here).exists):
        with pytest.raises(StateError, match="holds no state any more; serial 3 was seen"):
            attempt()


def test_another_history_is_refused(here: Path, there: Path, origin: Origin) -> None:
    """Even one that is authentic and further on."""
    state(here).write(SMALL)
    origin.git("update-ref", "-d", BRANCH)
    state(there).write(replace(SMALL, lineage="11111111-2222-4333-8444-555555555555", serial=9))
    with pytest.raises(StateError, match="holds serial 9 of another history than before"):
        state(here).read()


def test_a_note_of_what_was_seen_that_is_damaged_is_named(here: Path) -> None:
    """Not dropped: somebody may have wanted that."""
    state(here).write(SMALL)
    (kept,) = (here / ".syncer/git").glob("seen-*")
    for damage in ("", "[]", '{"lineage": 1}'):
        kept.write_text(damage)
        with pytest.raises(StateError, match="cannot be read"):
            state(here).read()


@pytest.mark.parametrize("damage", ["gone", "objects", "lock"])
def test_the_repository_kept_here_is_made_again(here: Path, there: Path, damage: str) -> None:
    """It is a copy."""
    state(here).write(SMALL)
    kept = here / ".syncer/git/repository"
    if damage == "gone":
        shutil.rmtree(kept)
    elif damage == "objects":
        for each in (kept / "objects").glob("??"):
            shutil.rmtree(each)
    else:
        (kept / "shallow.lock").write_text("")
    state(there).write(NEXT)
    assert state(here).read() == NEXT


def test_old_objects_are_removed_now_and_then(here: Path, recorder: Recorder) -> None:
    """Once a folder of them has filled up."""
    state(here).write(SMALL)
    folder = here / ".syncer/git/repository/objects/17"
    folder.mkdir(exist_ok=True)
    for number in range(4):
        (folder / f"tmp_obj_{number}").write_text("")
    state(here, environ=recorder.environ).read()
    assert "prune --expire=1.hour.ago" in recorder.taken()


# The journal.


def test_intents_are_on_the_remote_before_anything_is_written(here: Path, there: Path) -> None:
    """Another clone reads them at once; the results come with the state, and the journal is gone then."""
    state(here).write(SMALL)
    stored = state(here)
    with locked(stored):
        journal = stored.journal(stored.fold(), LINEAGE)
        assert state(there).read() == SMALL
        journal.intend([(THREE, RECORD)])
        assert state(there).read() == SMALL.advance({THREE: RECORD}, lineage=LINEAGE, steps=1)
        journal.record([(THREE, KNOWN)])
        after = SMALL.advance({THREE: KNOWN}, lineage=LINEAGE, steps=journal.serial_steps)
        stored.write(after)
        journal.discard()
    assert state(there).read() == after
    assert after.serial == 6


def test_a_run_that_vanishes_leaves_what_it_intended(here: Path, there: Path, origin: Origin) -> None:
    """The next one folds it into the state, once."""
    state(here).write(SMALL)
    stored = state(here)
    stored.journal(stored.fold(), LINEAGE).intend([(THREE, RECORD)])
    other = state(there)
    with locked(other):
        folded = other.fold()
        assert folded == SMALL.advance({THREE: RECORD}, lineage=LINEAGE, steps=1)
        assert origin.files() == ["state.json"]
        assert other.fold() == folded
    assert state(here).read() == folded


def test_a_journal_with_nothing_to_add_is_taken_out(here: Path, origin: Origin) -> None:
    """Its run had taken everything back, or had written its state."""
    stored = state(here)
    stored.write(SMALL)
    stored.journal(SMALL, LINEAGE).intend([(THREE, RECORD)])
    left = origin.file("state.json.journal")
    stored.write(NEXT)
    origin.put({"state.json": origin.file("state.json"), "state.json.journal": left})
    assert state(here).fold() == NEXT
    assert origin.files() == ["state.json"]


def test_an_apply_that_writes_nothing_pushes_nothing(here: Path, origin: Origin) -> None:
    """Its journal is begun, and never needed."""
    state(here).write(SMALL)
    before = origin.tip()
    stored = state(here)
    with locked(stored):
        journal = stored.journal(stored.fold(), LINEAGE)
        journal.discard()
    assert origin.tip() == before


def test_an_apply_whose_changes_all_failed_leaves_no_journal(here: Path, origin: Origin) -> None:
    """They were taken back, so there is no new state."""
    state(here).write(SMALL)
    stored = state(here)
    with locked(stored):
        journal = stored.journal(stored.fold(), LINEAGE)
        journal.intend([(THREE, RECORD)])
        journal.record([(THREE, None)])
        journal.discard()
    assert origin.files() == ["state.json"]
    assert state(here).read() == SMALL


def test_a_tampered_journal_stops_reader_and_writer(here: Path, origin: Origin) -> None:
    """Named by its place."""
    stored = state(here)
    stored.write(SMALL)
    stored.journal(SMALL, LINEAGE).intend([(THREE, RECORD)])
    kept = {name: origin.file(name) for name in origin.files()}
    kept["state.json.journal"] = kept["state.json.journal"].replace(b'"enabled":true', b'"enabled":1337', 1)
    origin.put(kept)
    for attempt in (state(here).read, state(here).fold):
        with pytest.raises(StateError, match=r"line 2 of state\.json\.journal in branch `syncer-state` is damaged"):
            attempt()


def test_a_remote_that_vanishes_in_an_apply(here: Path, origin: Origin) -> None:
    """Nothing more is intended; what was done is written once it is back, or is looked at by the next run."""
    stored = state(here)
    stored.write(SMALL)
    with locked(stored):
        journal = stored.journal(stored.fold(), LINEAGE)
        journal.intend([(THREE, RECORD)])
        away = origin.path.rename(origin.path.with_name("away"))
        with pytest.raises(StateError, match="cannot be written: remote `origin` cannot be written: there is no such"):
            journal.intend([(ONE, None)])
        with pytest.raises(StateError, match="could not be written"):
            journal.check()
        after = SMALL.advance({THREE: KNOWN}, lineage=LINEAGE, steps=journal.serial_steps)
        with pytest.raises(StateError, match="the state was not written") as caught:
            stored.write(after)
        assert "the next run looks at each again" in (caught.value.hint or "")
        away.rename(origin.path)
        assert state(here).read().records[THREE] == RECORD
        stored.write(after)
    assert state(here).read() == after


# Odd habits of users.


def test_settings_of_the_user_do_no_harm(here: Path, origin: Origin, tmp_path: Path) -> None:
    """Signatures, hooks, tags that follow, line ends, and a hook that runs us."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-push", "pre-auto-gc", "post-index-change"):
        (hooks / name).write_text("#!/bin/sh\nexit 1\n")
        (hooks / name).chmod(0o755)
    config = tmp_path / "config"
    config.write_text(
        f"[core]\nhooksPath = {hooks}\nautocrlf = true\neol = crlf\nlogAllRefUpdates = always\n"
        "[commit]\ngpgSign = true\n[tag]\ngpgSign = true\n[push]\ngpgSign = true\nfollowTags = true\n"
        "default = nothing\nuseForceIfIncludes = true\npushOption = ci.skip\nrecurseSubmodules = check\n"
        "[transfer]\nfsckObjects = true\n[fetch]\nprune = true\nfsckObjects = true\n[gc]\nauto = 1\n"
        "[user]\nsigningKey = none\n[gpg]\nprogram = /bin/false\n[init]\ntemplateDir = /nonexistent\n"
        "[remote]\npushDefault = nowhere\n[i18n]\ncommitEncoding = latin1\n"
    )
    environ = {"GIT_CONFIG_GLOBAL": str(config), "GIT_DIR": "/nonexistent", "GIT_INDEX_FILE": "/nonexistent"}
    stored = state(here, environ=environ)
    with locked(stored):
        stored.fold()
        stored.write(SMALL)
    assert state(here, environ=environ).read() == SMALL
    assert b"\r" not in origin.file("state.json")


def test_a_remote_that_is_a_relative_path(tmp_path: Path, origin: Origin) -> None:
    """From the top of the repository where it is a setting of it, from the manifest where the manifest says it."""
    here = origin.clone(tmp_path / "here")
    below = here / "deploy"
    below.mkdir()
    git("remote", "set-url", "origin", "../origin.git", cwd=here)
    state(below).write(SMALL)
    assert state(below, remote="../../origin.git").read() == SMALL
    outside = tmp_path / "outside"
    outside.mkdir()
    assert state(outside, remote="../origin.git").read() == SMALL
    assert state(outside, remote=origin.path.as_uri()).read() == SMALL


def test_a_remote_that_cannot_be_looked_up(here: Path, tmp_path: Path) -> None:
    """No such remote, no repository at all."""
    with pytest.raises(StateError, match="the repository of the manifest has no remote `upstream`"):
        state(here, remote="upstream").read()
    outside = tmp_path / "outside"
    outside.mkdir()
    with pytest.raises(StateError, match="is in no git repository"):
        state(outside, environ={"GIT_CEILING_DIRECTORIES": str(tmp_path)}).read()


def test_without_git_there_is_a_next_step(here: Path) -> None:
    """A clear error."""
    with pytest.raises(StateError, match="git cannot be started: no such file") as caught:
        state(here, environ={"PATH": "/nonexistent"}).read()
    assert "git 2.31 or newer" in (caught.value.hint or "")


def test_a_copy_that_cannot_be_written_is_an_error(here: Path, recorder: Recorder) -> None:
    """As on a full disk."""
    recorder.say('[ "$1" = fast-import ] && { echo "fatal: No space left on device" >&2; exit 128; }')
    with pytest.raises(StateError, match="repository cannot be used: No space left on device") as caught:
        state(here, environ=recorder.environ).write(SMALL)
    assert "make room for it" in (caught.value.hint or "")


def test_what_was_seen_cannot_be_noted(here: Path) -> None:
    """A folder stands in its place."""
    stored = state(here)
    stored.write(SMALL)
    (kept,) = (here / ".syncer/git").glob("seen-*")
    kept.unlink()
    kept.mkdir()
    with pytest.raises(StateError, match="cannot be read"):
        state(here).read()


def test_a_folder_that_cannot_be_used(here: Path) -> None:
    """A file stands in its place."""
    (here / ".syncer").write_text("")
    with pytest.raises(StateError, match="cannot be used: not a directory"):
        state(here).read()
