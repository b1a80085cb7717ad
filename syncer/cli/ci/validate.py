"""`ci validate`: the manifest and its policy, told at the lines that are wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from syncer.cli.ci.job import Job
from syncer.cli.ci.options import on_platform, report_options
from syncer.cli.ci.reasons import Why
from syncer.cli.ci.reports import Reports
from syncer.cli.options import policy_option
from syncer.errors import InvalidManifest
from syncer.manifest import load_manifest
from syncer.plans import Severity
from syncer.policy.check import findings
from syncer.render.markdown import findings_markdown
from syncer.render.text import quantity

if TYPE_CHECKING:
    from syncer.cli.console import Console
    from syncer.model import Manifest
    from syncer.plans import Diagnostic


@click.command
@policy_option
@report_options
@on_platform
@click.pass_obj
def validate(
    console: Console,
    *,
    policies: tuple[Path, ...],
    junit: Path | None,
    sarif: Path | None,
    platform: str,
    label: str,
) -> int:
    """Check manifest and policy, offline, and mark what is wrong.

    What breaks a rule ends with exit code 3, unless the rule only warns.

    \b
    Example:
      syncer ci validate --sarif syncer.sarif
    """
    with Job(console, "validate", platform, label) as job:
        job.reports = Reports(manifest=console.manifest, junit=junit, sarif=sarif)
        manifest = load_manifest(Path(console.manifest), policies)
        found = findings(manifest)
        _tell(job, manifest, found)
        if any(each.severity is Severity.ERROR for each in found):
            job.code, job.why = InvalidManifest.exit_code, Why.INVALID_MANIFEST
        return job.code


def _tell(job: Job, manifest: Manifest, found: list[Diagnostic]) -> None:
    secrets, scopes = quantity(len(manifest.secrets), "secret"), quantity(len(manifest.scopes), "scope")
    told = f"{job.console.manifest}: {secrets} in {scopes}, {quantity(len(found), 'finding')}."
    job.console.result(f"{told}\n")
    job.console.diagnostics(found)
    job.annotate(found)
    job.outputs({"summary": told})
    job.summarize(findings_markdown(found, manifest.project, job.setting(summary=True)))
    job.reports.of_findings(found, manifest.project, manifest.origins)
