"""Which addresses and tags Kestra can hold, and what it calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kestra_bench import DB, KEY, LIST, TEAM, seen
from support import secret

from syncer.engine.carry import apply_plan
from syncer.engine.edit import move_record
from syncer.engine.prepare import Request, make_plan
from syncer.errors import AlreadyExists, Refused, Unsupported
from syncer.model import Address, OnRemove
from syncer.plans import Selection
from syncer.testing.base import declared

if TYPE_CHECKING:
    from kestra_bench import Bench


@pytest.mark.parametrize("scope", ["company.team", "a", "0a", "a-b_c.d", "a.", "global"])
def test_namespaces(bench: Bench, scope: str) -> None:
    """Small letters, digits, dots, dashes and underscores."""
    bench.open().check(declared(Address(scope, "a")))


@pytest.mark.parametrize("scope", ["Company", "company.Team", ".team", "_team", "-team", "caf\u00e9", "a/b", "a\n"])
def test_what_is_no_namespace(bench: Bench, scope: str) -> None:
    """The address and the rule are told, while planning."""
    with pytest.raises(Unsupported) as caught:
        bench.open().check(declared(Address(scope, "a")))
    assert caught.value.message == f"{scope}:a: a namespace of kestra is small letters, digits, `.`, `_` and `-`"


@pytest.mark.parametrize("scope", ["Company", "_team", "a/b", "a\n"])
def test_what_is_no_namespace_is_not_asked_for(bench: Bench, scope: str) -> None:
    """The others are listed."""
    backend = bench.open()
    assert list(backend.observe([scope], [])) == []
    assert bench.calls() == []
    bench.plant()
    assert [entry.address.scope for entry in backend.observe([scope, TEAM], [])] == [TEAM]
    assert bench.calls() == [LIST]


@pytest.mark.parametrize(
    ("ref", "key"),
    [("a", "A"), ("prod/db-password", "PROD_DB_PASSWORD"), ("_x", "_X"), ("A.b", "A_B"), ("a1", "A1"), ("DB", "DB")],
)
def test_keys(bench: Bench, ref: str, key: str) -> None:
    """The ref in upper snake; the way back is in a tag."""
    backend = bench.open()
    told = declared(Address(TEAM, ref))
    backend.check(told)
    made = bench.create(backend, address=told.address)
    assert bench.fake.keys(TEAM) == [key]
    assert bench.tags(key)["syncer-address"] == f"{TEAM}:{ref}"
    assert made.remote_id == f"{bench.proxy.url}/api/v1/main/{TEAM}/{key}"
    assert list(seen(bench.open())) == [f"{TEAM}:{ref}"]


@pytest.mark.parametrize("ref", ["1a", "9", "1/a"])
def test_what_is_no_key(bench: Bench, ref: str) -> None:
    """No flow could name it."""
    with pytest.raises(Unsupported, match="which is no name"):
        bench.open().check(declared(Address(TEAM, ref)))


def test_two_refs_with_one_key(bench: Bench) -> None:
    """Refused while planning, naming both; in two namespaces they are two."""
    house = bench.house()
    house.declare(secret(f"{TEAM}:prod/db"), secret(f"{TEAM}:prod-db"), secret("company:prod-db"))
    (problem,) = house.plan().errors
    assert problem.code == "unsupported"
    assert problem.message == f"{TEAM}:prod-db: Kestra would call it `{KEY}`, and {DB} too"
    one = Request(selection=Selection(targets=(f"{TEAM}:prod-db",)))
    assert [error.message for error in house.plan(one).errors] == [problem.message]
    other = Request(selection=Selection(targets=(str(DB),)))
    assert [error.message for error in house.plan(other).errors] == [
        f"{DB}: Kestra would call it `{KEY}`, and {TEAM}:prod-db too"
    ]
    house.withdraw(f"{TEAM}:prod-db")
    assert not house.apply().failed
    assert (bench.fake.keys(TEAM), bench.fake.keys("company")) == ([KEY], [KEY])


@pytest.mark.parametrize("withdrawal", [OnRemove.DELETE, OnRemove.DISABLE])
def test_a_ref_that_is_respelt_to_the_same_key(bench: Bench, withdrawal: OnRemove) -> None:
    """What was the old one's is the new one's: it is not deleted, and the way to go on is told."""
    house = bench.house(disable="delete")
    house.declare(secret(str(DB), on_remove=withdrawal))
    house.apply()
    house.withdraw(str(DB))
    respelt = Address(TEAM, "prod-db")
    house.declare(secret(str(respelt)))
    bench.calls()
    errors = {type(failure.error): failure.error for failure in house.apply().failed}
    assert errors.keys() == {AlreadyExists, Refused}
    assert errors[Refused].message == f"{DB}: its key {KEY} in kestra is that of {respelt}, too"
    assert errors[Refused].hint == f"where only the ref is new: `syncer state mv {DB} {respelt}`"
    assert (bench.writes(), bench.held().value) == ([], "v1")
    with house.session() as session, session.lock("state mv"):
        move_record(session, DB, respelt)
    assert house.plan().changes == ()


def test_a_ref_that_is_respelt_and_only_the_old_one_is_meant(bench: Bench) -> None:
    """A selection hides no secret from the store: the key is kept for the one that is left out."""
    house = bench.house()
    house.declare(secret(str(DB), on_remove=OnRemove.DELETE))
    house.apply()
    house.withdraw(str(DB))
    house.declare(secret(f"{TEAM}:prod-db"))
    with house.session() as session, session.lock("apply"):
        made = make_plan(session, Request(selection=Selection(targets=(str(DB),))))
        (failure,) = apply_plan(session, made, allow_mass_change=True).failed
    assert type(failure.error) is Refused
    assert bench.held().value == "v1"


@pytest.mark.parametrize("name", ["namespace", "tenant", "key", "prefix", "syncer-project", "syncer-address"])
def test_reserved_tags(bench: Bench, name: str) -> None:
    """Kestra's own and ours: no secret can be declared with them, nor the options."""
    message = f"{DB}: tag `{name}` is kept for kestra and for us"
    with pytest.raises(Unsupported) as caught:
        bench.open().check(declared(DB, tags={name: "x"}))
    assert caught.value.message == message
    backend = bench.open(tags={name: "x"})
    with pytest.raises(Unsupported) as caught:
        backend.check(backend.declare(declared(DB)))
    assert caught.value.message == message


def test_empty_tags(bench: Bench) -> None:
    """Not every store behind Kestra holds them."""
    with pytest.raises(Unsupported) as caught:
        bench.open().check(declared(DB, tags={"tier": "gold", "team": ""}))
    assert caught.value.message == f"{DB}: tag `team` is empty"


@pytest.mark.parametrize("key", ["my-secret", "prod_db", "Prod_Db", "MY SECRET", "MY.SECRET"])
def test_keys_that_no_ref_gives(bench: Bench, key: str) -> None:
    """They are other people's for ever: not shown, and not taken for the key that their letters would give."""
    bench.plant(key)
    assert seen(bench.open()) == {}
    house = bench.house()
    house.declare(secret(f"{TEAM}:{key}" if key == "my-secret" else str(DB)))
    assert not house.apply().failed
    assert house.plan().changes == ()
    assert bench.held(key).value == "theirs"
    assert len(bench.fake.keys(TEAM)) == 2
