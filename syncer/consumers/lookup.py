"""Looks up single secrets among many: each comes with its value, or with its own error."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from syncer.backends.base import Capability
from syncer.consumers.collect import present
from syncer.consumers.consume import candidates, check_owner, disabled, taken_out
from syncer.engine.readback import read_each
from syncer.errors import (
    AccessDenied,
    BackendError,
    InvalidConfiguration,
    NotFound,
    SyncerError,
    Transient,
    Unsupported,
)
from syncer.options import did_you_mean
from syncer.parallel import run
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from syncer.consumers.deadline import Deadline
    from syncer.engine.session import Session
    from syncer.model import Address, Observed, Secret

Answer = Sensitive | SyncerError
Seen = dict["Address", "Observed | SyncerError"]

_OBSERVING = 0.6
"""The share of the time in which stores must have said what they hold; the rest is for values."""
_SUGGESTIONS = 10
"""To find a close word takes its time, and somebody may ask for ten thousand that are wrong."""


class Lookup:
    """What consumers find at some addresses. Each store is asked once what is there, all of them side by side.

    What one store fails at is the error of what was looked for in it; the others answer. Nothing is written.
    """

    def __init__(self, session: Session, addresses: Iterable[Address], deadline: Deadline) -> None:
        self._session = session
        self._deadline = deadline
        self._suggestions = 0
        self._failed: dict[str, SyncerError] = {}
        choices = {address: self._candidates(address) for address in sorted(set(addresses))}
        there = self._look_around(choices.values())
        self._chosen = {address: self._nearest(address, choice, there) for address, choice in choices.items()}

    @property
    def broken(self) -> SyncerError | None:
        """Why a whole store could not be asked; of several, the one whose name comes first."""
        return next((error for _, error in sorted(self._failed.items(), key=_name)), None)

    def values(self, addresses: Iterable[Address]) -> dict[Address, Answer]:
        """Give what is at some of the addresses, in batches."""
        chosen = {address: self._chosen[address] for address in addresses}
        found: dict[Address, Answer] = {a: secret for a, secret in chosen.items() if isinstance(secret, SyncerError)}
        secrets = {a: secret for a, secret in chosen.items() if not isinstance(secret, SyncerError)}
        read = self._read_all(secrets.values())
        return found | {address: read[secret.address] for address, secret in secrets.items()}

    # What is there.

    def _candidates(self, address: Address) -> list[Secret] | SyncerError:
        known = self._session.manifest.scopes
        try:
            if address.scope in known:
                return list(candidates(self._session, address))
        except SyncerError as error:  # a backend that cannot be opened
            return error
        self._suggestions += 1
        close = did_you_mean(address.scope, known) if self._suggestions <= _SUGGESTIONS else ""
        return InvalidConfiguration(f"the manifest has no scope {address.scope}{close}")

    def _look_around(self, choices: Iterable[list[Secret] | SyncerError]) -> Mapping[str, Seen]:
        wanted: dict[str, list[Secret]] = defaultdict(list)
        for choice in choices:
            for secret in () if isinstance(choice, SyncerError) else choice:
                wanted[secret.backend].append(secret)
        ready = [name for name in sorted(wanted) if self._opens(name)]
        asked = self._deadline.part(_OBSERVING).each(lambda name: self._observe(name, wanted[name]), ready)
        there: dict[str, Seen] = {}
        for name, answer in asked.items():
            if isinstance(answer, SyncerError):
                self._failed[name] = answer
            else:
                there[name] = answer
        return there

    def _opens(self, name: str) -> bool:
        """Open a backend here: two threads must not open one twice."""
        try:
            self._session.backend(name)
        except SyncerError as error:
            self._failed[name] = error
        return name not in self._failed

    def _observe(self, name: str, secrets: Sequence[Secret]) -> Seen:
        try:
            return {**present(self._session, secrets)}
        except (AccessDenied, NotFound) as error:
            denied = error
        # Whoever only reads needs no right to list.
        looked = self._look_each(name, sorted({secret.address for secret in secrets}))
        if all(isinstance(seen, AccessDenied) for seen in looked.values()):
            raise denied
        return {address: seen for address, seen in looked.items() if seen is not None}

    def _look_each(self, name: str, addresses: Sequence[Address]) -> dict[Address, Observed | SyncerError | None]:
        backend, outside = self._session.backend(name), self._session.surroundings

        def look(address: Address) -> Observed | SyncerError | None:
            try:
                found = outside.retry.call(lambda: backend.look(address))
            except (AccessDenied, NotFound) as error:
                return error
            return None if found is None or found.deleted else found

        width = min(outside.parallelism, backend.concurrency)
        return dict(zip(addresses, run(look, addresses, width), strict=True))

    def _nearest(
        self, address: Address, choice: list[Secret] | SyncerError, there: Mapping[str, Seen]
    ) -> Secret | SyncerError:
        if isinstance(choice, SyncerError):
            return choice
        for secret in choice:
            if secret.backend in self._failed:
                return self._failed[secret.backend]
            seen = there[secret.backend].get(secret.address)
            if seen is not None:
                return seen if isinstance(seen, SyncerError) else self._checked(secret, seen)
            if taken_out(self._session, secret):
                return disabled(secret)
        message = f"{address} is neither there nor in a scope it falls back to"
        return NotFound(message, hint="`syncer plan` shows what is missing")

    def _checked(self, secret: Secret, seen: Observed) -> Secret | SyncerError:
        if not seen.enabled:
            return disabled(secret)
        try:
            check_owner(self._session, secret, seen)
        except AccessDenied as error:
            return error
        if Capability.READ not in self._session.backend(secret.backend).capabilities:
            return Unsupported(f"{secret.address}: backend `{secret.backend}` does not give values back")
        return secret

    # What it is.

    def _read_all(self, secrets: Iterable[Secret]) -> dict[Address, Answer]:
        wanted: dict[str, set[Address]] = defaultdict(set)
        for secret in secrets:
            wanted[secret.backend].add(secret.address)
        sound = [name for name in sorted(wanted) if name not in self._failed]
        asked = self._deadline.each(lambda name: self._read(name, wanted[name]), sound)
        self._failed |= {name: answer for name, answer in asked.items() if isinstance(answer, SyncerError)}
        found: dict[Address, Answer] = {}
        for name, addresses in wanted.items():
            answer = asked.get(name)
            found |= answer if isinstance(answer, dict) else dict.fromkeys(addresses, self._failed[name])
        return found

    def _read(self, name: str, addresses: Collection[Address]) -> dict[Address, Answer]:
        backend, outside = self._session.backend(name), self._session.surroundings
        try:
            return dict(read_each(self._session, backend, addresses))
        except BackendError as error:
            failed = error

        def read(address: Address) -> Answer:
            try:
                return backend.read(address)
            except SyncerError as error:
                return error

        # It may be the fault of one of them. Once each, for the store may well be down.
        wanted = sorted(addresses)
        width = min(outside.parallelism, backend.concurrency)
        found = dict(zip(wanted, run(read, wanted, width), strict=True))
        if all(isinstance(answer, Transient) or type(answer) is BackendError for answer in found.values()):
            raise failed
        return found


def _name(failed: tuple[str, SyncerError]) -> str:
    return failed[0]
