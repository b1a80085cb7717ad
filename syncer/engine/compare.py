"""Judgements about one secret: has its value, its metadata or its backend's copy moved? Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.backends.base import Capability
from syncer.plans import Diagnostic, Drift, DriftKind, Reason, Severity, Values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from syncer.model import Address, Desired, Fingerprint, Observed, Secret
    from syncer.state.model import Record


def value_reason(
    desired: Desired, record: Record, observed: Observed, values: Values, *, versioned: bool
) -> Reason | None:
    """Why the value needs a new version by itself, or None. `versioned`: the backend's tokens can be compared."""
    if record.fingerprint is None:
        kept = record.restored and desired.made_at_apply and observed.version == record.version
        return None if kept and not _source_changed(desired, record, values) else Reason.UNKNOWN_VALUE
    if _source_changed(desired, record, values):
        return Reason.SOURCE_CHANGED
    if versioned and observed.version != record.version:
        return Reason.DRIFTED
    return None


def rotation_reason(secret: Secret, record: Record, now: datetime, *, requested: bool) -> Reason | None:
    """Why the value is to be rotated although nothing differs, or None."""
    if requested:
        return Reason.ROTATION_REQUESTED
    if secret.rotate.version > record.rotation:
        return Reason.ROTATION_BUMPED
    if secret.rotate.every is not None and now - record.rotated >= secret.rotate.every:
        return Reason.ROTATION_DUE
    return None


def _source_changed(desired: Desired, record: Record, values: Values) -> bool:
    if desired.fingerprint is not None:
        return desired.fingerprint != record.fingerprint
    # Nothing was resolved: values are skipped, or this one is made at apply, once, whatever its options say now.
    now, then = desired.source_digest, record.source
    if values is Values.SKIPPED and not desired.made_at_apply:
        return now != then
    return _type(now) != _type(then)


def _type(source_digest: str) -> str:
    return source_digest.partition(":")[0]


def dropped_tags(secret: Secret, record: Record | None, observed: Observed) -> frozenset[str]:
    """Tags that we set, that the manifest no longer wants, and that are still there. Those of others stay."""
    ours = record.tags.keys() - secret.tags.keys() if record else None
    return frozenset(ours & observed.tags.keys()) if ours else _NO_TAGS


_NO_TAGS: frozenset[str] = frozenset()


def metadata_differs(
    secret: Secret, record: Record | None, observed: Observed, capabilities: frozenset[Capability]
) -> bool:
    """Whether tags, description or the owner's mark need a write."""
    if Capability.TAGS in capabilities and (
        observed.owner is None
        or not secret.tags.items() <= observed.tags.items()
        or dropped_tags(secret, record, observed)
    ):
        return True
    return Capability.DESCRIPTION in capabilities and wanted_description(secret, record, observed) != (
        observed.description or ""
    )


def wanted_description(secret: Secret, record: Record | None, observed: Observed) -> str:
    """The declared description; where the manifest says nothing and never did, whatever somebody wrote there."""
    said = secret.description or (record is not None and record.description)
    return secret.description if said else observed.description or ""


def never_marked(record: Record, observed: Observed, capabilities: frozenset[Capability]) -> bool:
    """Whether somebody else made what is there: ours would carry our mark.

    An interrupted create met it, or it came where ours had been taken out.
    """
    out = not record.enabled and observed.enabled and Capability.DISABLE_REMOVES in capabilities
    unknown = out or (record.version is None and record.interrupted)
    return unknown and observed.owner is None and Capability.TAGS in capabilities


def drift(
    address: Address, record: Record, observed: Observed | None, actual: Fingerprint | None, *, versioned: bool
) -> Iterator[Drift]:
    """Give each way in which a backend's copy differs from what we know that we wrote.

    A record of an interrupted run is no evidence: what differs there is our own doing.
    """
    if record.interrupted:
        return
    if observed is None or observed.deleted:
        yield _drift(address, record, DriftKind.MISSING, record.version, None)
        return
    if versioned and actual is None and observed.version != record.version:
        yield _drift(address, record, DriftKind.VALUE, record.version, observed.version)
    elif actual is not None and record.fingerprint is not None and actual != record.fingerprint:
        yield _drift(address, record, DriftKind.VALUE, str(record.fingerprint), str(actual))
    if not record.tags.items() <= observed.tags.items():
        there = {name: observed.tags[name] for name in record.tags if name in observed.tags}
        yield _drift(address, record, DriftKind.TAGS, dict(record.tags), there)
    if observed.enabled != record.enabled:
        yield _drift(address, record, DriftKind.ENABLED, record.enabled, observed.enabled)
    if record.description is not None and observed.description not in (None, record.description):
        yield _drift(address, record, DriftKind.DESCRIPTION, record.description, observed.description)


def _drift(address: Address, record: Record, kind: DriftKind, before: object, after: object) -> Drift:
    return Drift(address=address, backend=record.backend, kind=kind, before=before, after=after)


SAME_VALUE = "rotation_same_value"
"""The code of a warning: a value is written anew and stays what it was."""


def warnings(desired: Desired, record: Record, reason: Reason | None, now: datetime) -> Iterator[Diagnostic]:
    """Give what a reviewer should know although it is no change."""
    secret = desired.secret
    if reason in _ROTATIONS and desired.fingerprint is not None:
        yield _warning(
            secret,
            SAME_VALUE,
            "to be rotated, but the source still yields the same value",
            hint="put a new value where the source reads it, then plan again",
        )
    if reason is None and desired.made_at_apply and desired.source_digest != record.source:
        yield _warning(
            secret,
            "generate_changed",
            "its `generate` options changed; the value stays until it is rotated",
            hint=f"raise rotate.version, or plan with --rotate {secret.address}",
        )
    every, ahead = secret.rotate.every, secret.rotate.warn
    if reason is None and every is not None and ahead is not None and now - record.rotated >= every - ahead:
        left = every - (now - record.rotated)
        yield _warning(secret, "rotation_soon", f"due for rotation in {max(1, round(left.total_seconds() / 86400))} d")


_ROTATIONS = frozenset({Reason.ROTATION_DUE, Reason.ROTATION_BUMPED, Reason.ROTATION_REQUESTED})


def _warning(secret: Secret, code: str, message: str, hint: str | None = None) -> Diagnostic:
    return Diagnostic(
        severity=Severity.WARNING,
        code=code,
        message=message,
        address=secret.address,
        hint=hint,
        origin=secret.origin,
    )
