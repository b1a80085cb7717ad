"""`ci drift`: what somebody changed outside, kept in one issue for as long as it is so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncer.cli import CHANGES
from syncer.cli.ci.job import Job
from syncer.cli.ci.options import on_platform, report_options
from syncer.cli.ci.reasons import Why
from syncer.cli.ci.reports import Reports
from syncer.cli.drift import find
from syncer.cli.options import open_session, selectors, verify_option
from syncer.cli.plan import check_complete
from syncer.plans import Selection
from syncer.render.human import drift_text
from syncer.render.markdown import LABEL, drift_markdown
from syncer.render.text import drift_lines, quantity

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.cli.console import Console
    from syncer.plans import Plan


@click.command
@selectors
@verify_option
@click.option("--issue/--no-issue", help="Keep one issue open for as long as there is drift.")
@click.option("--fail-on-drift/--no-fail-on-drift", default=True, show_default=True, help="Exit with 2 on drift.")
@report_options
@on_platform
@click.pass_obj
def drift(  # noqa: PLR0913  # options
    console: Console,
    *,
    targets: tuple[str, ...],
    excludes: tuple[str, ...],
    verify_values: bool,
    issue: bool,
    fail_on_drift: bool,
    junit: Path | None,
    sarif: Path | None,
    platform: str,
    label: str,
) -> int:
    """Find what somebody changed outside, and tell it in an issue.

    With --issue, one is kept open until it is put right or accepted: `syncer apply` puts it right, `syncer drift
    --accept` takes it as it is, and the next run closes the issue.

    \b
    Examples:
      syncer ci drift --issue
      syncer ci drift --junit drift.xml --no-fail-on-drift
    """
    with Job(console, "drift", platform, label) as job:
        job.reports = Reports(manifest=console.manifest, junit=junit, sarif=sarif)
        with open_session(console) as session:
            selection = Selection(targets=targets, excludes=excludes)
            found = find(console, session, selection, verify_values=verify_values)
        _tell(job, found)
        if issue:
            _keep_issue(job, found)
        check_complete(found)
        if found.drift and fail_on_drift:
            job.code, job.why = CHANGES, Why.DRIFT
        return job.code


def _tell(job: Job, found: Plan) -> None:
    job.console.result(drift_text(found, job.console.style))
    job.console.diagnostics(found.diagnostics)
    job.outputs({"changes": "true" if found.drift else "false", "summary": drift_lines(found)[0]})
    job.annotate(found.diagnostics)
    job.summarize(drift_markdown(found, job.setting(summary=True)))
    job.reports.of_drift(found)


def _keep_issue(job: Job, found: Plan) -> None:
    marker, text = job.marker("drift"), drift_markdown(found, job.setting())
    if found.drift:
        url: str | None = job.platform.open_issue(marker, _title(job, found), text)
    elif found.errors or found.unchecked:
        url = None  # nobody knows that it is gone
    else:
        url = job.platform.close_issue(marker, text)
    job.outputs({"issue-url": url or ""})


def _title(job: Job, found: Plan) -> str:
    number = quantity(len({each.address for each in found.drift}), "secret")
    label = "" if job.label == LABEL else f" ({job.label})"
    return f"Drift: {number} of {found.project} changed outside of syncer{label}"
