"""Several writes at once: one at a time to a namespace, side by side to different ones.

kestra-io/terraform-provider-kestra#67: a server that is written to from two sides answers that all is well, and loses
secrets.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from conformance.fakes.loopback import Answer
from kestra_bench import TEAM
from support import secret

from syncer.errors import SyncerError
from syncer.model import Address, OnRemove
from syncer.sensitive import Sensitive
from syncer.testing.base import declared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kestra_bench import Bench

LONG, SHORT = 10.0, 0.02
"""Seconds to wait for what must come, and for what must not."""
HERE = [Address(TEAM, f"key-{number}") for number in range(8)]


def at_once(work: Iterable[Callable[[], object]]) -> None:
    """Do it all in threads of its own."""
    todo = list(work)
    with ThreadPoolExecutor(len(todo)) as pool:
        for future in [pool.submit(each) for each in todo]:
            future.result(LONG)


def test_one_write_to_a_namespace_at_a_time(bench: Bench) -> None:
    """Of every kind: nothing is lost on a server that loses what overlaps."""
    bench.fake.quirks.lose_concurrent = True
    bench.fake.quirks.linger = SHORT
    backend = bench.open(width=8)
    at_once(lambda address=address: bench.create(backend, address=address) for address in HERE)
    assert len(bench.fake.keys(TEAM)) == len(HERE)
    found = [seen for seen in backend.observe([TEAM], HERE) if seen]
    at_once(lambda seen=seen: backend.rotate(declared(seen.address), Sensitive(b"v2"), seen) for seen in found)
    assert {held.value for held in bench.fake.secrets["main", TEAM].values()} == {"v2"}
    at_once(lambda seen=seen: backend.update(declared(seen.address, tags={"a": "b"}), seen, ()) for seen in found)
    assert {dict(held.tags)["a"] for held in bench.fake.secrets["main", TEAM].values()} == {"b"}
    at_once(lambda seen=seen: backend.delete(seen) for seen in found)
    assert bench.fake.keys(TEAM) == []
    assert bench.fake.busiest(TEAM) == 1


def test_namespaces_side_by_side(bench: Bench) -> None:
    """Four of them are written to at once, be one of them below another."""
    backend = bench.open(width=8)
    namespaces = ["a", "b", "a.c", "a.c.d"]
    there = threading.Barrier(len(namespaces), timeout=LONG)
    for namespace in namespaces:
        bench.fake.meanwhile(there.wait, f"PUT */namespaces/{namespace}/secrets")
    at_once(
        lambda namespace=namespace: bench.create(backend, address=Address(namespace, "x")) for namespace in namespaces
    )
    assert [bench.fake.keys(namespace) for namespace in namespaces] == [["X"]] * len(namespaces)


def test_a_write_that_fails_lets_the_next_one_in(bench: Bench) -> None:
    """Nobody waits for ever."""
    backend = bench.open(width=8, attempts=1)
    bench.spoil("PUT *", Answer(status=422), times=1)

    def attempt(address: Address) -> bool:
        try:
            bench.create(backend, address=address)
        except SyncerError:
            return False
        return True

    with ThreadPoolExecutor(len(HERE)) as pool:
        done = list(pool.map(attempt, HERE, timeout=LONG))
    assert sorted(done) == [False] + [True] * (len(HERE) - 1)
    assert len(bench.fake.keys(TEAM)) == len(HERE) - 1


@pytest.mark.parametrize("parallelism", [1, 8])
def test_a_whole_project(bench: Bench, parallelism: int) -> None:
    """Made, rotated, tagged and deleted by the engine, as wide as it may be, on a server that loses what overlaps."""
    bench.fake.quirks.lose_concurrent = True
    bench.fake.quirks.linger = 0.001
    house = bench.house(width=parallelism)
    house.parallelism = parallelism
    names = [f"{scope}:key-{number}" for scope in ("company", TEAM, f"{TEAM}.sub") for number in range(6)]
    for facts in ({}, {}, {"tags": {"a": "b"}}):
        house.environ["VALUE"] += "+"
        house.declare(*(secret(name, on_remove=OnRemove.DELETE, **facts) for name in names))
        assert not house.apply().failed
        assert house.plan().changes == ()
        held = [one.value for secrets in bench.fake.secrets.values() for one in secrets.values()]
        assert held == [house.environ["VALUE"]] * len(names)
    house.withdraw(*names)
    assert not house.apply().failed
    assert {scope: bench.fake.busiest(scope) for scope in ("company", TEAM)} == {"company": 1, TEAM: 1}
    assert not any(bench.fake.secrets.values())
