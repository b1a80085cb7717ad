"""Stores without a disabled state: a disabled secret is absent, and that is as it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from facts_by_hand import EVERYTHING, A, codes, found, planned, record, seen, wanted
from support import GENERATE, House, actions, secret

from syncer.backends.base import DISABLES, Capability
from syncer.engine.adopt import find_drift
from syncer.model import DEFAULT_BACKEND
from syncer.plans import Selection

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.plans import Plan
    from syncer.state.model import Record

REMOVES = {DEFAULT_BACKEND: EVERYTHING - DISABLES | {Capability.DISABLE_REMOVES}, "west": EVERYTHING}
OFF = secret(A, enabled=False)
OUT = seen(enabled=False)
"""What an observation makes of an absent secret whose record says that we disabled it."""


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A project on such a store, which shows neither values nor versions."""
    without = ["soft-delete", "read", "version-in-list", "conditional-write"]
    return House(tmp_path, backends={DEFAULT_BACKEND: {"without": without, "removes": True}})


def drift(house: House) -> Plan:
    """Look for drift."""
    with house.session() as session:
        return find_drift(session, Selection())


@pytest.mark.parametrize("records", [{}, {A: record(declared=OFF)}, {A: record()}])
def test_absent_and_disabled_is_as_declared(records: dict[str, Record]) -> None:
    """Whether it was ever there or not."""
    assert planned([wanted(OFF)], [], records, capabilities=REMOVES) == []


def test_what_is_there_and_disabled_is_taken_out() -> None:
    """By a disable that says what it comes to."""
    findings = found([wanted(OFF)], [seen()], {A: record()}, capabilities=REMOVES)
    (change,) = findings.changes
    assert (change.action, change.removes, change.advisory) == ("disable", True, False)


def test_enabled_again_is_created() -> None:
    """With the value of its source: nothing is left that could be enabled."""
    assert planned([wanted(secret(A))], [OUT], {A: record(declared=OFF)}, capabilities=REMOVES) == [
        "create(enabled_differs)"
    ]


def test_what_is_out_is_neither_rotated_nor_updated() -> None:
    """Another value, other tags: they will be there once it is."""
    changed = secret(A, enabled=False, tags={"t": "new"})
    assert planned([wanted(changed, b"v2")], [OUT], {A: record(declared=OFF)}, capabilities=REMOVES) == []


def test_a_value_that_is_made_once_is_not_thrown_away() -> None:
    """To disable it would be to lose it, so it is refused while planning."""
    declared = secret(A, GENERATE, enabled=False)
    findings = found(
        [wanted(declared, None)], [seen()], {A: record(declared=secret(A, GENERATE))}, capabilities=REMOVES
    )
    assert (findings.changes, codes(findings)) == ([], ["unsupported"])
    assert "would be lost" in findings.diagnostics[0].message


def test_an_orphan_is_taken_out_once() -> None:
    """`on_remove: disable` takes it out; after that there is nothing to do."""
    assert planned([], [seen()], {A: record()}, capabilities=REMOVES) == ["disable(orphaned)"]
    assert planned([], [OUT], {A: record(declared=OFF)}, capabilities=REMOVES) == []


def test_a_whole_life(house: House) -> None:
    """Created, disabled, enabled, orphaned; each once, and no drift but what somebody did."""
    house.declare(secret("s:a"), secret("s:b"))
    told = [actions(house.apply().applied)]
    house.declare(secret("s:a", enabled=False))
    told.append(actions(house.apply().applied))
    assert drift(house).drift == ()
    house.environ |= {"VALUE": "v2"}
    told.append(actions(house.apply().applied))
    house.declare(secret("s:a"))
    told.append(actions(house.apply().applied))
    assert house.holds("s:a", b"v2")
    house.declare(secret("s:a", enabled=False))
    house.apply()
    house.plant("s:a", b"by hand")
    assert [(d.kind, d.before, d.after) for d in drift(house).drift] == [("enabled", False, True)]
    told.append(actions(house.apply().applied))
    assert told == [
        ["create(new)", "create(new)"],
        ["disable(enabled_differs)"],
        ["rotate(source_changed)"],
        ["create(enabled_differs)"],
        ["disable(enabled_differs)"],
    ]


def test_a_blind_store_is_noted(house: House) -> None:
    """A plan and a drift say once that a changed value there is not seen; that keeps nothing from being complete."""
    house.declare(secret("s:a"), secret("s:b"))
    house.apply()
    made, report = house.plan(), drift(house)
    assert [(d.severity, d.code) for d in made.diagnostics] == [("note", "values_not_seen")]
    assert [(d.severity, d.code) for d in report.diagnostics] == [("note", "values_not_seen")]
    assert made.complete
