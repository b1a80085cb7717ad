"""A policy: what `validate`, `plan` and `apply` make of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from cli.folder import GENERATE

from syncer.engine.prepare import Request, make_plan
from syncer.plans import Values

if TYPE_CHECKING:
    from cli.folder import Folder

A = {"source": {"env": "A"}}
TAGS = {"rule": "required-tags", "tags": ["team"]}
RULES = "rules:\n- {rule: owners, owners: [payments]}\n"


@pytest.fixture
def shop(syncer: Folder) -> Folder:
    """A secret that breaks the one rule there is, and one that does not."""
    syncer.monkeypatch.setenv("A", "first")
    declare(syncer, TAGS)
    return syncer


def declare(syncer: Folder, *rules: dict[str, Any], **top: Any) -> None:
    """Write the manifest: a policy, and two secrets."""
    syncer.declare({"global:a": A, "payments:b": GENERATE | {"tags": {"team": "x"}}}, policy=list(rules), **top)


def line_of(syncer: Folder, text: str) -> int:
    """Find the line of a text in the manifest, from 1."""
    return (syncer.path / "syncer.yaml").read_text().splitlines().index(text) + 1


def test_validate_tells_what_breaks_a_rule(shop: Folder) -> None:
    """As it tells a fault of the manifest: place, address, what is wrong, what to do. Exit 3."""
    result = shop("validate")
    here, rule = line_of(shop, '    "a": {'), line_of(shop, "  {")
    assert (result.code, result.out) == (3, "")
    assert result.err == (
        f"error: syncer.yaml:{here}: global:a: tag `team` is missing\n"
        f"hint: set it here, in the scope or under `defaults`; the rule stands at syncer.yaml:{rule}\n"
    )


def test_validate_in_json(shop: Folder) -> None:
    """One document, before the exit code."""
    result = shop("validate", "--format", "json")
    assert (result.code, result.codes) == (3, ["policy/required-tags"])
    assert result.json["complete"] is False
    (found,) = result.json["diagnostics"]
    assert (found["severity"], found["address"]) == ("error", "global:a")
    assert found["origin"] == {"file": "syncer.yaml", "line": line_of(shop, '    "a": {'), "column": None}


def test_a_warning_lets_everything_pass(shop: Folder) -> None:
    """It is told on standard error; a plan with warnings can be applied."""
    declare(shop, TAGS | {"severity": "warning"})
    result = shop("validate")
    assert (result.code, result.out) == (0, "syncer.yaml is valid: 2 secrets in 2 scopes.\n")
    assert result.err.startswith("warning: syncer.yaml:")
    machine = shop("validate", "--format", "json")
    assert (machine.code, machine.codes, machine.json["complete"]) == (0, ["policy/required-tags"], True)
    assert "warning: global:a: tag `team` is missing\n  at syncer.yaml:" in shop("plan").err
    shop.fine("plan", "--out", "plan.json")
    shop.fine("apply", "plan.json")
    assert shop.fine("plan").startswith("No changes.")


def test_an_error_keeps_a_plan_from_being_applied(shop: Folder) -> None:
    """Exit 1 with the finding among the plan's; nothing is saved, and nothing is written."""
    result = shop("plan", "--out", "plan.json", "--format", "json")
    assert (result.code, result.codes, result.json["complete"]) == (1, ["policy/required-tags"], False)
    assert len(result.json["resource_changes"]) == 2
    human = shop("plan")
    assert "error: global:a: tag `team` is missing\n  at syncer.yaml:" in human.err
    assert "The plan holds 1 error and cannot be applied.\n" in human.out
    assert shop("apply", "--auto-approve").code == 1
    assert {"plan.json", ".syncer/state.json"}.isdisjoint(shop.files())


def test_what_a_plan_is_not_about_breaks_no_rule(shop: Folder) -> None:
    """Selectors narrow the findings too; what is destroyed needs no tag."""
    assert shop("plan", "--exclude", "global:a").code == 0
    assert shop("plan", "--target", "global:*").code == 1
    shop.fine("apply", "--auto-approve", "--exclude", "global:a")
    assert shop("plan").code == 1
    assert shop("plan", "--destroy").code == 0


def test_rules_out_of_the_author_s_reach(shop: Folder) -> None:
    """`--policy` adds to the manifest's own, as often as it is given; by its environment form too."""
    declare(shop)
    shop.fine("validate")
    for name in ("one.yaml", "two.yaml"):
        (shop.path / name).write_text(RULES.replace("payments", name[:3]))
    result = shop("validate", "--policy", "one.yaml", "--policy", "two.yaml", "--format", "json")
    assert (result.code, result.codes) == (3, ["policy/owners"] * 4)
    assert "the rule stands at one.yaml:2" in result.out
    assert shop("plan", "--policy", "one.yaml").err.count("error: global:a: tag `owner` is missing") == 1
    applied = shop("apply", "--auto-approve", "--policy", "one.yaml")
    assert (applied.code, shop.state.exists()) == (1, False)
    shop.monkeypatch.setenv("SYNCER_VALIDATE_POLICY", "one.yaml:two.yaml")
    assert shop("validate").err.count("error: ") == 4
    assert shop("validate", "--policy", "").code == 64


def test_a_faulty_policy_is_a_faulty_manifest(shop: Folder) -> None:
    """Exit 3 from every command, all faults of all files at once, at their places."""
    declare(shop, TAGS | {"scopes": ["globl"]})
    (shop.path / "rules.yaml").write_text("rules:\n- {rule: ownrs}\n- {rule: naming, refs: '['}\n")
    for command in ("validate", "plan"):
        result = shop(command, "--policy", "rules.yaml", "--policy", "missing.yaml")
        assert result.code == 3
        assert "rules.yaml:2:10: `rule` must be one of" in result.err
        assert "rules.yaml:3:24: not a regular expression" in result.err
        assert "missing.yaml:1:1: no such file" in result.err
        assert "this scope is not declared, did you mean `global`?" in result.err
    assert shop("state", "list").code == 3


def test_a_plan_for_a_fork_heeds_the_policy(shop: Folder) -> None:
    """Without a key, a source or a backend."""
    (shop.path / ".syncer/key").unlink()
    shop.monkeypatch.delenv("A")
    result = shop("plan", "--values", "skip", "--no-refresh", "--format", "json")
    assert (result.code, result.codes) == (1, ["policy/required-tags"])


def test_a_plan_made_under_other_rules_is_stale(shop: Folder) -> None:
    """Rules in a file that the manifest names are a part of it."""
    (shop.path / "rules.yaml").write_text("rules: []\n")
    shop.declare({"global:a": A}, policy="rules.yaml")
    shop.fine("plan", "--out", "plan.json")
    (shop.path / "rules.yaml").write_text(RULES)
    stale = shop("apply", "plan.json")
    assert (stale.code, "made for another manifest" in stale.err) == (7, True)


def test_old_values_are_told(syncer: Folder) -> None:
    """Unless the very plan puts new ones in their place, which takes a source that yields another one.

    Where values are skipped nobody knows whether it does, so it only warns.
    """
    rotated = {"rotate": {"every": "80d"}}
    syncer.monkeypatch.setenv("A", "first")
    rule = {"rule": "maximum-age", "age": "90d"}
    syncer.declare({"global:a": A | rotated, "global:b": GENERATE | rotated}, policy=[rule])
    syncer.apply()
    assert syncer("plan").err == ""
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=91)
    assert of_policy(syncer, Request(now=later)) == [("global:a", "error")]
    assert of_policy(syncer, Request(now=later - timedelta(days=2))) == []
    syncer.monkeypatch.setenv("A", "second")
    assert of_policy(syncer, Request(now=later)) == []
    syncer.declare({"global:a": A, "global:b": GENERATE | rotated}, policy=[rule])
    assert of_policy(syncer, Request(now=later)) == [("global:a", "error")]  # of its declaration
    skipped = Request(now=later, values=Values.SKIPPED)
    assert of_policy(syncer, skipped) == [("global:a", "error"), ("global:a", "warning")]


def of_policy(syncer: Folder, request: Request) -> list[tuple[str, str]]:
    """Give address and severity of what a plan finds to break the policy."""
    with syncer.session() as session:
        found = make_plan(session, request).diagnostics
    return [(str(each.address), str(each.severity)) for each in found if each.code == "policy/maximum-age"]


def test_people_are_told_a_hundred_findings(syncer: Folder) -> None:
    """Errors first, and how many there are beside them; a program gets every one."""
    rules = [TAGS | {"severity": "warning"}, {"rule": "owners", "owners": ["x"]}]
    syncer.declare({f"global:s{number}": A for number in range(80)}, policy=rules)
    human, machine = syncer("validate"), syncer("validate", "--format", "json")
    assert (human.err.count("error: "), human.err.count("warning: ")) == (80, 20)
    assert human.err.endswith("\n... and 60 more\n")
    assert len(machine.json["diagnostics"]) == 160


def test_validate_as_a_report(shop: Folder) -> None:
    """JUnit with each address that was looked at, SARIF with each finding; the exit code stays."""
    junit, sarif = shop("validate", "--format", "junit"), shop("validate", "--format", "sarif")
    assert junit.code == sarif.code == 3
    cases = list(ET.fromstring(junit.out).iter("testcase"))  # noqa: S314  # our own
    assert [(case.get("name"), len(case)) for case in cases] == [("global:a", 1), ("payments:b", 0)]
    (result,) = sarif.json["runs"][0]["results"]
    assert result["ruleId"] == "policy/required-tags"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "syncer.yaml"
    assert junit.err == sarif.err == shop("validate").err


def test_faults_of_a_manifest_as_a_report(syncer: Folder) -> None:
    """The same forms tell them, each at its position; a manifest without any is a report without any."""
    (syncer.path / "syncer.yaml").write_text("version: 1\nproject: shop\nscops: {}\nscopes: []\n")
    junit, sarif = syncer("validate", "--format", "junit"), syncer("validate", "--format", "sarif")
    assert junit.code == sarif.code == 3
    assert junit.out.count("<failure") == len(sarif.json["runs"][0]["results"]) == 2
    assert "syncer.yaml:3:1: unknown key" in junit.err
    syncer.declare({})
    assert syncer("validate", "--format", "sarif").json["runs"][0]["results"] == []
    assert 'tests="0"' in syncer.fine("validate", "--format", "junit")
