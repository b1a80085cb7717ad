"""What of a plan breaks the manifest's policy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syncer.engine.compare import SAME_VALUE
from syncer.plans import Severity

if TYPE_CHECKING:
    from syncer.engine.facts import Facts, Findings
    from syncer.model import Manifest
    from syncer.plans import Diagnostic


def violations(manifest: Manifest, facts: Facts, found: Findings) -> list[Diagnostic]:
    """Find what breaks a rule among the secrets that a plan is about; what it deletes is about none."""
    if not manifest.policy or facts.destroy:
        return []
    from syncer.policy.check import aged, findings, in_order  # noqa: PLC0415  # most manifests have no policy

    about = replace(
        manifest,
        secrets={address: manifest.secrets[address] for address in facts.desired},
        removed={address: wanted for address, wanted in manifest.removed.items() if facts.selected(address)},
    )
    # An old value must not keep the very plan from being applied that puts a new one in its place.
    same = {told.address for told in found.diagnostics if told.code == SAME_VALUE}
    renewed = {change.address for change in found.changes if change.writes_value} - same
    kept = {address: record for address, record in facts.state.records.items() if address not in renewed}
    unknown = frozenset(found.unchecked)
    old = (_doubted(each) if each.address in unknown else each for each in aged(about, kept, facts.now))
    return in_order([*findings(about), *old])


def _doubted(found: Diagnostic) -> Diagnostic:
    """Only warn of an old value whose source was not asked: it may yield a new one."""
    return replace(found, severity=Severity.WARNING)
