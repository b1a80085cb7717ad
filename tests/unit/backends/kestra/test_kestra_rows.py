"""What Kestra shows of a secret, and what that means."""

from __future__ import annotations

from typing import Any

import pytest
from kestra_bench import DB, KEY, OURS, TEAM, Bench, seen
from support import secret

from syncer.backends.kestra.rows import Row, marked
from syncer.model import Address, Observed

TAGS = [{"key": "tier", "value": "gold"}, {"key": "bare"}, {"key": "none", "value": None}]
SYSTEM = {"namespace": TEAM, "tenant": "main", "key": KEY, "prefix": "kestra"}
ENTRY = {"key": KEY, "namespace": TEAM, "description": "words", "tags": TAGS}


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    """Spell tags as the API does."""
    return [{"key": name, "value": text} for name, text in tags.items()]


def test_all_of_it() -> None:
    """Owner and address are in tags; a tag without a value is empty; there is no version."""
    row = Row.of(ENTRY | {"tags": [*TAGS, *pairs(OURS), *pairs(SYSTEM)]}, "other")
    assert row.namespace == TEAM
    assert row.observed(DB, "there") == Observed(
        address=DB,
        version="",
        tags={"tier": "gold", "bare": "", "none": ""},
        enabled=True,
        description="words",
        owner="shop",
        remote_id="there",
    )


@pytest.mark.parametrize("blank", [{"description": None}, {"description": ""}, {}])
def test_what_is_blank(blank: dict[str, Any]) -> None:
    """No description is an empty one; no tags are none; without a namespace it is the one that was asked for."""
    row = Row.of({"key": KEY, "tags": None, "namespace": None, **blank}, TEAM)
    assert row == Row(TEAM, KEY, "", {})
    assert row.observed(DB, "").owner is None
    assert Row.of({"key": KEY, **blank}, TEAM) == row


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        (None, (AttributeError, TypeError)),
        ("x", (AttributeError, TypeError)),
        ({}, LookupError),
        ({"key": KEY, "tags": [1]}, TypeError),
        ({"key": KEY, "tags": 1}, TypeError),
        ({"key": KEY, "tags": ["x"]}, TypeError),
        ({"key": KEY, "tags": [{}]}, LookupError),
    ],
)
def test_what_makes_no_sense(entry: Any, kind: type[Exception]) -> None:
    """There is nothing to be made of it."""
    with pytest.raises(kind):
        Row.of(entry, TEAM)


@pytest.mark.parametrize(
    ("mark", "asked", "found"),
    [
        (None, [], f"{TEAM}:{KEY}"),
        (None, ["prod-db"], f"{TEAM}:prod-db"),
        (None, ["prod/db", "prod-db"], f"{TEAM}:prod-db"),
        (str(DB), [], str(DB)),
        (str(DB), ["prod/db", "prod-db"], str(DB)),
        (str(DB), ["prod-db"], f"{TEAM}:prod-db"),
        ("other:prod/db", [], f"{TEAM}:{KEY}"),
        (f"{TEAM}:other", [], f"{TEAM}:{KEY}"),
        ("prod/db", [], f"{TEAM}:{KEY}"),
        (f"{TEAM}:", [], f"{TEAM}:{KEY}"),
        ("", ["prod/db"], str(DB)),
    ],
)
def test_addresses(mark: str | None, asked: list[str], found: str) -> None:
    """What was asked for by this key, our mark's where that fits; else the mark's; else the key is the ref."""
    row = Row(TEAM, KEY, "", {} if mark is None else {"syncer-address": mark})
    assert str(row.address({Address(TEAM, ref) for ref in asked})) == found


def test_marking() -> None:
    """The two tags of ours go before any of the same name."""
    assert marked({"a": "b", "syncer-project": "theirs"}, "shop", DB) == {"a": "b", **OURS}


def test_observing(bench: Bench) -> None:
    """Marked, asked for, and neither; each by an address of its own."""
    bench.plant(tags=OURS | {"tier": "gold"}, description="words")
    bench.plant("UNMARKED", tags={"theirs": "x"})
    bench.plant("API_KEY")
    found = seen(bench.open(), asked=(Address(TEAM, "api/key"), Address(TEAM, "not/there")))
    assert sorted(found) == [f"{TEAM}:UNMARKED", f"{TEAM}:api/key", str(DB)]
    assert (found[str(DB)].owner, found[str(DB)].tags, found[str(DB)].description) == (
        "shop",
        {"tier": "gold"},
        "words",
    )
    assert (found[f"{TEAM}:UNMARKED"].owner, found[f"{TEAM}:UNMARKED"].tags) == (None, {"theirs": "x"})
    assert found[str(DB)].remote_id == f"{bench.proxy.url}/api/v1/main/{TEAM}/{KEY}"


@pytest.mark.parametrize("version", ["2.0", "1.2"])
def test_tags_of_the_server(bench: Bench, version: str) -> None:
    """They are hidden, whatever they say, and no reason to write."""
    bench.serve(version=version)
    bench.fake.quirks.system_tags = True
    house = bench.house()
    house.declare(secret(str(DB), tags={"tier": "gold"}, description="words"))
    assert not house.apply().failed
    assert house.plan().changes == ()
    assert seen(bench.open())[str(DB)].tags == {"tier": "gold"}
    assert set(SYSTEM).isdisjoint(bench.tags())


def test_a_secret_that_nobody_marked(bench: Bench) -> None:
    """It is not taken over, whatever the ref is that gives its key."""
    bench.plant()
    house = bench.house()
    house.declare(secret(str(DB)))
    assert [problem.code for problem in house.plan().errors] == ["unmanaged"]
    assert bench.writes() == []


def test_a_secret_of_another_project(bench: Bench) -> None:
    """It is a conflict, also where its own ref is another that gives the same key; nothing is written."""
    for address in (str(DB), f"{TEAM}:prod-db"):
        bench.plant(tags={"syncer-project": "other", "syncer-address": address})
        house = bench.house()
        house.declare(secret(str(DB)))
        assert [problem.code for problem in house.plan().errors] == ["conflict"]
        assert house.plan().changes == ()
    assert bench.writes() == []
