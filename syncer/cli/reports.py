"""Drift and findings in the form that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.plans import Severity
from syncer.render.human import drift_text
from syncer.render.json import drift_json, valid_json
from syncer.render.junit import drift_junit, findings_junit
from syncer.render.markdown import drift_markdown
from syncer.render.sarif import drift_sarif, findings_sarif

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.cli.console import Console
    from syncer.errors import InvalidManifest
    from syncer.model import Manifest
    from syncer.plans import Diagnostic, Plan


def tell_drift(console: Console, found: Plan, form: str) -> None:
    """Write what changed outside."""
    match form:
        case "json":
            told = drift_json(found)
        case "junit":
            told = drift_junit(found)
        case "markdown":
            told = drift_markdown(found)
        case "sarif":
            told = drift_sarif(found, manifest=console.manifest)
        case _:
            told = drift_text(found, console.style)
    console.result(told)


def tell_findings(console: Console, manifest: Manifest, found: Sequence[Diagnostic], form: str) -> None:
    """Write what a policy finds, where the form is not for people; they read it on standard error."""
    match form:
        case "json":
            console.result(valid_json(found))
        case "junit":
            console.result(findings_junit(found, manifest.project, origins=manifest.origins))
        case "sarif":
            console.result(findings_sarif(found, manifest.project, manifest=console.manifest))
    console.violations(sorted(found, key=lambda each: each.severity is not Severity.ERROR))


def tell_faults(console: Console, error: InvalidManifest, form: str) -> None:
    """Write the faults of a manifest, where the form is one that only tells findings."""
    match form:
        case "junit":
            console.result(findings_junit(error.problems, console.manifest))
        case "sarif":
            console.result(findings_sarif(error.problems, console.manifest))
