"""The remote repository: its refs, and pushes that change them only from what they are known to be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from syncer.errors import StateError, SyncerError, Transient
from syncer.state.git.failures import translated
from syncer.state.git.program import GitFailed, nonsense
from syncer.state.git.settings import REMOTE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from syncer.retry import Retry
    from syncer.state.git.cache import Cache

T = TypeVar("T")

_NAME = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_NO_REF = re.compile("couldn't find remote ref", re.IGNORECASE)
_NO_ATOMIC = re.compile("does not support --atomic")
_OF_CACHE = re.compile(r"corrupt|bad object|missing (blob|tree|commit)|\.lock|unable to read|not a git repository")
"""What is wrong with the cache, not with the remote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """A ref that is to go from one commit to another; empty for none."""

    ref: str
    old: str
    new: str


class Lost(Exception):  # a race, which is no error of anybody's
    """Another run has changed a ref, so nothing was pushed."""

    def __init__(self, ref: str) -> None:
        super().__init__(ref)
        self.ref = ref


class Remote:
    """One remote; safe to share between threads."""

    def __init__(self, cache: Cache, shown: str, secrets: tuple[str, ...], retry: Retry) -> None:
        self.shown = shown
        self.cache = cache
        self._secrets = secrets
        self._retry = retry
        self._atomic = True

    def tips(self, *refs: str, patient: bool = True) -> dict[str, str]:
        """Give the commit of each ref that is there. Raise AccessDenied, StateError, Transient where not `patient`."""
        return self._patiently(lambda: self._tips(refs)) if patient else self._tips(refs)

    def tip(self, ref: str) -> str:
        """Give the commit of one ref; empty without it. Raise AccessDenied, StateError."""
        return self.tips(ref).get(ref, "")

    def fetch(self, ref: str, into: str) -> str:
        """Fetch the last commit of a ref and give its name; empty without one. Raise AccessDenied, StateError."""
        return self._patiently(lambda: self._fetch(ref, into))

    def push(self, *updates: Update, patient: bool = True) -> None:
        """Make all updates or none. Raise Lost, AccessDenied, StateError, and Transient where not `patient`."""
        if patient:
            self._patiently(lambda: self._push(updates))
        else:
            self._push(updates)

    def _patiently(self, call: Callable[[], T]) -> T:
        try:
            return self._retry.call(call)
        except Transient as error:
            cause = error.message
        raise StateError(cause, hint="see whether the remote can be reached, and run it again")

    def _tips(self, refs: Collection[str]) -> dict[str, str]:
        try:
            listed = self.cache.git.run("ls-remote", REMOTE, *refs)
        except GitFailed as failure:
            error = self._translated(failure, "cannot be read")
        else:
            return _commits(listed, refs)
        raise error

    def _fetch(self, ref: str, into: str) -> str:
        with self.cache.turn() as git:
            self.cache.tidy()
            command = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--depth=1", REMOTE, f"+{ref}:{into}")
            try:
                git.run(*command)
            except GitFailed as failure:
                if _NO_REF.search(failure.said):
                    return ""
                error = self._translated(failure, "cannot be read")
                if _OF_CACHE.search(failure.said):
                    self.cache.reset()
                    error = Transient(error.message)
            else:
                return self.cache.tip(into)
        raise error

    def _push(self, updates: tuple[Update, ...]) -> None:
        leases = [f"--force-with-lease={update.ref}:{update.old}" for update in updates]
        refspecs = [f"{update.new}:{update.ref}" for update in updates]
        atomic = ["--atomic"] if self._atomic and len(updates) > 1 else []
        command = ["push", "--porcelain", "--quiet", "--no-verify", *atomic, *leases, REMOTE, *refspecs]
        try:
            self.cache.git.run(*command)
        except GitFailed as failure:
            said = failure
        else:
            return
        if _NO_ATOMIC.search(said.said):
            self._atomic = False
            self._push(updates)
            return
        error = self._translated(said, "cannot be written")
        if not self._arrived(updates, error):
            raise error

    def _arrived(self, updates: tuple[Update, ...], error: SyncerError) -> bool:
        """Whether a push that failed is there all the same. Raise Lost where somebody else's is."""
        try:
            there = self._tips([update.ref for update in updates])
        except SyncerError:
            raise error from None
        lost = [u.ref for u in updates if there.get(u.ref, "") not in (u.old, u.new)]
        if lost:
            raise Lost(lost[-1])
        return all(there.get(update.ref, "") == update.new for update in updates)

    def _translated(self, failure: GitFailed, what: str) -> SyncerError:
        return translated(failure.said, f"{self.shown} {what}", self._secrets)


def _commits(listed: bytes, wanted: Collection[str]) -> dict[str, str]:
    """Read what each ref names; listed are also those that only end like one that is wanted. Raise StateError."""
    found = [line.partition("\t") for line in listed.decode("utf-8", "replace").splitlines()]
    if not all(_NAME.fullmatch(commit) for commit, _, _ in found):
        asked = "the refs of the remote"
        raise nonsense(asked)
    return {ref: commit for commit, _, ref in found if ref in wanted}
