"""SARIF: valid, at the right place, and each finding the same one tomorrow.

`SYNCER_TEST_SARIF_SCHEMA` names a copy of the official sarif-schema-2.1.0.json to check by, too.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans_by_hand import CANARY, check_golden, error, hostile, plan, with_canary
from reports_by_hand import NASTY, drifted_plan, findings, nasty, problems
from sarif_rules import LOG

from syncer.model import Address, Origin
from syncer.render import sarif
from syncer.render.sarif import drift_sarif, findings_sarif

if TYPE_CHECKING:
    from syncer.plans import Plan


def run_of(text: str) -> dict[str, Any]:
    """Parse and check a report; give its one run."""
    document: dict[str, Any] = json.loads(text)
    jsonschema.Draft202012Validator(LOG).validate(document)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == sorted(set(rules))
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
    run_: dict[str, Any] = run
    return run_


def places(text: str) -> list[tuple[str, int]]:
    """Give file and line of each result."""
    found = [result["locations"][0]["physicalLocation"] for result in run_of(text)["results"]]
    return [(place["artifactLocation"]["uri"], place["region"]["startLine"]) for place in found]


def fingerprints(text: str) -> list[str]:
    """Give the fingerprint that GitHub tells results apart by."""
    return [result["partialFingerprints"]["primaryLocationLineHash"] for result in run_of(text)["results"]]


def samples() -> dict[str, str]:
    """Give a report of every kind."""
    return {
        "drift": drift_sarif(drifted_plan()),
        "none": drift_sarif(plan()),
        "findings": findings_sarif(findings(), "shop"),
        "problems": findings_sarif(problems(), "syncer.yaml"),
        "nasty": findings_sarif(nasty(), "shop"),
        "hostile": drift_sarif(hostile(NASTY), manifest=NASTY),
    }


def test_drift() -> None:
    """A result for each difference, at the line that declares the secret, else at the manifest's first."""
    text = drift_sarif(drifted_plan())
    check_golden("drift.sarif", text.replace(f'"version": "{sarif.__version__}"', '"version": "0.0.0"'))
    assert set(places(text)) == {("secrets/a%20b.yaml", 12), ("secrets/a%20b.yaml", 20), ("syncer.yaml", 1)}


def test_findings() -> None:
    """Severity is the level; hints are told."""
    text = findings_sarif(findings(), "shop", manifest="deploy/shop.yaml")
    check_golden("findings.sarif", text.replace(f'"version": "{sarif.__version__}"', '"version": "0.0.0"'))
    run = run_of(text)
    assert {result["level"] for result in run["results"]} == {"error", "warning", "note"}
    assert ("deploy/shop.yaml", 1) in places(text)
    assert run["automationDetails"] == {"id": "syncer/findings/shop/"}


def test_faults_of_a_manifest_have_a_column() -> None:
    """Their rule is the code that JSON has for them."""
    (first, _) = run_of(findings_sarif(problems(), "syncer.yaml"))["results"]
    assert first["ruleId"] == "invalid_manifest"
    assert first["locations"][0]["physicalLocation"]["region"] == {"startLine": 4, "startColumn": 1}


@pytest.mark.parametrize("name", samples())
def test_reports_keep_the_official_schema(name: str) -> None:
    """Where a copy of it is at hand; by our own part of it they are checked in any case."""
    run_of(samples()[name])
    schema = os.environ.get("SYNCER_TEST_SARIF_SCHEMA")
    if not schema:
        pytest.skip("SYNCER_TEST_SARIF_SCHEMA names no copy of the official schema")
    jsonschema.Draft4Validator(json.loads(Path(schema).read_bytes())).validate(json.loads(samples()[name]))


@pytest.mark.parametrize(
    ("file", "folder", "uri"),
    [
        ("syncer.yaml", "", "syncer.yaml"),
        ("./a/../b c.yaml", "", "b%20c.yaml"),
        ("secrets/ü#?%.yaml", "", "secrets/%C3%BC%23%3F%25.yaml"),
        ("c:d.yaml", "", "c%3Ad.yaml"),
        ("secrets/a.yaml", "services/shop", "services/shop/secrets/a.yaml"),
        ("../a.yaml", "services/shop", "services/a.yaml"),
        ("/srv/a.yaml", "services/shop", "/srv/a.yaml"),
    ],
)
def test_files_are_named_from_the_root_of_the_repository(file: str, folder: str, uri: str) -> None:
    """As a URI; `%SRCROOT%` says where it starts, unless the file is named from the root of the machine."""
    found = error("x", address=Address("a", "b"), origin=Origin(file, 3))
    (result,) = run_of(findings_sarif([found], "shop", folder=folder))["results"]
    location = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location["uri"] == uri
    assert ("uriBaseId" in location) is not uri.startswith("/")


def moved(given: Plan) -> Plan:
    """Give the same drift, every line elsewhere and versions further on."""
    later = {address: Origin(origin.file, origin.line + 7) for address, origin in given.origins.items()}
    return replace(
        given, origins=later, drift=tuple(replace(d, after=None) if d.kind == "value" else d for d in given.drift)
    )


def test_fingerprints_stay_when_lines_move() -> None:
    """So an alert is the same one after an edit above it, and tells other alerts apart."""
    before = drift_sarif(drifted_plan())
    assert fingerprints(before) == fingerprints(drift_sarif(moved(drifted_plan())))
    assert len(set(fingerprints(before))) == len(fingerprints(before)) == 7
    many = [error(f"{n} of them", code="x", address=Address("a", "b")) for n in (1, 2)]
    one, two = fingerprints(findings_sarif(many, "shop"))
    assert one.partition(":")[0] == two.partition(":")[0]
    assert (one[-2:], two[-2:]) == (":1", ":2")
    found = findings_sarif(findings(), "shop")
    assert len(set(fingerprints(found))) == len(findings())


def test_what_is_too_much_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors first; how many are left out is told."""
    monkeypatch.setattr(sarif, "MOST_RESULTS", 4)
    run = run_of(findings_sarif(findings(), "shop"))
    assert [result["level"] for result in run["results"]] == ["error"] * 4
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"] == "2 more results are left out: the form holds 4"


def test_hostile_texts_are_visible_and_no_links() -> None:
    """GitHub makes a link of `[text](target)`; nothing is hidden either."""
    for name in ("nasty", "hostile"):
        for result in run_of(samples()[name])["results"]:
            text = result["message"]["text"]
            assert "](" not in text
            assert all(char.isprintable() or char == "\n" for char in text)
            assert unquote(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_makes_a_report(one: str, other: str) -> None:
    """Names of addresses and files, messages and hints."""
    found = [error(other, address=Address(one, other), hint=one, origin=Origin(other, 1)), error(f"x{one}")]
    assert len(run_of(findings_sarif(found, "shop"))["results"]) == 2


def test_no_value_is_in_a_report() -> None:
    """What a plan carries for an apply in the same process is never told."""
    assert CANARY not in drift_sarif(with_canary())
