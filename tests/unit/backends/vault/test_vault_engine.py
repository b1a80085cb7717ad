"""Whole runs of the engine on a Vault: what others do there, and what stops half-way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance.fakes.answers import VAULT_DENIED, vault_error
from conformance.fakes.fault_proxy import Reset
from conformance.fakes.vault.tokens import Grant
from support import actions, secret
from vault_bench import PATH

from syncer.model import OnRemove

if TYPE_CHECKING:
    from support import House
    from vault_bench import Bench

BOTH = pytest.mark.parametrize("flavour", ["vault", "openbao"])
DB = "payments:prod/db"


def settled(house: House) -> None:
    """Apply, and look that there is nothing left to do."""
    assert not house.apply().failed
    assert house.plan().changes == ()


@BOTH
def test_a_life(bench: Bench) -> None:
    """Create, rotate, describe, disable, rotate, enable, remove, bring back."""
    house = bench.house()
    story = [
        ({}, "v1", ["create(new)"]),
        ({}, "v2", ["rotate(source_changed)"]),
        ({"tags": {"a": "b"}, "description": "d"}, "v2", ["update(metadata_differs)"]),
        ({"enabled": False}, "v2", ["update(metadata_differs)", "disable(enabled_differs)"]),
        ({"enabled": False}, "v3", ["rotate(source_changed)"]),
        ({}, "v3", ["enable(enabled_differs)"]),
    ]
    for facts, value, expected in story:
        house.environ["VALUE"] = value
        house.declare(secret(DB, on_remove=OnRemove.DELETE, **facts))  # type: ignore[arg-type]  # facts of a secret
        assert actions(house.plan().changes) == expected
        settled(house)
    assert bench.raw.fields(PATH) == {"value": "v3"}
    house.withdraw(DB)
    settled(house)
    house.declare(secret(DB))
    assert actions(house.plan().changes) == ["create(pending_deletion)", "rotate(unknown_value)"]
    settled(house)
    assert bench.raw.fields(PATH) == {"value": "v3"}


@BOTH
def test_somebody_writes_another_field(bench: Bench) -> None:
    """The version moves and the value does not: that is no drift."""
    house = bench.house()
    house.declare(secret(DB))
    settled(house)
    bench.raw.kv("PATCH", "data", PATH, {"data": {"theirs": "x"}})
    assert house.plan().drift == ()
    settled(house)


@pytest.mark.parametrize("fields", [{"value": "by hand"}, {"theirs": "x"}, {"value": 5}, {"value": None}], ids=str)
def test_somebody_writes_ours(bench: Bench, fields: dict[str, object]) -> None:
    """Another value, none at all, or one of another kind: it is put right, and what is theirs stays."""
    house = bench.house()
    house.declare(secret(DB))
    settled(house)
    bench.raw.put(PATH, fields)
    plan = house.plan()
    assert actions(plan.changes) == ["rotate(drifted)"]
    settled(house)
    assert bench.raw.fields(PATH) == {**fields, "value": "v1"}


def test_somebody_destroys_the_value(bench: Bench) -> None:
    """It is made anew."""
    house = bench.house()
    house.declare(secret(DB))
    settled(house)
    bench.raw.kv("POST", "destroy", PATH, {"versions": [1]})
    assert actions(house.plan().changes) == ["rotate(drifted)"]
    settled(house)
    assert bench.raw.fields(PATH) == {"value": "v1"}


def test_somebody_purges_it(bench: Bench) -> None:
    """It is created again; made anew by them, it is theirs."""
    house = bench.house()
    house.declare(secret(DB))
    settled(house)
    bench.raw.kv("DELETE", "metadata", PATH)
    assert actions(house.plan().changes) == ["create(missing)"]
    bench.raw.put(PATH, {"value": "theirs"}, {"syncer:project": "other"})
    assert [problem.code for problem in house.plan().errors] == ["conflict"]


@BOTH
@pytest.mark.parametrize("call", ["POST /v1/secret/data/*", "POST /v1/secret/metadata/*"])
def test_a_create_that_stops_half_way(bench: Bench, call: str) -> None:
    """The next run creates it; there is one version."""
    house = bench.house()
    house.declare(secret(DB))
    bench.spoil(call, VAULT_DENIED)
    assert house.apply().failed
    bench.proxy.set()
    assert actions(house.plan().changes) == ["create(new)"]
    settled(house)
    assert bench.raw.kv("GET", "metadata", PATH)["current_version"] == 1


@BOTH
@pytest.mark.parametrize("forwarded", [True, False])
@pytest.mark.parametrize("call", ["POST /v1/secret/data/*", "POST /v1/secret/metadata/*", "GET *"])
def test_a_create_whose_answer_is_lost(bench: Bench, call: str, *, forwarded: bool) -> None:
    """It is made once, by the same run."""
    house = bench.house()
    house.declare(secret(DB))
    bench.spoil(call, Reset(after_forward=forwarded), times=1)  # type: ignore[arg-type]  # a fault like any other
    settled(house)
    assert bench.raw.kv("GET", "metadata", PATH)["current_version"] == 1


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("call", ["PATCH /v1/secret/data/*", "POST /v1/secret/delete/*", "POST /v1/secret/undelete/*"])
def test_a_rotation_whose_answer_is_lost(bench: Bench, call: str, *, enabled: bool) -> None:
    """It is made once; and what was disabled ends so, all its versions."""
    house = bench.house()
    house.declare(secret(DB, enabled=enabled))
    settled(house)
    house.environ["VALUE"] = "v2"
    bench.spoil(call, Reset(after_forward=True), times=1)  # type: ignore[arg-type]  # a fault like any other
    settled(house)
    metadata = bench.raw.kv("GET", "metadata", PATH)
    assert metadata["current_version"] == 2
    assert {bool(version["deletion_time"]) for version in metadata["versions"].values()} == {not enabled}
    assert bench.raw.fields(PATH) == {"value": "v2"}


def test_a_token_is_revoked_half_way(bench: Bench) -> None:
    """What was done is recorded, the rest is told, and the next run finishes it."""
    house = bench.house()
    for name in ("a", "b", "c"):
        house.declare(secret(f"payments:{name}"))
    bench.spoil("POST /v1/secret/data/*", vault_error(403, "permission denied"), after=1)
    outcome = house.apply()
    assert (len(outcome.applied), len(outcome.failed)) == (1, 2)
    assert all("expired, revoked or unknown" in failure.error.message for failure in outcome.failed)
    bench.proxy.set()
    assert actions(house.plan().changes) == ["create(new)"] * 2
    settled(house)


def test_a_plan_that_may_not_read(bench: Bench) -> None:
    """It lists and looks; where a version moved it believes the version, and writes once more."""
    house = bench.house()
    house.declare(secret(DB))
    settled(house)
    bench.raw.kv("PATCH", "data", PATH, {"data": {"theirs": "x"}})
    rights = {"secret/metadata/*": ["list", "read"]}
    bench.server.policy("plan", rights)
    token = bench.server.token(Grant(policies=("plan",)))
    poor = bench.house(environ={"VAULT_TOKEN": token})
    poor.declare(secret(DB))
    assert actions(poor.plan().changes) == ["rotate(drifted)"]
    settled(house)
    assert bench.raw.fields(PATH) == {"value": "v1", "theirs": "x"}


def test_purge(bench: Bench) -> None:
    """What is removed is gone, and can be made anew."""
    house = bench.house(purge=True)
    house.declare(secret(DB, on_remove=OnRemove.DELETE))
    settled(house)
    house.withdraw(DB)
    settled(house)
    assert bench.server.entry(PATH) is None
    house.declare(secret(DB))
    assert actions(house.plan().changes) == ["create(new)"]
    settled(house)


def test_what_was_deleted_before_purge_was_asked_for(bench: Bench) -> None:
    """It is brought back."""
    house = bench.house()
    house.declare(secret(DB, on_remove=OnRemove.DELETE))
    settled(house)
    house.withdraw(DB)
    settled(house)
    purging = bench.house(purge=True)
    purging.declare(secret(DB))
    assert actions(purging.plan().changes)[0] == "create(pending_deletion)"
    settled(purging)
    assert bench.raw.fields(PATH) == {"value": "v1"}
