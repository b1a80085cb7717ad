"""`ci plan`: what a pull request would change, told to its reviewers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from syncer.ci.platform import PLAN_FILE
from syncer.cli.ci.job import Job, plan_outputs
from syncer.cli.ci.options import Commenting, comment_option, on_platform, report_options
from syncer.cli.ci.reports import Reports
from syncer.cli.options import PATH, open_session, planning, policy_option, request, values_option
from syncer.cli.plan import check_complete, check_out, save, tell_calls, tell_plan
from syncer.engine.guard import check_blast_radius
from syncer.engine.prepare import make_plan
from syncer.errors import SafetyLimit
from syncer.plans import Values
from syncer.render.json import plan_document
from syncer.render.markdown import plan_markdown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncer.cli.console import Console
    from syncer.engine.prepare import Request
    from syncer.engine.session import Session
    from syncer.plans import Plan

UNTRUSTED = "This run comes from a fork or a bot, so no value and no backend was looked at, whatever was asked for."


@click.command
@planning
@policy_option
@values_option
@click.option(
    "--out",
    type=PATH,
    default=PLAN_FILE,
    show_default=True,
    metavar="FILE",
    help="Where to save the plan.",
)
@comment_option
@click.option("--gitlab-report", type=PATH, metavar="FILE", help="GitLab's report of a plan.")
@report_options
@on_platform
@click.pass_obj
def plan(  # noqa: PLR0913  # options
    console: Console,
    /,
    *,
    out: Path,
    commenting: str,
    gitlab_report: Path | None,
    junit: Path | None,
    sarif: Path | None,
    platform: str,
    label: str,
    parallelism: int,
    allow_mass_change: bool,
    **given: Any,
) -> None:
    """Plan, save the plan, and show it on the pull request.

    It is shown in one comment, in the summary and at the manifest's lines. A plan with errors is saved and shown too;
    an apply refuses it. A run that comes from a fork, or from a bot, has no credential and no key: it is planned
    without values and without the backends.

    \b
    Examples:
      syncer ci plan
      syncer ci plan --comment changes-only --label production
      syncer ci plan --gitlab-report plan-report.json
    """
    asked = request(**given)
    reports = Reports(manifest=console.manifest, junit=junit, sarif=sarif, gitlab=gitlab_report)
    with Job(console, "plan", platform, label) as job:
        job.commenting, job.reports = Commenting(commenting), reports
        asked = _allowed(job, asked)
        with open_session(console, parallelism, given["policies"]) as session:
            made = _planned(console, session, asked, out)
        job.outputs({"plan-path": str(out)})
        limit = None if allow_mass_change else _beyond(made)
        _tell(job, made, limit)
        reports.of_plan(made)
        check_complete(made)
        if limit is not None:
            raise limit
        job.check_comment()


def _allowed(job: Job, asked: Request) -> Request:
    """Leave of a request what a run may do that nobody trusts."""
    if job.trusted:
        return asked
    job.console.note(UNTRUSTED)
    return replace(asked, values=Values.SKIPPED, refresh=False, verify_values=False)


def _planned(console: Console, session: Session, asked: Request, out: Path) -> Plan:
    check_out(session, out)
    with console.status("planning"):
        made = make_plan(session, asked)
    tell_calls(console, made)
    tell_plan(console, made, "human")
    save(console, session, made, out, "syncer ci apply --plan-file")
    return made


def _beyond(made: Plan) -> SafetyLimit | None:
    """Give what the safety limit says against a plan."""
    try:
        check_blast_radius(made)
    except SafetyLimit as error:
        return error
    return None


def _tell(job: Job, made: Plan, limit: SafetyLimit | None) -> None:
    digest, notes = plan_document(made)["digest"], [*_notes(job, limit)]
    job.outputs({"plan-digest": digest, **plan_outputs(made)})
    job.annotate(made.diagnostics)
    job.summarize(plan_markdown(made, job.setting(summary=True, digest=digest, notes=notes)))
    noteworthy = bool(made.changes or made.errors)
    job.comment(plan_markdown(made, job.setting(digest=digest, notes=notes)), noteworthy=noteworthy)


def _notes(job: Job, limit: SafetyLimit | None) -> Iterator[str]:
    if not job.trusted:
        yield UNTRUSTED
    if limit is not None:
        yield f"The safety limit refuses it: {limit.message}."
