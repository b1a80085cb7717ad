"""Stores without conditional writes: somebody else's write between plan and apply is still seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import House, secret

from syncer.backends.base import Capability
from syncer.errors import NotFound, SyncerError, Transient, VersionConflict
from syncer.model import Address, OnRemove
from syncer.testing import Fault, Faulty

if TYPE_CHECKING:
    from pathlib import Path

A = Address.parse("s:a")


@pytest.fixture
def house(tmp_path: Path) -> House:
    """One secret, applied, on a store that takes any write."""
    house = House(tmp_path)
    house.backends["default"] = {"without": [Capability.CONDITIONAL_WRITE.value]}
    house.declare(secret("s:a", on_remove=OnRemove.DELETE))
    house.apply()
    return house


def rotation_meets(house: House, **there: object) -> SyncerError:
    """Plan a rotation, let somebody write, apply; give the error."""
    house.environ["VALUE"] = "v2"
    plan = house.plan()
    house.plant("s:a", b"theirs", **there)
    (failure,) = house.apply(plan).failed
    assert house.holds("s:a", b"theirs")
    return failure.error


def test_a_value_that_was_rotated_meanwhile_is_not_overwritten(house: House) -> None:
    """The plan did not know of it."""
    error = rotation_meets(house)
    assert isinstance(error, VersionConflict)
    assert error.message == "s:a was changed by somebody else since it was planned"


def test_another_project_s_secret_is_not_overwritten(house: House) -> None:
    """Also where it took the name after the plan."""
    error = rotation_meets(house, owner="other")
    assert isinstance(error, VersionConflict)
    assert "belongs to project other" in error.message


def test_what_is_gone_is_not_rotated(house: House) -> None:
    """An unconditional write would make it anew, without a mark."""
    house.environ["VALUE"] = "v2"
    plan = house.plan()
    house.store().entries.clear()
    (failure,) = house.apply(plan).failed
    assert isinstance(failure.error, NotFound)
    assert house.store().entries == {}


def test_what_was_rotated_meanwhile_is_not_deleted(house: House) -> None:
    """It may be somebody's only copy of it."""
    house.withdraw("s:a")
    plan = house.plan()
    house.plant("s:a", b"theirs")
    (failure,) = house.apply(plan).failed
    assert isinstance(failure.error, VersionConflict)
    assert house.holds("s:a", b"theirs")


def test_what_is_gone_already_counts_as_deleted(house: House) -> None:
    """What was to be reached is so."""
    house.withdraw("s:a")
    plan = house.plan()
    house.store().entries.clear()
    assert house.apply(plan).failed == ()
    assert house.state().records == {}


def test_a_look_that_fails_is_tried_again_and_leaves_no_doubt(house: House) -> None:
    """Nothing was written yet, so the record stays as it was."""
    house.environ["VALUE"] = "v2"
    plan, before = house.plan(), house.state().records
    reset = Fault(error=Transient("connection reset"), method="observe", times=2)
    house.wrap = lambda backend: Faulty(backend, [reset])
    assert house.apply(plan).failed == ()
    assert house.state().records[A].fingerprint != before[A].fingerprint


def test_a_rotation_that_was_cut_off_before_its_disable_is_finished(tmp_path: Path) -> None:
    """Some stores enable what they are given a new value for; a lost answer must not leave it enabled."""

    class Enabling(Faulty):
        def rotate(self, *given: object) -> object:
            made = super().rotate(*given)  # type: ignore[arg-type]
            self.inner.set_enabled(made, enabled=True)
            message = "connection reset"
            raise Transient(message)

    house = House(tmp_path)
    house.declare(secret("s:a", enabled=False))
    house.apply()
    house.environ["VALUE"] = "v2"
    house.wrap = Enabling
    assert house.apply().failed == ()
    assert (house.store().entries[A].enabled, house.holds("s:a", b"v2")) == (False, True)
