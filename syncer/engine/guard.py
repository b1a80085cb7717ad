"""Limits that a plan must keep before anything is written."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from syncer.errors import PlanIncomplete, SafetyLimit, StalePlan
from syncer.plans import Action, Diagnostic, DriftKind, Reason, Severity, Values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from syncer.plans import Drift, Plan
    from syncer.state.model import Record, State

_RADIUS = 0.30
_ALWAYS_FINE = 5
NOTHING_THERE = "nothing_there"
_WHERE = "is it the right account, region, address, path?"
_WITHDRAWING = frozenset({Action.DELETE, Action.DISABLE})


def check_blast_radius(plan: Plan) -> None:
    """Raise SafetyLimit for a plan that withdraws more than 30 % of the records, and more than five.

    Also for one that makes more than five anew where a backend holds none: that is rather another place.
    """
    # What is made in the same plan is not taken from anybody, and what it leaves elsewhere is its own former copy.
    arriving = {change.address for change in plan.changes if change.action is Action.CREATE or change.previous}
    leaving = {change.previous.address for change in plan.changes if change.previous}
    withdrawing = {change.address for change in plan.changes if change.action in _WITHDRAWING}
    anew = sum(change.reason is Reason.MISSING for change in plan.changes)
    if anew > _ALWAYS_FINE and any(found.code == NOTHING_THERE for found in plan.diagnostics):
        message = f"the plan makes {anew} secrets anew, because a backend holds none of those on record"
        raise SafetyLimit(message, hint=f"{_WHERE} if they are really gone, say --allow-mass-change")
    withdrawn = len(withdrawing - arriving - leaving)
    total = plan.records
    if withdrawn > _ALWAYS_FINE and withdrawn > _RADIUS * total:
        message = f"the plan deletes or disables {withdrawn} of {total} secrets"
        raise SafetyLimit(message, hint="if that is meant, say --allow-mass-change")


def emptied(drift: Iterable[Drift], records: Iterable[Record]) -> Iterator[Diagnostic]:
    """Warn of each backend that holds nothing of what is on record: more often the wrong place than a mass deletion."""
    missing = Counter(d.backend for d in drift if d.kind is DriftKind.MISSING)
    if not missing:
        return  # as nearly always: ten thousand records need not be counted
    known = Counter(record.backend for record in records)
    for name, number in sorted(missing.items()):
        if number == known[name] > 1:
            message = f"backend `{name}` holds none of the {number} secrets that are on record there"
            yield Diagnostic(severity=Severity.WARNING, code=NOTHING_THERE, message=message, hint=_WHERE)


def check_applicable(plan: Plan, state: State) -> None:
    """Raise PlanIncomplete for a plan with errors, StalePlan for one that state has left behind."""
    if plan.values is Values.SKIPPED:
        message = "the plan was made with --values skip and cannot be applied"
        raise StalePlan(message, hint="plan again with values")
    if plan.errors:
        message = f"the plan holds {len(plan.errors)} errors, so nothing was applied"
        raise PlanIncomplete(message, hint="mend them, or leave those addresses out with --exclude")
    if plan.project != state.project:
        message = f"the plan is for project {plan.project}, the state for {state.project}"
        raise StalePlan(message)
    if plan.lineage != state.lineage:
        message = "the plan was made for another state (its lineage differs)"
        raise StalePlan(message, hint="plan again")
    if plan.serial != state.serial:
        message = f"the state has moved since the plan was made (serial {plan.serial}, now {state.serial})"
        raise StalePlan(message, hint="plan again")
