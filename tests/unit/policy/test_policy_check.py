"""How rules are applied: whom they are about, in what order findings come, and what they cost."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from policy_bench import ENV, found, manifest, told

from syncer.errors import InvalidManifest
from syncer.manifest import load_manifest
from syncer.model import Address, Origin
from syncer.plans import Diagnostic, Severity
from syncer.policy.check import findings

TAGS = {"rule": "required-tags", "tags": ["owner"]}
VALID = Path(__file__).parents[2] / "manifests/valid"


def test_a_finding_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code, severity, address, place, and a hint that names the rule."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "syncer.yaml").write_text(
        "version: 1\nproject: shop\npolicy:\n- rule: required-tags\n  tags: [owner]\n"
        "scopes:\n  a:\n    secrets:\n      b: {source: {env: A}}\n"
    )
    assert findings(load_manifest("syncer.yaml")) == [
        Diagnostic(
            severity=Severity.ERROR,
            code="policy/required-tags",
            message="tag `owner` is missing",
            address=Address("a", "b"),
            hint="set it here, in the scope or under `defaults`; the rule stands at syncer.yaml:4",
            origin=Origin("syncer.yaml", 9),
        )
    ]


def test_scopes_and_exceptions(tmp_path: Path) -> None:
    """Globs over scopes say whom a rule is about, globs over addresses whom it is not."""
    secrets = {"prod:a": ENV, "prod:b/c": ENV, "prod.eu:a": ENV, "test:a": ENV}
    assert len(found(tmp_path, TAGS, secrets)) == 4
    about = found(tmp_path, TAGS | {"scopes": ["prod*", "x*"], "except": ["prod:b/*", "*:z"]}, secrets)
    assert [str(each.address) for each in about] == ["prod:a", "prod.eu:a"]
    assert found(tmp_path, TAGS | {"scopes": ["PROD*"]}, secrets) == []


def test_a_warning_is_one(tmp_path: Path) -> None:
    """An error where nothing else is said."""
    (warned,) = found(tmp_path, TAGS | {"severity": "warning"}, {"a:b": ENV})
    (failed,) = found(tmp_path, TAGS | {"severity": "error"}, {"a:b": ENV})
    assert (warned.severity, failed.severity) == (Severity.WARNING, Severity.ERROR)


def test_findings_are_sorted(tmp_path: Path) -> None:
    """By address, then by rule, whatever the order of rules and declarations."""
    rules: list[dict[str, Any]] = [TAGS, {"rule": "naming", "refs": "x"}, {"rule": "maximum-age", "age": "9d"}]
    secrets = {"b:b": ENV, "b:a": ENV, "a:z": ENV}
    shop, turned = manifest(tmp_path, rules, secrets), manifest(tmp_path, rules[::-1], dict(reversed(secrets.items())))
    assert told(findings(shop)) == told(findings(turned))
    codes = [(str(each.address), each.code) for each in findings(shop)]
    assert len(codes) == 9
    assert codes == sorted(codes)


def test_a_manifest_without_a_policy_breaks_none(tmp_path: Path) -> None:
    """Whatever it declares."""
    assert findings(manifest(tmp_path, [], {"a:b": ENV})) == []


def test_every_rule_of_the_examples_is_read() -> None:
    """Each option lands where it belongs."""
    rules = load_manifest(VALID / "policy.yaml").policy
    assert [rule.name for rule in rules] == [
        "required-tags",
        "required-tags",
        "maximum-age",
        "generated-values",
        "generated-values",
        "allowed-sources",
        "forbidden-on-remove",
        "naming",
        "owners",
    ]
    assert [rule.reach.origin.line for rule in rules] == list(range(4, 13))
    assert rules[1].reach.scopes == ("prod*",)
    assert rules[1].reach.severity == "warning"
    assert rules[2].reach.exceptions == ("prod:legacy/*", "prod:db-password")


def test_rules_beside_the_manifest(tmp_path: Path) -> None:
    """A file that it names belongs to it and to its digest; one that a run is given does not."""
    path = tmp_path / "syncer.yaml"
    path.write_text("version: 1\nproject: shop\npolicy: rules.yaml\nscopes: {a: {secrets: {b: {source: {env: A}}}}}\n")
    named, given = tmp_path / "rules.yaml", tmp_path / "given.yaml"
    named.write_text("rules: [{rule: naming, refs: x}]\n")
    given.write_text("rules:\n- {rule: owners, owners: [x]}\n")
    alone, both = load_manifest(path), load_manifest(path, [given])
    assert [rule.name for rule in alone.policy] == ["naming"]
    assert [rule.name for rule in both.policy] == ["naming", "owners"]
    assert both.policy[1].reach.origin == Origin(str(given), 2)
    assert alone.digest == both.digest
    named.write_text("rules: [{rule: naming, refs: y}]\n")
    assert load_manifest(path).digest != alone.digest
    named.write_text("rules:\n")
    assert load_manifest(path).policy == ()


def test_faults_of_every_file_come_at_once(tmp_path: Path) -> None:
    """Of the manifest, of the rules that it names, and of those that a run is given, a missing one among them."""
    path, given = tmp_path / "syncer.yaml", tmp_path / "given.yaml"
    path.write_text("version: 1\nproject: shop\npolicy: [{rule: nameing, refs: x}]\nscope: {}\n")
    given.write_text("rules:\n- {rule: owners, owner: [x]}\n")
    with pytest.raises(InvalidManifest) as caught:
        load_manifest(path, [given, tmp_path / "missing.yaml"])
    assert [(Path(p.file).name, p.line, p.message.partition(",")[0]) for p in caught.value.problems] == [
        ("given.yaml", 2, "`owners` is missing"),
        ("given.yaml", 2, "unknown key"),
        ("missing.yaml", 1, "no such file"),
        ("syncer.yaml", 3, "`rule` must be one of required-tags"),
        ("syncer.yaml", 4, "unknown key"),
    ]


def test_the_state_must_not_take_the_place_of_the_rules(tmp_path: Path) -> None:
    """What a run writes is none of the files that the manifest is made of."""
    (tmp_path / "rules.yaml").write_text("rules: []\n")
    path = tmp_path / "syncer.yaml"
    path.write_text("version: 1\nproject: shop\npolicy: rules.yaml\nstate: {path: rules.yaml}\n")
    with pytest.raises(InvalidManifest, match="would take the place of a file of the manifest"):
        load_manifest(path)


def test_ten_thousand_secrets_and_seven_rules_cost_little(tmp_path: Path) -> None:
    """Less than the file takes to be read."""
    rules: list[dict[str, Any]] = [
        {"rule": "required-tags", "tags": {"owner": "[a-z]+", "tier": "gold|silver"}},
        {"rule": "maximum-age", "age": "90d"},
        {"rule": "generated-values", "minimum_length": 24, "alphabets": ["alphanumeric"]},
        {"rule": "allowed-sources", "sources": ["env", "generate"]},
        {"rule": "forbidden-on-remove", "on_remove": ["delete"]},
        {"rule": "naming", "refs": "[a-z]+-[0-9]+(/[a-z]+)*"},
        {"rule": "owners", "owners": ["payments"]},
    ]
    entry = {"tags": {"owner": "payments", "tier": "gold"}, "rotate": {"every": "30d"}}
    sources = ({"env": "A"}, {"generate": {"length": 40}})
    secrets = {f"scope-{n % 10}:secret-{n}": entry | {"source": sources[n % 2]} for n in range(10_000)}
    begin = time.process_time()
    shop = manifest(tmp_path, rules, secrets)
    read = time.process_time()
    assert findings(shop) == []
    assert time.process_time() - read < max(read - begin, 0.5)
