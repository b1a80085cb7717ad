"""A listing that is minutes old: what this project did meanwhile is believed, and what others did is found."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import pytest
from support import House, actions, secret

from syncer.engine.adopt import adopt
from syncer.engine.rebuild import rebuild, write_rebuilt
from syncer.errors import AccessDenied
from syncer.model import Address, Observed, OnRemove
from syncer.testing import Faulty

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from syncer.backends.base import Backend

A = Address.parse("s:a")


@dataclass
class Lag:
    """What the listing of a store shows, whatever is there by now."""

    frozen: list[Observed] | None = None
    asked: list[Address] = field(default_factory=list)
    blind: bool = False
    """Whether `look` is denied."""


class Lagging(Faulty):
    """Lists what was there when the lag was frozen; a look at one address is exact."""

    listing_lags: ClassVar[bool] = True

    def __init__(self, inner: Backend, lag: Lag) -> None:
        super().__init__(inner)
        self.lag = lag

    def observe(self, scopes: Collection[str], addresses: Collection[Address]) -> Iterable[Observed]:
        """Show the old picture, if there is one."""
        there = list(super().observe(scopes, addresses))
        return there if self.lag.frozen is None else self.lag.frozen

    def look(self, address: Address) -> Observed | None:
        """Ask the store itself."""
        self.lag.asked.append(address)
        if self.lag.blind:
            message = "denied"
            raise AccessDenied(message)
        return self.inner.look(address)


@pytest.fixture
def lag() -> Lag:
    """A listing that does not lag yet."""
    return Lag()


@pytest.fixture
def house(tmp_path: Path, lag: Lag) -> House:
    """One secret on a store whose listing may lag."""
    house = House(tmp_path, wrap=lambda backend: Lagging(backend, lag))
    house.declare(secret("s:a"))
    return house


def freeze(house: House, lag: Lag) -> None:
    """From now on the listing shows what is there now."""
    lag.frozen = list(house.store().entries.values())


def test_a_listing_that_agrees_is_believed(house: House, lag: Lag) -> None:
    """Nothing is asked twice: a plan that finds nothing to do needs the right to list and no other."""
    house.apply()
    lag.asked.clear()
    assert house.plan().changes == ()
    assert lag.asked == []


def test_what_was_just_created_is_not_created_again(house: House, lag: Lag) -> None:
    """The listing does not show it yet."""
    freeze(house, lag)
    house.apply()
    assert house.plan().changes == ()
    assert house.plan().drift == ()


def test_what_was_just_rotated_is_not_rotated_again(house: House, lag: Lag) -> None:
    """The listing shows the version before."""
    house.apply()
    freeze(house, lag)
    house.environ["VALUE"] = "v2"
    assert actions(house.apply().applied) == ["rotate(source_changed)"]
    assert house.plan().changes == ()


def test_other_metadata_is_not_written_again(house: House, lag: Lag) -> None:
    """Tags and the enabled state as they were before."""
    house.apply()
    freeze(house, lag)
    house.declare(secret("s:a", tags={"tier": "gold"}, enabled=False))
    house.apply()
    assert house.plan().changes == ()


def test_what_was_just_deleted_is_restored(house: House, lag: Lag) -> None:
    """The listing shows it alive, and no record says that it is ours; it is pending deletion."""
    house.declare(secret("s:a", on_remove=OnRemove.DELETE))
    house.apply()
    freeze(house, lag)
    house.withdraw("s:a")
    house.apply()
    house.declare(secret("s:a"))
    plan = house.plan()
    assert plan.errors == ()
    assert actions(plan.changes)[0] == "create(pending_deletion)"


def test_what_somebody_deleted_is_missing(house: House, lag: Lag) -> None:
    """Looked at once more, and gone."""
    house.apply()
    house.store().entries.clear()
    lag.asked.clear()
    assert actions(house.plan().changes) == ["create(missing)"]
    assert lag.asked == [A]


def test_drift_of_others_is_found(house: House, lag: Lag) -> None:
    """A value that somebody else wrote is the same at a second look."""
    house.apply()
    house.plant("s:a", b"theirs")
    lag.asked.clear()
    assert actions(house.plan().changes) == ["rotate(drifted)"]
    assert lag.asked == [A]


def test_without_the_right_to_look_the_listing_stands(house: House, lag: Lag) -> None:
    """Somebody who may only list still gets a plan."""
    house.apply()
    house.plant("s:a", b"theirs")
    lag.blind = True
    assert actions(house.plan().changes) == ["rotate(drifted)"]


def test_an_interrupted_run_is_looked_at(house: House, lag: Lag) -> None:
    """Nobody knows what it did, and the listing may be older."""
    house.apply()
    state = house.state()
    house.put_state(state.advance({A: replace(state.records[A], interrupted=True)}, lineage=state.lineage or ""))
    lag.asked.clear()
    house.plan()
    assert lag.asked == [A]


def test_an_import_does_not_believe_the_listing(house: House, lag: Lag) -> None:
    """Else the version on record would not be that of the value that was read, and the next plan would replace it."""
    house.plant("s:a", b"old", owner=None)
    freeze(house, lag)
    house.plant("s:a", b"v1", owner=None)
    with house.session() as session, session.lock("import"):
        adopt(session, [A])
    lag.frozen = None
    assert actions(house.plan().changes) == ["update(metadata_differs)"]


def rebuilt(house: House) -> list[str]:
    """Lose the state, make it again, and name what is on record."""
    (house.folder / ".syncer/state.json").unlink()
    with house.session() as session, session.lock("state rebuild"):
        write_rebuilt(session, rebuild(session))
    return sorted(map(str, house.state().records))


def test_a_lost_state_is_made_of_what_is_there_now(house: House, lag: Lag) -> None:
    """What was made after the listing is found, what was deleted is not; others' secrets are not looked at."""
    house.declare(secret("s:b"))
    house.apply()
    house.plant("s:theirs", b"v", owner="other")
    freeze(house, lag)
    house.store().entries.pop(Address.parse("s:b"))
    house.declare(secret("s:new"))
    house.plant("s:new", b"v1")
    lag.asked.clear()
    assert rebuilt(house) == ["s:a", "s:new"]
    assert sorted(map(str, set(lag.asked))) == ["s:a", "s:b", "s:new"]
    lag.frozen = None
    assert actions(house.plan().changes) == ["create(new)"]
