"""Applies a plan to backends and state, under the lock."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from syncer import crypto
from syncer.engine.apply import Applier
from syncer.engine.guard import check_applicable, check_blast_radius
from syncer.engine.write import Writer
from syncer.plans import Action

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncer.engine.session import Session
    from syncer.model import Address
    from syncer.plans import Change, Outcome, Plan
    from syncer.sensitive import Sensitive
    from syncer.state.journal import Journal
    from syncer.state.model import State


def apply_plan(
    session: Session,
    plan: Plan,
    *,
    allow_mass_change: bool = False,
    stop: threading.Event | None = None,
    progress: Callable[[Change], None] = lambda _change: None,
) -> Outcome:
    """Carry out the plan. The caller must hold the lock, and `plan.desired` what the sources yielded.

    Setting `stop` finishes what is in flight and begins nothing more. Changes that fail are in the outcome.
    Raise StalePlan, PlanIncomplete, SafetyLimit before anything is written, StateError.
    """
    state = session.state_store.fold()
    check_applicable(plan, state)
    if not allow_mass_change:
        check_blast_radius(plan)
    lineage = state.lineage or str(uuid.uuid4())
    journal = session.state_store.journal(state, lineage)
    try:
        applier = _applier(session, plan, state, journal, stop or threading.Event(), progress)
        outcome = applier.run()
        serial = state.serial
        if applier.records:
            after = state.advance(applier.records, lineage=lineage, steps=journal.serial_steps)
            session.state_store.write(after)
            serial = after.serial
        journal.discard()
    finally:
        journal.close()
    return replace(outcome, serial=serial, calls=session.calls())


def _applier(
    session: Session,
    plan: Plan,
    state: State,
    journal: Journal,
    stop: threading.Event,
    progress: Callable[[Change], None],
) -> Applier:
    outside = session.surroundings
    # To forget is no write: its backend may be one that the manifest no longer declares.
    names = {change.backend for change in plan.changes if change.action is not Action.FORGET}
    names |= {change.previous.backend for change in plan.changes if change.previous}
    backends = {name: session.backend(name) for name in sorted(names)}
    key = session.keyring.subkey(crypto.FINGERPRINTS)

    def same(one: Sensitive, other: Sensitive, address: Address) -> bool:
        return crypto.fingerprint(key, one, address) == crypto.fingerprint(key, other, address)

    writer = Writer(
        project=plan.project,
        backends=backends,
        retry=replace(outside.retry, stop=stop),
        produce=session.resolver.value,
        same=same,
    )
    return Applier(
        plan=plan,
        state=state,
        journal=journal,
        writer=writer,
        fingerprint_key=key,
        now=outside.clock(),
        width=outside.parallelism,
        concurrency={name: backend.concurrency for name, backend in backends.items()},
        stop=stop,
        progress=progress,
        records=dict(plan.renamed),
    )
