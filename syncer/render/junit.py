"""Drift and findings as JUnit XML, which CI systems show as tests: a suite for each scope, a case for each address.

There is no standard. What is written here is what Jenkins and GitLab read alike: one failure to a case at most, each
case named once. https://docs.gitlab.com/ci/testing/unit_test_reports/
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from syncer.errors import Problem
from syncer.plans import Severity
from syncer.render.human import diagnostic_text, drift_blocks
from syncer.render.text import PLAIN, clean, quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from syncer.model import Address, Origin
    from syncer.plans import Diagnostic, Plan

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(slots=True, kw_only=True)
class _Case:
    """What was checked, and what came of it."""

    suite: str
    name: str
    file: str = ""
    line: int = 0
    failures: list[tuple[str, str, str]] = field(default_factory=list)
    """Kind, message and text of each."""
    notes: list[str] = field(default_factory=list)
    skipped: str = ""


@dataclass(slots=True, kw_only=True)
class _Report:
    """Every case of one project."""

    project: str
    folder: str
    cases: dict[tuple[str, str], _Case] = field(default_factory=dict)

    def case(self, suite: str, name: str, file: str = "", line: int = 0) -> _Case:
        """Give the case of that name, made when it is first asked for."""
        if (suite, name) not in self.cases:
            path = posixpath.normpath(posixpath.join(self.folder, file)) if file else ""
            self.cases[suite, name] = _Case(suite=suite, name=name, file=path, line=line)
        return self.cases[suite, name]

    def address(self, address: Address, origin: Origin | None = None) -> _Case:
        """Give the case of an address."""
        return self.case(address.scope, str(address), *(origin or ()))

    def finding(self, found: Diagnostic | Problem) -> None:
        """Put a finding where it belongs: what is no error fails nothing."""
        if isinstance(found, Problem):
            case = self.case(found.file, f"{found.file}:{found.line}:{found.column}", found.file, found.line)
            case.failures.append(("invalid_manifest", found.message, str(found)))
            return
        case = self.address(found.address, found.origin) if found.address else self._elsewhere(found)
        text = diagnostic_text(found, PLAIN).rstrip("\n")
        if found.severity is Severity.ERROR:
            case.failures.append((found.code, found.message, text))
        else:
            case.notes.append(text)

    def _elsewhere(self, found: Diagnostic) -> _Case:
        return self.case(self.project, found.code, *(found.origin or ()))


def drift_junit(plan: Plan, *, folder: str = "") -> str:
    """Write what changed outside: a failure for each address that did.

    `folder` leads from the root of the repository to where the names of files start.
    """
    report = _Report(project=plan.project, folder=folder)
    for address, origin in plan.origins.items():
        report.address(address, origin)
    for address in plan.unchecked:
        report.address(address).skipped = "another run was writing it"
    kinds = {drift.address: drift.kind for drift in sorted(plan.drift, key=lambda each: (each.address, each.kind))}
    for (address, kind), block in zip(kinds.items(), drift_blocks(plan.drift), strict=True):
        told = "\n".join(f"{line.symbol} {line.text}".strip() for line in block.lines)
        report.address(address).failures.append((f"drift/{kind}", block.header, told))
    for found in plan.diagnostics:
        report.finding(found)
    return _xml(report, "drift")


def findings_junit(
    diagnostics: Iterable[Diagnostic | Problem],
    project: str,
    *,
    origins: Mapping[Address, Origin] | None = None,
    folder: str = "",
) -> str:
    """Write the findings of a policy, or the faults of a manifest: a failure for each address with an error.

    `origins` tells what was looked at; what was found fine is in the report, too. `folder` is as for `drift_junit`.
    """
    report = _Report(project=project, folder=folder)
    for address, origin in (origins or {}).items():
        report.address(address, origin)
    for found in diagnostics:
        report.finding(found)
    return _xml(report, "findings")


def _xml(report: _Report, what: str) -> str:
    """Write a report; in ASCII, so that whatever reads it need not be told how it is encoded."""
    cases = [report.cases[key] for key in sorted(report.cases)]
    root = ET.Element("testsuites", _counted(f"syncer {what} of {report.project}", cases))
    for suite, group in groupby(cases, key=lambda case: case.suite):
        own = list(group)
        element = ET.SubElement(root, "testsuite", _counted(suite, own))
        for case in own:
            _add(element, case, f"{report.project}.{suite}")
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="us-ascii")
    return f"{_DECLARATION}{text.decode('ascii')}\n"


def _counted(name: str, cases: list[_Case]) -> dict[str, str]:
    failed = sum(bool(case.failures) for case in cases)
    skipped = sum(bool(case.skipped and not case.failures) for case in cases)
    numbers = {"tests": len(cases), "failures": failed, "errors": 0, "skipped": skipped}
    return {"name": clean(name), **{key: str(number) for key, number in numbers.items()}, "time": "0"}


def _add(suite: ET.Element, case: _Case, class_name: str) -> None:
    place = {"file": clean(case.file), "line": str(case.line)} if case.file else {}
    names = {"classname": clean(class_name), "name": clean(case.name), **place, "time": "0"}
    element = ET.SubElement(suite, "testcase", names)
    if case.failures:
        kind, message, _ = case.failures[0]
        more = len(case.failures) - 1
        told = f"{message} (and {quantity(more, 'failure')} more)" if more else message
        failure = ET.SubElement(element, "failure", {"type": kind, "message": _visible(told)})
        failure.text = _visible("\n".join(text for _, _, text in case.failures))
    elif case.skipped:
        ET.SubElement(element, "skipped", {"message": case.skipped})
    if case.notes:
        ET.SubElement(element, "system-out").text = _visible("\n".join(case.notes))


def _visible(text: str) -> str:
    """Escape what XML 1.0 cannot hold, so that it shows; of all that does not, a line break may stay."""
    return "\n".join(map(clean, text.split("\n")))
