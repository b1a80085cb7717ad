"""Pure diff of what is desired against what is observed and what state remembers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syncer.backends.base import DISABLES, Capability
from syncer.engine import compare
from syncer.engine.facts import Chain, Facts, Findings, chain_of, is_advisory, note_drift, snapshot_of
from syncer.engine.removal import let_go, remove, undeclared
from syncer.plans import Action, Location, Reason, Snapshot, Values

if TYPE_CHECKING:
    from syncer.model import Desired, Move, Observed, Secret
    from syncer.state.model import Record


def diff(facts: Facts) -> Findings:
    """Compare each address of the manifest and of the state. The same facts give the same findings."""
    found = Findings()
    records = facts.state.records
    moves = {m.target: m for m in facts.moved if m.source in records and m.target not in records}
    renames = {target: move for target, move in moves.items() if _is_rename(facts, move)}
    renamed = {move.source for move in renames.values()}
    for address in sorted(facts.desired.keys() | records.keys()):
        move = moves.get(address)
        if not (facts.selected(address) or (move is not None and facts.selected(move.source))):
            continue
        if address in facts.desired:
            _want(facts, found, facts.desired[address], move, rename=address in renames)
        elif address not in renamed:
            let_go(facts, found, address)
    return found


def _is_rename(facts: Facts, move: Move) -> bool:
    """Whether the backend can do the move in one write, or did it in a run that was then interrupted."""
    record = facts.state.records[move.source]
    desired = facts.desired.get(move.target)
    if desired is None or desired.secret.backend != record.backend or not facts.can(record.backend, Capability.MOVE):
        return False
    here, there = facts.at(record.backend, move.source), facts.at(record.backend, move.target)
    if here is None:
        return there is not None and there.owner == facts.project and not there.deleted
    return there is None and not here.deleted


def _want(facts: Facts, found: Findings, desired: Desired, move: Move | None, *, rename: bool) -> None:
    secret = desired.secret
    record = facts.state.records.get(secret.address)
    observed = facts.at(secret.backend, secret.address)
    if not _allowed(facts, found, secret, observed):
        return
    if move is not None and rename:
        _rename(facts, found, desired, move)
    elif record is not None and record.backend != secret.backend:
        _change_backend(facts, found, desired, record, observed)
    elif observed is not None and (record is None or _never_marked(facts, record, observed)):
        _unrecorded(facts, found, desired, observed)
    elif observed is None or record is None:
        note_drift(facts, found, secret.address, record, None)
        _create(facts, found, desired, *_why_create(facts, move, record))
    else:
        note_drift(facts, found, secret.address, record, observed)
        _compare(facts, found, desired, record, observed)
    if record is not None and record.backend == secret.backend and record.previous_backend is not None:
        remove(facts, found, secret.address, record, record.previous_backend)


def _allowed(facts: Facts, found: Findings, secret: Secret, observed: Observed | None) -> bool:
    address, can = secret.address, facts.capabilities[secret.backend]
    if observed is not None and observed.owner not in (None, facts.project):
        hint = "one secret has one owner: take it out of one of the two manifests"
        found.error("conflict", address, f"belongs to project {observed.owner}", hint, secret)
    elif secret.tags and Capability.TAGS not in can:
        found.error("unsupported", address, "its backend cannot hold tags", "remove `tags`", secret)
    elif not secret.enabled and not can & DISABLES:
        hint = "remove `enabled: false`; to withdraw the secret, remove its entry"
        found.error("unsupported", address, "its backend cannot disable a secret", hint, secret)
    else:
        return True
    return False


def _never_marked(facts: Facts, record: Record, observed: Observed) -> bool:
    """Whether an interrupted create met a secret that somebody else made meanwhile: ours would carry our mark."""
    unknown = record.version is None and record.interrupted
    return unknown and observed.owner is None and facts.can(record.backend, Capability.TAGS)


def _unrecorded(facts: Facts, found: Findings, desired: Desired, observed: Observed) -> None:
    """A secret that no record knows: ours to bring back if we deleted it, else never taken over silently."""
    if observed.deleted and observed.owner == facts.project:
        _bring_back(facts, found, desired, None, observed)
        return
    address = desired.secret.address
    where = "pending deletion there" if observed.deleted else "there"
    found.error(
        "unmanaged",
        address,
        f"is {where} already, and no record says that it is ours",
        f"syncer import {address}",
        desired.secret,
    )


def _why_create(facts: Facts, move: Move | None, record: Record | None) -> tuple[Reason, Location | None]:
    if record is not None:
        return Reason.MISSING, None
    if move is not None:
        origin = facts.state.records[move.source]
        if facts.at(origin.backend, move.source) is not None:
            return Reason.MOVED, Location(backend=origin.backend, address=move.source)
    return Reason.NEW, None


def _create(facts: Facts, found: Findings, desired: Desired, reason: Reason, previous: Location | None) -> None:
    secret = desired.secret
    chain = Chain(
        found=found, address=secret.address, backend=secret.backend, secret=secret, observed=None, snapshot=None
    )
    after = Snapshot(
        enabled=True, tags=secret.tags, description=secret.description or None, fingerprint=desired.fingerprint
    )
    chain.add(Action.CREATE, reason, after, previous=previous)
    _enable(facts, chain, after)
    if desired.fingerprint is None and not desired.made_at_apply:
        found.unchecked.append(secret.address)


def _bring_back(facts: Facts, found: Findings, desired: Desired, record: Record | None, observed: Observed) -> None:
    """Restore what is pending deletion, then treat it like any other."""
    known = record if record is not None and record.version == observed.version else None
    chain = chain_of(found, desired.secret, observed, None)
    chain.snapshot = None  # to the reader of a plan it comes into being
    chain.add(Action.CREATE, Reason.PENDING_DELETION, snapshot_of(observed, known.fingerprint if known else None))
    _compare_from(facts, chain, desired, known, observed)


def _change_backend(facts: Facts, found: Findings, desired: Desired, record: Record, observed: Observed | None) -> None:
    """Create it on the new backend first, so that there is no moment without it; then let go on the old one."""
    address = desired.secret.address
    if observed is not None:
        _unrecorded(facts, found, desired, observed)
        return
    if record.backend not in facts.capabilities:
        undeclared(found, address, record.backend)
        return
    there = facts.at(record.backend, address)
    note_drift(facts, found, address, record, there)
    previous = Location(backend=record.backend, address=address) if there and not there.deleted else None
    _create(facts, found, desired, Reason.BACKEND_CHANGED, previous)
    remove(facts, found, address, record, record.backend)


def _rename(facts: Facts, found: Findings, desired: Desired, move: Move) -> None:
    """Move the secret with its value, then compare it at its new address."""
    record = facts.state.records[move.source]
    source = facts.at(record.backend, move.source)
    observed = source or facts.at(record.backend, move.target)
    if observed is None:
        return  # `_is_rename` saw one of the two
    chain = chain_of(found, desired.secret, observed, record)
    previous = Location(backend=record.backend, address=move.source)
    chain.add(Action.MOVE, Reason.MOVED, chain.snapshot, previous=previous)
    _compare_from(facts, chain, desired, record, observed)


def _compare(facts: Facts, found: Findings, desired: Desired, record: Record, observed: Observed) -> None:
    if observed.deleted:
        _bring_back(facts, found, desired, record, observed)
    else:
        _compare_from(facts, chain_of(found, desired.secret, observed, record), desired, record, observed)


def _compare_from(facts: Facts, chain: Chain, desired: Desired, record: Record | None, observed: Observed) -> None:
    """Value first, then metadata, then enabled: each one change."""
    secret = desired.secret
    reason = Reason.UNKNOWN_VALUE if record is None else _why_rotate(facts, desired, record, observed)
    current = chain.snapshot or snapshot_of(observed, None)
    if reason is not None:
        current = replace(current, version=None, fingerprint=desired.fingerprint)
        chain.add(Action.ROTATE, reason, current)
    elif facts.values is Values.SKIPPED:
        chain.found.unchecked.append(secret.address)
    if record is not None:
        chain.found.diagnostics.extend(compare.warnings(desired, record, reason, facts.now))
        if compare.metadata_differs(secret, record, observed, facts.capabilities[secret.backend]):
            current = _update(facts, chain, desired, record, observed, current)
    elif secret.tags != observed.tags or (observed.description or "") != secret.description:
        current = replace(current, tags={**observed.tags, **secret.tags}, description=secret.description or None)
        chain.add(Action.UPDATE, Reason.METADATA_DIFFERS, current)
    _enable(facts, chain, current)


def _why_rotate(facts: Facts, desired: Desired, record: Record, observed: Observed) -> Reason | None:
    secret = desired.secret
    versioned = facts.can(secret.backend, Capability.VERSION_IN_LIST)
    reason = compare.value_reason(desired, record, observed, facts.values, versioned=versioned)
    actual = facts.actual.get(secret.address)
    if reason is None and actual is not None and actual != record.fingerprint:
        reason = Reason.DRIFTED
    return reason or compare.rotation_reason(secret, record, facts.now, requested=facts.rotate(secret.address))


def _update(  # the parts of one comparison
    facts: Facts, chain: Chain, desired: Desired, record: Record, observed: Observed, current: Snapshot
) -> Snapshot:
    secret = desired.secret
    drop = compare.dropped_tags(secret, record, observed)
    kept = {name: value for name, value in observed.tags.items() if name not in drop}
    after = replace(current, tags={**kept, **secret.tags})
    if facts.can(secret.backend, Capability.DESCRIPTION):
        after = replace(after, description=compare.wanted_description(secret, record, observed) or None)
    chain.add(Action.UPDATE, Reason.METADATA_DIFFERS, after, drop_tags=drop)
    return after


def _enable(facts: Facts, chain: Chain, current: Snapshot) -> None:
    secret = chain.secret
    if secret is None or current.enabled == secret.enabled:
        return
    action = Action.ENABLE if secret.enabled else Action.DISABLE
    after = replace(current, enabled=secret.enabled)
    chain.add(action, Reason.ENABLED_DIFFERS, after, advisory=is_advisory(facts, chain.backend))
