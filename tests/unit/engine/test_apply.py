"""An apply carries out a plan, records what it did, and leaves nothing to do."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from facts_by_hand import seen
from support import GENERATE, KEY, NOW, PROJECT, actions, days, env, fingerprint, secret

from syncer import crypto
from syncer.engine import records
from syncer.engine.carry import apply_plan
from syncer.engine.prepare import Request, make_plan
from syncer.engine.refresh import source_digest
from syncer.errors import AccessDenied, BackendError, SafetyLimit, StateError, Transient
from syncer.model import Address, Move, OnRemove, Origin, Rotation
from syncer.plans import Action, Change, Reason
from syncer.sensitive import Sensitive
from syncer.state.journal import Journal
from syncer.testing import Fault, Faulty

if TYPE_CHECKING:
    from conftest import Watched

    from syncer.backends.base import Backend
    from syncer.model import Observed, Secret
    from syncer.plans import Outcome

A, B = Address.parse("s:a"), Address.parse("s:b")


def applied(outcome: Outcome) -> list[str]:
    """Name what was carried out."""
    assert outcome.failed == ()
    return [f"{change.action} {change.address.ref}" for change in outcome.applied]


def moved(source: str, target: str) -> Move:
    """Declare a move."""
    return Move(source=Address.parse(source), target=Address.parse(target), origin=Origin(file="syncer.yaml", line=1))


def test_apply_creates_and_remembers(house: Watched) -> None:
    """The value is in the backend, and the state knows its fingerprint and version, and where it comes from."""
    declared = secret("s:a", tags={"t": "1"}, description="d", on_remove=OnRemove.DELETE)
    house.declare(declared)
    outcome = house.apply()
    assert (applied(outcome), outcome.serial) == (["create a"], 3)
    assert house.holds("s:a", b"v1")
    record = house.state().records[A]
    assert (record.backend, record.version, record.enabled) == ("default", "1", True)
    assert record.fingerprint == fingerprint(b"v1", "s:a")
    assert (record.tags, record.description, record.on_remove) == ({"t": "1"}, "d", OnRemove.DELETE)
    assert (record.source, record.created, record.rotated) == (source_digest(declared.source), NOW, NOW)
    assert (record.interrupted, record.previous_backend) == (False, None)


def test_second_apply_writes_nothing(house: Watched) -> None:
    """Neither to the backend nor to the state."""
    house.declare(secret("s:a", tags={"t": "1"}), secret("s:b", GENERATE, enabled=False))
    first = house.apply()
    house.forget_calls()
    second = house.apply()
    assert (second.applied, house.writes, second.serial) == ((), [], first.serial)
    assert second.calls["default"].values_read == 0


def test_empty_project_gets_no_state(house: Watched) -> None:
    """Nothing to do leaves nothing behind."""
    assert house.apply().serial == 0
    assert not (house.folder / ".syncer" / "state.json").exists()


def test_lineage_stays(house: Watched) -> None:
    """Made by the first apply, kept by every other, which raises the serial."""
    house.declare(secret("s:a"))
    house.apply()
    before = house.state()
    house.declare(secret("s:b"))
    house.apply()
    assert before.lineage is not None
    assert (house.state().lineage, house.state().serial) == (before.lineage, before.serial + 3)


def test_order_of_phases(house: Watched) -> None:
    """What is there first, what is taken away last; the changes of one address in order."""
    delete = OnRemove.DELETE
    house.declare(secret("s:z-value"), secret("s:y-tags"), secret("s:x-on", enabled=False), secret("s:w-off"))
    house.declare(
        secret("s:b-gone", on_remove=delete), secret("s:a-all"), secret("s:c-forget", on_remove=OnRemove.FORGET)
    )
    house.declare(secret("s:d-moved"))
    house.apply()
    house.forget_calls()
    house.environ["OTHER"] = "v2"
    house.withdraw("s:b-gone", "s:c-forget", "s:d-moved")
    house.moved = (moved("s:d-moved", "s:e-moved"),)
    house.declare(secret("s:z-value", env("OTHER")), secret("s:y-tags", tags={"t": "1"}), secret("s:x-on"))
    house.declare(secret("s:w-off", enabled=False), secret("s:v-new"), secret("s:e-moved"))
    house.declare(secret("s:a-all", env("OTHER"), tags={"t": "1"}, enabled=False))
    house.apply()
    assert house.writes == [
        *("rotate a-all", "move e-moved", "create v-new", "rotate z-value"),
        *("update a-all", "update y-tags"),
        "set_enabled x-on",
        *("set_enabled a-all", "set_enabled w-off"),
        "delete b-gone",
    ]


def test_one_failure_does_not_stop_the_others(house: Watched) -> None:
    """Unrelated addresses are done and recorded; what follows at the failed one is not begun."""
    house.declare(secret("s:a", enabled=False), secret("s:b", enabled=False))
    house.fail(AccessDenied("no"), "create", address=A)
    outcome = house.apply()
    assert [f"{c.action} {c.address.ref}" for c in outcome.applied] == ["create b", "disable b"]
    assert [(str(f.change.action), f.change.address, f.error.message) for f in outcome.failed] == [("create", A, "no")]
    assert [f"{c.action} {c.address.ref}" for c in outcome.skipped] == ["disable a"]
    assert not outcome.interrupted
    assert house.state().records.keys() == {B}


def test_failure_in_the_middle_of_a_chain_skips_its_rest(house: Watched) -> None:
    """Restored, but the rotation after it failed."""
    house.declare(secret("s:a"))
    house.apply()
    house.store().entries[A] = replace(house.store().entries[A], deleted=True)
    house.environ["VALUE"] = "v2"
    house.declare(secret("s:a", enabled=False))
    house.fail(AccessDenied("no"), "rotate")
    outcome = house.apply()
    assert actions(outcome.applied) == ["create(pending_deletion)"]
    assert actions(outcome.skipped) == ["disable(enabled_differs)"]
    assert house.state().records[A].fingerprint == fingerprint(b"v1", "s:a")
    house.forget_calls()
    assert applied(house.apply()) == ["rotate a", "disable a"]


def test_journal_that_cannot_be_written_stops_the_write(house: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """No intent, no write: every change fails and nothing was done."""

    def full(*_: object) -> None:
        message = "state.json.journal cannot be written: No space left on device"
        raise StateError(message)

    house.declare(secret("s:a"), secret("s:b"))
    monkeypatch.setattr(Journal, "intend", full)
    outcome = house.apply()
    assert (house.writes, len(outcome.failed), outcome.serial) == ([], 2, 0)


def test_journal_that_is_full_after_the_write(house: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """The write is done and is in the state that this run still writes."""

    def full(*_: object) -> None:
        message = "no space"
        raise StateError(message)

    house.declare(secret("s:a"))
    monkeypatch.setattr(Journal, "record", full)
    assert applied(house.apply()) == ["create a"]
    assert house.state().records[A].version == "1"


def test_plan_that_lacks_what_a_write_needs(house: Watched) -> None:
    """A change that no planner made is refused before it reaches the backend."""
    house.declare(secret("s:a"))
    house.apply()
    house.environ["VALUE"] = "v2"
    plan = house.plan()
    broken = replace(plan, changes=tuple(replace(change, observed=None) for change in plan.changes))
    house.forget_calls()
    outcome = house.apply(broken)
    assert (house.writes, [f.error.message for f in outcome.failed]) == ([], ["the plan lacks what the write needs"])
    assert house.state().records[A].fingerprint == fingerprint(b"v1", "s:a")


def test_records_are_only_made_of_what_is_known() -> None:
    """A write without an answer or without a declaration is a mistake of the program."""
    change = Change(address=A, action=Action.CREATE, reason=Reason.NEW, backend="default", before=None, after=None)
    known = {"fingerprint": None, "source": "", "now": NOW}
    with pytest.raises(TypeError):
        records.known(change, None, None, **known)  # type: ignore[arg-type]
    there = seen("s:a")
    with pytest.raises(TypeError):
        records.known(change, None, there, **known)  # type: ignore[arg-type]
    assert records.assumed(change, None, "", NOW) == {}
    move = replace(change, action=Action.MOVE)
    assert records.assumed(move, None, "", NOW) == {}
    assert records.known(move, None, there, **known) == {A: None}  # type: ignore[arg-type]


# Generated and carried values


class Values(Faulty):
    """Notes the fingerprint of each value that was handed in."""

    handed_in: list[object]

    def create(self, secret: Secret, value: Sensitive) -> Observed:
        """Note it, then create."""
        self.handed_in.append(crypto.fingerprint(KEY, value, A))
        return super().create(secret, value)


def test_generated_value_is_the_same_in_every_try(house: Watched) -> None:
    """Made once for each write, not for each try."""
    handed_in: list[object] = []

    def watch(backend: Backend) -> Backend:
        values = Values(backend, [Fault(error=Transient("reset"), method="create", times=2)])
        values.handed_in = handed_in
        return values

    house.wrap = watch
    house.declare(secret("s:a", GENERATE))
    applied(house.apply())
    assert len(handed_in) == 3
    assert handed_in[0] == handed_in[1] == handed_in[2]


def test_generated_value_stays_until_it_is_rotated(house: Watched) -> None:
    """Not by an apply, not by other options; by the first rotation it is another one."""
    house.declare(secret("s:a", GENERATE))
    house.apply()
    first = house.state().records[A].fingerprint
    house.declare(secret("s:a", replace(GENERATE, argument={"type": "hex", "length": 64})))
    house.apply()
    assert house.state().records[A].fingerprint == first
    assert [d.code for d in house.plan().diagnostics] == ["generate_changed"]
    house.declare(secret("s:a", replace(GENERATE, argument={"type": "hex", "length": 64}), rotate=Rotation(version=1)))
    assert applied(house.apply()) == ["rotate a"]
    after = house.state().records[A]
    assert first is not None
    assert after.fingerprint is not None
    assert (after.fingerprint.salt, after.rotation) == (first.salt, 1)
    assert after.fingerprint != first
    assert house.plan().diagnostics == ()


@pytest.mark.parametrize("without", [[], ["move"]], ids=["rename", "create"])
def test_moved_value_is_the_same(house: Watched, without: list[str]) -> None:
    """Renamed where the backend can, else carried over; a generated value is not made anew."""
    house.backends["default"] = {"without": without}
    house.declare(secret("s:a", GENERATE))
    house.apply()
    value = house.store().values[A].reveal()
    house.withdraw("s:a")
    house.declare(secret("s:b", GENERATE))
    house.moved = (moved("s:a", "s:b"),)
    house.faults = []
    house.apply()
    assert house.holds("s:b", value)
    assert house.plan().changes == ()
    state = house.state()
    assert (A in state.records, house.reads) == (bool(without), ["a"] if without else [])


def test_value_goes_along_to_another_backend(house: Watched) -> None:
    """Created there with the value from here, then let go here."""
    house.declare(secret("s:a", GENERATE))
    house.apply()
    value = house.store().values[A].reveal()
    house.declare(secret("s:a", GENERATE, backend="west"))
    outcome = house.apply()
    assert actions(outcome.applied) == ["create(backend_changed)", "disable(orphaned)"]
    assert house.holds("s:a", value, "west")
    assert not house.store().entries[A].enabled
    record = house.state().records[A]
    assert (record.backend, record.previous_backend, record.enabled) == ("west", None, True)
    assert house.plan().changes == ()


def test_value_that_cannot_be_read_is_not_replaced_in_secret(house: Watched) -> None:
    """A backend that does not give values back cannot be left with a generated one: a new value is a rotation."""
    house.backends["default"] = {"without": ["read"]}
    house.declare(secret("s:a", GENERATE))
    house.apply()
    house.declare(secret("s:a", GENERATE, backend="west"))
    (error,) = house.plan().errors
    assert error.message == "its value cannot be carried over: backend `default` does not give values back"


def test_failed_create_keeps_what_it_was_to_come_from(house: Watched) -> None:
    """The value is nowhere else: neither deleted nor disabled, and the next run carries it over."""
    house.backends["default"] = {"without": ["move"]}
    house.declare(secret("s:a", GENERATE, on_remove=OnRemove.DELETE))
    house.apply()
    value = house.store().values[A].reveal()
    house.withdraw("s:a")
    house.declare(secret("s:b", GENERATE))
    house.moved = (Move(source=A, target=B, origin=Origin(file="syncer.yaml", line=1)),)
    house.fail(AccessDenied("no"), "create")
    outcome = house.apply()
    assert actions(outcome.skipped) == ["delete(orphaned)"]
    assert house.holds("s:a", value)
    house.faults = []
    house.apply()
    assert house.holds("s:b", value)


def test_drift_is_not_carried_over_unseen(house: Watched) -> None:
    """What somebody planted on the former backend would count as ours on the new one."""
    house.declare(secret("s:a", GENERATE))
    house.apply()
    house.store().put(house.store().entries[A], Sensitive(b"planted"))
    house.declare(secret("s:a", GENERATE, backend="west"))
    (failure,) = house.apply().failed
    assert "was changed outside on backend `default`" in failure.error.message
    assert A not in house.store("west").values
    assert house.store().entries[A].enabled


def test_deleted_and_declared_again_keeps_a_generated_value(house: Watched) -> None:
    """That is what the recovery window is for."""
    house.declare(secret("s:a", GENERATE, on_remove=OnRemove.DELETE))
    house.apply()
    value = house.store().values[A].reveal()
    house.withdraw("s:a")
    house.apply()
    house.declare(secret("s:a", GENERATE, on_remove=OnRemove.DELETE))
    assert actions(house.apply().applied) == ["create(pending_deletion)"]
    assert house.holds("s:a", value)
    assert house.state().records[A].fingerprint == fingerprint(value, "s:a")
    assert house.plan().changes == ()


def test_removal_on_the_former_backend_that_failed_is_made_up_for(house: Watched) -> None:
    """The record remembers where there is something left, until it is gone."""
    house.declare(secret("s:a", on_remove=OnRemove.DELETE))
    house.apply()
    house.declare(secret("s:a", backend="west", on_remove=OnRemove.DELETE))
    house.fail(BackendError("no"), "delete")
    assert len(house.apply().failed) == 1
    assert house.state().records[A].previous_backend == "default"
    house.forget_calls()
    assert applied(house.apply()) == ["delete a"]
    assert house.state().records[A].previous_backend is None
    assert house.plan().changes == ()


def test_former_backend_that_is_no_longer_declared_can_be_forgotten(house: Watched) -> None:
    """To forget is no write and asks no backend."""
    house.declare(secret("s:a", backend="west", on_remove=OnRemove.FORGET))
    house.apply()
    house.withdraw("s:a")
    del house.backends["west"]
    assert applied(house.apply()) == ["forget a"]
    assert house.state().records == {}


# What needs no write


def test_what_needs_no_write_is_remembered(house: Watched) -> None:
    """Another declaration of the same value, another `on_remove`: in the state, without a call."""
    house.declare(secret("s:a"))
    house.apply()
    house.forget_calls()
    house.environ["SAME"] = "v1"
    house.declare(secret("s:a", env("SAME"), on_remove=OnRemove.FORGET))
    outcome = house.apply()
    record = house.state().records[A]
    assert (house.writes, outcome.applied, outcome.serial) == ([], (), 4)
    assert (record.source, record.on_remove) == (source_digest(env("SAME")), OnRemove.FORGET)


def test_end_of_an_interruption_is_remembered(house: Watched) -> None:
    """An update that was cut off after it was made needs no second one."""
    house.declare(secret("s:a"))
    house.apply()
    state = house.state()
    house.put_state(replace(state, records={A: replace(state.records[A], interrupted=True)}))
    house.forget_calls()
    house.apply()
    assert (house.writes, house.state().records[A].interrupted) == ([], False)


def test_withdrawn_orphan_is_remembered_as_disabled(house: Watched) -> None:
    """Disabled outside, or by a run that was cut off: no write, and no drift for ever."""
    house.declare(secret("s:a"), secret("s:b"))
    house.apply()
    house.withdraw("s:a")
    house.store().entries[A] = replace(house.store().entries[A], enabled=False)
    house.forget_calls()
    assert [d.kind for d in house.plan().drift] == ["enabled"]
    house.apply()
    assert (house.writes, house.state().records[A].enabled, house.plan().drift) == ([], False, ())


def test_failed_address_is_not_settled(house: Watched) -> None:
    """What was not reached is not remembered as if it were."""
    house.declare(secret("s:a"))
    house.apply()
    house.declare(secret("s:a", tags={"t": "1"}, on_remove=OnRemove.FORGET))
    house.fail(BackendError("no"), "update")
    house.apply()
    record = house.state().records[A]
    assert (record.tags, record.on_remove) == ({}, OnRemove.DISABLE)


def test_due_rotation_counts_from_the_last(house: Watched) -> None:
    """After ninety days once, and not again the day after."""
    house.declare(secret("s:a", GENERATE, rotate=Rotation(every=days(90))))
    house.apply()
    house.now = NOW + days(90)
    assert applied(house.apply()) == ["rotate a"]
    assert house.state().records[A].rotated == house.now
    house.now += days(1)
    assert house.plan().changes == ()


# Limits


def test_mass_change_is_refused_before_anything_is_written(house: Watched) -> None:
    """And carried out when it was meant."""
    house.declare(*(secret(f"s:n-{number}") for number in range(10)))
    house.apply()
    house.withdraw(*(f"s:n-{number}" for number in range(6)))
    house.forget_calls()
    with house.session() as session, session.lock("apply"):
        plan = make_plan(session, Request())
        with pytest.raises(SafetyLimit):
            apply_plan(session, plan)
        assert house.writes == []
        assert len(apply_plan(session, plan, allow_mass_change=True).applied) == 6


# Stopped


def test_stop_finishes_what_is_in_flight(house: Watched) -> None:
    """What was begun is done and recorded, the rest is not begun, and the next run goes on."""
    stop = threading.Event()
    house.declare(secret("s:a", enabled=False), secret("s:b"), secret("s:c"))
    with house.session() as session, session.lock("apply"):
        outcome = apply_plan(session, make_plan(session, Request()), stop=stop, progress=lambda _change: stop.set())
    assert [f"{c.action} {c.address.ref}" for c in outcome.applied] == ["create a"]
    assert [f"{c.action} {c.address.ref}" for c in outcome.skipped] == ["create b", "create c", "disable a"]
    assert (outcome.failed, outcome.interrupted) == ((), True)
    state = house.state()
    assert state.records.keys() == {A}
    assert not state.records[A].interrupted
    assert applied(house.apply()) == ["create b", "create c", "disable a"]


def test_stopped_before_it_began(house: Watched) -> None:
    """Nothing is written at all."""
    stop = threading.Event()
    stop.set()
    house.declare(secret("s:a"))
    outcome = house.apply(stop=stop)
    assert (outcome.applied, len(outcome.skipped), outcome.interrupted, house.writes) == ((), 1, True, [])
    assert house.state().records == {}


def test_stopped_and_then_killed(house: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not begun is taken back in the journal too: the next run has no doubt about it."""
    stop = threading.Event()
    house.declare(secret("s:a"), secret("s:b"))
    with house.session() as session, session.lock("apply"):
        plan = make_plan(session, Request())
        monkeypatch.setattr(session.state_store, "write", _killed)
        with pytest.raises(KeyboardInterrupt):
            apply_plan(session, plan, stop=stop, progress=lambda _change: stop.set())
    assert house.state().records.keys() == {A}


def _killed(_state: object) -> None:
    raise KeyboardInterrupt


def test_progress_is_told_of_each_change(house: Watched) -> None:
    """Of those that were carried out, and of no others."""
    told: list[Change] = []
    house.declare(secret("s:a"), secret("s:b"))
    house.fail(BackendError("no"), "create", address=B)
    with house.session() as session, session.lock("apply"):
        apply_plan(session, make_plan(session, Request()), progress=told.append)
    assert [change.address for change in told] == [A]


# Side by side


class Crowd(Faulty):
    """Lets writers in only in groups, and counts how many there are at once."""

    most = 0

    def gather(self, size: int) -> None:
        """Wait in each create until `size` are inside."""
        self._inside = 0
        self._count = threading.Lock()
        self._together = threading.Barrier(size, timeout=20)

    def create(self, secret: Secret, value: Sensitive) -> Observed:
        """Wait for the others."""
        with self._count:
            self._inside += 1
            self.most = max(self.most, self._inside)
        self._together.wait()
        try:
            return super().create(secret, value)
        finally:
            with self._count:
                self._inside -= 1


@pytest.mark.parametrize(("parallelism", "stands", "size"), [(3, 8, 3), (8, 2, 2)])
def test_width(house: Watched, parallelism: int, stands: int, size: int) -> None:
    """Several addresses at once: no more than asked for, and no more than the backend stands."""
    crowds: list[Crowd] = []

    def watch(backend: Backend) -> Backend:
        crowd = Crowd(backend)
        crowd.concurrency = stands  # type: ignore[misc]  # what this one stands
        crowd.gather(size)
        crowds.append(crowd)
        return crowd

    house.wrap = watch
    house.parallelism = parallelism
    house.declare(*(secret(f"s:n-{number}") for number in range(4 * size)))
    assert len(applied(house.apply())) == 4 * size
    assert crowds[0].most == size
    assert house.state().records.keys() == house.secrets.keys()


class Threads(Faulty):
    """Notes in which thread it is called."""

    def create(self, secret: Secret, value: Sensitive) -> Observed:
        """Create, in the main thread only."""
        assert threading.current_thread() is threading.main_thread()
        return super().create(secret, value)


def test_no_thread_for_one_at_a_time(house: Watched) -> None:
    """Where the backend takes one call at a time, more workers would only wait."""

    def watch(backend: Backend) -> Backend:
        watched = Threads(backend)
        watched.concurrency = 1  # type: ignore[misc]  # what this one stands
        return watched

    house.wrap = watch
    house.parallelism = 10
    house.declare(*(secret(f"s:n-{number}") for number in range(4)))
    assert len(applied(house.apply())) == 4


def test_parallel_apply_converges(house: Watched) -> None:
    """With threads, on two backends, more addresses than one batch of intents."""
    house.parallelism = 10
    for number in range(80):
        house.declare(
            secret(f"s:a-{number}", enabled=number % 2 == 0), secret(f"s:b-{number}", GENERATE, backend="west")
        )
    assert len(applied(house.apply())) == 200
    assert house.plan().changes == ()
    assert all(record.fingerprint and not record.interrupted for record in house.state().records.values())


def test_value_sits_under_its_own_project(house: Watched) -> None:
    """What is created bears the owner's mark."""
    house.declare(secret("s:a"))
    house.apply()
    assert house.store().entries[A].owner == PROJECT
