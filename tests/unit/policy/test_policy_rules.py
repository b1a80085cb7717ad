"""What each rule demands, and what it says of what it finds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from policy_bench import ENV, found, manifest, told

from syncer.model import Address
from syncer.plans import Severity
from syncer.policy.check import aged, findings

if TYPE_CHECKING:
    from pathlib import Path


def tagged(**tags: str) -> dict[str, Any]:
    """Give a secret with tags."""
    return ENV | {"tags": tags}


def generated(**options: Any) -> dict[str, Any]:
    """Give a generated secret."""
    return {"source": {"generate": options}}


def test_required_tags(tmp_path: Path) -> None:
    """Each missing one is told; those of scope and defaults count."""
    secrets = {"a:none": ENV, "a:both": tagged(owner="x", tier=""), "a:one": tagged(tier="gold")}
    rule = {"rule": "required-tags", "tags": ["tier", "owner"]}
    assert told(found(tmp_path, rule, secrets)) == [
        "a:none tag `owner` is missing",
        "a:none tag `tier` is missing",
        "a:one tag `owner` is missing",
    ]
    assert told(found(tmp_path, rule, secrets, defaults={"tags": {"owner": "x", "tier": "y"}})) == []


def test_required_tags_of_a_form(tmp_path: Path) -> None:
    """A value is told to be wrong, and is not repeated."""
    secrets = {"a:none": ENV, "a:right": tagged(cost="1234"), "a:wrong": tagged(cost="12345")}
    assert told(found(tmp_path, {"rule": "required-tags", "tags": {"cost": "[0-9]{4}"}}, secrets)) == [
        "a:none tag `cost` is missing",
        "a:wrong tag `cost` does not match `[0-9]{4}`",
    ]


def test_owners(tmp_path: Path) -> None:
    """One of them, in the tag of that name."""
    secrets = {"a:none": ENV, "a:known": tagged(owner="x", team="z"), "a:other": tagged(owner="z", team="x")}
    rule = {"rule": "owners", "owners": ["y", "x"]}
    expected = ["a:none tag `owner` is missing, so nobody owns it", "a:other tag `owner` is none of x, y"]
    assert told(found(tmp_path, rule, secrets)) == expected
    assert told(found(tmp_path, rule | {"tag": "team"}, secrets))[1:] == [
        "a:none tag `team` is missing, so nobody owns it"
    ]


def test_maximum_age_of_declarations(tmp_path: Path) -> None:
    """`rotate.every` is there and no longer."""
    every = {name: ENV | {"rotate": {"every": name}} for name in ("90d", "91d", "1w", "2161h")}
    secrets = {"a:never": ENV, "a:bump": ENV | {"rotate": {"version": 2}}} | {f"a:{n}": s for n, s in every.items()}
    assert told(found(tmp_path, {"rule": "maximum-age", "age": "90d"}, secrets)) == [
        "a:2161h `rotate.every` is 2161h, and a value may be 90d old at most",
        "a:91d `rotate.every` is 91d, and a value may be 90d old at most",
        "a:bump `rotate.every` is missing, and a value may be 90d old at most",
        "a:never `rotate.every` is missing, and a value may be 90d old at most",
    ]


@pytest.mark.parametrize(
    ("span", "spoken"), [("36h", "36h"), ("48h", "2d"), ("90s", "90s"), ("120s", "2m"), ("2w", "14d")]
)
def test_spans_are_told_as_a_manifest_writes_them(tmp_path: Path, span: str, spoken: str) -> None:
    """In the largest unit that they fill."""
    (finding,) = found(tmp_path, {"rule": "maximum-age", "age": span}, {"a:b": ENV})
    assert finding.message == f"`rotate.every` is missing, and a value may be {spoken} old at most"
    assert str(finding.hint).startswith(f"declare `rotate: {{every: {spoken}}}` or less; ")


class Record:
    """What state remembers: a date is enough."""

    def __init__(self, rotated: datetime) -> None:
        self.rotated = rotated


def test_maximum_age_of_records(tmp_path: Path) -> None:
    """Older is told, as old is not; what is not declared, or elsewhere, is nobody's business."""
    now = datetime(2026, 6, 1, tzinfo=UTC)
    rule = {"rule": "maximum-age", "age": "90d", "scopes": ["prod"], "except": ["*:fine"]}
    rotated = ENV | {"rotate": {"every": "9d"}}
    secrets = {"prod:old": rotated, "prod:new": rotated, "prod:fine": rotated, "test:old": rotated}
    ages = {
        "old": timedelta(days=90, seconds=1),
        "new": timedelta(days=90),
        "fine": timedelta(days=900),
        "gone": timedelta(999),
    }
    records = {Address(scope, ref): Record(now - age) for scope in ("prod", "test") for ref, age in ages.items()}
    shop = manifest(tmp_path, [rule], secrets)
    (finding,) = aged(shop, records, now)
    assert told([finding]) == ["prod:old its value is from 2026-03-02, and may be 90d old at most"]
    assert (finding.code, finding.severity) == ("policy/maximum-age", Severity.ERROR)
    assert findings(shop) == []


def test_generated_values_are_long_enough(tmp_path: Path) -> None:
    """By what `length` counts, the default included; types without a length are left alone."""
    secrets = {
        "a:default": generated(),
        "a:hex": generated(type="hex"),
        "a:key": generated(type="ed25519"),
        "a:long": generated(length=40),
        "a:short": generated(length=39),
        "a:uuid": generated(type="uuid"),
        "a:env": ENV,
    }
    assert told(found(tmp_path, {"rule": "generated-values", "minimum_length": 40}, secrets)) == [
        "a:default a generated password is 32 long, and must be 40",
        "a:hex a generated hex is 32 long, and must be 40",
        "a:short a generated password is 39 long, and must be 40",
    ]
    assert told(found(tmp_path, {"rule": "generated-values", "minimum_length": 32}, secrets)) == []


def test_generated_values_of_allowed_types_and_alphabets(tmp_path: Path) -> None:
    """A password without an alphabet is alphanumeric; one that is spelt out goes by the name `characters`."""
    secrets = {
        "a:default": generated(),
        "a:hex": generated(type="hex"),
        "a:own": generated(characters="abc"),
        "a:symbols": generated(alphabet="symbols"),
        "a:env": ENV,
    }
    types = {"rule": "generated-values", "types": ["hex", "uuid"]}
    assert [each.address for each in found(tmp_path, types, secrets)] == [
        Address("a", n) for n in ("default", "own", "symbols")
    ]
    assert told(found(tmp_path, {"rule": "generated-values", "alphabets": ["symbols"]}, secrets)) == [
        "a:default a password of alphabet `alphanumeric` is not allowed here",
        "a:own a password of alphabet `characters` is not allowed here",
    ]
    assert (
        told(
            found(
                tmp_path, {"rule": "generated-values", "alphabets": ["symbols", "alphanumeric", "characters"]}, secrets
            )
        )
        == []
    )


def test_allowed_sources(tmp_path: Path) -> None:
    """By type, in the scopes of the rule."""
    secrets = {"prod:a": ENV, "prod:b": generated(), "test:a": ENV, "prod:c": {"source": {"file": "x"}}}
    rule = {"rule": "allowed-sources", "sources": ["generate", "sealed"], "scopes": ["pr*"]}
    assert told(found(tmp_path, rule, secrets)) == [
        "prod:a source `env` is not allowed here",
        "prod:c source `file` is not allowed here",
    ]


def test_forbidden_on_remove(tmp_path: Path) -> None:
    """What is declared, and what stands under `removed`, each at its line."""
    secrets = {"a:b": ENV | {"on_remove": "delete"}, "a:c": ENV, "a:d": ENV | {"on_remove": "forget"}}
    removed = [{"address": "a:x", "on_remove": "delete"}, {"address": "z:y", "on_remove": "delete"}]
    rule = {"rule": "forbidden-on-remove", "on_remove": ["delete"], "scopes": ["a"]}
    first, second = found(tmp_path, rule, secrets, removed=removed)
    assert told([first, second]) == [
        "a:b `on_remove: delete` is not allowed here",
        "a:x `on_remove: delete` is not allowed here",
    ]
    lines = (tmp_path / "syncer.yaml").read_text().splitlines()
    assert [lines[each.origin.line - 1].strip() for each in (first, second) if each.origin] == ['"b": {', "{"]
    assert '"address": "a:x"' in lines[second.origin.line if second.origin else 0]


def test_naming(tmp_path: Path) -> None:
    """The whole ref, without its scope."""
    secrets = {"A:prod/db-password": ENV, "a:Prod": ENV, "a:x_y": ENV}
    assert told(found(tmp_path, {"rule": "naming", "refs": "[a-z-]+(/[a-z-]+)*"}, secrets)) == [
        "a:Prod the ref does not match `[a-z-]+(/[a-z-]+)*`",
        "a:x_y the ref does not match `[a-z-]+(/[a-z-]+)*`",
    ]
