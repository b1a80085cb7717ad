"""Results in the form that was asked for; what writes it is imported when it is."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from syncer.plans import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syncer.cli.console import Console
    from syncer.errors import InvalidManifest
    from syncer.model import Manifest
    from syncer.plans import Diagnostic, Plan

_DRIFT = {
    "json": "json:drift_json",
    "markdown": "markdown:drift_markdown",
    "junit": "junit:drift_junit",
    "sarif": "sarif:drift_sarif",
}


def tell_drift(console: Console, found: Plan, form: str) -> None:
    """Write what changed outside."""
    if form == "human":
        console.result(renderer("human:drift_text")(found, console.style))
    elif form == "sarif":
        console.result(renderer(_DRIFT[form])(found, manifest=console.manifest))
    else:
        console.result(renderer(_DRIFT[form])(found))


def tell_findings(console: Console, manifest: Manifest, found: Sequence[Diagnostic], form: str) -> None:
    """Write what a policy finds, where the form is not for people; they read it on standard error."""
    if form == "json":
        console.result(renderer("json:valid_json")(found))
    elif form == "junit":
        checked = {secret.address: secret.origin for secret in manifest.secrets.values()}
        console.result(renderer("junit:findings_junit")(found, manifest.project, checked=checked))
    elif form == "sarif":
        console.result(renderer("sarif:findings_sarif")(found, manifest.project, manifest=console.manifest))
    console.breaches(sorted(found, key=lambda each: each.severity is not Severity.ERROR))


def tell_problems(console: Console, error: InvalidManifest, form: str) -> None:
    """Write the faults of a manifest, where the form is one that only tells findings."""
    if form in {"junit", "sarif"}:
        console.result(renderer(f"{form}:findings_{form}")(error.problems, console.manifest))


def renderer(name: str) -> Callable[..., str]:
    """Import what writes a form: `module:function` of `syncer.render`."""
    module, _, function = name.partition(":")
    found: Callable[..., str] = getattr(import_module(f"syncer.render.{module}"), function)
    return found
