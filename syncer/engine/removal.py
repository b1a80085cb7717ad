"""The diff of an address that has a record and is no longer in the manifest. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syncer.backends.base import DISABLES, Capability
from syncer.engine.facts import Chain, Facts, Findings, effect, never_marked, note_drift, snapshot_of
from syncer.model import OnRemove
from syncer.plans import Action, Reason

if TYPE_CHECKING:
    from syncer.model import Address
    from syncer.plans import Snapshot
    from syncer.state.model import Record


def let_go(facts: Facts, found: Findings, address: Address) -> None:
    """Plan what becomes of an orphan, and of what it left on a former backend."""
    record = facts.state.records[address]
    if record.backend in facts.capabilities:
        note_drift(facts, found, address, record, facts.at(record.backend, address))
    remove(facts, found, address, record, record.backend)
    if record.previous_backend is not None:
        remove(facts, found, address, record, record.previous_backend, leftover=True)


def remove(  # what is removed, and where
    facts: Facts, found: Findings, address: Address, record: Record, backend: str, *, leftover: bool = False
) -> None:
    """Plan the removal of what one backend holds at an address, as `on_remove` says.

    `leftover`: the secret itself is on another backend by then, and the record with it.
    """
    on_remove = _on_remove(facts, address, record)
    if backend not in facts.capabilities and on_remove is not OnRemove.FORGET:
        undeclared(found, address, backend)
        return
    observed = facts.at(backend, address)
    if observed is not None and backend == record.backend and never_marked(facts, record, observed):
        observed = None
    reason = Reason.DESTROY_REQUESTED if facts.destroy else Reason.ORPHANED
    snapshot = snapshot_of(observed, record.fingerprint) if observed else None
    chain = Chain(found=found, address=address, backend=backend, secret=None, observed=observed, snapshot=snapshot)
    if observed is None or observed.deleted or snapshot is None:
        chain.add(Action.FORGET, Reason.GONE, None)
    elif on_remove is OnRemove.FORGET:
        chain.add(Action.FORGET, reason, None)
    elif observed.owner not in (None, facts.project):
        hint = f"let go of it with `syncer state rm {address}`"
        found.error("conflict", address, f"belongs to project {observed.owner}", hint)
    elif on_remove is OnRemove.DELETE:
        _delete(facts, chain, reason)
    else:
        _disable(facts, chain, reason, snapshot, leftover=leftover)


def _on_remove(facts: Facts, address: Address, record: Record) -> OnRemove:
    declared = facts.removed.get(address, record.on_remove)
    if facts.destroy and declared is OnRemove.DISABLE:
        return OnRemove.DELETE
    return declared


def _delete(facts: Facts, chain: Chain, reason: Reason) -> None:
    if facts.can(chain.backend, Capability.DELETE):
        chain.add(Action.DELETE, reason, None)
    else:
        hint = "let go of it with `removed: [{address: ..., on_remove: forget}]`"
        chain.found.error("unsupported", chain.address, "its backend cannot delete a secret", hint)


def _disable(facts: Facts, chain: Chain, reason: Reason, snapshot: Snapshot, *, leftover: bool) -> None:
    if not snapshot.enabled:
        if leftover:
            chain.add(Action.FORGET, reason, None)
        else:
            chain.found.withdrawn.append(chain.address)
        return
    if facts.capabilities[chain.backend] & {*DISABLES, Capability.DISABLE_REMOVES}:
        comes = effect(facts, chain.backend, Action.DISABLE)
        chain.add(Action.DISABLE, reason, replace(snapshot, enabled=False), effect=comes)
    else:
        hint = "say what shall become of it with `removed: [{address: ..., on_remove: delete}]` or `forget`"
        chain.found.error("unsupported", chain.address, "its backend cannot disable a secret", hint)


def undeclared(found: Findings, address: Address, backend: str) -> None:
    """Note that the manifest no longer says how to reach a backend."""
    hint = f"declare it again until its secrets are gone, or let go with `syncer state rm {address}`"
    found.error("unknown_backend", address, f"is on backend `{backend}`, which the manifest no longer declares", hint)
