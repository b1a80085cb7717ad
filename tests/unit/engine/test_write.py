"""One change as one write: throttled, refused, or its answer lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from conformance.memory import STORES, MemoryStore
from support import GENERATE, PROJECT, actions, env, fingerprint, secret

from syncer.engine.prepare import Request
from syncer.engine.write import Writer
from syncer.errors import (
    AccessDenied,
    AlreadyExists,
    BackendError,
    NotFound,
    Throttled,
    Transient,
    Unsupported,
    VersionConflict,
)
from syncer.model import Address, Move, OnRemove, Origin
from syncer.plans import Selection
from syncer.retry import Retry
from syncer.sensitive import Sensitive
from syncer.testing import Fault, Faulty

if TYPE_CHECKING:
    from conftest import Watched

    from syncer.model import Observed
    from syncer.plans import Outcome

A, B = Address.parse("s:a"), Address.parse("s:b")
LOST = Transient("connection reset")
FOR_EVER = 99


def applied(outcome: Outcome) -> list[str]:
    """Name what was carried out; nothing failed."""
    assert [failure.error.message for failure in outcome.failed] == []
    return [str(change.action) for change in outcome.applied]


def failed(outcome: Outcome) -> list[str]:
    """Name the errors."""
    return [failure.error.message for failure in outcome.failed]


def settles(house: Watched) -> None:
    """The next run finishes what is left, and after it there is nothing to do."""
    house.forget_calls()
    applied(house.apply())
    after = house.plan()
    assert (actions(after.changes), after.errors) == ([], ())


def prepare(house: Watched, action: str) -> None:
    """Bring the house to where the next apply makes one write of that kind at `s:a` (or, moved, at `s:b`)."""
    house.environ["OTHER"] = "v2"
    house.declare(secret("s:a", enabled=action != "enable", on_remove=OnRemove.DELETE))
    if action == "create":
        return
    house.apply()
    if action == "restore":
        house.store().entries[A] = replace(house.store().entries[A], deleted=True)
    elif action == "delete":
        house.withdraw("s:a")
    elif action == "move":
        house.withdraw("s:a")
        house.declare(secret("s:b"))
        house.moved = (Move(source=A, target=B, origin=Origin(file="syncer.yaml", line=1)),)
    else:
        house.declare(
            {
                "rotate": secret("s:a", env("OTHER")),
                "update": secret("s:a", tags={"t": "1"}),
                "enable": secret("s:a"),
                "disable": secret("s:a", enabled=False),
            }[action]
        )
    house.forget_calls()


METHODS = {
    **{name: name for name in ("create", "rotate", "update", "delete", "move", "restore")},
    "enable": "set_enabled",
    "disable": "set_enabled",
}
DONE = {"restore": "create"}


@pytest.mark.parametrize("action", METHODS)
def test_throttled_write_waits_and_goes_on(house: Watched, action: str) -> None:
    """As long as the backend asks, then again; the write is made once."""
    prepare(house, action)
    house.slept.clear()
    house.fail(Throttled("slow down", retry_after=7), METHODS[action], times=2)
    assert applied(house.apply()) == [DONE.get(action, action)]
    assert house.slept == [7.0, 7.0]
    assert [name.split()[0] for name in house.writes] == [METHODS[action]] * 3
    settles(house)


@pytest.mark.parametrize("action", METHODS)
def test_lost_answer(house: Watched, action: str) -> None:
    """The write was made and its answer never came: found out, not made twice, nothing failed."""
    prepare(house, action)
    house.fail(LOST, METHODS[action], after=True)
    assert applied(house.apply()) == [DONE.get(action, action)]
    house.forget_calls()
    assert applied(house.apply()) == []
    assert house.writes == []
    record = house.state().records.get(B if action == "move" else A)
    assert (record is None) == (action == "delete")
    if record is not None:
        assert not record.interrupted
        value = b"v2" if action == "rotate" else b"v1"
        name = "s:b" if action == "move" else "s:a"
        assert house.holds(name, value)
        assert record.fingerprint == fingerprint(value, "s:a")


def test_lost_answer_to_a_create_makes_one_version(house: Watched) -> None:
    """What bears our mark now is what we made."""
    prepare(house, "create")
    house.fail(LOST, "create", after=True)
    house.apply()
    assert house.writes == ["create a"]
    assert (house.store().versions, house.state().records[A].version) == (1, "1")


def test_lost_answer_to_a_rotation_while_somebody_else_writes(house: Watched) -> None:
    """What is there is not what we wrote, so it is not written over unseen: the next plan shows it."""
    prepare(house, "rotate")
    plan = house.plan()
    house.store().put(house.store().entries[A], Sensitive(b"theirs"))
    house.fail(LOST, "rotate")
    assert failed(house.apply(plan)) == ["s:a was changed by somebody else while it was being rotated"]
    assert house.holds("s:a", b"theirs")
    settles(house)
    assert house.holds("s:a", b"v2")


def test_lost_answer_to_a_rotation_of_what_another_project_took(house: Watched) -> None:
    """It is theirs now, whatever the plan was."""
    prepare(house, "rotate")
    plan = house.plan()
    house.store().put(replace(house.store().entries[A], owner="other"), Sensitive(b"theirs"))
    house.fail(LOST, "rotate")
    assert failed(house.apply(plan)) == ["s:a belongs to project other since it was planned"]
    assert house.holds("s:a", b"theirs")


def test_lost_answer_where_values_cannot_be_read(house: Watched) -> None:
    """Ours is the last word: the plan was to replace what is there in any case."""
    house.backends["default"] = {"without": ["read"]}
    prepare(house, "rotate")
    house.fail(LOST, "rotate", after=True)
    assert applied(house.apply()) == ["rotate"]
    settles(house)


def test_throttled_write_is_tried_again_without_a_look(house: Watched) -> None:
    """Too many calls are not mended by more calls, and a store that refused has written nothing."""
    prepare(house, "create")
    house.fail(Throttled("slow down"), "create", times=3)
    plan = house.plan()
    house.forget_calls()
    assert applied(house.apply(plan)) == ["create"]
    assert [call for call in house.opened[-1].calls if call[0] == "observe"] == []


def test_rotation_that_lost_the_race_is_refused(house: Watched) -> None:
    """Without a lost answer a conditional write is final, and the next plan sees what is there."""
    prepare(house, "rotate")
    stale = house.plan()
    house.store().put(house.store().entries[A], house.store().values[A])
    outcome = house.apply(stale)
    assert [type(failure.error) for failure in outcome.failed] == [VersionConflict]
    assert house.state().records[A].version == "1"
    settles(house)


def test_rotation_of_what_vanished_meanwhile(house: Watched) -> None:
    """Gone between two tries: said, and created by the next run."""
    prepare(house, "rotate")
    plan = house.plan()
    house.fail(LOST, "rotate")
    del house.store().entries[A]
    outcome = house.apply(plan)
    assert failed(outcome) == ["s:a is gone since it was planned"]
    settles(house)


@pytest.mark.parametrize("action", METHODS)
@pytest.mark.parametrize("error", [AccessDenied("denied"), Unsupported("no")], ids=["denied", "unsupported"])
def test_clear_refusal_changes_nothing(house: Watched, action: str, error: Exception) -> None:
    """The record is as it was, one try is enough, and the next run does it."""
    prepare(house, action)
    before = house.state()
    house.fail(error, METHODS[action], times=FOR_EVER)
    outcome = house.apply()
    assert failed(outcome) == [str(error)]
    assert len(house.writes) == 1
    assert house.state().records == before.records
    settles(house)


@pytest.mark.parametrize("action", METHODS)
@pytest.mark.parametrize("after", [False, True], ids=["not made", "made"])
def test_failure_that_says_not_what_was_done(house: Watched, action: str, *, after: bool) -> None:
    """An answer that cannot be read is no refusal: the write is believed, and the next run looks."""
    prepare(house, action)
    house.fail(BackendError("an answer that cannot be read"), METHODS[action], after=after)
    assert failed(house.apply()) == ["an answer that cannot be read"]
    settles(house)


@pytest.mark.parametrize("action", METHODS)
@pytest.mark.parametrize("after", [False, True], ids=["not made", "made"])
def test_transient_failure_that_does_not_end(house: Watched, action: str, *, after: bool) -> None:
    """Nobody knows whether it was made: the record says so, and the next run converges by itself."""
    prepare(house, action)
    # The second try may be refused because the first was made; what is tried is found out by then.
    house.fail(LOST, METHODS[action], times=1 if after else FOR_EVER, after=after)
    if after:
        house.faults += [
            Fault(error=LOST, method=METHODS[action], call=2, times=FOR_EVER),
            Fault(error=LOST, method="observe", call=2, times=FOR_EVER),
        ]
    outcome = house.apply()
    assert failed(outcome) == ["connection reset"]
    assert len(house.writes) <= 4
    record = house.state().records[A]
    assert record.interrupted
    assert (record.fingerprint is None) == (action in ("create", "rotate"))
    assert (record.version is None) == (action == "create")
    settles(house)


def test_transient_create_then_refused(house: Watched) -> None:
    """However clear the second answer is, the first try may have made it: nothing is left unmanaged."""
    prepare(house, "create")
    house.faults = [
        Fault(error=LOST, method="create", after=True),
        Fault(error=AccessDenied("may not list"), method="observe", call=2),
    ]
    outcome = house.apply()
    assert failed(outcome) == ["may not list"]
    assert house.state().records[A].interrupted
    settles(house)
    assert house.holds("s:a", b"v1")


class Plain(MemoryStore):
    """A store that holds no owner marks."""

    def put(self, entry: Observed, value: Sensitive) -> Observed:
        """Write it without."""
        return MemoryStore.put(self, replace(entry, owner=None), value)


def test_lost_create_where_nothing_is_marked(house: Watched) -> None:
    """Nobody can tell whose it is then; the next run writes over it and goes on."""
    house.backends["default"] = {"without": ["tags"]}
    STORES[house.folder, "default"] = Plain()
    prepare(house, "create")
    house.fail(LOST, "create", after=True)
    outcome = house.apply()
    assert [type(failure.error) for failure in outcome.failed] == [Transient]
    assert house.store().versions == 1
    settles(house)
    assert house.holds("s:a", b"v1")


def test_create_that_met_another_projects(house: Watched) -> None:
    """Their mark shows that ours was never made: the record is gone and the next plan says conflict."""
    prepare(house, "create")
    plan = house.plan()
    house.fail(LOST, "create")
    theirs = house.plant("s:a", b"theirs", owner="other")
    outcome = house.apply(plan)
    assert [type(failure.error) for failure in outcome.failed] == [AlreadyExists]
    assert house.state().records == {}
    assert [error.code for error in house.plan().errors] == ["conflict"]
    assert house.store().entries[A] == theirs


def test_delete_of_what_is_gone_is_done(house: Watched) -> None:
    """By somebody else: what was to be reached is reached."""
    prepare(house, "delete")
    plan = house.plan()
    del house.store().entries[A]
    assert applied(house.apply(plan)) == ["delete"]
    assert house.state().records == {}


def test_restore_of_what_is_gone_fails(house: Watched) -> None:
    """Its recovery window ended meanwhile; the next run creates it."""
    prepare(house, "restore")
    plan = house.plan()
    del house.store().entries[A]
    outcome = house.apply(plan)
    assert [type(failure.error) for failure in outcome.failed] == [NotFound]
    settles(house)


def test_restore_of_what_another_project_took_meanwhile_fails(house: Watched) -> None:
    """Alive, but theirs."""
    prepare(house, "restore")
    plan = house.plan()
    house.plant("s:a", b"theirs", owner="other")
    assert [type(failure.error) for failure in house.apply(plan).failed] == [NotFound]


@pytest.mark.parametrize("owner", ["other", None])
def test_move_onto_a_name_that_somebody_took_meanwhile_fails(house: Watched, owner: str | None) -> None:
    """Both stay as they are."""
    prepare(house, "move")
    plan = house.plan()
    theirs = house.plant("s:b", b"theirs", owner=owner)
    assert [type(failure.error) for failure in house.apply(plan).failed] == [AlreadyExists]
    assert house.store().entries[B] == theirs
    assert house.store().entries[A].owner == PROJECT
    assert house.state().records.keys() == {A}


def test_move_of_what_is_gone_fails(house: Watched) -> None:
    """Neither name is there; the next run creates it."""
    prepare(house, "move")
    plan = house.plan()
    del house.store().entries[A]
    assert [type(failure.error) for failure in house.apply(plan).failed] == [NotFound]
    settles(house)


def test_lost_answer_to_the_move_of_an_unmarked_secret(house: Watched) -> None:
    """An imported secret bears no mark before its first update; what took its new name is the same one."""
    prepare(house, "move")
    house.store().entries[A] = replace(house.store().entries[A], owner=None)
    house.fail(LOST, "move", after=True)
    assert applied(house.apply()) == ["move", "update"]
    assert house.store().entries[B].owner == PROJECT
    settles(house)


def test_moved_by_a_run_that_was_cut_off(house: Watched) -> None:
    """Nothing is left to write; the record follows."""
    prepare(house, "move")
    with house.session() as session:
        declared = house.secrets[B]
        session.backend("default").move(declared, house.store().entries[A])
    house.forget_calls()
    assert applied(house.apply()) == ["move"]
    assert house.writes == []
    assert house.state().records.keys() == {B}


def test_requested_rotation_of_a_generated_value_that_stays_lost(house: Watched) -> None:
    """Exactly one value is there in the end, and it is the one that the state knows."""
    house.declare(secret("s:a", GENERATE))
    house.apply()
    asked = house.plan(Request(selection=Selection(rotate=("s:a",))))
    house.fail(LOST, "rotate", times=FOR_EVER, after=True)
    assert applied(house.apply(asked)) == ["rotate"]
    assert house.plan().changes == ()
    held = house.store().values[A].reveal()
    assert house.state().records[A].fingerprint == fingerprint(held, "s:a")


def test_nothing_is_to_be_done_to_forget(house: Watched) -> None:
    """The backend is not asked."""
    house.declare(secret("s:a", on_remove=OnRemove.FORGET))
    house.apply()
    house.withdraw("s:a")
    (change,) = house.plan().changes
    house.forget_calls()
    with house.session() as session:
        backends = {"default": session.backend("default")}
        writer = Writer(
            project=PROJECT, backends=backends, retry=Retry(), produce=session.resolver.value, same=lambda *_: False
        )
        assert writer.write(change, None, change.observed) is None
    assert house.opened[0].calls == []


def test_what_another_run_of_the_project_created_is_not_ours(house: Watched) -> None:
    """Our create was lost on the way and theirs made: its value is another, so no record of ours may name it."""
    house.declare(secret("s:a"))
    plan = house.plan()
    house.plant("s:a", b"of the other run")
    house.fail(LOST, "create")
    outcome = house.apply(plan)
    assert [type(failure.error) for failure in outcome.failed] == [AlreadyExists]
    assert house.state().records == {}
    assert house.holds("s:a", b"of the other run")


def test_a_store_that_knows_its_own_writes_is_not_read(house: Watched) -> None:
    """It tells by the version whose write it was: nothing is read, and nothing written twice or over."""
    told = ["2"]

    class Telling(Faulty):
        def wrote(self, _secret: object, _value: object, _expected: object, found: Observed) -> bool:
            return found.version == told[0]

    house.wrap = lambda backend: Telling(backend, [Fault(error=LOST, method="rotate", after=True)])
    house.declare(secret("s:a"))
    applied(house.apply())
    house.environ["VALUE"] = "v2"
    assert applied(house.apply()) == ["rotate"]
    told[0] = "of somebody else"
    house.environ["VALUE"] = "v3"
    assert "changed by somebody else" in failed(house.apply())[0]
    assert house.reads == []


def test_what_is_restored_stays_on_record_where_it_may_not_be_read(house: Watched) -> None:
    """It came back, and a value that is made once is to stay: as long as its version says that it is the same."""
    house.declare(secret("s:a", GENERATE, on_remove=OnRemove.DELETE))
    house.apply()
    house.withdraw("s:a")
    house.apply()
    house.declare(secret("s:a", GENERATE))
    house.fail(AccessDenied("denied"), "read", times=FOR_EVER)
    held = house.store().values[A]
    assert applied(house.apply()) == ["create"]
    house.forget_calls()
    settles(house)
    assert house.store().values[A] is held
    house.plant("s:a", b"theirs")
    assert actions(house.plan().changes) == ["rotate(unknown_value)"]


def test_a_lost_create_is_believed_where_nothing_may_be_read(house: Watched) -> None:
    """Our mark is there, and a role that only applies has no right to more."""
    house.declare(secret("s:a", GENERATE))
    house.faults = [
        Fault(error=LOST, method="create", after=True),
        Fault(error=AccessDenied("denied"), method="read", times=FOR_EVER),
    ]
    assert applied(house.apply()) == ["create"]
    house.forget_calls()
    assert house.plan().changes == ()
