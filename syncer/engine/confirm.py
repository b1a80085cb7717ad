"""Makes a reviewed plan again, with values, and keeps what of it a reviewer saw and is still to be done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from syncer.engine import compare
from syncer.engine.prepare import Request, make_plan
from syncer.engine.reviewed import Verdict, judge, narrow
from syncer.plans import POLICY, Plan, Reason, Severity, Values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from syncer.engine.session import Session
    from syncer.model import Address
    from syncer.plans import Diagnostic
    from syncer.state.model import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """What of a reviewed plan can be applied, and what is beside it."""

    plan: Plan
    """A fresh plan that holds exactly the reviewed changes that are not done yet."""
    done: tuple[Address, ...] = ()
    """Reviewed, and so already."""
    unreviewed: tuple[Address, ...] = ()
    """To be changed or wrong too, but not reviewed: left for the next plan."""
    due: tuple[Address, ...] = ()
    """Became due for rotation since the review: left for the next plan."""


def confirm(session: Session, reviewed: Plan, *, allow_unchecked: bool = False) -> Confirmed:
    """Plan again what was reviewed, for the same moment. The caller must hold the lock until it is applied.

    Raise StalePlan where a reviewed change is no longer the same, and what `make_plan` raises.
    """
    clock = session.surroundings.clock()
    records = session.state_store.read().records
    fresh = make_plan(session, _again(reviewed, clock))
    verdict = judge(reviewed, fresh, records)
    if reviewed.values is Values.SKIPPED:
        fresh = make_plan(session, replace(_again(reviewed, clock), values=Values.RESOLVED, refresh=True))
        verdict = narrow(reviewed, verdict, fresh, allow_unchecked=allow_unchecked)
    beside = {*verdict.unreviewed, *_wrong_elsewhere(fresh, verdict)}
    return Confirmed(
        plan=_kept(fresh, verdict, beside),
        done=verdict.done,
        unreviewed=tuple(sorted(beside)),
        due=_due_since(fresh, records, clock),
    )


def _again(reviewed: Plan, clock: datetime) -> Request:
    return Request(
        selection=reviewed.selection,
        values=reviewed.values,
        refresh=reviewed.refreshed,
        verify_values=reviewed.verified,
        # Its globs may match nothing any more once it was applied.
        only=_addresses(reviewed) if reviewed.selection.partial else None,
        # A plan that nobody signed may name any moment; nothing is due for one that has not come.
        now=min(reviewed.timestamp, clock),
    )


def _addresses(plan: Plan) -> frozenset[Address]:
    return frozenset({*(change.address for change in plan.changes), *plan.unchecked})


def _kept(fresh: Plan, verdict: Verdict, beside: set[Address]) -> Plan:
    """Leave in a plan what was reviewed, and what needs no change but is to be remembered."""
    return replace(
        fresh,
        changes=tuple(change for _, chain in sorted(verdict.left.items()) for change in chain),
        diagnostics=tuple(each for each in fresh.diagnostics if each.address not in beside or _forbidden(each)),
        desired={address: wanted for address, wanted in fresh.desired.items() if address not in beside},
        withdrawn=tuple(address for address in fresh.withdrawn if address not in beside),
    )


def _wrong_elsewhere(fresh: Plan, verdict: Verdict) -> Iterator[Address]:
    """Name where another merged change has a fault of its own: it is not ours to wait for."""
    for each in fresh.errors:
        if each.address is not None and each.address not in verdict.left and not _forbidden(each):
            yield each.address


def _forbidden(found: Diagnostic) -> bool:
    # What breaks a rule of the whole project keeps all of it from being applied.
    return found.severity is Severity.ERROR and found.code.startswith(POLICY)


def _due_since(plan: Plan, records: Mapping[Address, Record], now: datetime) -> tuple[Address, ...]:
    """Name what became due for rotation after the moment for which the plan was made, and has no change there."""
    changed = {change.address for change in plan.changes}
    found = []
    for address, desired in plan.desired.items():
        record = records.get(address)
        if record is not None and address not in changed and desired.secret.rotate.every is not None:
            reason = compare.rotation_reason(desired.secret, record, now, requested=False)
            found += [address] if reason is Reason.ROTATION_DUE else []
    return tuple(sorted(found))
