"""What a plan is made from, and what the diff notes down while it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncer.backends.base import Capability
from syncer.engine import compare
from syncer.plans import Action, Change, Diagnostic, Drift, Effect, Location, Reason, Severity, Snapshot, Values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from syncer.model import Address, Desired, Fingerprint, Move, Observed, OnRemove, Secret
    from syncer.state.model import Record, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that a plan is made from."""

    project: str
    desired: Mapping[Address, Desired]
    """All of the manifest that is selected; empty to destroy."""
    observed: Mapping[str, Mapping[Address, Observed]]
    """By the name of the backend, then by address."""
    state: State
    capabilities: Mapping[str, frozenset[Capability]]
    """By the name of the backend."""
    now: datetime
    moved: tuple[Move, ...] = ()
    removed: Mapping[Address, OnRemove] = field(default_factory=dict)
    destroy: bool = False
    values: Values = Values.RESOLVED
    selected: Callable[[Address], bool] = lambda _address: True
    rotate: Callable[[Address], bool] = lambda _address: False
    """Whether a rotation of that address was asked for."""
    actual: Mapping[Address, Fingerprint] = field(default_factory=dict)
    """Fingerprints of values that were read back, under the records' salts."""

    def can(self, backend: str, capability: Capability) -> bool:
        """Whether the named backend can do it."""
        return capability in self.capabilities[backend]

    def at(self, backend: str, address: Address) -> Observed | None:
        """What the named backend says of the address."""
        return self.observed.get(backend, {}).get(address)


@dataclass(slots=True)
class Findings:
    """What the diff found, in the order of the addresses."""

    changes: list[Change] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    unchecked: list[Address] = field(default_factory=list)
    withdrawn: list[Address] = field(default_factory=list)
    versions: dict[Address, str] = field(default_factory=dict)
    """Of values that were read and found as they should be, under another version than the record's."""

    def error(self, code: str, address: Address, message: str, hint: str, secret: Secret | None = None) -> None:
        """Note what keeps the plan from being applied."""
        self.diagnostics.append(
            Diagnostic(
                severity=Severity.ERROR,
                code=code,
                message=message,
                address=address,
                hint=hint,
                origin=secret.origin if secret else None,
            )
        )

    def sort(self) -> None:
        """Put everything in the order of the addresses; what concerns one address stays in its own order."""
        self.changes.sort(key=lambda change: change.address)
        self.drift.sort(key=lambda drift: drift.address)
        self.diagnostics.sort(key=lambda diagnostic: diagnostic.address or ("", ""))
        self.unchecked.sort()


@dataclass(slots=True, kw_only=True)
class Chain:
    """The changes of one address on one backend: each starts from what the last one leaves."""

    found: Findings
    address: Address
    backend: str
    secret: Secret | None
    observed: Observed | None
    snapshot: Snapshot | None
    origin: Location | None = None
    """Where a value that no source yields again is to be carried over from."""

    def add(  # the facts that differ between changes
        self,
        action: Action,
        reason: Reason,
        after: Snapshot | None,
        *,
        previous: Location | None = None,
        drop_tags: frozenset[str] = frozenset(),
        effect: Effect | None = None,
    ) -> None:
        """Note the next change of the chain."""
        change = Change(
            address=self.address,
            action=action,
            reason=reason,
            backend=self.backend,
            before=self.snapshot,
            after=after,
            observed=self.observed,
            secret=self.secret,
            previous=previous,
            drop_tags=drop_tags,
            advisory=effect is Effect.NOTED,
            removes=effect is Effect.REMOVED,
        )
        self.found.changes.append(change)
        self.snapshot = after


def note_drift(
    facts: Facts, found: Findings, address: Address, record: Record | None, observed: Observed | None
) -> None:
    """Note where the backend's copy differs from what we wrote."""
    if record is not None:
        versioned = facts.can(record.backend, Capability.VERSION_IN_LIST)
        found.drift.extend(compare.drift(address, record, observed, facts.actual.get(address), versioned=versioned))


def never_marked(facts: Facts, record: Record, observed: Observed) -> bool:
    """Whether somebody else made what is there, by what the record's backend can."""
    return compare.never_marked(record, observed, facts.capabilities.get(record.backend, frozenset()))


def replaced_blindly(facts: Facts, record: Record, observed: Observed) -> bool:
    """Whether our mark is gone where nothing else would tell that somebody wrote the secret anew, value and all."""
    blind = not {Capability.READ, Capability.VERSION_IN_LIST} & facts.capabilities[record.backend]
    return blind and observed.owner is None and facts.can(record.backend, Capability.TAGS)


def held(facts: Facts, record: Record, address: Address, backend: str) -> Location | None:
    """The place of a copy that a record knows of, where it can be reached, is alive and is nobody else's."""
    observed = facts.at(backend, address)
    if backend not in facts.capabilities or observed is None or observed.deleted:
        return None
    if observed.owner not in (None, facts.project) or (
        backend == record.backend and never_marked(facts, record, observed)
    ):
        return None
    return Location(backend=backend, address=address)


def chain_of(found: Findings, secret: Secret, observed: Observed, record: Record | None) -> Chain:
    """Start the changes of a declared secret from what is observed."""
    snapshot = snapshot_of(observed, record.fingerprint if record else None)
    return Chain(
        found=found,
        address=secret.address,
        backend=secret.backend,
        secret=secret,
        observed=observed,
        snapshot=snapshot,
    )


def snapshot_of(observed: Observed, fingerprint: Fingerprint | None) -> Snapshot:
    """What is observed, as shown to people."""
    return Snapshot(
        enabled=observed.enabled,
        tags=observed.tags,
        description=observed.description,
        version=observed.version,
        fingerprint=fingerprint,
    )


def effect(facts: Facts, backend: str, action: Action) -> Effect:
    """Tell what comes of enabling or disabling there; what was removed comes back by another action."""
    if facts.can(backend, Capability.DISABLE_ENFORCED):
        return Effect.ENFORCED
    removes = action is Action.DISABLE and facts.can(backend, Capability.DISABLE_REMOVES)
    return Effect.REMOVED if removes else Effect.NOTED


def is_out(facts: Facts, backend: str, observed: Observed | None) -> bool:
    """Whether nothing is there because it is disabled, in a store where such a secret is taken out."""
    return observed is not None and not observed.enabled and facts.can(backend, Capability.DISABLE_REMOVES)
