"""Observing: a call for each five hundred secrets of a scope, and nothing but what was asked for."""

from __future__ import annotations

from typing import Any

import pytest
from dagu_bench import BLUE, DB, EVERYWHERE, KEY, LISTING, Bench, seen
from support import House, secret

from syncer.backends.dagu.marks import Mark, together
from syncer.errors import BackendError
from syncer.model import Address

PAGE = "GET /secrets"


def fill(bench: Bench, number: int, scope: str = "payments") -> None:
    """Put secrets of nobody's into a scope."""
    for each in range(number):
        bench.fake.plant(f"filler/{each}", "x", scope)


def pages(bench: Bench) -> list[str]:
    """Give the queries of the listings that were asked for."""
    found = [call.query for call in bench.fake.calls("GET /secrets")]
    bench.fake.log.clear()
    return found


def keep(bench: Bench, house: House, scope: str, number: int) -> None:
    """Declare secrets, and let them be there as we would have made them."""
    house.declare(*(secret(f"{scope}:s/{each}") for each in range(number)))
    assert not house.apply().failed
    bench.calls()


@pytest.mark.parametrize(("number", "expected"), [(0, 1), (1, 1), (499, 1), (500, 1), (501, 2), (1000, 2), (1001, 3)])
def test_pages(bench: Bench, number: int, expected: int) -> None:
    """As many as are needed, each of five hundred; all of it is seen."""
    fill(bench, number)
    assert len(seen(bench.open(), "payments")) == number
    queries = [f"limit=500&offset={500 * page}&workspace=payments" for page in range(expected)]
    assert pages(bench) == queries


def test_global_has_no_name(bench: Bench) -> None:
    """It is what is listed where no workspace is named."""
    bench.fake.plant("a", "x")
    assert list(seen(bench.open(), "global")) == ["global:a"]
    assert pages(bench) == ["limit=500&offset=0"]


def test_several_scopes(bench: Bench) -> None:
    """A listing for each, and each has its own."""
    for scope in ("global", "payments", "billing", "empty"):
        if scope != "empty":
            bench.fake.plant("a", "x", scope)
    backend = bench.open(width=1)
    assert sorted(seen(backend, "payments", "empty", "global")) == ["global:a", "payments:a"]
    assert sorted(pages(bench)) == [
        "limit=500&offset=0",
        "limit=500&offset=0&workspace=empty",
        "limit=500&offset=0&workspace=payments",
    ]
    assert seen(backend) == {}
    assert pages(bench) == []


def test_null_past_the_end(bench: Bench) -> None:
    """What a page is that begins past the end, as after deletions, is no page of nothing: all is listed again."""
    fill(bench, 501)
    gone = [bench.fake.secret(f"filler/{each}", "payments") for each in range(2)]
    backend = bench.open()

    def delete() -> None:
        for record in gone:
            assert record
            bench.fake.state.secrets.drop(record.metadata.id)

    bench.before(f"{LISTING}*", lambda: None, delete)
    assert len(seen(backend, "payments")) == 499
    assert bench.calls() == [PAGE] * 3


def test_null_on_the_first_page(bench: Bench) -> None:
    """It is as good as empty."""
    bench.rewrite(LISTING, lambda document: document | {"secrets": None}, times=1)
    assert seen(bench.open(), "payments") == {}


@pytest.mark.parametrize(
    "changed",
    [
        lambda document: document | {"total": 499},
        lambda document: document | {"total": 503},
        lambda document: document | {"secrets": None},
        lambda document: document | {"secrets": []},
    ],
)
def test_a_listing_that_does_not_fit(bench: Bench, changed: Any) -> None:
    """Somebody made or deleted secrets between two pages: it is asked for again, and told if it never fits."""
    fill(bench, 501)
    backend = bench.open()
    bench.rewrite(LISTING, changed, times=1, after=1)
    assert len(seen(backend, "payments")) == 501
    assert len(bench.calls()) == 4
    bench.rewrite(LISTING, lambda document: document | {"total": document["total"] + 1})
    with pytest.raises(BackendError) as caught:
        seen(backend, "payments")
    assert type(caught.value) is BackendError
    assert caught.value.message == f"scope payments: dagu at {bench.proxy.url}/api/v1 changed while it was listed"


def test_a_secret_is_made_between_pages(bench: Bench) -> None:
    """It shifts the next page, so that one secret comes twice and another not at all: listed again."""
    fill(bench, 501)
    bench.before(f"{LISTING}*", lambda: None, lambda: bench.fake.plant("a", "x", "payments"))
    assert len(seen(bench.open(), "payments")) == 502


def test_one_is_made_and_one_deleted_between_pages(bench: Bench) -> None:
    """The total is the same, and one secret comes twice: listed again."""
    fill(bench, 501)
    last = bench.record(Address("payments", "filler/99"))

    def swap() -> None:
        bench.fake.state.secrets.drop(last.metadata.id)
        bench.fake.plant("a", "x", "payments")

    bench.before(f"{LISTING}*", lambda: None, swap)
    found = seen(bench.open(), "payments")
    assert len(found) == 501
    assert "payments:a" in found
    assert bench.calls() == [PAGE] * 4


@pytest.mark.parametrize("address", [DB, EVERYWHERE], ids=str)
def test_a_ref_that_is_there_twice(bench: Bench, address: Address) -> None:
    """A run has brought a deleted one back: both are named, and nothing is guessed."""
    bench.fake.plant(address.ref, "old", address.scope)
    old, end = bench.record(address).metadata.id, bench.run(address)
    bench.fake.state.secrets.drop(old)
    new = bench.fake.plant(address.ref, "new", address.scope)
    end()
    with pytest.raises(BackendError) as caught:
        list(bench.open().observe([address.scope], [address]))
    ids = " and ".join(sorted([old, new]))
    assert caught.value.message == f"{address}: dagu at {bench.proxy.url}/api/v1 holds it 2 times, as {ids}"
    assert caught.value.hint == "a run that read a deleted secret brought it back: delete the older one in Dagu"


@pytest.mark.parametrize("ours", [True, False])
def test_whose_ref_is_there_twice(bench: Bench, ours: bool) -> None:  # noqa: FBT001  # a row of the table
    """One of ours keeps us from planning; somebody else's is their own affair, and shown once."""
    house = bench.house()
    keep(bench, house, DB.scope, 1)
    address = Address(DB.scope, "s/0" if ours else "theirs")
    if not ours:
        bench.fake.plant(address.ref, "x", address.scope)
    old, end = bench.record(address).metadata.id, bench.run(address)
    bench.fake.state.secrets.drop(old)
    bench.fake.plant(address.ref, "new", address.scope)
    end()
    if ours:
        with pytest.raises(BackendError, match=f"{address}: dagu at .* holds it 2 times"):
            house.plan()
    else:
        assert sorted(seen(bench.open(), DB.scope)) == ["payments:s/0", "payments:theirs"]
        assert house.plan().changes == ()


def test_a_server_that_gives_one_page_for_ever(bench: Bench) -> None:
    """It does not heed where the page is to begin: told after the second, whatever total it names."""
    fill(bench, 3)
    rows = bench.raw.ask("GET /secrets?workspace=payments")["secrets"]
    bench.rewrite(LISTING, lambda _document: {"secrets": rows, "total": 10**9})
    with pytest.raises(BackendError, match="changed while it was listed"):
        seen(bench.open(attempts=1), "payments")
    assert bench.calls() == [PAGE] * 2


def test_a_total_that_grows(bench: Bench) -> None:
    """Page by page: there would be no end of it."""
    fill(bench, 1)
    (row,) = bench.raw.ask("GET /secrets?workspace=payments")["secrets"]
    numbers = iter(range(10**9))

    def growing(_document: Any) -> Any:
        number = next(numbers)
        return {"secrets": [row | {"id": str(number), "ref": f"r/{number}"}], "total": number + 2}

    bench.rewrite(LISTING, growing)
    with pytest.raises(BackendError, match="changed while it was listed"):
        seen(bench.open(attempts=1), "payments")
    assert bench.calls() == [PAGE] * 2


def test_one_ref_in_several_scopes_is_not_twice(bench: Bench) -> None:
    """Global, a workspace and another one may all have it."""
    for scope in ("global", "payments", "billing"):
        bench.fake.plant(DB.ref, "x", scope)
    assert len(seen(bench.open(), "global", "payments", "billing")) == 3


def test_global_without_profiles(bench: Bench) -> None:
    """The secrets behind profiles are listed in Global, and are none of its own; a plan never touches them."""
    bench.raw.ask("PUT /profiles/blue/secrets/DB", {"value": "x"})
    bench.raw.ask("PUT /profiles/_global/secrets/DB", {"value": "x"})
    for owner in ("shop", "other"):
        mark = Mark(owner, Address("global", f"runtime-profiles/{owner}"), {})
        bench.fake.plant(f"runtime-profiles/{owner}", "x", description=together("", mark))
    bench.fake.plant("runtime-profile", "x")
    bench.fake.plant("runtime-profiles/blue/key-41", "x", "payments")
    assert sorted(seen(bench.open(), "global", "payments")) == [
        "global:runtime-profile",
        "payments:runtime-profiles/blue/key-41",
    ]
    before = dict(bench.fake.secrets)
    house = bench.house()
    house.declare(secret("global:a"))
    house.apply()
    house.withdraw("global:a")
    assert not house.apply().failed
    assert {secret_id: bench.fake.secrets[secret_id] for secret_id in before} == before


@pytest.mark.parametrize(("number", "calls"), [(1, 1), (120, 1)])
def test_calls_of_a_plan_without_changes(bench: Bench, number: int, calls: int) -> None:
    """A call for each five hundred secrets of a scope, and no other."""
    house = bench.house()
    keep(bench, house, "payments", number)
    assert house.plan().changes == ()
    assert bench.calls() == [PAGE] * calls


def test_calls_of_a_plan_in_several_scopes(bench: Bench) -> None:
    """Five hundred foreign secrets beside ours: two calls there, one for another scope."""
    house = bench.house()
    fill(bench, 500)
    for scope in ("payments", "global"):
        keep(bench, house, scope, 2)
    assert house.plan().changes == ()
    assert bench.calls() == [PAGE] * 3


@pytest.mark.parametrize("width", [1, 4])
def test_calls_of_a_plan_with_profiles(bench: Bench, width: int) -> None:
    """One more for each profile or layer; their values stand in Global, which is listed once."""
    bench.raw.ask("POST /profiles", {"name": "green"})
    house = bench.house(width=width)
    layers = ("profile/blue", "profile/green", "profile/_global", "profile/_workspaces/payments")
    for scope in layers:
        house.declare(secret(f"{scope}:A"), secret(f"{scope}:B"))
    assert not house.apply().failed
    bench.calls()
    assert house.plan().changes == ()
    each = [f"GET /profiles/{layer.removeprefix('profile/')}" for layer in sorted(layers)]
    assert sorted(bench.calls()) == sorted([PAGE, *each])
    house.declare(secret("global:a"), secret("payments:a"))
    house.apply()
    bench.calls()
    assert house.plan().changes == ()
    assert sorted(bench.calls()) == sorted([PAGE, PAGE, *each])


def test_entries_of_a_profile(bench: Bench) -> None:
    """Secrets with what is said of the secret behind them; variables, and what lost its secret, without anything."""
    backend = bench.open()
    made = bench.create(backend, address=KEY, tags={"tier": "gold"}, description="words")
    bench.raw.ask("PUT /profiles/blue/variables/LEVEL", {"value": "info"})
    bench.raw.ask("PUT /profiles/blue/secrets/LOST", {"value": "x"})
    bench.raw.ask(f"DELETE /secrets/{bench.record(Address('profile/blue', 'LOST')).metadata.id}")
    found = seen(backend, "profile/blue")
    assert sorted(found) == ["profile/blue:DB", "profile/blue:LEVEL", "profile/blue:LOST"]
    assert found["profile/blue:DB"] == made
    for name in ("LEVEL", "LOST"):
        entry = found[f"profile/blue:{name}"]
        assert (entry.version, entry.owner, entry.remote_id, entry.tags) == ("0@", None, "", {})
        assert backend.look(entry.address) == entry


def test_a_profile_that_is_not_there(bench: Bench) -> None:
    """It has no entries; what an entry has left behind is none."""
    bench.create(bench.open(), address=KEY)
    bench.raw.ask("DELETE /profiles/blue")
    assert bench.fake.secret(BLUE)
    assert seen(bench.open(), "profile/blue", "profile/_workspaces/none") == {}


def test_a_layer_that_nobody_wrote_to(bench: Bench) -> None:
    """It is there, and empty; to look does not make it."""
    assert seen(bench.open(), "profile/_global", "profile/_workspaces/payments") == {}
    assert list(bench.fake.profiles) == ["blue"]


def test_an_entry_of_another_project(bench: Bench) -> None:
    """Theirs, as a secret is."""
    bench.create(bench.open("other"), address=KEY)
    house = bench.house()
    house.declare(secret(str(KEY)))
    assert [problem.code for problem in house.plan().errors] == ["conflict"]
