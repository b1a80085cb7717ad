"""`ci apply`: carries out what was reviewed, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from syncer import library
from syncer.cli.apply import carry_out, check_outcome, tell_outcome
from syncer.cli.ci.job import Job, plan_outputs
from syncer.cli.ci.options import Commenting, comment_option, on_platform
from syncer.cli.ci.reviewed import Reviewed, find_reviewed, unreviewed
from syncer.cli.options import (
    PATH,
    lock,
    lock_option,
    mass_change_option,
    open_session,
    parallelism_option,
    policy_option,
)
from syncer.cli.plan import check_complete, tell_calls, tell_plan
from syncer.engine.confirm import Confirmed
from syncer.engine.guard import check_blast_radius
from syncer.engine.prepare import Request, make_plan
from syncer.errors import AccessDenied
from syncer.plans import Outcome
from syncer.render.json import plan_document
from syncer.render.markdown import outcome_markdown
from syncer.render.text import outcome_lines, quantity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncer.cli.console import Console
    from syncer.engine.session import Session
    from syncer.model import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What was asked for."""

    plan_file: Path | None
    unreviewed: bool
    allow_unchecked: bool
    allow_mass_change: bool
    lock_timeout: float


@click.command
@click.option(
    "--plan-file", type=PATH, metavar="FILE", help="The reviewed plan, instead of the pull request's artifact."
)
@click.option("--unreviewed", is_flag=True, help="Apply all that is to be done, whoever has seen it.")
@click.option("--allow-unchecked", is_flag=True, help="Also rotate what the reviewed plan listed as not checked.")
@mass_change_option
@parallelism_option
@policy_option
@lock_option
@comment_option
@on_platform
@click.pass_obj
def apply(  # noqa: PLR0913  # options
    console: Console,
    *,
    plan_file: Path | None,
    unreviewed: bool,
    allow_unchecked: bool,
    allow_mass_change: bool,
    parallelism: int,
    lock_timeout: float,
    policies: tuple[Path, ...],
    commenting: str,
    platform: str,
    label: str,
) -> None:
    """Apply what was reviewed on the pull request of this commit.

    Nothing else is done, or nothing at all: the plan is made anew under the lock, and where a reviewed change is no
    longer the same, nothing is written. What is done already is not done again, and what nobody has reviewed is left
    for the next plan.

    \b
    Examples:
      syncer ci apply --lock-timeout 5m
      syncer ci apply --plan-file syncer-plan.json
    """
    asked = _Asked(
        plan_file=plan_file,
        unreviewed=unreviewed,
        allow_unchecked=allow_unchecked,
        allow_mass_change=allow_mass_change,
        lock_timeout=lock_timeout,
    )
    with Job(console, "apply", platform, label) as job:
        job.commenting = Commenting(commenting)
        if not job.trusted:
            message = "this run comes from a fork or a bot, and such a run applies nothing"
            raise AccessDenied(message, hint="apply on the branch that the pull request was merged into")
        with open_session(console, parallelism, policies) as session:
            confirmed, outcome = _applied(job, session, asked)
        _report(job, confirmed, outcome)


def _applied(job: Job, session: Session, asked: _Asked) -> tuple[Confirmed, Outcome]:
    console = job.console
    found = None if asked.unreviewed else find_reviewed(job, session, asked.plan_file)
    with lock(console, session, "ci apply", asked.lock_timeout):
        with console.status("planning"):
            confirmed = _confirmed(session, found, allow_unchecked=asked.allow_unchecked)
        made = confirmed.plan
        tell_calls(console, made)
        tell_plan(console, made, "human")
        for note in _beside(confirmed):
            console.note(note)
        job.outputs({"plan-digest": plan_document(made)["digest"], **plan_outputs(made)})
        job.annotate(made.diagnostics)
        check_complete(made)
        if found is not None and found.plan is None:
            if made.changes:
                raise unreviewed(found, made)
            return confirmed, Outcome(applied=(), serial=made.serial, calls=session.calls())
        if not asked.allow_mass_change:
            check_blast_radius(made)
        return confirmed, carry_out(console, session, made)


def _confirmed(session: Session, found: Reviewed | None, *, allow_unchecked: bool) -> Confirmed:
    if found is None or found.plan is None:
        return Confirmed(plan=make_plan(session, Request()))
    return library.confirm_reviewed(session, found.plan, allow_unchecked=allow_unchecked)


def _beside(confirmed: Confirmed) -> Iterator[str]:
    """Say what is not applied."""
    if confirmed.done:
        yield f"{quantity(len(confirmed.done), 'reviewed address')} {_are(confirmed.done)} so already"
    for address in confirmed.unreviewed:
        yield f"warning: {address} is left for the next plan: nobody has reviewed what is to be done there"
    for address in confirmed.due:
        yield f"warning: {address} is left for the next plan: it became due for rotation after the review"


def _are(some: tuple[Address, ...]) -> str:
    return "is" if len(some) == 1 else "are"


def _report(job: Job, confirmed: Confirmed, outcome: Outcome) -> None:
    """Tell what came of it, now that the state is safe."""
    tell_outcome(job.console, outcome)
    job.outputs({"summary": outcome_lines(outcome)[0]})
    project, left_out, notes = confirmed.plan.project, (*confirmed.unreviewed, *confirmed.due), _notes(confirmed)
    long, short = (job.setting(summary=summary, notes=notes) for summary in (True, False))
    job.summarize(outcome_markdown(outcome, project, long, left_out=left_out))
    noteworthy = bool(outcome.applied or outcome.failed)
    job.comment(outcome_markdown(outcome, project, short, left_out=left_out), noteworthy=noteworthy)
    check_outcome(outcome)
    job.check_comment()


def _notes(confirmed: Confirmed) -> tuple[str, ...]:
    if not confirmed.done:
        return ()
    number = quantity(len(confirmed.done), "reviewed address")
    return (f"{number} {_are(confirmed.done)} so already: an earlier run, or somebody, has done it.",)
