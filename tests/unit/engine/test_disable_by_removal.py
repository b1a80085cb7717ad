"""Stores without a disabled state: a disabled secret is absent, and that is as it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from facts_by_hand import EVERYTHING, A, codes, found, planned, record, seen, wanted
from support import GENERATE, House, actions, secret

from syncer.backends.base import DISABLES, Capability
from syncer.engine.adopt import adopt, find_drift
from syncer.errors import BackendError, InvalidConfiguration
from syncer.model import DEFAULT_BACKEND, Address, OnRemove
from syncer.plans import Selection
from syncer.testing import Fault, Faulty

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
    return House(tmp_path, backends={DEFAULT_BACKEND: {"without": without, "removes": True}, "west": {}})


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


def test_what_it_left_elsewhere_goes_too() -> None:
    """What is to be nowhere is withdrawn where it was, be it on record there or a leftover."""
    there = {"elsewhere": [seen()], "capabilities": REMOVES}
    for known in (record(backend="west"), record(declared=OFF, previous_backend="west")):
        findings = found([wanted(OFF)], [], {A: known}, **there)
        assert [(change.action, change.backend) for change in findings.changes] == [("disable", "west")]
    theirs = {**there, "elsewhere": [seen(owner="other")]}
    assert codes(found([wanted(OFF)], [], {A: record(backend="west")}, **theirs)) == ["conflict"]


@pytest.mark.parametrize("enabled", [True, False])
def test_what_came_where_ours_was_taken_out(enabled: bool) -> None:  # noqa: FBT001  # a row of the table
    """It bears no mark, so it is somebody else's: neither overwritten nor taken out."""
    declared = wanted(secret(A, enabled=enabled))
    findings = found([declared], [seen(owner=None)], {A: record(declared=OFF)}, capabilities=REMOVES)
    assert (findings.changes, codes(findings)) == ([], ["unmanaged"])


def test_what_came_there_is_no_drift(house: House) -> None:
    """There is nothing of ours that could have changed, and nothing to accept: it stays somebody else's."""
    for enabled in (True, False):
        house.declare(secret("s:a", enabled=enabled))
        house.apply()
    house.plant("s:a", b"theirs", owner=None)
    assert drift(house).drift == ()
    house.withdraw("s:a")
    house.apply()
    assert house.holds("s:a", b"theirs")


@pytest.mark.parametrize("withdrawal", OnRemove)
def test_an_orphan_where_somebody_else_s_came(withdrawal: OnRemove) -> None:
    """Ours is gone: it is forgotten, and theirs stays."""
    known = record(declared=OFF, on_remove=withdrawal)
    assert planned([], [seen(owner=None)], {A: known}, capabilities=REMOVES) == ["forget(gone)"]


@pytest.mark.parametrize("withdrawal", [OnRemove.DISABLE, OnRemove.DELETE])
def test_moved_here_and_disabled_at_once(house: House, withdrawal: OnRemove) -> None:
    """It is nowhere: not in the store that takes it out, nor where it was; enabled again it is created here."""
    house.declare(secret("s:a", backend="west", on_remove=withdrawal))
    house.apply()
    house.declare(secret("s:a", enabled=False, on_remove=withdrawal))
    assert not house.apply().failed
    assert house.plan().changes == ()
    assert [entry for entry in house.store("west").entries.values() if entry.enabled and not entry.deleted] == []
    assert house.store().entries == {}
    house.declare(secret("s:a", on_remove=withdrawal))
    assert not house.apply().failed
    assert house.holds("s:a", b"v1")
    assert house.plan().changes == ()


def test_disabled_before_it_was_let_go_elsewhere(house: House) -> None:
    """It moved here, what it left could not be disabled, and it was disabled here: the leftover still goes."""
    house.declare(secret("s:a", backend="west"))
    house.apply()
    house.declare(secret("s:a"))
    no = Fault(error=BackendError("no"), method="set_enabled", times=9)
    house.wrap = lambda backend: Faulty(backend, [no] if backend.options.name == "west" else [])
    for enabled in (True, False):
        house.declare(secret("s:a", enabled=enabled))
        assert len(house.apply().failed) == 1
    house.wrap = Faulty
    assert not house.apply().failed
    assert house.plan().changes == ()
    assert house.store().entries == {}
    assert not house.store("west").entries[Address.parse("s:a")].enabled
    assert house.state().records[Address.parse("s:a")].previous_backend is None


@pytest.mark.parametrize("enabled", [True, False])
def test_importing_what_came_where_ours_was_taken_out(house: House, enabled: bool) -> None:  # noqa: FBT001  # a row
    """A plan takes no step there; imported it is ours, once, and becomes what is declared."""
    for each in (True, False):
        house.declare(secret("s:a", enabled=each))
        assert not house.apply().failed
    house.plant("s:a", b"theirs", owner=None)
    house.declare(secret("s:a", enabled=enabled))
    assert [problem.code for problem in house.plan().errors] == ["unmanaged"]
    address = Address.parse("s:a")
    with house.session() as session, session.lock("import"):
        adopt(session, [address])
        with pytest.raises(InvalidConfiguration, match="under management already"):
            adopt(session, [address])
    assert not house.apply().failed
    assert house.plan().changes == ()
    assert house.holds("s:a", b"v1") is enabled
    assert (address in house.store().entries) is enabled


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
