"""Several writes at once: one at a time to a profile, and side by side everywhere else."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from support import secret

from syncer.model import Address
from syncer.sensitive import Sensitive
from syncer.testing.base import declared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dagu_bench import Bench

PUTS = "PUT /profiles/*"
LONG, SHORT = 10.0, 0.02
"""Seconds to wait for what must come, and for what must not."""


def at_once(work: Iterable[Callable[[], object]]) -> None:
    """Do it all in threads of its own."""
    todo = list(work)
    with ThreadPoolExecutor(len(todo)) as pool:
        for future in [pool.submit(each) for each in todo]:
            future.result(LONG)


def entries(bench: Bench, *profiles: str) -> list[Address]:
    """Name four entries in each of some profiles, which are made."""
    for name in profiles:
        if not name.startswith("_") and name not in bench.fake.profiles:
            bench.raw.ask("POST /profiles", {"name": name})
    return [Address(f"profile/{name}", f"KEY_{number}") for name in profiles for number in range(4)]


class Inside:
    """Stands in the middle of writes to profiles, and notes how many were there at once."""

    def __init__(self, bench: Bench, wanted: int, seconds: float) -> None:
        self.most = 0
        self._wanted, self._seconds = wanted, seconds
        self._there = 0
        self._changed = threading.Condition()
        for _ in range(100):
            bench.fake.meanwhile(self._stand, PUTS)
            bench.fake.meanwhile(self._stand, "DELETE /profiles/*")

    def _stand(self) -> None:
        with self._changed:
            self._there += 1
            self.most = max(self.most, self._there)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most >= self._wanted, self._seconds)
            self._there -= 1


@pytest.mark.parametrize("layer", ["blue", "_global", "_workspaces/payments"])
def test_one_write_to_a_profile_at_a_time(bench: Bench, layer: str) -> None:
    """To create, to rotate and to delete: Dagu would put back a copy without what others wrote meanwhile."""
    backend, inside = bench.open(width=8), Inside(bench, 2, SHORT)
    here = entries(bench, layer)
    at_once(lambda address=address: bench.create(backend, address=address) for address in here)
    assert len(bench.fake.profiles[layer].entries) == len(here)
    found = [backend.look(address) for address in here]
    at_once(lambda seen=seen: backend.rotate(declared(seen.address), Sensitive(b"v2"), seen) for seen in found if seen)
    assert {bench.record(address).served for address in here} == {"v2"}
    at_once(lambda seen=seen: backend.delete(seen) for seen in found if seen)
    assert bench.fake.profiles[layer].entries == {}
    assert bench.fake.secrets == {}
    assert inside.most == 1


def test_profiles_side_by_side(bench: Bench) -> None:
    """Four profiles are written at once."""
    backend = bench.open(width=8)
    names = ("blue", "green", "_global", "_workspaces/payments")
    here = [address for address in entries(bench, *names) if address.ref == "KEY_0"]
    inside = Inside(bench, 4, LONG)
    at_once(lambda address=address: bench.create(backend, address=address) for address in here)
    assert inside.most == 4


def test_secrets_side_by_side(bench: Bench) -> None:
    """Secrets of a workspace are made and disabled at once: nothing of one is put back by a write to another."""
    backend = bench.open(width=8)
    here = [Address("payments", f"s/{number}") for number in range(8)]
    at_once(lambda address=address: bench.create(backend, address=address) for address in here)
    arrived = threading.Barrier(len(here), timeout=LONG)
    for _ in here:
        bench.fake.meanwhile(arrived.wait, "POST */disable")
    found = [backend.look(address) for address in here]
    at_once(lambda seen=seen: backend.set_enabled(seen, enabled=False) for seen in found if seen)
    assert {bench.record(address).metadata.status for address in here} == {"disabled"}


@pytest.mark.parametrize("parallelism", [1, 8])
def test_a_whole_project(bench: Bench, parallelism: int) -> None:
    """Made and rotated by the engine, as wide as it may be: all of it is there."""
    house = bench.house(width=parallelism)
    house.parallelism = parallelism
    names = [str(address) for address in entries(bench, "blue", "green", "_global")]
    names += [f"{scope}:s/{number}" for scope in ("global", "payments") for number in range(4)]
    for value in ("v1", "v2"):
        house.environ["VALUE"] = value
        house.declare(*(secret(name) for name in names))
        assert not house.apply().failed
        assert {bench.record(Address.parse(name)).served for name in names} == {value}
    assert house.plan().changes == ()
