"""Observing: a call for each hundred keys of a namespace, and nothing of the namespaces below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from conformance.fakes.kestra.accounts import Right
from conformance.fakes.loopback import Answer
from kestra_bench import DB, KEY, LIST, TEAM, seen
from support import secret

from syncer.errors import AccessDenied, BackendError, InvalidConfiguration, Unsupported
from syncer.model import Address

if TYPE_CHECKING:
    from kestra_bench import Bench

JSON = (("Content-Type", "application/json"),)


def fill(bench: Bench, number: int, namespace: str = TEAM) -> None:
    """Put secrets of nobody's into a namespace."""
    for each in range(number):
        bench.plant(f"KEY_{each:03}", namespace=namespace)


@pytest.mark.parametrize(("number", "pages"), [(0, 1), (1, 1), (99, 1), (100, 1), (101, 2), (200, 2), (250, 3)])
def test_pages(bench: Bench, number: int, pages: int) -> None:
    """As many as are needed, in the order of keys, each of a hundred; all of it is seen."""
    fill(bench, number)
    assert len(seen(bench.open())) == number
    assert bench.calls() == [LIST] * pages
    for page, call in enumerate(bench.fake.log, 1):
        assert parse_qs(call.query) == {
            "filters[namespace][EQUALS]": [TEAM],
            "page": [str(page)],
            "size": ["100"],
            "sort": ["key:asc"],
        }


def test_several_namespaces(bench: Bench) -> None:
    """A listing for each; those above and below are scopes of their own."""
    for namespace in ("company", TEAM, f"{TEAM}.sub", "company.teams"):
        bench.plant(namespace=namespace)
    assert list(seen(bench.open())) == [f"{TEAM}:{KEY}"]
    assert bench.calls() == [LIST]
    assert set(seen(bench.open(), "company", TEAM, "empty")) == {f"company:{KEY}", f"{TEAM}:{KEY}"}
    assert bench.calls() == [LIST] * 3
    assert list(bench.open().observe([], [])) == []


def test_a_server_that_does_not_heed_the_filter(bench: Bench) -> None:
    """What is of other namespaces is dropped; all pages are read."""
    fill(bench, 150)
    fill(bench, 60, f"{TEAM}.sub")
    everything = [
        bench.fake.state.metadata(place, key, held)
        for place, secrets in bench.fake.secrets.items()
        for key, held in secrets.items()
    ]
    pages = iter([everything[:100], everything[100:200], everything[200:]])
    bench.rewrite(LIST, lambda _document: {"readOnly": False, "results": next(pages), "total": 210})
    assert len(seen(bench.open())) == 150


def test_lists_without_namespaces(bench: Bench) -> None:
    """Older servers do not say where a secret is: there where it was asked for."""
    bench.plant()
    bench.rewrite(LIST, lambda document: document | {"results": [{"key": KEY, "tags": []}]})
    assert list(seen(bench.open())) == [f"{TEAM}:{KEY}"]


@pytest.mark.parametrize(
    "changed",
    [
        lambda document: document | {"total": 102},
        lambda document: document | {"total": 100},
        lambda document: document | {"total": 0},
        lambda document: document | {"results": []},
    ],
)
def test_a_listing_that_does_not_fit(bench: Bench, changed: Any) -> None:
    """Somebody made or deleted secrets between two pages: it is asked for again, and told if it never fits."""
    fill(bench, 101)
    backend = bench.open()
    bench.rewrite(LIST, changed, times=1, after=1)
    assert len(seen(backend)) == 101
    bench.rewrite(LIST, lambda document: document | {"total": document["total"] + 1})
    with pytest.raises(BackendError) as caught:
        seen(backend)
    assert type(caught.value) is BackendError
    where = f"kestra at {bench.proxy.url}/api/v1/main"
    assert caught.value.message == f"scope {TEAM}: {where} changed while it was listed"


def test_keys_that_shift(bench: Bench) -> None:
    """One is made and one deleted between two pages: one comes twice, so it is listed again."""
    fill(bench, 101)
    done: list[bool] = []

    def shifted(document: Any) -> Any:
        if not done:
            bench.plant("A")
            bench.fake.remove(TEAM, "KEY_100")
            done.append(True)
        return document

    bench.rewrite(LIST, shifted)
    found = seen(bench.open())
    assert len(found) == 101
    assert f"{TEAM}:A" in found
    assert bench.calls() == [LIST] * 4


def test_a_key_that_is_deleted_between_pages(bench: Bench) -> None:
    """It shifts the next page, so that another key is on neither: the total tells, and it is listed again."""
    fill(bench, 150)
    totals: list[int] = []

    def deleting(document: Any) -> Any:
        if not totals:
            bench.fake.remove(TEAM, "KEY_000")
        totals.append(document["total"])
        return document

    bench.rewrite(LIST, deleting)
    assert seen(bench.open()).keys() == {f"{TEAM}:{key}" for key in bench.fake.keys(TEAM)}
    assert totals == [150, 149, 149, 149]


@pytest.mark.parametrize("changed", [{}, {"total": 10**9}], ids=str)
def test_a_server_that_gives_one_page_for_ever(bench: Bench, changed: dict[str, int]) -> None:
    """It does not heed which page is asked for: told after the second, whatever total it names, or none."""
    fill(bench, 100)
    rows = [{"key": key, "namespace": TEAM, "tags": []} for key in bench.fake.keys(TEAM)]
    bench.rewrite(LIST, lambda _document: {"results": rows, **changed})
    with pytest.raises(BackendError, match="changed while it was listed"):
        seen(bench.open(attempts=1))
    assert bench.calls() == [LIST] * 2


def test_a_total_that_grows(bench: Bench) -> None:
    """Page by page: there would be no end of it."""
    numbers = iter(range(10**9))

    def growing(_document: Any) -> Any:
        number = next(numbers)
        return {"results": [{"key": f"KEY_{number}", "tags": []}], "total": number + 2}

    bench.rewrite(LIST, growing)
    with pytest.raises(BackendError, match="changed while it was listed"):
        seen(bench.open(attempts=1))
    assert bench.calls() == [LIST] * 2


def test_a_listing_without_a_total(bench: Bench) -> None:
    """Not every server counts: pages are read until one is not full."""
    for number, pages in ((0, 1), (99, 1), (100, 2), (150, 2)):
        fill(bench, number)
        bench.rewrite(LIST, lambda document: {name: said for name, said in document.items() if name != "total"})
        assert len(seen(bench.open())) == number
        assert bench.calls() == [LIST] * pages


@pytest.mark.parametrize("version", ["2.0", "1.3"])
def test_a_namespace_that_nobody_has_used(bench: Bench, version: str) -> None:
    """A 404 of the API is an empty list; the first secret is made as anywhere."""
    bench.serve(version=version)
    bench.fake.quirks.unknown_lists = 404
    assert seen(bench.open()) == {}
    bench.open().check_scope(TEAM)
    house = bench.house()
    house.declare(secret(str(DB)))
    assert not house.apply().failed
    assert house.plan().changes == ()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(status=404), BackendError),
        (Answer(status=404, headers=(("Content-Type", "text/plain"),), body=b"404 page not found"), BackendError),
        (Answer(status=404, headers=(("Content-Type", "text/html"),), body=b"<html>"), InvalidConfiguration),
        (Answer(headers=(("Content-Type", "text/html"),), body=b"<html>"), InvalidConfiguration),
        (Answer(headers=JSON, body=b"[]"), BackendError),
        (Answer(headers=JSON, body=b"{}"), BackendError),
        (Answer(headers=JSON, body=b'{"results":null,"total":0}'), BackendError),
        (Answer(headers=JSON, body=b'{"results":[1],"total":1}'), BackendError),
        (Answer(headers=JSON, body=b'{"results":[{"tags":[]}],"total":1}'), BackendError),
        (Answer(headers=JSON, body=b'{"results":[],"total":"many"}'), BackendError),
        (Answer(headers=JSON, body=b'{"results":[],"total":Infinity}'), BackendError),
        (Answer(headers=JSON, body=b'{"results":[],"total":1e999}'), BackendError),
        (Answer(headers=JSON, body=b'{"results":[{"key":"A","tags":["x"]}],"total":1}'), BackendError),
    ],
    ids=str,
)
def test_what_is_no_list(bench: Bench, answer: Answer, kind: type[BackendError]) -> None:
    """It does not pass for an empty one."""
    bench.plant()
    bench.spoil(LIST, answer)
    with pytest.raises(kind):
        seen(bench.open())


def test_lists_that_are_denied(bench: Bench) -> None:
    """The right is named; a server that gives an empty list instead is believed."""
    bench.fake.quirks.deny_lists = True
    backend = bench.open(key=bench.fake.token({TEAM: [Right.UPDATE]}))
    with pytest.raises(AccessDenied) as caught:
        seen(backend)
    where = f"kestra at {bench.proxy.url}/api/v1/main"
    assert caught.value.message == f"scope {TEAM}: {where} denied GET /secrets (403)"
    assert caught.value.hint == f"the token needs to list SECRET in namespace {TEAM}; is `tenant` right?"
    bench.fake.quirks.deny_lists = False
    assert seen(backend) == {}


@pytest.mark.parametrize("everywhere", [True, False])
def test_a_store_for_reading_only(bench: Bench, everywhere: bool) -> None:  # noqa: FBT001  # a row of the table
    """Nothing can be made there, which is told while planning; other namespaces can be written to."""
    bench.fake.quirks.read_only = everywhere
    bench.fake.quirks.read_only_namespaces = {TEAM}
    message = f"kestra at {bench.proxy.url}/api/v1/main only reads the secrets of namespace {TEAM}"
    with pytest.raises(Unsupported) as caught:
        bench.open().check_scope(TEAM)
    hint = "write to the store that it reads: a backend with `reader: kestra`"
    assert (caught.value.message, caught.value.hint) == (message, hint)
    house = bench.house()
    house.declare(secret(str(DB)), secret("company:a"))
    assert [found.message for found in house.plan().errors if found.address == DB] == [message]
    assert len(house.plan().errors) == (2 if everywhere else 1)
    assert bench.writes() == []


def test_scopes_that_can_be_written_to(bench: Bench) -> None:
    """One call, whatever is there; what it says is asked for patiently."""
    fill(bench, 150)
    bench.open().check_scope(TEAM)
    assert bench.calls() == [LIST]
    bench.spoil(LIST, Answer(status=503), times=1)
    bench.open().check_scope(TEAM)
    bench.rewrite(LIST, lambda document: document | {"readOnly": None})
    bench.open().check_scope(TEAM)


def test_calls_of_a_plan_without_changes(bench: Bench) -> None:
    """A call for each hundred secrets of a namespace, and no other."""
    house = bench.house()
    house.declare(*(secret(f"{TEAM}:s/{each}") for each in range(5)), secret("company:a"))
    assert not house.apply().failed
    fill(bench, 100)
    bench.calls()
    assert house.plan().changes == ()
    assert bench.calls() == [LIST] * 3
    assert bench.open().look(Address(TEAM, "s/0"))
    assert bench.calls() == [LIST] * 2
