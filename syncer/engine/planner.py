"""Pure diff of what is desired against what is observed and what state remembers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syncer.backends.base import DISABLES, Capability
from syncer.engine import compare
from syncer.engine.facts import (
    Chain,
    Facts,
    Findings,
    chain_of,
    effect,
    held,
    is_out,
    never_marked,
    note_drift,
    replaced_blindly,
    snapshot_of,
)
from syncer.engine.removal import let_go, remove, undeclared
from syncer.model import NO_ROTATION
from syncer.plans import Action, Location, Reason, Snapshot, Values

if TYPE_CHECKING:
    from syncer.model import Address, Desired, Move, Observed, Secret
    from syncer.state.model import Record


def diff(facts: Facts) -> Findings:
    """Compare each address of the manifest and of the state. The same facts give the same findings."""
    found = Findings()
    records = facts.state.records
    moves = {m.target: m for m in facts.moved if m.source in records and m.target not in records}
    renames = {target: move for target, move in moves.items() if _is_rename(facts, move)}
    renamed = {move.source for move in renames.values()}
    plain = facts.values is Values.RESOLVED and not facts.actual
    for address in (*facts.desired, *(records.keys() - facts.desired.keys())):
        if plain and _agree(facts, address):
            continue
        move = moves.get(address)
        if not (facts.selected(address) or (move is not None and facts.selected(move.source))):
            continue
        if address in facts.desired:
            _want(facts, found, facts.desired[address], move, rename=address in renames)
        elif address not in renamed:
            let_go(facts, found, address)
    found.sort()
    return found


def _agree(facts: Facts, address: Address) -> bool:
    """Whether manifest, state and backend say the same of an address, as they do of nearly every one.

    Plain comparisons that spare it the whole way below, which would find nothing either: it takes seven times as
    long, and ten thousand addresses are planned on each pull request.
    """
    desired, record = facts.desired.get(address), facts.state.records.get(address)
    if desired is None or record is None or desired.fingerprint is None:
        return False
    secret = desired.secret
    observed = facts.at(record.backend, address)
    return (
        observed is not None
        and desired.fingerprint == record.fingerprint
        and observed.version == record.version
        and secret.tags == record.tags == observed.tags
        and secret.enabled is record.enabled is observed.enabled
        and (secret.description or None) == record.description == (observed.description or None)
        and observed.owner == facts.project
        and secret.backend == record.backend
        and secret.rotate == NO_ROTATION
        and not (record.interrupted or record.previous_backend or observed.deleted or facts.rotate(address))
    )


def _is_rename(facts: Facts, move: Move) -> bool:
    """Whether the backend can do the move in one write, or did it in a run that was then interrupted."""
    record = facts.state.records[move.source]
    desired = facts.desired.get(move.target)
    if desired is None or desired.secret.backend != record.backend or not facts.can(record.backend, Capability.MOVE):
        return False
    here, there = facts.at(record.backend, move.source), facts.at(record.backend, move.target)
    if here is None:
        # What an imported secret was called after an interrupted move may bear no mark yet.
        marks = (facts.project, None) if record.interrupted else (facts.project,)
        return there is not None and there.owner in marks and not there.deleted
    return there is None and held(facts, record, move.source, record.backend) is not None


def _want(facts: Facts, found: Findings, desired: Desired, move: Move | None, *, rename: bool) -> None:
    secret = desired.secret
    record = facts.state.records.get(secret.address)
    observed = facts.at(secret.backend, secret.address)
    if not _allowed(facts, found, desired, observed):
        return
    if _stays_out(facts, secret, observed):
        _keep_out(facts, found, secret)
        return
    if move is not None and rename:
        _rename(facts, found, desired, move)
    elif record is not None and record.backend != secret.backend:
        _change_backend(facts, found, desired, record, observed)
    elif is_out(facts, secret.backend, observed):
        _create(facts, found, desired, Reason.ENABLED_DIFFERS, None)
    elif observed is not None and (record is None or never_marked(facts, record, observed)):
        _unrecorded(facts, found, desired, observed)
    elif observed is None or record is None:
        note_drift(facts, found, secret.address, record, None)
        _create(facts, found, desired, *_why_create(facts, desired, move, record))
    elif observed.deleted:
        note_drift(facts, found, secret.address, record, observed)
        _bring_back(facts, found, desired, record, observed)
    else:
        note_drift(facts, found, secret.address, record, observed)
        _compare(facts, found, desired, record, observed)
    _clear(facts, found, secret)


def _clear(facts: Facts, found: Findings, secret: Secret) -> None:
    """Remove what the secret left on its former backend."""
    record = facts.state.records.get(secret.address)
    if record is not None and record.backend == secret.backend and record.previous_backend is not None:
        remove(facts, found, secret.address, record, record.previous_backend, leftover=True)


def _keep_out(facts: Facts, found: Findings, secret: Secret) -> None:
    """Let nothing of a secret that is to be nowhere stay elsewhere: there it is an orphan."""
    record = facts.state.records.get(secret.address)
    if record is not None and record.backend != secret.backend:
        let_go(facts, found, secret.address)
    else:
        _clear(facts, found, secret)


def _stays_out(facts: Facts, secret: Secret, observed: Observed | None) -> bool:
    """Whether a disabled secret is as it should be: absent, in a store that has no other way to disable one."""
    absent = observed is None or is_out(facts, secret.backend, observed)
    return absent and not secret.enabled and facts.can(secret.backend, Capability.DISABLE_REMOVES)


def _allowed(facts: Facts, found: Findings, desired: Desired, observed: Observed | None) -> bool:
    secret = desired.secret
    address, can = secret.address, facts.capabilities[secret.backend]
    if observed is not None and observed.owner not in (None, facts.project):
        hint = "one secret has one owner: take it out of one of the two manifests"
        found.error("conflict", address, f"belongs to project {observed.owner}", hint, secret)
    elif secret.tags and Capability.TAGS not in can:
        found.error("unsupported", address, "its backend cannot hold tags", "remove `tags`", secret)
    elif "/" in address.scope and Capability.SCOPE_PATHS not in can:
        hint = "name the scope without a slash"
        found.error("unsupported", address, "its backend cannot hold a scope with a slash", hint, secret)
    elif not secret.enabled and (problem := _no_disabling(desired, can)):
        hint = "remove `enabled: false`; to withdraw the secret, remove its entry"
        found.error("unsupported", address, problem, hint, secret)
    else:
        return True
    return False


def _no_disabling(desired: Desired, can: frozenset[Capability]) -> str | None:
    if can & DISABLES:
        return None
    if Capability.DISABLE_REMOVES not in can:
        return "its backend cannot disable a secret"
    return (
        "its backend removes what is disabled, and its value, made once, would be lost"
        if desired.made_at_apply
        else None
    )


def _unrecorded(facts: Facts, found: Findings, desired: Desired, observed: Observed) -> None:
    """A secret that no record knows: ours to bring back if we deleted it, else never taken over silently."""
    if observed.deleted and observed.owner == facts.project:
        _bring_back(facts, found, desired, None, observed)
        return
    address = desired.secret.address
    where = "pending deletion there" if observed.deleted else "there"
    if observed.deleted:
        hint = "restore it there and import it, or wait until it is gone"
    elif facts.state.lineage is None and observed.owner == facts.project:
        hint = f"it bears our mark: syncer state rebuild, if the state was lost, or syncer import {address}"
    else:
        hint = f"syncer import {address}"
    message = f"is {where} already, and no record says that it is ours"
    found.error("unmanaged", address, message, hint, desired.secret)


def _why_create(
    facts: Facts, desired: Desired, move: Move | None, record: Record | None
) -> tuple[Reason, Location | None]:
    if record is not None:
        return Reason.MISSING, _cut_off(facts, desired, record)
    if move is not None:
        origin = facts.state.records[move.source]
        previous = held(facts, origin, move.source, origin.backend)
        if previous is not None:
            return Reason.MOVED, previous
    return Reason.NEW, None


def _cut_off(facts: Facts, desired: Desired, record: Record | None) -> Location | None:
    """Where the value was to come from when its first create was cut off: a new one would be another one."""
    place = _came_from(facts, desired, record)
    return place if place is not None and facts.can(place.backend, Capability.READ) else None


def _came_from(facts: Facts, desired: Desired, record: Record | None) -> Location | None:
    if record is None or record.version is not None or not (record.interrupted and desired.made_at_apply):
        return None
    address = desired.secret.address
    if record.previous_backend is not None:
        return held(facts, record, address, record.previous_backend)
    sources = (move.source for move in facts.moved if move.target == address)
    origin = next((source for source in sources if source in facts.state.records), None)
    if origin is None:
        return None
    there = facts.state.records[origin]
    return held(facts, there, origin, there.backend)


def _create(facts: Facts, found: Findings, desired: Desired, reason: Reason, previous: Location | None) -> None:
    secret = desired.secret
    if not _carries(facts, found, desired, previous):
        return
    chain = Chain(
        found=found, address=secret.address, backend=secret.backend, secret=secret, observed=None, snapshot=None
    )
    after = Snapshot(
        enabled=True, tags=secret.tags, description=secret.description or None, fingerprint=desired.fingerprint
    )
    chain.add(Action.CREATE, reason, after, previous=previous)
    _enable(facts, chain, secret, after)
    if desired.fingerprint is None and not desired.made_at_apply:
        found.unchecked.append(secret.address)


def _bring_back(  # what is there, and what is known of it
    facts: Facts,
    found: Findings,
    desired: Desired,
    record: Record | None,
    observed: Observed,
    origin: Location | None = None,
) -> None:
    """Restore what is pending deletion, then treat it like any other."""
    if record is not None and record.version != observed.version:
        record = replace(record, fingerprint=None, restored=False)
    chain = chain_of(found, desired.secret, observed, None)
    chain.origin = origin
    chain.snapshot = None  # to the reader of a plan it comes into being
    chain.add(Action.CREATE, Reason.PENDING_DELETION, snapshot_of(observed, record.fingerprint if record else None))
    _compare(facts, found, desired, record, observed, chain)


def _change_backend(facts: Facts, found: Findings, desired: Desired, record: Record, observed: Observed | None) -> None:
    """Create it on the new backend first, so that there is no moment without it; then let go on the old one."""
    address = desired.secret.address
    if observed is not None and observed.owner != facts.project:
        _unrecorded(facts, found, desired, observed)
        return
    if record.backend not in facts.capabilities:
        undeclared(found, address, record.backend)
        return
    note_drift(facts, found, address, record, facts.at(record.backend, address))
    previous = held(facts, record, address, record.backend)
    if not _carries(facts, found, desired, previous):
        return
    if observed is not None and observed.deleted:
        _bring_back(facts, found, desired, None, observed, previous)
    elif observed is not None:
        _return(facts, found, desired, observed, previous)
    else:
        _create(facts, found, desired, Reason.BACKEND_CHANGED, previous)
    remove(facts, found, address, record, record.backend, leftover=True)
    if record.previous_backend not in (None, desired.secret.backend):
        remove(facts, found, address, record, record.previous_backend, leftover=True)


def _return(facts: Facts, found: Findings, desired: Desired, observed: Observed, previous: Location | None) -> None:
    """Take up again the copy that was left here when the secret went elsewhere; it may hold an older value."""
    secret = desired.secret
    chain = chain_of(found, secret, observed, None)
    current = replace(snapshot_of(observed, None), version=None, fingerprint=desired.fingerprint)
    chain.add(Action.ROTATE, Reason.BACKEND_CHANGED, current, previous=previous)
    if compare.metadata_differs(secret, None, observed, facts.capabilities[secret.backend]):
        current = _update(facts, chain, secret, (None, observed), current)
    _enable(facts, chain, secret, current)


def _carries(facts: Facts, found: Findings, desired: Desired, previous: Location | None) -> bool:
    """Whether a value that is made once can come along; a new one in its place would be a rotation in disguise."""
    if previous is None or not desired.made_at_apply or facts.can(previous.backend, Capability.READ):
        return True
    message = f"its value cannot be carried over: backend `{previous.backend}` does not give values back"
    hint = f"let go of it there with `syncer state rm {previous.address}`; a new value is made then"
    found.error("unsupported", desired.secret.address, message, hint, desired.secret)
    return False


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
    _compare(facts, found, desired, record, observed, chain)


def _compare(  # two of them are where the findings go
    facts: Facts,
    found: Findings,
    desired: Desired,
    record: Record | None,
    observed: Observed,
    chain: Chain | None = None,
) -> None:
    """Value first, then metadata, then enabled: each one change, after those that are in `chain` already."""
    secret = desired.secret
    reason = _why_rotate(facts, desired, record, observed)
    if chain is not None and chain.origin is not None:
        reason = Reason.UNKNOWN_VALUE  # the value is where it comes from, whatever came back here
    differs = compare.metadata_differs(secret, record, observed, facts.capabilities[secret.backend])
    if record is not None:
        found.diagnostics.extend(compare.warnings(desired, record, reason, facts.now))
    if reason is None and facts.values is Values.SKIPPED:
        found.unchecked.append(secret.address)
    if reason is None and secret.address in facts.actual and record is not None and observed.version != record.version:
        found.versions[secret.address] = observed.version
    if reason is None and not differs and observed.enabled == secret.enabled:
        return
    chain = chain or chain_of(found, secret, observed, record)
    current = snapshot_of(observed, record.fingerprint if record else None)
    if reason is not None:
        current = replace(current, version=None, fingerprint=desired.fingerprint)
        carried = chain.origin or _cut_off(facts, desired, record)
        chain.add(Action.ROTATE, reason, current, previous=carried if reason is Reason.UNKNOWN_VALUE else None)
    if differs:
        current = _update(facts, chain, secret, (record, observed), current)
    _enable(facts, chain, secret, current)


def _why_rotate(facts: Facts, desired: Desired, record: Record | None, observed: Observed) -> Reason | None:
    if record is None:
        # Deleted by ourselves and restored: what is made once is kept, read or not.
        kept = desired.made_at_apply and observed.deleted
        asked = Reason.ROTATION_REQUESTED if facts.rotate(desired.secret.address) else None
        return asked if kept else Reason.UNKNOWN_VALUE
    address = desired.secret.address
    actual = facts.actual.get(address)
    versioned = actual is None and facts.can(record.backend, Capability.VERSION_IN_LIST)
    reason = compare.value_reason(desired, record, observed, facts.values, versioned=versioned)
    if reason is None and actual is not None and record.fingerprint is not None and actual != record.fingerprint:
        reason = Reason.DRIFTED
    if reason is None and replaced_blindly(facts, record, observed):
        reason = Reason.DRIFTED
    return reason or compare.rotation_reason(desired.secret, record, facts.now, requested=facts.rotate(address))


def _update(
    facts: Facts, chain: Chain, secret: Secret, seen: tuple[Record | None, Observed], current: Snapshot
) -> Snapshot:
    record, observed = seen
    drop = compare.dropped_tags(secret, record, observed)
    kept = {name: value for name, value in observed.tags.items() if name not in drop}
    after = replace(current, tags={**kept, **secret.tags})
    if facts.can(chain.backend, Capability.DESCRIPTION):
        after = replace(after, description=compare.wanted_description(secret, record, observed) or None)
    chain.add(Action.UPDATE, Reason.METADATA_DIFFERS, after, drop_tags=drop)
    return after


def _enable(facts: Facts, chain: Chain, secret: Secret, current: Snapshot) -> None:
    if current.enabled != secret.enabled:
        action = Action.ENABLE if secret.enabled else Action.DISABLE
        after = replace(current, enabled=secret.enabled)
        chain.add(action, Reason.ENABLED_DIFFERS, after, effect=effect(facts, chain.backend, action))
