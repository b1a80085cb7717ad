"""One change as one backend write, tried again with care."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar, assert_never

from syncer.backends.base import Capability
from syncer.errors import AlreadyExists, BackendError, NotFound, SyncerError, Transient
from syncer.plans import Action, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncer.backends.base import Backend
    from syncer.model import Address, Observed, Secret
    from syncer.plans import Change, Location
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

    def value(self, change: Change, resolved: Sensitive | None) -> Sensitive:
        """The value to write: as resolved, or carried over from where the secret comes from, or made now."""
        secret = _needed(change.secret)
        if resolved is not None:
            return resolved
        if change.previous is not None and self._readable(change.previous):
            return self._carried(change.previous)
        return self.produce(secret)

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
                return _Rotate(self, backend, _needed(change.secret), _needed(value), _needed(expected)).run()
            case Action.UPDATE:
                # As planned, which keeps a description that somebody wrote where the manifest says nothing.
                told = _needed(change.after).description or ""
                secret = replace(_needed(change.secret), description=told)
                return self.retry.call(lambda: backend.update(secret, _needed(expected), change.drop_tags))
            case Action.ENABLE | Action.DISABLE:
                enabled = change.action is Action.ENABLE
                return self.retry.call(lambda: backend.set_enabled(_needed(expected), enabled=enabled))
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
        """What the backend says of one address now."""
        found = self.retry.call(lambda: list(backend.observe([address.scope], [address])))
        return next((o for o in found if o.address == address and not o.deleted), None)

    def _delete(self, backend: Backend, expected: Observed) -> None:
        try:
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
            if there is None or there.owner not in marks or self.look(backend, expected.address) is not None:
                raise
            return there

    def _readable(self, place: Location) -> bool:
        return Capability.READ in self.backends[place.backend].capabilities

    def _carried(self, place: Location) -> Sensitive:
        return self.retry.call(lambda: self.backends[place.backend].read(place.address))


@dataclass(slots=True)
class _Create:
    """A create whose answer may be lost: look before trying again, so that nothing is made twice."""

    writer: Writer
    backend: Backend
    secret: Secret
    value: Sensitive
    landed: Observed | None = None
    lost: bool = False
    """Whether the answer to an earlier try never came."""

    def run(self) -> Observed:
        try:
            return self.writer.retry.call(self._attempt, recover=self._look)
        except SyncerError as error:
            if self.lost:
                # However clear this refusal is, the try before it may have made what now stands in the way.
                raise Transient(error.message, hint=error.hint) from None
            raise

    def _attempt(self) -> Observed:
        return self.landed or self.backend.create(self.secret, self.value)

    def _look(self) -> None:
        self.lost = True
        # Nothing stood there before and only we write our mark, so what bears it now is ours.
        found = self.writer.look(self.backend, self.secret.address)
        if found is not None and found.owner == self.writer.project:
            self.landed = found
        # Another's mark shows that our try made nothing. No mark shows nothing: not every store holds one.
        self.lost = found is None or found.owner is None


@dataclass(slots=True)
class _Rotate:
    """A rotation whose answer may be lost: if the version moved meanwhile, write over what is there now."""

    writer: Writer
    backend: Backend
    secret: Secret
    value: Sensitive
    expected: Observed

    def run(self) -> Observed:
        return self.writer.retry.call(self._attempt, recover=self._look)

    def _attempt(self) -> Observed:
        return self.backend.rotate(self.secret, self.value, self.expected)

    def _look(self) -> None:
        found = self.writer.look(self.backend, self.secret.address)
        if found is None:
            message = f"{self.secret.address} is gone since it was planned"
            raise NotFound(message, hint="plan again")
        # It moved by our own lost write, or by somebody whose write the plan was to replace in any case.
        self.expected = found


def _needed(given: T | None) -> T:
    """What every planned change of its kind holds; a plan without it was not made by the planner."""
    if given is None:
        message = "the plan lacks what the write needs"
        raise BackendError(message, hint="plan again")
    return given
