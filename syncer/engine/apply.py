"""Carries out a plan: intent, write, record, for each change; several addresses at once."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from syncer import crypto
from syncer.engine import records
from syncer.engine.refresh import source_digest
from syncer.errors import (
    AccessDenied,
    AlreadyExists,
    InvalidConfiguration,
    NotFound,
    Refused,
    SourceError,
    StalePlan,
    StateError,
    SyncerError,
    Throttled,
    Unsupported,
    VersionConflict,
)
from syncer.parallel import run
from syncer.plans import Action, Failure, Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from syncer.engine.records import Puts
    from syncer.engine.write import Writer
    from syncer.model import Address, Fingerprint, Observed
    from syncer.plans import Change, Location, Plan
    from syncer.sensitive import Sensitive
    from syncer.state.journal import Journal
    from syncer.state.model import Record, State

PHASES: tuple[frozenset[Action], ...] = (
    frozenset({Action.MOVE, Action.CREATE, Action.ROTATE}),
    frozenset({Action.UPDATE}),
    frozenset({Action.ENABLE}),
    frozenset({Action.DISABLE}),
    frozenset({Action.DELETE, Action.FORGET}),
)
"""What is there first, what is taken away last. Addresses of one phase go side by side."""

_REFUSALS = (
    AccessDenied,
    AlreadyExists,
    InvalidConfiguration,
    NotFound,
    Refused,
    SourceError,
    StalePlan,
    StateError,
    Throttled,
    Unsupported,
    VersionConflict,
)
"""Errors that say clearly that nothing was written."""


@dataclass(slots=True, kw_only=True)
class Applier:
    """One apply in progress."""

    plan: Plan
    state: State
    journal: Journal
    writer: Writer
    fingerprint_key: bytes
    now: datetime
    width: int
    concurrency: Mapping[str, int]
    """How many calls each backend stands at once."""
    stop: threading.Event
    progress: Callable[[Change], None] = lambda _change: None
    """Told of each change that was carried out."""
    records: dict[Address, Record | None] = field(default_factory=dict)
    """What this apply put, over `state`."""
    _latest: dict[tuple[str, Address], Observed] = field(default_factory=dict)
    _doubtful: dict[int, Puts] = field(default_factory=dict)
    _blocked: set[Address] = field(default_factory=set)
    _applied: list[Change] = field(default_factory=list)
    _failed: list[Failure] = field(default_factory=list)
    _skipped: list[Change] = field(default_factory=list)
    _turns: dict[str, threading.BoundedSemaphore] = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._turns = {name: threading.BoundedSemaphore(most) for name, most in self.concurrency.items()}

    def run(self) -> Outcome:
        """Carry out every phase. Raise nothing for a change that fails: it is in the outcome."""
        for phase in PHASES:
            chains = _by_address(change for change in self.plan.changes if change.action in phase)
            for batch in _batches(chains, max(self.journal.batch, self.width)):
                self._carry_out(batch)
        self._settle()
        return Outcome(
            applied=tuple(self._applied),
            failed=tuple(self._failed),
            skipped=tuple(self._skipped),
            interrupted=self.stop.is_set(),
        )

    def _carry_out(self, batch: list[list[Change]]) -> None:
        ready = [chain for chain in batch if not self._held_back(chain)]
        try:
            self.journal.intend([entry for chain in ready for entry in self._assumed(chain[0])])
        except StateError as error:
            for chain in ready:
                self._fail(chain, error)
            return
        for _ in run(self._chain, ready, self._width()):
            pass

    def _width(self) -> int:
        # Where all backends together take fewer, more workers would only wait; for one at a time, no thread at all.
        return min(self.width, sum(self.concurrency.values()))

    def _held_back(self, chain: list[Change]) -> bool:
        held = self.stop.is_set() or chain[0].address in self._blocked
        if held:
            self._block(chain)
            self._skipped.extend(chain)
        return held

    def _block(self, chain: list[Change]) -> None:
        """Let nothing more happen to an address, nor to the one that it was to come from: that holds the value."""
        self._blocked |= {change.address for change in chain}
        self._blocked |= {change.previous.address for change in chain if change.previous}

    def _chain(self, chain: list[Change]) -> None:
        """Carry out the changes of one address in order; its first intent is in the journal."""
        for position, change in enumerate(chain):
            if self.stop.is_set():
                self._withdraw(change)
                self._skipped.extend(chain[position:])
                return
            try:
                if position:
                    self.journal.intend(self._assumed(change))
                self.journal.check()
                self._one(change)
            except SyncerError as error:
                self._fail(chain[position:], error)
                return
            self.progress(change)

    def _one(self, change: Change) -> None:
        """Write one change and note what is true from then on."""
        value = self._value(change) if change.writes_value else None
        place = (change.backend, change.address)
        observed = None if change.action is Action.FORGET else self._write(change, value, place)
        if change.reason is Reason.PENDING_DELETION:
            value = self._restored(change)
        fingerprint = None if value is None else self._fingerprint(change, value)
        source = self._source(change.address)
        known = records.known(
            change, self._record(change), observed, fingerprint=fingerprint, source=source, now=self.now
        )
        with self._lock:
            if observed is not None:
                self._latest[place] = observed
            self._doubtful.pop(id(change), None)
            self.records.update(known)
            self._applied.append(change)
        self._note(known)

    def _write(self, change: Change, value: Sensitive | None, place: tuple[str, Address]) -> Observed | None:
        with self._turns[change.backend]:
            return self.writer.write(change, value, self._latest.get(place, change.observed))

    def _note(self, puts: Puts) -> None:
        # The write is done and remembered here; after a crash its intent speaks for it. The next change looks whether
        # there was room for this line, and says why it was not begun.
        with contextlib.suppress(StateError):
            self.journal.record(puts.items())

    def _value(self, change: Change) -> Sensitive:
        desired = self.plan.desired.get(change.address)
        resolved = desired.value if desired else None
        if resolved is not None:
            return resolved
        if change.previous is None:
            return self.writer.made(change)
        with self._turns[change.previous.backend]:
            carried = self.writer.read(change.previous.backend, change.previous.address)
        self._check_carried(change.previous, carried)
        return self.writer.fitting(change, carried)

    def _check_carried(self, place: Location, value: Sensitive) -> None:
        """Raise VersionConflict for a value that is not the one we wrote: to carry it over would hide the drift."""
        record = self.state.records.get(place.address)
        like = record.fingerprint if record else None
        if like is not None and crypto.fingerprint(self.fingerprint_key, value, place.address, like) != like:
            message = f"{place.address} was changed outside on backend `{place.backend}`, and is to be carried over"
            raise VersionConflict(
                message, hint="put it right there first, or take it as it is: `syncer drift --accept`"
            )

    def _restored(self, change: Change) -> Sensitive | None:
        """Read what came back of a value that is made once: it is the one to keep, and only the backend knows it."""
        desired = self.plan.desired.get(change.address)
        record = self._record(change)
        if desired is None or not desired.made_at_apply:
            return None
        if record is not None and record.backend == change.backend and record.fingerprint is not None:
            return None
        if not self.writer.can_read(change.backend):
            return None
        # It is restored, whatever becomes of reading it: an error here must not say that nothing was written.
        with contextlib.suppress(SyncerError), self._turns[change.backend]:
            return self.writer.read(change.backend, change.address)
        return None

    def _fingerprint(self, change: Change, value: Sensitive) -> Fingerprint:
        record = self._record(change)
        like = record.fingerprint if record else None
        if change.after is not None and change.after.fingerprint is not None:
            like = change.after.fingerprint
        return crypto.fingerprint(self.fingerprint_key, value, change.address, like)

    def _record(self, change: Change) -> Record | None:
        """The record that the change starts from: for a rename, the one at the old address."""
        renamed = change.action is Action.MOVE and change.previous is not None
        address = change.previous.address if renamed and change.previous else change.address
        return self.records[address] if address in self.records else self.state.records.get(address)

    def _source(self, address: Address) -> str:
        desired = self.plan.desired.get(address)
        return source_digest(desired.secret.source) if desired else ""

    def _assumed(self, change: Change) -> list[tuple[Address, Record | None]]:
        puts = records.assumed(change, self._record(change), self._source(change.address), self.now)
        with self._lock:
            # Also in the state that this run writes, should the outcome stay unknown.
            self._doubtful[id(change)] = puts
        return list(puts.items())

    def _withdraw(self, change: Change) -> None:
        """Take an intent back: what was true before it still is."""
        puts = {address: self._before(address) for address in self._doubtful.pop(id(change), {})}
        self._note(puts)

    def _before(self, address: Address) -> Record | None:
        return self.records[address] if address in self.records else self.state.records.get(address)

    def _fail(self, chain: list[Change], error: SyncerError) -> None:
        first, *rest = chain
        with self._lock:
            self._block(chain)
            self._failed.append(Failure(change=first, error=error))
            self._skipped.extend(rest)
        if isinstance(error, _REFUSALS):
            self._withdraw(first)
        else:
            # To believe a write that never was costs a look; to doubt one that was leaves a secret that nobody owns.
            self.records.update(self._doubtful.pop(id(first), {}))

    def _settle(self) -> None:
        """Remember what needed no write: a source that moved, another `on_remove`, the end of an interruption."""
        unfinished = self._blocked | {change.address for change in self._skipped}
        for address, desired in self.plan.desired.items():
            record = self._before(address)
            if record is None or address in unfinished or not (record.fingerprint or record.restored):
                continue
            settled = records.settled(record, desired, source_digest(desired.secret.source))
            version = self.plan.versions.get(address, record.version)
            self._remember(address, replace(settled, version=version))
        for address in self.plan.withdrawn:
            record = self._before(address)
            if record is not None and address not in unfinished:
                self._remember(address, replace(record, enabled=False, interrupted=False))

    def _remember(self, address: Address, settled: Record) -> None:
        if settled != self._before(address):
            self.records[address] = settled


def _by_address(changes: Iterable[Change]) -> list[list[Change]]:
    chains: dict[Address, list[Change]] = {}
    for change in changes:
        chains.setdefault(change.address, []).append(change)
    return list(chains.values())


def _batches(chains: list[list[Change]], size: int) -> Iterator[list[list[Change]]]:
    for start in range(0, len(chains), size):
        yield chains[start : start + size]
