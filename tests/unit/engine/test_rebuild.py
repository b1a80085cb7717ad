"""A lost state is made again from the marks on the backends: what is proven stays, what is not known is rotated."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support import GENERATE, NOW, ORIGIN, actions, days, env, secret

from syncer.engine.guard import check_blast_radius
from syncer.engine.rebuild import rebuild, write_rebuilt
from syncer.engine.standing import Standing
from syncer.errors import AccessDenied, Corrupt, NotFound, SafetyLimit, StateError, Throttled
from syncer.model import Address, Move, OnRemove, Rotation
from syncer.testing import Fault, Faulty

if TYPE_CHECKING:
    from conftest import Watched

    from syncer.backends.base import Backend
    from syncer.engine.rebuild import Rebuilt
    from syncer.state.model import Record

A, B = Address.parse("s:a"), Address.parse("s:b")


def lose(house: Watched) -> None:
    """Lose the state, and nothing else."""
    (house.folder / ".syncer/state.json").unlink()
    house.forget_calls()


def again(house: Watched, *, read: bool = True, declared_only: bool = False) -> Rebuilt:
    """Make the state again."""
    with house.session() as session, session.lock("state rebuild"):
        found = rebuild(session, read=read, declared_only=declared_only)
        write_rebuilt(session, found)
    return found


def standings(found: Rebuilt) -> dict[str, str]:
    """Say how each stands."""
    return {str(each.address): str(each.standing) for each in found.found}


def record(house: Watched, name: str) -> Record:
    """Give a record of the new state."""
    return house.state().records[Address.parse(name)]


def planned(house: Watched) -> list[str]:
    """Name the changes of a plan."""
    plan = house.plan()
    assert not plan.errors
    return [f"{change.address.ref} {named}" for change, named in zip(plan.changes, actions(plan.changes), strict=True)]


def test_a_second_plan_is_empty(house: Watched) -> None:
    """Values from a source and values made once, tags, descriptions, a disabled one: as if nothing had been lost."""
    house.declare(
        secret("s:a", tags={"t": "1"}, description="d", rotate=Rotation(version=3)),
        secret("s:made", GENERATE, on_remove=OnRemove.DELETE),
        secret("s:off", enabled=False),
    )
    house.apply()
    before = house.state()
    lose(house)
    house.now = NOW + days(9)
    found = again(house)
    assert standings(found) == {"s:a": "proven", "s:made": "proven", "s:off": "proven"}
    assert house.writes == []
    after = house.state()
    expected = {
        address: replace(known, created=house.now, rotated=house.now) for address, known in before.records.items()
    }
    assert after.records == expected
    assert (after.lineage, after.serial) != (before.lineage, before.serial)
    assert after.lineage
    assert after.serial == 1
    assert house.plan().changes == ()
    assert house.plan().drift == ()
    house.apply()
    assert house.state().records == after.records


def test_another_value_is_rotated(house: Watched) -> None:
    """It was read, and the source has moved on or somebody wrote it."""
    house.declare(secret("s:a"), secret("s:b", env("OTHER")))
    house.environ["OTHER"] = "v1"
    house.apply()
    lose(house)
    house.environ["OTHER"] = "v2"
    found = again(house)
    assert standings(found) == {"s:a": "proven", "s:b": "differs"}
    assert found.found[1].why == "its source yields another value, so the next plan rotates it"
    assert planned(house) == ["b rotate(source_changed)"]


def test_no_value_is_read(house: Watched) -> None:
    """With `read=False` no source is asked either, and the next plan rotates everything."""
    house.declare(secret("s:a"), secret("s:made", GENERATE))
    house.apply()
    lose(house)
    del house.environ["VALUE"]
    found = again(house, read=False)
    assert standings(found) == {"s:a": "unknown", "s:made": "unknown"}
    assert {each.why for each in found.found} == {"its value was not read, so the next plan rotates it"}
    assert house.reads == []
    house.environ["VALUE"] = "v1"
    assert planned(house) == ["a rotate(unknown_value)", "made rotate(unknown_value)"]


def test_a_backend_that_gives_nothing_back(house: Watched) -> None:
    """Nobody can tell what is there, so it is rotated."""
    house.backends["default"] = {"without": ["read", "read-disabled", "read-version"]}
    house.declare(secret("s:a"))
    house.apply()
    lose(house)
    found = again(house)
    assert (standings(found), house.reads) == ({"s:a": "unknown"}, [])
    assert "backend `default` does not give values back" in found.found[0].why
    assert planned(house) == ["a rotate(unknown_value)"]


def test_a_disabled_one_that_is_not_shown(house: Watched) -> None:
    """The others are proven."""
    house.backends["default"] = {"without": ["read-disabled"]}
    house.declare(secret("s:a", enabled=False), secret("s:b"))
    house.apply()
    lose(house)
    found = again(house)
    assert standings(found) == {"s:a": "unknown", "s:b": "proven"}
    assert "it is disabled, and its backend shows no such value" in found.found[0].why


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (AccessDenied("denied"), "its value may not be read"),
        (NotFound("gone"), "there is no value of ours in it"),
        (Corrupt("damaged"), "its value is damaged"),
    ],
)
def test_one_that_cannot_be_read(house: Watched, error: Exception, why: str) -> None:
    """It is on record, and rotated; the others are proven."""
    house.declare(secret("s:a"), secret("s:b"))
    house.apply()
    lose(house)
    house.fail(error, "read", address=A, times=99)
    found = again(house)
    assert standings(found) == {"s:a": "unknown", "s:b": "proven"}
    assert found.found[0].why == f"{why}, so the next plan rotates it"
    house.faults = []
    assert planned(house) == ["a rotate(unknown_value)"]


def test_a_backend_in_trouble(house: Watched) -> None:
    """Is asked again, and at last fails the whole: half a state would be worse than none."""
    house.declare(secret("s:a"))
    house.apply()
    lose(house)
    house.fail(Throttled("busy"), "read", times=99)
    with pytest.raises(Throttled):
        again(house)
    assert not (house.folder / ".syncer/state.json").exists()
    house.fail(AccessDenied("denied"), "observe", times=99)
    with pytest.raises(AccessDenied):
        again(house)


def test_a_source_without_a_value(house: Watched) -> None:
    """It is told and does no harm: what was read is on record, and the next plan compares it."""
    house.declare(secret("s:a", env("OTHER")), secret("s:b"))
    house.environ["OTHER"] = "v1"
    house.apply()
    lose(house)
    del house.environ["OTHER"]
    found = again(house)
    assert standings(found) == {"s:a": "unknown", "s:b": "proven"}
    assert "cannot be compared: s:a: environment variable OTHER is not set" in found.found[0].why
    house.environ["OTHER"] = "v1"
    assert planned(house) == []


def test_tags_and_descriptions_that_differ(house: Watched) -> None:
    """Those that are declared are mended; those of others stay."""
    house.declare(secret("s:a", tags={"t": "1", "u": "1"}, description="d"), secret("s:b"))
    house.apply()
    entries = house.store().entries
    entries[A] = replace(entries[A], tags={"t": "2", "theirs": "x"}, description="other")
    entries[B] = replace(entries[B], tags={"theirs": "x"}, description="theirs")
    lose(house)
    again(house)
    assert (record(house, "s:a").tags, record(house, "s:a").description) == ({"t": "2"}, "other")
    assert (record(house, "s:b").tags, record(house, "s:b").description) == ({}, None)
    assert planned(house) == ["a update(metadata_differs)"]
    house.apply()
    assert entries[A].tags == {"t": "1", "u": "1", "theirs": "x"}
    assert (entries[A].description, entries[B].description) == ("d", "theirs")


def test_enabled_differs(house: Watched) -> None:
    """What is there is on record, and the next plan mends it."""
    house.declare(secret("s:a"))
    house.apply()
    house.store().entries[A] = replace(house.store().entries[A], enabled=False)
    lose(house)
    again(house)
    assert planned(house) == ["a enable(enabled_differs)"]


# What is not declared, or not ours.


def orphans(house: Watched) -> None:
    """Have secrets that leave the manifest while the state is lost."""
    house.declare(*(secret(f"s:{name}") for name in ("a", "disable", "delete", "forget", "off")))
    house.apply()
    off = Address.parse("s:off")
    house.store().entries[off] = replace(house.store().entries[off], enabled=False)
    house.withdraw("s:disable", "s:delete", "s:forget", "s:off")
    house.removed = {Address.parse("s:delete"): OnRemove.DELETE, Address.parse("s:forget"): OnRemove.FORGET}
    lose(house)


def test_what_is_not_declared(house: Watched) -> None:
    """It is an orphan of the next plan; how many that withdraws is told, and its value is not read."""
    orphans(house)
    found = again(house)
    undeclared = {f"s:{name}": "undeclared" for name in ("delete", "disable", "forget", "off")}
    assert standings(found) == {"s:a": "proven"} | undeclared
    assert (found.withdrawn, found.number(Standing.UNDECLARED), house.reads) == (2, 4, ["a"])
    assert planned(house) == ["delete delete(orphaned)", "disable disable(orphaned)", "forget forget(orphaned)"]


def test_what_is_not_declared_is_left_out(house: Watched) -> None:
    """Where that is asked for, it is nobody's from then on."""
    orphans(house)
    found = again(house, declared_only=True)
    assert (standings(found), found.withdrawn) == ({"s:a": "proven"}, 0)
    assert planned(house) == []


def test_the_limit_holds(house: Watched) -> None:
    """A manifest that lost its half does not take half of the store with it."""
    house.declare(*(secret(f"s:{number}") for number in range(12)))
    house.apply()
    house.withdraw(*(f"s:{number}" for number in range(6)))
    lose(house)
    assert again(house).withdrawn == 6
    with pytest.raises(SafetyLimit):
        check_blast_radius(house.plan())


def test_an_orphan_that_cannot_be_disabled(house: Watched) -> None:
    """The next plan asks what shall become of it; nobody loses it."""
    house.backends["default"] = {"without": ["disable-enforced"]}
    house.declare(secret("s:a"), secret("s:b"))
    house.apply()
    house.withdraw("s:b")
    lose(house)
    found = again(house)
    assert found.withdrawn == 0
    assert "asks what shall become of it" in found.found[1].why
    assert [error.code for error in house.plan().errors] == ["unsupported"]


def test_nothing_of_others_is_taken(house: Watched) -> None:
    """Neither what nobody marked nor another project's; what is declared among that is told, the rest counted."""
    house.declare(secret("s:a"), secret("s:free"), secret("s:theirs"))
    house.plant("s:a", b"v1")
    house.plant("s:free", b"v1", owner=None)
    house.plant("s:theirs", b"v1", owner="other")
    house.plant("s:more", b"v1", owner="other")
    found = again(house)
    assert standings(found) == {"s:a": "proven"}
    assert [(str(address), why) for address, why in found.passed] == [
        ("s:free", "it bears no mark: `syncer import s:free` takes it"),
        ("s:theirs", "it belongs to project other"),
    ]
    assert found.others == 1
    assert list(house.state().records) == [A]


def test_nothing_is_ours(house: Watched) -> None:
    """More often the wrong place than an empty one: no state is written."""
    house.declare(secret("s:a"))
    house.plant("s:a", b"v1", owner=None)
    with pytest.raises(NotFound, match="nothing on the backends bears the mark of project shop"):
        again(house)
    assert not (house.folder / ".syncer/state.json").exists()


def test_what_is_pending_deletion(house: Watched) -> None:
    """It has no record: what is declared is restored by the next plan, as ever."""
    house.declare(secret("s:a"), secret("s:b"))
    house.plant("s:a", b"v1")
    house.plant("s:b", b"v1", deleted=True)
    house.plant("s:c", b"v1", deleted=True)
    found = again(house)
    assert standings(found) == {"s:a": "proven"}
    assert [(str(address), why) for address, why in found.passed] == [
        ("s:b", "it is pending deletion: the next plan restores it"),
        ("s:c", "it is pending deletion: nobody declares it"),
    ]
    assert planned(house)[0] == "b create(pending_deletion)"


# Moves, and several backends.


@pytest.mark.parametrize("without", [[], ["move"]])
def test_a_move_that_is_still_to_be_made(house: Watched, without: list[str]) -> None:
    """Its value is proven by the source of its new name, and comes along."""
    house.backends["default"] = {"without": without}
    house.declare(secret("old:a"), secret("old:made", GENERATE))
    house.apply()
    kept = house.store().values[Address.parse("old:made")]
    house.withdraw("old:a", "old:made")
    house.declare(secret("s:a"), secret("s:made", GENERATE))
    house.moved = tuple(
        Move(source=Address("old", ref), target=Address("s", ref), origin=ORIGIN) for ref in ("a", "made")
    )
    lose(house)
    assert standings(again(house)) == {"old:a": "proven", "old:made": "proven"}
    house.apply()
    assert house.store().values[Address.parse("s:made")].reveal() == kept.reveal()
    assert house.plan().changes == ()


def test_a_move_that_was_made(house: Watched) -> None:
    """What it left behind is an orphan, with what its new name says of removal."""
    house.declare(secret("s:a", on_remove=OnRemove.DELETE))
    house.apply()
    house.plant("old:a", b"v1")
    house.moved = (Move(source=Address("old", "a"), target=A, origin=ORIGIN),)
    lose(house)
    assert standings(again(house)) == {"old:a": "undeclared", "s:a": "proven"}
    assert planned(house) == ["a delete(orphaned)"]


def test_two_backends(house: Watched) -> None:
    """Each scope on its own; what another backend still hands out of it is withdrawn, what is disabled there stays."""
    house.declare(secret("s:a"), secret("west:b", backend="west"), secret("west:c", backend="west"))
    house.apply()
    house.plant("west:b", b"old")
    house.plant("west:c", b"old", enabled=False)
    house.plant("s:gone", b"old", backend="west")
    lose(house)
    found = again(house)
    assert standings(found) == {"s:a": "proven", "s:gone": "undeclared", "west:b": "proven", "west:c": "proven"}
    assert record(house, "west:b").previous_backend == "default"
    assert record(house, "west:c").previous_backend is None
    assert found.withdrawn == 2
    assert "the next plan withdraws its copy on backend `default`" in found.found[2].why
    assert planned(house) == ["gone disable(orphaned)", "b disable(orphaned)"]


def test_a_scope_that_was_to_go_elsewhere(house: Watched) -> None:
    """It is on the old backend still, and the next plan takes it along."""
    house.declare(secret("s:a", GENERATE))
    house.apply()
    value = house.store().values[A]
    house.declare(secret("s:a", GENERATE, backend="west"))
    lose(house)
    assert standings(again(house)) == {"s:a": "proven"}
    assert record(house, "s:a").backend == "default"
    house.apply()
    assert house.store("west").values[A].reveal() == value.reveal()
    assert house.plan().changes == ()


def test_one_store_under_two_names(house: Watched) -> None:
    """What both show is one secret, and no copy of it is withdrawn."""
    house.backends["west"] = {"name": "default"}
    house.wrap = lambda backend: _placed(Faulty(backend))
    house.declare(secret("s:a"), secret("west:b", backend="west"))
    house.apply()
    lose(house)
    assert again(house).withdrawn == 0
    assert record(house, "s:a").previous_backend is None
    assert house.plan().changes == ()


def _placed(backend: Faulty) -> Backend:
    backend.place = backend.options.name
    return backend


def test_a_backend_that_does_not_let_us_look_for_copies(house: Watched) -> None:
    """It is told; its own scopes and those of others are there all the same."""
    house.declare(secret("s:a"), secret("west:b", backend="west"))
    house.apply()
    lose(house)
    # Each backend is asked for its own scopes first.
    denied = Fault(error=AccessDenied("denied"), method="observe", call=2, times=99)
    house.wrap = lambda backend: Faulty(backend, [denied])
    found = again(house)
    assert standings(found) == {"s:a": "proven", "west:b": "proven"}
    assert found.skipped == {"default": "denied", "west": "denied"}


# What stands there already.


def test_a_state_is_never_replaced(house: Watched) -> None:
    """Nor one that is damaged, until somebody moved it away."""
    house.declare(secret("s:a"))
    house.apply()
    path = house.folder / ".syncer/state.json"
    kept = path.read_bytes()
    with pytest.raises(StateError, match="there is a state; nothing to rebuild"):
        again(house)
    path.write_bytes(kept[:-9])
    with pytest.raises(StateError, match=r"there is a state, and it is of no use: state\.json is truncated") as refused:
        again(house)
    assert refused.value.hint == "put an older one back, or move .syncer/state.json and its journal away and rebuild"
    assert path.read_bytes() == kept[:-9]
    path.rename(path.with_suffix(".damaged"))
    again(house)
    assert house.plan().changes == ()


def test_a_state_that_came_back(house: Watched) -> None:
    """Somebody restored it while the question was asked."""
    house.declare(secret("s:a"))
    house.apply()
    state = house.state()
    lose(house)
    with house.session() as session, session.lock("state rebuild"):
        found = rebuild(session)
        house.put_state(state)
        with pytest.raises(StateError, match="there is a state"):
            write_rebuilt(session, found)
    assert house.state() == state
