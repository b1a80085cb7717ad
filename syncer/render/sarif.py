"""Drift and findings as SARIF 2.1.0, for code scanning; a subset of it that GitHub shows.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from syncer import __version__
from syncer.errors import Problem
from syncer.plans import DriftKind, Severity
from syncer.render.human import about, drift_told
from syncer.render.json import to_json
from syncer.render.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from syncer.model import Address
    from syncer.plans import Diagnostic, Plan

MANIFEST = "syncer.yaml"
MOST_RESULTS = 25_000
"""In one run; GitHub refuses a file with more."""

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_INVALID = "invalid_manifest"
_ROOT = "%SRCROOT%"
"""What GitHub calls the root of the repository."""

_RULES = {
    f"drift/{DriftKind.MISSING}": "A secret was deleted outside of syncer",
    f"drift/{DriftKind.VALUE}": "A value was changed outside of syncer",
    f"drift/{DriftKind.TAGS}": "Tags were changed outside of syncer",
    f"drift/{DriftKind.ENABLED}": "A secret was enabled or disabled outside of syncer",
    f"drift/{DriftKind.DESCRIPTION}": "A description was changed outside of syncer",
    "policy/required-tags": "A secret lacks a tag, or it has another form",
    "policy/maximum-age": "A value may get too old, or is",
    "policy/generated-values": "A generated value is too weak",
    "policy/allowed-sources": "A value comes from a source that is not allowed",
    "policy/forbidden-on-remove": "What becomes of a removed secret is not allowed",
    "policy/naming": "A ref is not named as it must be",
    "policy/owners": "A secret has no known owner",
    _INVALID: "The manifest cannot be used",
}
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    rule: str
    level: str
    text: str
    address: Address | None
    file: str
    line: int
    column: int | None = None

    @property
    def lasting(self) -> str:
        """What stays the same of it when lines move and numbers rise."""
        about = str(self.address) if self.address else self.file
        told = "" if self.rule.startswith("drift/") else re.sub("[0-9]+", "#", self.text)
        return f"{self.rule}\0{about}\0{told}"


def drift_sarif(plan: Plan, *, manifest: str = MANIFEST, folder: str = "") -> str:
    """Write what changed outside, each difference at the line that declares the secret.

    What has no line of its own is put at the first one of the manifest. What a run has to say beside it is no result
    but a notification, which code scanning does not keep as an alert. `folder` leads from the root of the
    repository to where the names of files start.
    """
    results = []
    for drift, lines in drift_told(plan.drift):
        file, line = plan.origins.get(drift.address, (manifest, 1))
        told = "; ".join(each.text for each in lines)
        text = f"{drift.address} has changed outside of syncer: {told}"
        results.append(
            _Result(rule=f"drift/{drift.kind}", level="error", text=text, address=drift.address, file=file, line=line)
        )
    told_beside = [_notification(_LEVELS[found.severity], about(found)) for found in plan.diagnostics]
    return _document(results, f"drift/{plan.project}", folder, told_beside)


def findings_sarif(
    diagnostics: Iterable[Diagnostic | Problem], project: str, *, manifest: str = MANIFEST, folder: str = ""
) -> str:
    """Write the findings of a policy, or the faults of a manifest, each where it stands; as `drift_sarif` does."""
    return _document([_result(found, manifest) for found in diagnostics], f"findings/{project}", folder)


def _result(found: Diagnostic | Problem, manifest: str) -> _Result:
    if isinstance(found, Problem):
        return _Result(
            rule=_INVALID,
            level="error",
            text=found.message,
            address=None,
            file=found.file,
            line=found.line,
            column=found.column,
        )
    file, line = found.origin or (manifest, 1)
    hint = f"\n{found.hint}" if found.hint else ""
    return _Result(
        rule=found.code,
        level=_LEVELS[found.severity],
        text=f"{about(found)}{hint}",
        address=found.address,
        file=file,
        line=line,
    )


def _document(
    results: list[_Result], category: str, folder: str, notifications: Sequence[dict[str, object]] = ()
) -> str:
    shown = sorted(results, key=lambda each: each.level != "error")[:MOST_RESULTS]
    shown.sort(key=lambda each: (each.file, each.line, each.rule, each.text))
    rules = sorted({each.rule for each in shown})
    left = _left(len(results) - len(shown))
    seen: Counter[str] = Counter()
    run = {
        "tool": {"driver": {"name": "syncer", "version": __version__, "rules": [_rule(rule) for rule in rules]}},
        "automationDetails": {"id": f"syncer/{category}/"},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": [*notifications, *left]}],
        "columnKind": "unicodeCodePoints",
        "results": [_written(each, rules.index(each.rule), folder, seen) for each in shown],
    }
    return to_json({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(rule: str) -> dict[str, object]:
    told = _RULES.get(rule, rule.replace("_", " ").capitalize())
    return {"id": rule, "shortDescription": {"text": told}, "properties": {"tags": ["secrets"]}}


def _left(number: int) -> list[dict[str, object]]:
    text = f"{number} more results are left out: the form holds {MOST_RESULTS}"
    return [_notification("warning", text)] if number else []


def _notification(level: str, text: str) -> dict[str, object]:
    return {"level": level, "message": {"text": _inert(text)}}


def _written(result: _Result, index: int, folder: str, seen: Counter[str]) -> dict[str, object]:
    region = {"startLine": result.line} | ({"startColumn": result.column} if result.column else {})
    location: dict[str, object] = {
        "physicalLocation": {"artifactLocation": _file(result.file, folder), "region": region}
    }
    if result.address:
        location["logicalLocations"] = [{"fullyQualifiedName": clean(str(result.address)), "kind": "resource"}]
    return {
        "ruleId": result.rule,
        "ruleIndex": index,
        "level": result.level,
        "message": {"text": _inert(result.text)},
        "locations": [location],
        "partialFingerprints": _fingerprint(result, seen),
    }


def _fingerprint(result: _Result, seen: Counter[str]) -> Mapping[str, str]:
    # GitHub tells results apart by this one, which it would else make of the text of the line: all that stands at
    # one line would be one alert. Of what is equal, the second is another one.
    digest = hashlib.sha256(result.lasting.encode("utf-8", "backslashreplace")).hexdigest()[:16]
    seen[digest] += 1
    return {"primaryLocationLineHash": f"{digest}:{seen[digest]}"}


def _file(name: str, folder: str) -> dict[str, str]:
    path = posixpath.normpath(posixpath.join(folder, name))
    uri = quote(path, errors="backslashreplace")
    return {"uri": uri} if path.startswith("/") else {"uri": uri, "uriBaseId": _ROOT}


def _inert(text: str) -> str:
    """Make sure that nothing is invisible or a link: section 3.11.6 makes one of `[text](target)`."""
    return "\n".join(map(clean, text.split("\n"))).replace("](", "]\\u0028")
