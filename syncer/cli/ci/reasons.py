"""Why a command for CI failed, in one word that a workflow can ask for."""

from __future__ import annotations

from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

from syncer.errors import (
    AccessDenied,
    Interrupted,
    InvalidConfiguration,
    InvalidManifest,
    PartialFailure,
    PlanIncomplete,
    SafetyLimit,
    StalePlan,
    StateLocked,
    SyncerError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class Why(StrEnum):
    """The output `failure-reason`; each goes with one exit code."""

    PLAN_CHANGED = "plan-changed"
    NO_REVIEWED_PLAN = "no-reviewed-plan"
    TAMPERED_PLAN = "tampered-plan"
    INVALID_MANIFEST = "invalid-manifest"
    INVALID_CONFIGURATION = "invalid-configuration"
    ACCESS_DENIED = "access-denied"
    STATE_LOCKED = "state-locked"
    SAFETY_LIMIT = "safety-limit"
    FAILED_CHANGES = "failed-changes"
    PLAN_INCOMPLETE = "plan-incomplete"
    DRIFT = "drift"
    INTERRUPTED = "interrupted"
    ERROR = "error"


class TamperedPlan(StalePlan):
    """What was to be the reviewed plan is none, was changed, or is another version's."""


@contextmanager
def checking_plan() -> Iterator[None]:
    """Raise TamperedPlan for a StalePlan: what is read here is not compared with anything yet."""
    try:
        yield
    except StalePlan as error:
        wrong = error
    else:
        return
    raise TamperedPlan(wrong.message, hint=wrong.hint)


class NoReviewedPlan(StalePlan):
    """There is something to apply that nobody has reviewed."""


_REASONS: dict[type[SyncerError], Why] = {
    TamperedPlan: Why.TAMPERED_PLAN,
    NoReviewedPlan: Why.NO_REVIEWED_PLAN,
    StalePlan: Why.PLAN_CHANGED,
    InvalidManifest: Why.INVALID_MANIFEST,
    InvalidConfiguration: Why.INVALID_CONFIGURATION,
    AccessDenied: Why.ACCESS_DENIED,
    StateLocked: Why.STATE_LOCKED,
    SafetyLimit: Why.SAFETY_LIMIT,
    PartialFailure: Why.FAILED_CHANGES,
    PlanIncomplete: Why.PLAN_INCOMPLETE,
    Interrupted: Why.INTERRUPTED,
}
"""The first class that fits."""


def reason(error: SyncerError) -> Why:
    """Give the word for an error."""
    return next((why for kind, why in _REASONS.items() if isinstance(error, kind)), Why.ERROR)
