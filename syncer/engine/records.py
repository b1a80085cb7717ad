"""What state remembers of a change: before its write, after it, and when it never came back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from syncer.plans import Action, Reason
from syncer.state.model import Record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from syncer.model import Address, Desired, Fingerprint, Observed, Secret
    from syncer.plans import Change

Puts = dict["Address", Record | None]
"""Records to put at addresses; None drops what is there."""


def assumed(change: Change, record: Record | None, source: str, now: datetime) -> Puts:
    """What to believe should the result of the write never be known: ours, and where a value was written, unknown."""
    if change.action is Action.FORGET:
        return {}
    if change.action is Action.MOVE:
        return _both(change, record)
    if record is not None and not change.writes_value and not _arrives(change, record):
        return {change.address: replace(record, interrupted=True)}
    if change.secret is None:
        return {}
    known = record or _fresh(change.secret, source, now)
    if change.reason is Reason.PENDING_DELETION and change.observed is not None:
        same = record.fingerprint if record and record.version == change.observed.version else None
        there = replace(known, backend=change.backend, version=change.observed.version, fingerprint=same)
        return {change.address: replace(there, interrupted=True, restored=same is None)}
    unknown = replace(
        known,
        backend=change.backend,
        version=None if change.action is Action.CREATE or _arrives(change, known) else known.version,
        fingerprint=None,
        interrupted=True,
        previous_backend=known.backend if _arrives(change, known) else known.previous_backend,
    )
    return {change.address: unknown}


def _arrives(change: Change, record: Record) -> bool:
    """Whether the change brings the secret to another backend than the record's."""
    return change.action in (Action.CREATE, Action.ROTATE) and change.backend != record.backend


def known(  # the facts of one write
    change: Change,
    record: Record | None,
    observed: Observed | None,
    *,
    fingerprint: Fingerprint | None,
    source: str,
    now: datetime,
) -> Puts:
    """What is true once the write came back; `observed` is what the backend answered."""
    match change.action:
        case Action.FORGET | Action.DELETE:
            return {change.address: _without(change, record)}
        case Action.ENABLE | Action.DISABLE if record is not None and change.backend != record.backend:
            return {change.address: replace(record, previous_backend=None)}
        case Action.MOVE:
            return {change.address: _moved(change, record), **_dropped_source(change)}
        case Action.CREATE | Action.ROTATE | Action.UPDATE | Action.ENABLE | Action.DISABLE:
            if observed is None:
                message = "a write that leaves a secret behind must say what it left"
                raise TypeError(message)
            return {change.address: _written(change, record, observed, (fingerprint, source, now))}
    assert_never(change.action)


def settled(record: Record, desired: Desired, source: str) -> Record:
    """The record of a secret that matches the manifest: what needs no write but must be remembered."""
    secret = desired.secret
    return replace(
        record,
        source=record.source if desired.fingerprint is None else source,
        tags=dict(secret.tags),
        on_remove=secret.on_remove,
        enabled=secret.enabled,
        description=secret.description or None,
        rotation=max(record.rotation, secret.rotate.version),
        interrupted=False,
    )


def _written(
    change: Change, record: Record | None, observed: Observed, facts: tuple[Fingerprint | None, str, datetime]
) -> Record:
    fingerprint, source, now = facts
    secret = change.secret
    if record is None or _arrives(change, record):
        previous = record.backend if record else None
        record = replace(_fresh(_declared(secret), source, now), previous_backend=previous)
    after = replace(
        record,
        backend=change.backend,
        remote_id=observed.remote_id,
        enabled=observed.enabled,
        interrupted=False,
    )
    if change.reason is Reason.PENDING_DELETION:
        same = record.fingerprint if record.version == observed.version else None
        known = fingerprint or same
        return replace(after, version=observed.version, fingerprint=known, restored=known is None)
    if change.writes_value:
        rotation = _declared(secret).rotate.version
        after = replace(
            after,
            version=observed.version,
            fingerprint=fingerprint,
            source=source,
            rotation=rotation,
            rotated=now,
            restored=False,
        )
    if change.action in (Action.CREATE, Action.UPDATE):
        declared = _declared(secret)
        after = replace(after, tags=dict(declared.tags), description=declared.description or None)
    return after


def _declared(secret: Secret | None) -> Secret:
    if secret is None:
        message = "a value is only ever written for a declared secret"
        raise TypeError(message)
    return secret


def _fresh(secret: Secret, source: str, now: datetime) -> Record:
    return Record(
        backend=secret.backend,
        remote_id="",
        version=None,
        fingerprint=None,
        source=source,
        tags=dict(secret.tags),
        enabled=True,
        description=secret.description or None,
        on_remove=secret.on_remove,
        rotation=secret.rotate.version,
        created=now,
        rotated=now,
    )


def _without(change: Change, record: Record | None) -> Record | None:
    """Drop the record, unless the change is about what a secret left on its former backend."""
    if record is not None and change.backend != record.backend:
        return replace(record, previous_backend=None)
    return None


def _moved(change: Change, record: Record | None) -> Record | None:
    return record and replace(record, backend=change.backend, interrupted=False)


def _both(change: Change, record: Record | None) -> Puts:
    """A rename that may or may not have happened: remembered at its old address, where the planner looks for it."""
    if change.previous is None or record is None:
        return {}
    return {change.previous.address: replace(record, interrupted=True)}


def _dropped_source(change: Change) -> Mapping[Address, None]:
    return {change.previous.address: None} if change.previous else {}
