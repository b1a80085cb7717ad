"""Numbers of versions that Dagu gives a second time: it is written again until one is new.

A write to metadata, and the end of a run, put the number of the version back that was there when they began. The next
value then gets a number that there is already, and of two with one number runs are given the older.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from conformance.fakes.loopback import Answer
from dagu_bench import DB, KEY, Bench
from support import House, actions, secret

from syncer.errors import BackendError, Transient
from syncer.sensitive import Sensitive
from syncer.testing.base import declared

if TYPE_CHECKING:
    from syncer.backends.dagu.backend import Dagu
    from syncer.model import Address, Observed

BOTH = pytest.mark.parametrize("address", [DB, KEY], ids=str)
ROTATE = {DB.scope: "POST /secrets/ID/versions", KEY.scope: "PUT /profiles/blue/secrets/DB"}
WRITE = {DB.scope: "POST /api/v1/secrets/*/versions", KEY.scope: "PUT /api/v1/profiles/blue/secrets/*"}
LOOK = "GET /api/v1/secrets/*"


def rotate(backend: Dagu, expected: Observed, value: bytes = b"v2") -> Observed:
    """Write another value."""
    return backend.rotate(declared(expected.address), Sensitive(value), expected)


def writes(bench: Bench, address: Address) -> int:
    """Count the values that were written since last asked."""
    return bench.calls().count(ROTATE[address.scope])


def keep(house: House, *names: str) -> None:
    """Declare and apply."""
    house.declare(*(secret(name) for name in names))
    assert not house.apply().failed


def enable_around(bench: Bench, secret_id: str, value: str) -> None:
    """Have somebody enable a secret while somebody else writes a value, so that the number goes back."""
    write = f"/secrets/{secret_id}/versions"
    bench.fake.meanwhile(lambda: bench.raw.ask(f"POST {write}", {"value": value}), "POST */enable")
    bench.raw.ask(f"POST /secrets/{secret_id}/enable")


@BOTH
def test_a_rotation(bench: Bench, address: Address) -> None:
    """One write where nothing is amiss."""
    backend = bench.open()
    made = bench.create(backend, address=address)
    bench.calls()
    turned = rotate(backend, made)
    assert (turned.version.partition("@")[0], writes(bench, address)) == ("2", 1)
    assert bench.record(address).served == "v2"
    assert turned == backend.look(address)


@BOTH
def test_a_number_that_this_run_has_seen(bench: Bench, address: Address) -> None:
    """It saw version 3, then the number went back: what it writes must not be a second 2 or 3."""
    backend = bench.open()
    made = bench.create(backend, address=address)
    rotate(backend, rotate(backend, made), b"v3")
    record = bench.record(address)
    record.metadata = replace(record.metadata, current_version=1)
    bench.calls()
    turned = rotate(backend, made, b"v4")
    assert (turned.version.partition("@")[0], writes(bench, address)) == ("4", 3)
    assert bench.record(address).served == "v4"


@BOTH
def test_a_number_that_state_remembers(bench: Bench, address: Address) -> None:
    """Another run wrote it; this one was told."""
    made = bench.create(bench.open(), address=address)
    backend = bench.open()
    backend.recall([(made.remote_id, "3@2030-01-01T00:00:00Z"), ("another", "9@"), (made.remote_id, "2@later")])
    bench.calls()
    turned = rotate(backend, made)
    assert (turned.version.partition("@")[0], writes(bench, address)) == ("4", 3)
    assert bench.record(address).served == "v2"


@BOTH
def test_numbers_that_do_not_rise(bench: Bench, address: Address) -> None:
    """Others undo each of our writes: a number that there was before is not taken for a new one."""
    backend = bench.open()
    made = bench.create(backend, address=address)
    backend.recall([(made.remote_id, "4@")])
    record = bench.record(address)

    def back() -> None:
        record.metadata = replace(record.metadata, current_version=1)

    bench.before(WRITE[address.scope], *[back] * 100)
    bench.calls()
    with pytest.raises(Transient) as caught:
        rotate(backend, made)
    message = f"{address}: somebody else wrote it in dagu at the same moment, and the new value may be lost"
    assert caught.value.message == message
    assert writes(bench, address) == 4


@BOTH
def test_a_number_too_high_to_be_true(bench: Bench, address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not written up to: there is an end to it, and it is told."""
    monkeypatch.setattr("syncer.backends.dagu.versions._MOST", 5)
    backend = bench.open()
    made = bench.create(backend, address=address)
    backend.recall([(made.remote_id, "1000000000@")])
    bench.calls()
    with pytest.raises(Transient, match="the new value may be lost"):
        rotate(backend, made)
    assert writes(bench, address) == 6


@pytest.mark.parametrize("version", ["", "x", "@", "0@", "-1@2030"])
def test_what_state_remembers_of_no_version(bench: Bench, version: str) -> None:
    """It says nothing."""
    backend = bench.open()
    made = bench.create(backend)
    backend.recall([(made.remote_id, version)])
    assert rotate(backend, made).version.startswith("2@")


@BOTH
def test_through_the_engine(bench: Bench, address: Address) -> None:
    """A plan sees the number that went back as drift, and the next apply serves the new value under a new number."""
    house = bench.house()
    house.declare(secret(str(address)))
    house.apply()
    house.environ["VALUE"] = "v2"
    house.apply()
    record = bench.record(address)
    record.metadata = replace(record.metadata, current_version=1)
    assert record.served == "v1"
    house.environ["VALUE"] = "v3"
    assert not house.apply().failed
    assert record.served == "v3"
    assert house.plan().changes == ()


def test_a_number_that_nobody_saw(bench: Bench) -> None:
    """The limit of it: others wrote a value, and others took its number back, all between two of our listings.

    Nothing that the API shows has moved, so the next write gets the number of theirs; the one after that is served.
    """
    house = bench.house()
    house.declare(secret(str(DB)))
    house.apply()
    enable_around(bench, bench.record().metadata.id, "theirs")
    assert (bench.record().served, bench.record().values) == ("v1", ["v1", "theirs"])
    assert house.plan().changes == ()
    for value, served in (("v2", "theirs"), ("v3", "v3")):
        house.environ["VALUE"] = value
        assert not house.apply().failed
        assert bench.record().served == served


def test_our_own_value_is_undone_after_the_run(bench: Bench) -> None:
    """It is drift, and the next apply writes it again."""
    house = bench.house()
    house.declare(secret(str(DB)))
    house.apply()
    house.environ["VALUE"] = "v2"
    end = bench.run()
    house.apply()
    end()
    assert bench.record().served == "v1"
    assert actions(house.plan().changes) == ["rotate(drifted)"]
    assert not house.apply().failed
    assert bench.record().served == "v2"
    assert house.plan().changes == ()


@BOTH
def test_a_run_undoes_it_at_once(bench: Bench, address: Address) -> None:
    """Seen by looking again: told as something that another try may mend, and another try does."""
    backend = bench.open()
    made = bench.create(backend, address=address)
    bench.before(LOOK, *([lambda: None] if address == KEY else []), bench.run(address))
    if address == KEY:
        assert rotate(backend, made).version.startswith("2@")  # written again by itself
    else:
        with pytest.raises(Transient) as caught:
            rotate(backend, made)
        message = f"{address}: somebody else wrote it in dagu at the same moment, and the new value may be lost"
        assert caught.value.message == message
        assert bench.record().served == "v1"
        assert rotate(backend, made).version.startswith("3@")
    assert bench.record(address).served == "v2"


def test_an_entry_is_undone_twice(bench: Bench) -> None:
    """Then it is told."""
    backend = bench.open()
    made = bench.create(backend, address=KEY)
    bench.before(LOOK, lambda: None, bench.run(KEY), bench.run(KEY))
    with pytest.raises(Transient) as caught:
        rotate(backend, made)
    assert caught.value.message.startswith(f"{KEY}: somebody else wrote it in dagu at the same moment")


def test_it_is_deleted_at_once(bench: Bench) -> None:
    """Nothing of ours is there: told, and what the next try finds is NotFound."""
    backend = bench.open()
    made = bench.create(backend)
    bench.before(LOOK, lambda: bench.fake.state.secrets.drop(made.remote_id))
    with pytest.raises(Transient):
        rotate(backend, made)


def test_somebody_rotates_at_the_same_moment(bench: Bench) -> None:
    """Theirs came later: the value is not ours, and the engine writes ours again."""
    house = bench.house()
    house.declare(secret(str(DB)))
    house.apply()
    house.environ["VALUE"] = "v2"
    bench.before(LOOK, lambda: None, lambda: bench.fake.plant(DB.ref, "theirs", DB.scope))
    assert not house.apply().failed
    assert bench.record().served == "v2"
    assert bench.record().metadata.current_version == 4


@BOTH
def test_every_repeated_write_may_be_spoilt(bench: Bench, address: Address) -> None:
    """What goes wrong there is tried again; a denial there does not pass for one that left everything as it was."""
    backend = bench.open()
    made = bench.create(backend, address=address)
    backend.recall([(made.remote_id, "3@")])
    bench.spoil(WRITE[address.scope], Answer(status=503), times=1, after=1)
    assert rotate(backend, made).version.startswith("4@")
    backend.recall([(made.remote_id, "9@")])
    bench.spoil(WRITE[address.scope], Answer(status=403), after=1)
    with pytest.raises(BackendError) as caught:
        rotate(backend, made)
    assert type(caught.value) is BackendError
    assert "denied" in caught.value.message


def test_a_secret_made_anew_begins_again(bench: Bench) -> None:
    """Its number is 1 again, under another id: one write, and a plan that tells it from the old one."""
    house = bench.house()
    keep(house, str(DB))
    house.environ["VALUE"] = "v2"
    keep(house, str(DB))
    record = bench.record()
    bench.fake.state.secrets.drop(record.metadata.id)
    bench.fake.plant(DB.ref, "theirs", DB.scope, description=record.metadata.description)
    bench.fake.plant(DB.ref, "theirs", DB.scope, description=record.metadata.description)
    assert bench.record().metadata.current_version == record.metadata.current_version == 2
    assert actions(house.plan().changes) == ["rotate(drifted)"]
    bench.calls()
    assert not house.apply().failed
    assert writes(bench, DB) == 1
    assert bench.record().served == "v2"
