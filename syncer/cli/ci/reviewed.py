"""Finds the plan that was reviewed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer import library
from syncer.cli.ci.reasons import NoReviewedPlan, checking_plan
from syncer.render.text import quantity

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.cli.ci.job import Job
    from syncer.engine.session import Session
    from syncer.plans import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A reviewed plan, or why there is none."""

    plan: Plan | None
    missing: str = ""


def find_reviewed(job: Job, session: Session, plan_file: Path | None) -> Reviewed:
    """Read the plan that a file holds, or that the merged pull request of this commit left as an artifact.

    Raise TamperedPlan for what is no plan of this project, and what the platform raises.
    """
    if plan_file is not None:
        return Reviewed(plan=_loaded(session, plan_file))
    sha = job.platform.run.sha
    pull = job.platform.merged_pull(sha)
    if pull is None:
        commit = f"commit {sha[:12]}" if sha else "this commit"
        return Reviewed(plan=None, missing=f"no merged pull request brought {commit}")
    job.pull = pull.number
    with checking_plan():
        text = job.platform.plan_artifact(pull, job.artifact)
    if text is not None:
        return Reviewed(plan=_loaded(session, text))
    missing = f"pull request {pull.number} has no artifact {job.artifact} for its last commit any more"
    return Reviewed(plan=None, missing=missing)


def _loaded(session: Session, given: Path | bytes) -> Plan:
    with checking_plan():
        return library.load_reviewed(session, given)


def unreviewed(found: Reviewed, fresh: Plan) -> NoReviewedPlan:
    """Say that something would be applied that nobody has seen."""
    message = f"{found.missing}, and there {_to_do(len(fresh.changes))}"
    return NoReviewedPlan(message, hint="open a pull request, or say --unreviewed")


def _to_do(number: int) -> str:
    return f"{'is' if number == 1 else 'are'} {quantity(number, 'change')} to apply"
