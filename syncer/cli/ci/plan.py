"""`ci plan`: what a pull request would change, told to its reviewers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from syncer.cli.ci.job import Job, plan_outputs
from syncer.cli.ci.options import Speaking, comment_option, on_platform, report_options
from syncer.cli.ci.reports import Reports
from syncer.cli.options import PATH, open_session, planning, policy_option, request
from syncer.cli.plan import check_complete, check_out, save, tell_calls, tell_plan
from syncer.engine.guard import check_blast_radius
from syncer.engine.prepare import make_plan
from syncer.errors import SafetyLimit
from syncer.plans import Values
from syncer.render.json import plan_document
from syncer.render.markdown import plan_markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from syncer.cli.console import Console
    from syncer.engine.prepare import Request
    from syncer.engine.session import Session
    from syncer.plans import Plan

UNTRUSTED = "This run comes from a fork or a bot, so no value and no backend was looked at, whatever was asked for."


@click.command
@planning
@policy_option
@click.option(
    "--values",
    type=click.Choice(["resolve", "skip"]),
    default="resolve",
    show_default=True,
    help="Compare values, or touch no source at all.",
)
@click.option(
    "--out",
    type=PATH,
    default="syncer-plan.json",
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
    speaking: str,
    gitlab_report: Path | None,
    junit: Path | None,
    sarif: Path | None,
    platform: str,
    label: str,
    parallelism: int,
    allow_mass_change: bool,
    **given: Any,
) -> None:
    """Plan, save the plan, and show it on the pull request: in one comment, in the summary, at the manifest's lines.

    A run that comes from a fork, or from a bot, has no credential and no key: it is planned without values and without
    the backends. A plan with errors is saved and shown too; an apply refuses it.

    \b
    Examples:
      syncer ci plan
      syncer ci plan --comment changes-only --label production
      syncer ci plan --gitlab-report plan-report.json
    """
    asked = request(**given)
    reports = Reports(manifest=console.manifest, junit=junit, sarif=sarif, gitlab=gitlab_report)
    with Job(console, "plan", platform, label) as job:
        job.speaking, job.reports = Speaking(speaking), reports
        made = _planned(job, asked, out, lambda: open_session(console, parallelism, given["policies"]))
        limit = None if allow_mass_change else _beyond(made)
        _tell(job, made, limit)
        reports.of_plan(made)
        check_complete(made)
        if limit is not None:
            raise limit
        job.check_said()


def _planned(job: Job, asked: Request, out: Path, opened: Callable[[], Session]) -> Plan:
    console = job.console
    if not job.trusted:
        asked = replace(asked, values=Values.SKIPPED, refresh=False, verify_values=False)
        console.note(UNTRUSTED)
    with opened() as session:
        check_out(session, out)
        with console.status("planning"):
            made = make_plan(session, asked)
        tell_calls(console, made)
        tell_plan(console, made, "human")
        save(console, session, made, out)
    job.outputs({"plan-path": str(out), "plan-digest": plan_document(made)["digest"], **plan_outputs(made)})
    return made


def _beyond(made: Plan) -> SafetyLimit | None:
    """Give what the safety limit says against a plan."""
    try:
        check_blast_radius(made)
    except SafetyLimit as error:
        return error
    return None


def _tell(job: Job, made: Plan, limit: SafetyLimit | None) -> None:
    digest = plan_document(made)["digest"]
    notes = [*_notes(job, limit)]
    job.annotate(made.diagnostics)
    job.summarize(plan_markdown(made, job.setting(summary=True, digest=digest, notes=notes)))
    noteworthy = bool(made.changes or made.errors)
    job.comment(plan_markdown(made, job.setting(digest=digest, notes=notes)), noteworthy=noteworthy)


def _notes(job: Job, limit: SafetyLimit | None) -> Iterator[str]:
    if not job.trusted:
        yield UNTRUSTED
    if limit is not None:
        yield f"The safety limit refuses it: {limit.message}."
