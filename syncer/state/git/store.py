"""The state in a branch: fetched, authenticated, and pushed from what it was known to be."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from syncer.crypto import JOURNAL_MAC
from syncer.errors import AccessDenied, StateError
from syncer.state.codec import Codec, continued
from syncer.state.file import identity
from syncer.state.git.cache import REPOSITORY, Cache
from syncer.state.git.claim import mine
from syncer.state.git.journal import BranchJournal
from syncer.state.git.lock import BranchLock, LockRef, Waiting, unlock
from syncer.state.git.program import Git
from syncer.state.git.remote import Lost, Remote, Update
from syncer.state.git.seen import Seen
from syncer.state.git.settings import settings
from syncer.state.journal import Journal
from syncer.state.store import StateStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncer.model import Manifest
    from syncer.retry import Retry
    from syncer.state.key import Keyring
    from syncer.state.lock import Holder
    from syncer.state.model import State

FOLDER = ".syncer/git"

_WRITTEN_ELSEWHERE = "what this run did is done, and its intents are on record there: the next run looks at each again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """The last commit of the branch, and what it holds for us; all empty without a branch."""

    commit: str = ""
    state: bytes | None = None
    journal: bytes | None = None


class GitState(StateStore):
    """The state of one project in a branch of a git repository; safe to share between threads.

    A plan fetches the branch once, and then only asks where it stands. Who holds the lock asks no more: what is
    pushed is refused where somebody else has pushed.
    """

    def __init__(
        self,
        manifest: Manifest,
        keyring: Keyring,
        *,
        environ: Mapping[str, str],
        retry: Retry,
        tell: Callable[[str], None] = lambda _news: None,
    ) -> None:
        spec = manifest.state
        self._spec = spec
        self._journal_path = f"{spec.path}.journal"
        self._manifest = manifest
        self._folder = manifest.folder.resolve() / FOLDER
        self._keyring = keyring
        self._environ = environ
        self._retry = retry
        self._tell = tell
        self.codec = Codec(
            project=manifest.project,
            keyring=keyring,
            name=f"{spec.path} in branch `{spec.branch}`",
            journal_name=f"{self._journal_path} in branch `{spec.branch}`",
            backup="the commit before",
        )
        self._ref = f"refs/heads/{spec.branch}"
        # One name whatever the branch is called: `a` and `a/b` can be branches of two repositories.
        name = hashlib.sha256(f"{spec.branch}\0{spec.path}".encode()).hexdigest()[:16]
        self._copy = f"refs/syncer/state/{name}"
        self._copy_of_lock = f"refs/syncer/lock/{name}"
        self._seen = Seen(self._folder / f"seen-{name}.json", spec.branch)
        self._turn = threading.RLock()
        self._tip: Tip | None = None
        self._last: tuple[str, bool, State] | None = None
        self._held: BranchLock | None = None
        self._known = False
        """Whether the branch was looked at since the lock is held."""
        self._unsure: Tip | None = None
        """What was pushed, without an answer."""

    @cached_property
    def _remote(self) -> Remote:
        told = settings(self._environ, self._manifest.folder, self._spec.remote)
        cache = Cache(self._folder, Git(environ=told.environ, folder=told.folder))
        return Remote(cache, told.shown, told.secrets, self._retry)

    @property
    def exists(self) -> bool:
        """Whether anything was remembered before. Raise AccessDenied, StateError where the remote cannot tell."""
        with self._turn:
            return self._look().commit != ""

    def read(self, *, authenticate: bool = True) -> State:
        """Give the state, with the journal of an ended or running apply folded in. Raise AccessDenied, StateError.

        Reading again asks the remote where the branch stands, and fetches where it has moved.
        """
        with self._turn:
            tip = self._look()
            while self._last is None or self._last[:2] != (tip.commit, authenticate):
                tip = self._remembered(tip, authenticate=authenticate)
            return self._last[2]

    def _remembered(self, tip: Tip, *, authenticate: bool) -> Tip:
        """Decode a tip; give the one that another run on this host has written, and noted, since we looked, if any."""
        try:
            self._last = (tip.commit, authenticate, self._decoded(tip, authenticate=authenticate))
        except StateError:
            newer = self._look()
            if newer.commit == tip.commit:
                raise
            return newer
        return tip

    def fold(self) -> State:
        """Give the state as `read` does, and push it if a journal was left. Needs the lock."""
        with self._turn:
            state, tip = self.read(), self._look()
            if tip.journal is not None and state.serial == self.codec.decode(tip.state, authenticate=True).serial:
                self._discard_journal()  # it has nothing to add
            elif tip.journal is not None:
                self.write(state)
            return state

    def write(self, state: State) -> None:
        """Push the state, and take the journal out. Needs the lock. Raise AccessDenied, StateError."""
        text = self.codec.encode(state)
        with self._turn:
            journalled = self._tip is not None and self._tip.journal is not None
            try:
                commit = self._push({self._spec.path: text, self._journal_path: None}, f"serial {state.serial}")
            except (AccessDenied, StateError) as error:
                failure = error
            else:
                self._seen.note(state, commit)
                return
        message = f"the state was not written: {failure.message}"
        raise type(failure)(message, hint=_WRITTEN_ELSEWHERE if journalled else failure.hint)

    def journal(self, state: State, lineage: str) -> Journal:
        """Start the journal of an apply on `state`. Needs the lock."""
        serial = state.serial

        def push(text: bytes, *, patient: bool) -> None:
            with self._turn:
                self._push({self._journal_path: text}, f"journal after serial {serial}", patient=patient)

        sink = BranchJournal(self.codec.journal_name, push, self._discard_journal)
        return Journal(sink, self._keyring.subkey(JOURNAL_MAC), lineage=lineage, serial=serial)

    def lock(
        self, operation: str, *, now: datetime, timeout: float, waiting: Callable[[Holder], None], retry: Retry
    ) -> BranchLock:
        """Give the lock, to be entered."""
        return BranchLock(
            self._lock_ref,
            mine(operation, now, self._environ),
            now=now,
            waiting=Waiting(timeout=timeout, tell=waiting, retry=retry),
            tell=self._tell,
            held=self._hold,
        )

    def unlock(self, lock_id: str) -> Holder:
        """Break a lock that was left behind."""
        return unlock(self._lock_ref, lock_id)

    def stamp(self) -> object:
        """Give what moves whenever a run on this host has fetched or pushed another state. Asks no server."""
        return identity(self._folder / REPOSITORY / self._copy)

    @property
    def _lock_ref(self) -> LockRef:
        return LockRef(self._remote, f"refs/syncer/lock/{self._spec.branch}", self._copy_of_lock)

    def _hold(self, lock: BranchLock | None) -> None:
        self._held, self._known = lock, False

    def _look(self) -> Tip:
        """Give the branch as it is now. Nobody but us writes to it while the lock is held, or our push will fail."""
        if self._tip is not None and self._held is not None and self._known:
            return self._tip
        if self._tip is None or self._remote.tip(self._ref) != self._tip.commit:
            self._tip = self._fetched()
        self._known = self._held is not None
        return self._tip

    def _fetched(self) -> Tip:
        cache = self._remote.cache
        commit = self._remote.fetch(self._ref, self._copy)
        if not commit:
            self._seen.check(self.codec.decode(None, authenticate=False))
            return Tip()
        state, journal = cache.files(commit, [self._spec.path, self._journal_path])
        if state is None and journal is None and not cache.is_empty(commit):
            message = f"branch `{self._spec.branch}` holds other files, and no {self._spec.path}"
            raise StateError(message, hint="name a branch that is there for the state alone: `state: {branch: ...}`")
        return Tip(commit=commit, state=state, journal=journal)

    def _decoded(self, tip: Tip, *, authenticate: bool) -> State:
        stored = self.codec.decode(tip.state, authenticate=authenticate)
        self._seen.check(stored)
        if not authenticate:
            return stored
        self._seen.note(stored, tip.commit)
        return continued(stored, self.codec.left_behind(stored, tip.journal))

    def _discard_journal(self) -> None:
        with self._turn:
            if self._tip is not None and self._tip.journal is not None:
                self._push({self._journal_path: None}, "no journal any more")

    def _push(self, files: Mapping[str, bytes | None], what: str, *, patient: bool = True) -> str:
        """Push a commit on what is known, with a sign of life in the lock. Give its name."""
        self._settle(patient=patient)
        tip, held, cache = self._tip or self._look(), self._held, self._remote.cache
        now = held.now() if held else datetime.now(UTC)
        message = f"{held.operation if held else 'write'}: {what}\n\n[skip ci]"
        commit = cache.commit(tip.commit, files, message, now)
        updates = [Update(ref=self._ref, old=tip.commit, new=commit)]
        if held:
            updates.append(held.renewal())
        kept = {self._spec.path: tip.state, self._journal_path: tip.journal, **files}
        made = Tip(commit=commit, state=kept[self._spec.path], journal=kept[self._journal_path])
        self._unsure = made
        try:
            self._remote.push(*updates, patient=patient)
        except Lost as lost:
            error = self._lost(lost.ref)
        else:
            self._unsure, self._tip = None, made
            if held:
                held.keep()
            cache.point(self._copy, commit)
            return commit
        self._unsure, self._known = None, False
        raise error

    def _settle(self, *, patient: bool) -> None:
        """See whether the push before has arrived, where that is not known: ours must not pass for somebody else's."""
        made = self._unsure
        if made is None:
            return
        lock = self._lock_ref.name
        there = self._remote.tips(self._ref, lock, patient=patient)
        if there.get(self._ref) == made.commit:
            self._tip = made
        if self._held:
            self._held.settle(there.get(lock, ""))
        self._unsure = None

    def _lost(self, ref: str) -> StateError:
        hint = "nothing that is recorded is lost: run it again"
        if ref == self._ref:
            return StateError(f"somebody else wrote branch `{self._spec.branch}` meanwhile", hint=hint)
        return StateError("the lock was broken or taken over by another run meanwhile", hint=hint)
