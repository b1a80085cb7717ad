"""One change as one backend write, tried again with care."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar, assert_never

from syncer.backends.base import Capability
from syncer.errors import (
    AccessDenied,
    AlreadyExists,
    NotFound,
    StalePlan,
    SyncerError,
    Throttled,
    Transient,
    VersionConflict,
)
from syncer.plans import Action, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncer.backends.base import Backend
    from syncer.model import Address, Observed, Secret
    from syncer.plans import Change
    from syncer.retry import Retry
    from syncer.sensitive import Sensitive

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Carries single changes to their backend."""

    project: str
    backends: Mapping[str, Backend]
    retry: Retry
    produce: Callable[[Secret], Sensitive]
    """Asks a source that makes its value at apply."""
    same: Callable[[Sensitive, Sensitive, Address], bool]
    """Whether two values are equal, told by their fingerprints."""

    def made(self, change: Change) -> Sensitive:
        """Ask a source that makes its value at apply. Raise SourceError; Unsupported as `fitting` does."""
        return self.fitting(change, self.produce(_needed(change.secret)))

    def fitting(self, change: Change, value: Sensitive) -> Sensitive:
        """Give the value as its backend will hold it.

        Raise Unsupported for one that it cannot hold: what is known only at apply could not be checked before.
        """
        backend, secret = self.backends[change.backend], _needed(change.secret)
        shaped = backend.shape(secret, value)
        backend.check_value(secret, shaped)
        return shaped

    def can_read(self, backend: str) -> bool:
        """Whether the backend gives values back."""
        return Capability.READ in self.backends[backend].capabilities

    def read(self, backend: str, address: Address) -> Sensitive:
        """Read a value back."""
        return self.retry.call(lambda: self.backends[backend].read(address))

    def write(  # noqa: PLR0911  # one for each action
        self, change: Change, value: Sensitive | None, expected: Observed | None
    ) -> Observed | None:
        """Carry it out and give what is there now; None where nothing is left. Nothing is to be done to forget."""
        backend = self.backends[change.backend]
        match change.action:
            case Action.CREATE if change.reason is Reason.PENDING_DELETION:
                return self._restore(backend, _needed(expected))
            case Action.CREATE:
                return _Create(self, backend, _needed(change.secret), _needed(value)).run()
            case Action.ROTATE:
                return _Rotate(self, backend, _needed(change.secret), _needed(value), expected=_needed(expected)).run()
            case Action.UPDATE:
                # As planned, which keeps a description that somebody wrote where the manifest says nothing.
                told = _needed(change.after).description or ""
                secret = replace(_needed(change.secret), description=told)
                return self.retry.call(lambda: backend.update(secret, _needed(expected), change.drop_tags))
            case Action.ENABLE | Action.DISABLE:
                enabled = change.action is Action.ENABLE
                return self.retry.call(lambda: self._switch(backend, _needed(expected), enabled=enabled))
            case Action.MOVE:
                return self._move(backend, change, _needed(expected))
            case Action.DELETE:
                self._delete(backend, _needed(expected))
            case Action.FORGET:
                pass
            case _:
                assert_never(change.action)
        return None

    def look(self, backend: Backend, address: Address) -> Observed | None:
        """What the backend says of one address now; None also while it is pending deletion."""
        found = self.retry.call(lambda: backend.look(address))
        return None if found is None or found.deleted else found

    def check_unchanged(self, backend: Backend, expected: Observed) -> None:
        """Raise NotFound or VersionConflict where somebody was here since the plan, and the store would not say so."""
        if Capability.CONDITIONAL_WRITE in backend.capabilities:
            return
        found = self.check_ours(backend.look(expected.address), expected.address)
        if Capability.VERSION_IN_LIST in backend.capabilities and found.version != expected.version:
            message = f"{expected.address} was changed by somebody else since it was planned"
            raise VersionConflict(message, hint="plan again")

    def check_ours(self, found: Observed | None, address: Address) -> Observed:
        """Give what is there. Raise NotFound where nothing is, VersionConflict where it is another project's."""
        if found is None or found.deleted:
            message = f"{address} is gone since it was planned"
            raise NotFound(message, hint="plan again")
        if found.owner not in (None, self.project):
            message = f"{address} belongs to project {found.owner} since it was planned"
            raise VersionConflict(message, hint="plan again")
        return found

    def _switch(self, backend: Backend, expected: Observed, *, enabled: bool) -> Observed:
        """Enable or disable what is ours still; a store that takes it out for that looks by itself."""
        if not {Capability.CONDITIONAL_WRITE, Capability.DISABLE_REMOVES} & backend.capabilities:
            self.check_ours(backend.look(expected.address), expected.address)
        return backend.set_enabled(expected, enabled=enabled)

    def _delete(self, backend: Backend, expected: Observed) -> None:
        try:
            self.retry.call(lambda: self.check_unchanged(backend, expected))
            self.retry.call(lambda: backend.delete(expected))
        except NotFound:
            return  # what was to be reached is so: by somebody else, or by a try whose answer was lost

    def _restore(self, backend: Backend, expected: Observed) -> Observed:
        try:
            return self.retry.call(lambda: backend.restore(expected))
        except NotFound:
            there = self.look(backend, expected.address)
            if there is None or there.owner != expected.owner:
                raise
            return there  # restored by a try whose answer was lost

    def _move(self, backend: Backend, change: Change, expected: Observed) -> Observed:
        if expected.address == change.address:
            return expected  # moved by a run that ended before it could say so
        try:
            return self.retry.call(lambda: backend.move(_needed(change.secret), expected))
        except (NotFound, AlreadyExists):
            there = self.look(backend, change.address)
            marks = (expected.owner, self.project)
            same = there is not None and there.owner in marks and there.version == expected.version
            if there is None or not same or self.look(backend, expected.address) is not None:
                raise
            return there


@dataclass(slots=True)
class _ValueWrite(ABC):
    """A write whose answer may be lost: look before trying again, so that nothing is made twice."""

    writer: Writer
    backend: Backend
    secret: Secret
    value: Sensitive
    lost: bool = False
    """Whether the answer to an earlier try never came."""

    def run(self) -> Observed:
        """Write, and give what is there. Raise Transient where it cannot be known what is."""
        try:
            return self.writer.retry.call(self._attempt)
        except SyncerError as error:
            if not self.lost:
                raise
            # However clear this refusal is, the try before it may have done what now stands in the way.
            unknown = Transient(error.message, hint=error.hint)
        raise unknown

    def _attempt(self) -> Observed:
        landed = self._landed(self.backend.look(self.secret.address)) if self.lost else None
        if landed is not None:
            return landed
        if not self.lost:
            self._check()
        try:
            return self._write()
        except Throttled:
            raise  # the store refused to look at it
        except Transient:
            self.lost = True
            raise

    def _check(self) -> None:
        """Raise where the store would let a write pass that must not be made."""

    def _made(self, found: Observed, expected: Observed | None) -> bool | None:
        """Whether our write made what is there; None where neither the store nor its value can tell."""
        told = self.backend.wrote(self.secret, self.value, expected, found)
        can = self.backend.capabilities
        readable = Capability.READ in can and (found.enabled or Capability.READ_DISABLED in can)
        if told is not None or not readable:
            return told
        address = self.secret.address
        return self.writer.same(self.backend.read(address), self.value, address)

    @abstractmethod
    def _write(self) -> Observed:
        """Try once."""

    @abstractmethod
    def _landed(self, found: Observed | None) -> Observed | None:
        """Give what is there if the lost try made it, or None to try again."""


@dataclass(slots=True)
class _Create(_ValueWrite):
    def _write(self) -> Observed:
        return self.backend.create(self.secret, self.value)

    def _landed(self, found: Observed | None) -> Observed | None:
        # Nothing stood there before, and only this project writes its mark: from here, unless another run of it did.
        # Another's mark or value shows that our try made nothing. No mark shows nothing: not every store has one.
        ours = found is not None and found.owner == self.writer.project
        if found is not None and ours and not self._is_of_another_run(found):
            return found
        self.lost = found is None or found.owner is None
        return None

    def _is_of_another_run(self, found: Observed) -> bool:
        try:
            return self._made(found, None) is False
        except AccessDenied:
            return False  # who may not read has to believe the mark


@dataclass(slots=True)
class _Rotate(_ValueWrite):
    expected: Observed = field(kw_only=True)

    def _write(self) -> Observed:
        return self.backend.rotate(self.secret, self.value, self.expected)

    def _check(self) -> None:
        self.writer.check_unchanged(self.backend, self.expected)

    def _as_before(self, found: Observed) -> Observed:
        """Disable again what was cut off between its new value and that."""
        if found.enabled and not self.expected.enabled:
            return self.backend.set_enabled(found, enabled=False)
        return found

    def _landed(self, found: Observed | None) -> Observed | None:
        address = self.secret.address
        found = self.writer.check_ours(found, address)
        if found.version != self.expected.version and (made := self._made(found, self.expected)) is not None:
            if made:
                return self._as_before(found)
            message = f"{address} was changed by somebody else while it was being rotated"
            raise VersionConflict(message, hint="plan again")
        # Where values cannot be read, it moved by our own lost write or by one that the plan was to replace anyway.
        self.expected = found
        return None


def _needed(given: T | None) -> T:
    """What every planned change of its kind holds; a plan without it was not made by the planner."""
    if given is None:
        message = "the plan lacks what the write needs"
        raise StalePlan(message, hint="plan again")
    return given
