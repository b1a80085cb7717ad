"""A store that takes values apart, or demands tags: what it gives back is what was desired."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support import GENERATE, House, actions, secret

from syncer.engine.prepare import Request
from syncer.model import Address, Move, Origin
from syncer.sensitive import Sensitive
from syncer.testing import Faulty

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.model import Secret


class Upper(Faulty):
    """Holds capital letters only."""

    def shape(self, secret: Secret, value: Sensitive) -> Sensitive:  # noqa: ARG002  # as the interface has it
        """Turn the letters."""
        return Sensitive(value.reveal().upper())


@pytest.fixture
def house(tmp_path: Path) -> House:
    """One secret with a value of small letters."""
    house = House(tmp_path, wrap=Upper, environ={"VALUE": "abc"})
    house.declare(secret("s:a"))
    return house


def test_values_settle(house: House) -> None:
    """Written in its form, and equal when read back."""
    house.apply()
    assert house.holds("s:a", b"ABC")
    assert house.plan(Request(verify_values=True)).changes == ()
    house.environ["VALUE"] = "aBC"
    assert house.plan().changes == ()


def test_values_made_at_apply_settle(house: House) -> None:
    """Also those that nobody knew while planning."""
    house.declare(secret("s:made", GENERATE))
    house.apply()
    assert house.plan(Request(verify_values=True)).changes == ()


def test_values_carried_over_settle(house: House) -> None:
    """From a store that holds them in another form."""
    house.wrap = lambda backend: backend if backend.options.name == "west" else Upper(backend)
    house.declare(secret("s:made", GENERATE, backend="west"))
    house.apply()
    house.declare(secret("s:made", GENERATE))
    assert actions(house.apply().applied)[0] == "create(backend_changed)"
    assert house.plan(Request(verify_values=True)).changes == ()
    house.withdraw("s:made")
    house.declare(secret("s:renamed", GENERATE))
    house.moved = (Move(source=Address.parse("s:made"), target=Address.parse("s:renamed"), origin=Origin("f", 1)),)
    house.apply()
    assert house.plan(Request(verify_values=True)).changes == ()


class Tagging(Faulty):
    """Demands a tag of every secret."""

    def declare(self, secret: Secret) -> Secret:
        """Add it."""
        return replace(secret, tags={"demanded": secret.address.ref, **secret.tags})


def test_demanded_tags_are_planned_written_and_kept(house: House) -> None:
    """As if the manifest said so: taken away by hand, they are drift."""
    house.wrap = Tagging
    house.declare(secret("s:a", tags={"team": "a"}))
    house.apply()
    address = Address.parse("s:a")
    there = house.store().entries[address]
    assert there.tags == {"demanded": "a", "team": "a"}
    assert house.plan().changes == ()
    house.store().entries[address] = replace(there, tags={"team": "a"})
    plan = house.plan()
    assert (actions(plan.changes), [drift.kind for drift in plan.drift]) == (["update(metadata_differs)"], ["tags"])
