"""What a change does, whatever it starts from, and whether state shows that it was done. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.plans import Action, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from syncer.model import Address, Fingerprint
    from syncer.plans import Change, Location
    from syncer.state.model import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What is other after a change than before it."""

    tags: Mapping[str, str]
    """Set, or set to another text."""
    dropped: frozenset[str]
    described: str | None
    """The new description; None where it stays."""
    enabled: bool | None
    """None where it stays as it is, or nothing is left."""
    fingerprint: Fingerprint | None
    """Of the value that it writes; None where it writes none, or one that is not known yet."""

    def shows_in(self, record: Record) -> bool:
        """Whether a record remembers these tags and this description."""
        described = self.described in (None, record.description or "")
        return described and self.tags.items() <= record.tags.items() and self.dropped.isdisjoint(record.tags)


_OF_VALUE = frozenset({Action.CREATE, Action.ROTATE})


def effect(change: Change) -> Effect:
    """Give what a change does."""
    before, after = change.before, change.after
    if after is None:
        return Effect(tags={}, dropped=frozenset(), described=None, enabled=None, fingerprint=None)
    had = before.tags if before else {}
    described = after.description or ""
    return Effect(
        tags={name: text for name, text in after.tags.items() if had.get(name) != text},
        dropped=frozenset(had) - frozenset(after.tags),
        described=None if described == (before.description or "" if before else "") else described,
        enabled=None if before and before.enabled is after.enabled else after.enabled,
        fingerprint=after.fingerprint if change.action in _OF_VALUE else None,
    )


def same_effect(then: Change, now: Change) -> bool:
    """Whether two changes do the same for the same reason; a value that was not known then may be any now."""
    if _kind(then) != _kind(now):
        return False
    one, other = effect(then), effect(now)
    known = one.fingerprint in (None, other.fingerprint)
    return known and (one.tags, one.dropped, one.described, one.enabled) == (
        other.tags,
        other.dropped,
        other.described,
        other.enabled,
    )


def _kind(change: Change) -> tuple[object, ...]:
    where: Location | None = change.previous
    return change.address, change.backend, change.action, change.reason, where, change.advisory, change.removes


def done(change: Change, records: Mapping[Address, Record], since: datetime) -> bool:
    """Whether state says of a change that was planned at `since` what it would say after it."""
    record = records.get(change.address)
    if change.action in (Action.DELETE, Action.FORGET):
        return record is None or change.backend not in (record.backend, record.previous_backend)
    if record is None:
        return False
    if change.action is Action.MOVE:
        return change.previous is not None and change.previous.address not in records
    if change.backend != record.backend:
        return change.action is Action.DISABLE and change.backend != record.previous_backend
    if change.action in _OF_VALUE:
        return _written(change, record, since)
    return not record.interrupted and _shows(change, record)


def _shows(change: Change, record: Record) -> bool:
    if change.action is Action.UPDATE:
        return effect(change).shows_in(record)
    return record.enabled is (change.action is Action.ENABLE)


def _written(change: Change, record: Record, since: datetime) -> bool:
    if record.version is None or not (record.fingerprint or record.restored):
        return False  # a run ended in the middle of it, and nobody knows
    before, wanted = change.before, effect(change).fingerprint
    moved = before is None or before.version != record.version or record.rotated > since
    if wanted is None or change.reason is Reason.ROTATION_REQUESTED:
        return moved
    return wanted == record.fingerprint
