"""JUnit: well-formed whatever stands in it, each address once."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from plans_by_hand import CANARY, check_golden, error, hostile, plan, with_canary
from reports_by_hand import NASTY, drifted_plan, findings, nasty, origins, problems

from syncer.model import Address
from syncer.render.junit import drift_junit, findings_junit


def parsed(text: str) -> ET.Element:
    """Parse a report."""
    return ET.fromstring(text)  # noqa: S314  # our own


def cases(text: str) -> dict[str | None, list[str]]:
    """Parse a report: the name of each case to the tags in it."""
    return {case.get("name"): [child.tag for child in case] for case in parsed(text).iter("testcase")}


def test_drift() -> None:
    """A suite for each scope; what is fine, what changed, what is gone, what was left out."""
    check_golden("drift.junit.xml", drift_junit(drifted_plan()))


def test_findings() -> None:
    """One failure to a case, however many errors; what is no error fails nothing."""
    text = findings_junit(findings(), "shop", origins=origins())
    check_golden("findings.junit.xml", text)
    assert cases(text) == {
        "global:api": ["failure", "system-out"],
        "global:fine": [],
        "payments:tls/key": ["failure"],
        "nothing_there": ["failure"],
    }


def test_counts_are_right() -> None:
    """Of the whole and of each suite."""
    root = parsed(drift_junit(drifted_plan()))
    for each in (root, *root.iter("testsuite")):
        assert each.get("tests") == str(len(list(each.iter("testcase"))))
        assert each.get("failures") == str(len(list(each.iter("failure"))))
        assert each.get("skipped") == str(len(list(each.iter("skipped"))))
    assert root.get("failures") == "4"
    assert root.get("skipped") == "1"


def test_faults_of_a_manifest() -> None:
    """Each position is a case that fails."""
    text = findings_junit(problems(), "syncer.yaml")
    assert cases(text) == {"syncer.yaml:4:1": ["failure"], "syncer.yaml:8:10": ["failure"]}
    assert "syncer.yaml:4:1: unknown key, did you mean `scopes`?</failure>" in text


def test_nothing_to_tell() -> None:
    """A report without a case is one, too."""
    assert cases(findings_junit([], "shop")) == cases(drift_junit(plan())) == {}
    assert cases(findings_junit([], "shop", origins=origins())).keys() == {str(address) for address in origins()}


def test_hostile_texts_are_visible_and_harmless() -> None:
    """What XML cannot hold is escaped as in JSON; the rest stays text."""
    for text in (findings_junit(nasty(), NASTY), drift_junit(hostile(NASTY))):
        assert text.isascii()
        assert all(char.isprintable() or char == "\n" for char in text)
        root = parsed(text)
        assert {each.tag for each in root.iter()} <= {"testsuites", "testsuite", "testcase", "failure", "system-out"}
        told = "".join(root.itertext())
        assert r"\u0000\u0007\u001b[2J\u202e\ufffe\ud800</failure>]]>&<!-- [x]" in told
        assert "é🙂" in told


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_makes_a_report(one: str, other: str) -> None:
    """Names of addresses and files, messages and hints."""
    found = [error(other, address=Address(one, other), hint=one), error(one)]
    assert len(cases(findings_junit(found, other))) == 2
    assert len(cases(drift_junit(hostile(one)))) >= 1


def test_no_value_is_in_a_report() -> None:
    """What a plan carries for an apply in the same process is never told."""
    assert CANARY not in drift_junit(with_canary())
