"""Reports for other programs, each in a file of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.cli.ci.paths import folder
from syncer.cli.out import replace_text
from syncer.render import gitlab
from syncer.render.junit import drift_junit, findings_junit
from syncer.render.sarif import drift_sarif, findings_sarif

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from syncer.errors import InvalidManifest, Problem
    from syncer.model import Address, Origin
    from syncer.plans import Diagnostic, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Where reports go; None for one that nobody wants. Writing raises SyncerError where one cannot be written."""

    manifest: str = "syncer.yaml"
    junit: Path | None = None
    sarif: Path | None = None
    gitlab: Path | None = None

    def of_plan(self, plan: Plan) -> None:
        """Write what a plan found, and for GitLab how much it would change."""
        self.of_findings(plan.diagnostics, plan.project, plan.origins)
        if self.gitlab is not None:
            replace_text(self.gitlab, gitlab.report(plan))

    def of_findings(
        self, found: Sequence[Diagnostic | Problem], project: str, origins: Mapping[Address, Origin]
    ) -> None:
        """Write what was found in a manifest; `origins` tells what was looked at."""
        if self.junit is not None:
            replace_text(self.junit, findings_junit(found, project, origins=origins, folder=folder()))
        if self.sarif is not None:
            replace_text(self.sarif, findings_sarif(found, project, manifest=self.manifest, folder=folder()))

    def of_faults(self, error: InvalidManifest) -> None:
        """Write the faults of a manifest, whose project is not known then."""
        self.of_findings(error.problems, self.manifest, {})

    def of_drift(self, plan: Plan) -> None:
        """Write what changed outside."""
        if self.junit is not None:
            replace_text(self.junit, drift_junit(plan, folder=folder()))
        if self.sarif is not None:
            replace_text(self.sarif, drift_sarif(plan, manifest=self.manifest, folder=folder()))
