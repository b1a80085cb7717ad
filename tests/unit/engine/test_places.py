"""A backend that goes by another name: its secrets stay where they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support import GENERATE, House, actions, secret

from syncer.model import Address, OnRemove
from syncer.testing import Faulty

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from syncer.backends.base import Backend
    from syncer.model import Observed

A, B = Address.parse("s:a"), Address.parse("s:b")


class Placed(Faulty):
    """Says where it is."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner)
        self.place = "one place"


class Named(Faulty):
    """Calls each secret by a name that no other store has."""

    def observe(self, scopes: Collection[str], addresses: Collection[Address]) -> Iterable[Observed]:
        """Add the names."""
        found = super().observe(scopes, addresses)
        return [replace(seen, remote_id=f"arn:{seen.address}") for seen in found]


@pytest.fixture(params=[Placed, Named])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    """Two secrets on one store, which two backends of the manifest mean."""
    house = House(tmp_path, wrap=request.param)
    house.backends = {"default": {"name": "same"}, "west": {"name": "same"}}
    house.declare(secret("s:a", on_remove=OnRemove.DELETE), secret("s:b", GENERATE, on_remove=OnRemove.DELETE))
    house.apply()
    return house


def test_nothing_is_written_where_only_the_name_changed(house: House) -> None:
    """Least of all is it deleted from under its new name; the next apply remembers the name."""
    made = dict(house.store("same").entries)
    house.declare(*(replace(each, backend="west") for each in house.secrets.values()))
    assert house.plan().changes == ()
    assert house.apply().applied == ()
    assert house.store("same").entries == made
    assert {record.backend for record in house.state().records.values()} == {"west"}
    assert house.plan().changes == ()


def test_the_new_name_is_known_for_what_is_written(house: House) -> None:
    """A rotation that comes with it is a rotation, and leaves nothing behind."""
    house.declare(*(replace(each, backend="west") for each in house.secrets.values()))
    house.environ["VALUE"] = "v2"
    assert actions(house.apply().applied) == ["rotate(source_changed)"]
    assert house.state().records[A].previous_backend is None
    assert house.plan().changes == ()
    assert set(house.store("same").entries) == {A, B}


def test_what_was_to_be_let_go_there_is_not(house: House) -> None:
    """A state of before, in which the move was half done."""
    state = house.state()
    puts = {A: replace(state.records[A], backend="west", previous_backend="default")}
    house.put_state(state.advance(puts, lineage=state.lineage or ""))
    house.declare(replace(house.secrets[A], backend="west"))
    assert house.plan().changes == ()
    house.apply()
    assert (house.state().records[A].previous_backend, A in house.store("same").entries) == (None, True)


def test_the_old_name_need_not_be_declared_any_more(tmp_path: Path) -> None:
    """Where the store's own name for the secret is on record."""
    house = House(tmp_path, wrap=Named)
    house.backends = {"default": {}, "west": {"name": "same"}}
    house.declare(secret("s:a", backend="west"))
    house.apply()
    state = house.state()
    puts = {A: replace(state.records[A], remote_id="arn:s:a")}  # as a store says that names what it makes
    house.put_state(state.advance(puts, lineage=state.lineage or ""))
    house.backends = {"default": {}, "east": {"name": "same"}}
    house.declare(secret("s:a", backend="east"))
    assert (house.plan().changes, house.plan().errors) == ((), ())


def test_another_store_is_another_place(tmp_path: Path) -> None:
    """There it is created, and then let go here."""
    house = House(tmp_path)
    house.declare(secret("s:a", on_remove=OnRemove.DELETE))
    house.apply()
    house.declare(secret("s:a", on_remove=OnRemove.DELETE, backend="west"))
    assert actions(house.apply().applied) == ["create(backend_changed)", "delete(orphaned)"]


def test_the_embedded_store_knows_its_file(tmp_path: Path) -> None:
    """Two spellings of one path are one place."""
    house = House(tmp_path)
    house.backends = {
        "default": {"type": "local", "path": "store.db"},
        "west": {"type": "local", "path": "./x/../store.db"},
    }
    house.declare(secret("s:a", on_remove=OnRemove.DELETE))
    house.apply()
    (tmp_path / "x").mkdir()
    house.declare(secret("s:a", on_remove=OnRemove.DELETE, backend="west"))
    assert house.plan().changes == ()
