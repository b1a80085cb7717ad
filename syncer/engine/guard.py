"""Limits that a plan must keep before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.errors import PlanIncomplete, SafetyLimit, StalePlan
from syncer.plans import Action, Values

if TYPE_CHECKING:
    from syncer.plans import Plan
    from syncer.state.model import State

_RADIUS = 0.30
_ALWAYS_FINE = 5
_WITHDRAWING = frozenset({Action.DELETE, Action.DISABLE})


def check_blast_radius(plan: Plan) -> None:
    """Raise SafetyLimit for a plan that withdraws more than 30 % of the records, and more than five."""
    # What is made in the same plan is not taken from anybody, and what it leaves elsewhere is its own former copy.
    arriving = {change.address for change in plan.changes if change.action is Action.CREATE or change.previous}
    leaving = {change.previous.address for change in plan.changes if change.previous}
    withdrawing = {change.address for change in plan.changes if change.action in _WITHDRAWING}
    withdrawn = len(withdrawing - arriving - leaving)
    total = plan.records
    if withdrawn > _ALWAYS_FINE and withdrawn > _RADIUS * total:
        message = f"the plan deletes or disables {withdrawn} of {total} secrets"
        raise SafetyLimit(message, hint="if that is meant, say --allow-mass-change")


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
