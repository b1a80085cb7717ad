"""One writer per branch: a ref that is made by whoever finds none, and removed by whoever made it.

It keeps others from working for nothing. What keeps them from harm is that each push is made from what its run
knows, the lock included: a run that has lost its lock fails at its next push. So a lock may be taken over.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from syncer.errors import StateError, SyncerError
from syncer.state.git.claim import Claim, decode
from syncer.state.git.remote import Lost, Update
from syncer.state.lock import check_id, locked, not_locked

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from types import TracebackType

    from syncer.retry import Retry
    from syncer.state.git.remote import Remote
    from syncer.state.lock import Holder

FILE = "lock.json"

_PACE = 5.0
"""Seconds between two looks at a lock that is waited for, at most."""
_TURNS = 3


class LockRef:
    """The ref of the lock, and what stands in it."""

    def __init__(self, remote: Remote, name: str, copy: str) -> None:
        self.name = name
        self._remote = remote
        self._copy = copy

    def look(self) -> Claim | None:
        """Read who holds it; None where nobody does. Raise AccessDenied, StateError."""
        commit = self._remote.fetch(self.name, self._copy)
        if not commit:
            return None
        (text,) = self._remote.cache.files(commit, [FILE])
        return decode(text, commit)

    def tip(self) -> str:
        """Give what the ref names, without fetching it."""
        return self._remote.tip(self.name)

    def made(self, claim: Claim, now: datetime) -> Claim:
        """Make the commit of a claim that is alive now."""
        renewed = claim.renew(now)
        message = f"{claim.holder.operation}: lock {claim.holder.id}\n\n[skip ci]"
        return replace(renewed, commit=self._remote.cache.commit("", {FILE: renewed.encode()}, message, now))

    def put(self, claim: Claim, over: str) -> None:
        """Take the lock where it is still what it was. Raise Lost, AccessDenied, StateError."""
        self._remote.push(Update(ref=self.name, old=over, new=claim.commit))

    def remove(self, commit: str) -> None:
        """Let go of it. Raise Lost, AccessDenied, StateError."""
        self._remote.push(Update(ref=self.name, old=commit, new=""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How long to wait for a lock, and who is told whom for, once."""

    timeout: float
    tell: Callable[[Holder], None]
    retry: Retry

    def until(self, ready: Callable[[], bool | None], holder: Holder) -> None:
        """Ask until it is ready, or for so long."""
        self.tell(holder)
        self.retry.until(ready, timeout=self.timeout, step=min(_PACE, max(1.0, self.timeout / 20)))


class BranchLock:
    """A context manager that holds the lock of one branch."""

    def __init__(
        self,
        ref: LockRef,
        claim: Claim,
        *,
        now: datetime,
        waiting: Waiting,
        tell: Callable[[str], None],
        held: Callable[[BranchLock | None], None],
    ) -> None:
        """Prepare; `held` is told of this lock once it is held, and of None once it is not."""
        self._ref = ref
        self._claim = claim
        self._renewed = claim
        self._now = now
        self._since = time.monotonic()
        self._waiting = waiting
        self._tell = tell
        self._held = held
        self._other: Claim | None = None

    def __enter__(self) -> Self:
        """Take the lock. Raise StateLocked when another holds it for longer than `timeout`, StateError."""
        self._take()
        self._held(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of it. Where that fails, the work is done all the same, and the next run is told whom to ask."""
        self._held(None)
        try:
            self._let_go()
        except Lost:
            return  # somebody has taken it over
        except SyncerError as failure:
            self._tell(
                f"the lock could not be let go ({failure.message}): `syncer state unlock {self._claim.holder.id}`"
            )

    def _let_go(self) -> None:
        try:
            self._ref.remove(self._claim.commit)
        except Lost:
            if self._renewed.commit in ("", self._claim.commit):
                raise
        else:
            return
        self._ref.remove(self._renewed.commit)  # its push may have had no answer

    @property
    def operation(self) -> str:
        """What it is held for."""
        return self._claim.holder.operation

    def now(self) -> datetime:
        """Give the moment, by the clock of the session."""
        return self._now + timedelta(seconds=time.monotonic() - self._since)

    def renewal(self) -> Update:
        """Give a sign of life that is to be pushed."""
        self._renewed = self._ref.made(self._claim, self.now())
        return Update(ref=self._ref.name, old=self._claim.commit, new=self._renewed.commit)

    def keep(self) -> None:
        """Remember that the last sign of life has arrived."""
        self._claim = self._renewed

    def settle(self, there: str) -> None:
        """Learn what the ref names, after a push without an answer."""
        if there == self._renewed.commit:
            self.keep()

    def _take(self) -> None:
        self._claim = self._ref.made(self._claim, self.now())
        other = self._try()
        if other is not None:
            self._waiting.until(lambda: True if self._try() is None else None, other.holder)
            other = self._try() if self._other is not None else None
        if other is not None:
            raise locked(other.holder)

    def _try(self) -> Claim | None:
        """Take the lock and give None, or give the claim of the one who holds it."""
        for _ in range(_TURNS):  # who loses a race looks again
            if self._other is not None and self._ref.tip() != self._other.commit:
                self._other = self._ref.look()
            if self._other is not None and not self._may_take(self._other):
                return self._other
            try:
                self._ref.put(self._claim, self._other.commit if self._other else "")
            except Lost:
                self._other = self._ref.look()
                continue
            if self._other is not None:
                self._tell(f"took over the lock of a run that is gone: {self._other.holder}")
                self._other = None
            return None
        return self._other or decode(None, "?")

    def _may_take(self, other: Claim) -> bool:
        return other.is_gone() or other.is_stale(self.now())


def unlock(ref: LockRef, lock_id: str) -> Holder:
    """Break the lock with that id and give its former holder. Raise StateError: no such lock, or its process lives."""
    claim = ref.look()
    if claim is None:
        raise not_locked()
    holder = claim.holder
    check_id(holder, lock_id)
    if claim.is_alive():
        message = f"the run that holds the lock is alive: {holder}"
        raise StateError(message, hint=f"end process {holder.pid} first")
    try:
        ref.remove(claim.commit)
    except Lost:
        message = "the lock has changed meanwhile"
    else:
        return holder
    raise StateError(message, hint="look again: its holder may be alive")
