"""What a run intends and what came of it: actions, reasons, changes, plans, outcomes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from syncer.errors import SyncerError
    from syncer.model import Address, Desired, Fingerprint, Observed, Origin, Secret


class Action(StrEnum):
    """What one change does: one backend write (none for `forget`) and one record."""

    CREATE = "create"
    ROTATE = "rotate"
    UPDATE = "update"
    ENABLE = "enable"
    DISABLE = "disable"
    DELETE = "delete"
    FORGET = "forget"
    MOVE = "move"


class Reason(StrEnum):
    """Why a change is in the plan."""

    NEW = "new"
    MISSING = "missing"
    PENDING_DELETION = "pending_deletion"
    """A soft-deleted secret is wanted again: it is restored, then compared like any other."""
    BACKEND_CHANGED = "backend_changed"
    MOVED = "moved"
    UNKNOWN_VALUE = "unknown_value"
    SOURCE_CHANGED = "source_changed"
    DRIFTED = "drifted"
    ROTATION_DUE = "rotation_due"
    ROTATION_BUMPED = "rotation_bumped"
    ROTATION_REQUESTED = "rotation_requested"
    METADATA_DIFFERS = "metadata_differs"
    ENABLED_DIFFERS = "enabled_differs"
    ORPHANED = "orphaned"
    GONE = "gone"
    DESTROY_REQUESTED = "destroy_requested"


class Effect(StrEnum):
    """What a store makes of a disabled secret."""

    ENFORCED = "enforced"
    NOTED = "noted"
    REMOVED = "removed"


class DriftKind(StrEnum):
    """In what an observed secret differs from its record."""

    MISSING = "missing"
    VALUE = "value"
    TAGS = "tags"
    ENABLED = "enabled"
    DESCRIPTION = "description"


class Severity(StrEnum):
    """An error keeps a plan from being applied, a warning does not; a note says what is so and stays so."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Values(StrEnum):
    """Whether a plan compared values or left every source alone."""

    RESOLVED = "resolved"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a change starts from or leads to, as shown to people and written to plans. Never a value."""

    enabled: bool
    tags: Mapping[str, str]
    description: str | None
    version: str | None = None
    fingerprint: Fingerprint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """An address in a named backend."""

    backend: str
    address: Address


_OF_VALUE = frozenset({Action.CREATE, Action.ROTATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change: one action, one reason, one backend write, one record."""

    address: Address
    action: Action
    reason: Reason
    backend: str
    before: Snapshot | None
    after: Snapshot | None
    observed: Observed | None = None
    """What the write is conditional on; None for a create and a forget."""
    secret: Secret | None = None
    """The declaration; None for an orphan."""
    previous: Location | None = None
    """Where a moved secret, or one that changes its backend, comes from."""
    drop_tags: frozenset[str] = frozenset()
    """Tags that we set before and that the manifest no longer wants."""
    advisory: bool = False
    """An enable or disable that the backend only notes and does not enforce."""
    removes: bool = False
    """A disable that takes the secret out, its value with it, because the backend has no disabled state."""

    @property
    def writes_value(self) -> bool:
        """Whether a value goes to the backend; a restored secret brings its own."""
        return self.action in _OF_VALUE and self.reason is not Reason.PENDING_DELETION


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One difference between a record and what is observed."""

    address: Address
    backend: str
    kind: DriftKind
    before: Any
    """As recorded: a version, tags, a flag or a text, by `kind`. Never a value."""
    after: Any
    """As observed; None where it is missing."""


POLICY = "policy/"
"""What the code of a finding begins with that breaks a rule; the rule's name follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """A finding that is not a change."""

    severity: Severity
    code: str
    """A stable word for programs: `unmanaged`, `conflict`, `unsupported`, `rotation_soon` ..."""
    message: str
    address: Address | None = None
    hint: str | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What a run asked of one backend."""

    calls: int = 0
    values_read: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which part of the manifest a plan is about, and what was asked beside it."""

    targets: tuple[str, ...] = ()
    """Globs over addresses; none means all."""
    excludes: tuple[str, ...] = ()
    rotate: tuple[str, ...] = ()
    """Globs of addresses whose rotation is requested."""
    destroy: bool = False

    @property
    def partial(self) -> bool:
        """Whether some addresses may have been left out."""
        return bool(self.targets or self.excludes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A list of changes and the facts that they rest on."""

    project: str
    changes: tuple[Change, ...]
    drift: tuple[Drift, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    unchecked: tuple[Address, ...] = ()
    """Addresses whose value was not checked, where values are skipped."""
    origins: Mapping[Address, Origin] = field(default_factory=dict, repr=False, compare=False)
    """Where what was looked at is declared, for reports; no document holds it."""
    withdrawn: tuple[Address, ...] = field(default=(), repr=False, compare=False)
    """Orphans that are disabled already, for an apply to remember; no document holds it."""
    versions: Mapping[Address, str] = field(default_factory=dict, repr=False, compare=False)
    """Of values that were read and found right under a version that moved; as above."""
    renamed: Mapping[Address, Any] = field(default_factory=dict, repr=False, compare=False)
    """Records of secrets that stand where they stood, their backend having another name now; as above."""
    lineage: str | None
    """None where there was no state yet."""
    serial: int
    manifest_digest: str
    timestamp: datetime
    """In UTC, whole seconds."""
    values: Values = Values.RESOLVED
    selection: Selection = field(default_factory=Selection)
    calls: Mapping[str, Calls] = field(default_factory=dict)
    desired: Mapping[Address, Desired] = field(default_factory=dict, repr=False, compare=False)
    """What the sources yielded, for an apply in the same process; no document holds it."""
    records: int = 0
    """How many the state held."""
    refreshed: bool = True
    """False where the backends were not asked and the records taken for what is there."""
    verified: bool = False
    """Values were read back and compared, where versions may not tell."""

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings that keep it from being applied."""
        return tuple(d for d in self.diagnostics if d.severity is Severity.ERROR)

    @property
    def complete(self) -> bool:
        """Whether applying it would leave nothing to do: no error, nothing left out."""
        left_out = self.errors or self.unchecked or self.selection.partial
        return not left_out and self.values is Values.RESOLVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Changes by Terraform's three words: addresses, not changes."""

    add: int = 0
    change: int = 0
    destroy: int = 0


_CHANGING = frozenset({Action.ROTATE, Action.UPDATE, Action.ENABLE, Action.DISABLE})


def by_action(changes: tuple[Change, ...]) -> dict[Action, int]:
    """Count changes by action, every action present."""
    found = Counter(change.action for change in changes)
    return {action: found[action] for action in Action}


def count(changes: tuple[Change, ...]) -> Counts:
    """Count addresses to add, change and destroy. An address that is created counts once, as an addition."""
    added = {c.address for c in changes if c.action is Action.CREATE}
    changed = {c.address for c in changes if c.action in _CHANGING} - added
    destroyed = {c.address for c in changes if c.action is Action.DELETE}
    return Counts(add=len(added), change=len(changed), destroy=len(destroyed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A change that was not carried out, and why."""

    change: Change
    error: SyncerError


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an apply."""

    applied: tuple[Change, ...]
    failed: tuple[Failure, ...] = ()
    skipped: tuple[Change, ...] = ()
    """Not begun: an earlier change of the same address failed, or the run was stopped."""
    interrupted: bool = False
    serial: int = 0
    calls: Mapping[str, Calls] = field(default_factory=dict)
