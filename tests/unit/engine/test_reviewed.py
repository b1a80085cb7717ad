"""What was reviewed is applied, all of it and nothing else, or nothing at all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support import GENERATE, actions, days, env, secret

from syncer.engine import saved
from syncer.engine.carry import apply_plan
from syncer.engine.prepare import Request, make_plan
from syncer.errors import AccessDenied, PlanIncomplete, StalePlan
from syncer.library import confirm_reviewed, load_reviewed, save_plan
from syncer.model import Address, Move, OnRemove, Origin, Rotation
from syncer.plans import Action, Diagnostic, Selection, Severity, Values
from syncer.render.json import plan_document, to_json

if TYPE_CHECKING:
    from conftest import Watched

    from syncer.engine.confirm import Confirmed
    from syncer.plans import Outcome, Plan

SKIPPED = Request(values=Values.SKIPPED, refresh=False)


def review(house: Watched, request: Request | None = None) -> Plan:
    """Plan, save, and give what a document holds of it."""
    path = house.folder / "plan.json"
    with house.session() as session:
        save_plan(session, make_plan(session, request or Request()), path)
        return load_reviewed(session, path)


def carry_out(house: Watched, reviewed: Plan, *, allow_unchecked: bool = False) -> tuple[Confirmed, Outcome]:
    """Apply a reviewed plan."""
    with house.session() as session, session.lock("apply"):
        confirmed = confirm_reviewed(session, reviewed, allow_unchecked=allow_unchecked)
        return confirmed, apply_plan(session, confirmed.plan, allow_mass_change=True)


def refused(house: Watched, reviewed: Plan) -> str:
    """Apply a reviewed plan that is refused: nothing is written; why."""
    house.forget_calls()
    before = house.state()
    with pytest.raises(StalePlan) as caught:
        carry_out(house, reviewed)
    assert house.writes == []
    assert house.state() == before
    assert caught.value.exit_code == 7
    return caught.value.message


def names(addresses: tuple[Address, ...]) -> list[str]:
    """Write addresses."""
    return list(map(str, addresses))


def everything(house: Watched) -> None:
    """Have a change of every kind to do."""
    house.environ["OTHER"] = "v2"
    house.declare(*(secret(f"s:{name}") for name in ("gone", "kept", "old", "off", "on", "west", "drifted")))
    house.declare(secret("s:rotated", tags={"t": "1"}), secret("s:tagged", tags={"a": "1", "b": "1"}))
    house.declare(secret("s:on", enabled=False))
    house.apply()
    house.withdraw("s:gone", "s:kept", "s:old")
    house.removed = {Address.parse("s:gone"): OnRemove.DELETE}
    house.moved = (
        Move(source=Address.parse("s:old"), target=Address.parse("s:new"), origin=Origin(file="syncer.yaml", line=1)),
    )
    house.declare(secret("s:new"), secret("s:made", GENERATE, enabled=False), secret("s:off", enabled=False))
    house.declare(secret("s:on"), secret("s:west", backend="west"), secret("s:rotated", env("OTHER"), tags={"t": "2"}))
    house.declare(secret("s:tagged", tags={"a": "2"}, description="words"))
    drifted = Address.parse("s:drifted")
    house.store().entries[drifted] = replace(house.store().entries[drifted], enabled=False)


def test_all_of_it_is_applied(house: Watched) -> None:
    """A change of every kind; then nothing is left, and a second apply finds all of it done."""
    everything(house)
    reviewed = review(house)
    confirmed, outcome = carry_out(house, reviewed)
    assert (outcome.failed, confirmed.done, confirmed.unreviewed) == ((), (), ())
    assert len(outcome.applied) == len(reviewed.changes) >= 12
    assert house.plan().changes == ()
    house.forget_calls()
    again, nothing = carry_out(house, reviewed)
    assert (nothing.applied, house.writes) == ((), [])
    assert set(again.done) == {change.address for change in reviewed.changes}


def test_an_apply_that_stopped_half_way_is_finished(house: Watched) -> None:
    """Whatever number of changes was done before: what is left is still what was reviewed."""
    everything(house)
    house.parallelism = 1
    reviewed = review(house)
    for _ in range(40):
        if not _apply_one(house, reviewed):
            break
    assert house.plan().changes == ()


def _apply_one(house: Watched, reviewed: Plan) -> int:
    """Carry out the next change alone, and stop."""
    import threading

    stop = threading.Event()
    with house.session() as session, session.lock("apply"):
        confirmed = confirm_reviewed(session, reviewed)
        outcome = apply_plan(
            session, confirmed.plan, allow_mass_change=True, stop=stop, progress=lambda _change: stop.set()
        )
    assert confirmed.unreviewed == ()
    return len(outcome.applied)


@pytest.mark.parametrize("method", ["create", "rotate", "update", "set_enabled", "delete", "move"])
@pytest.mark.parametrize("after", [False, True])
def test_a_cut_at_any_call_is_finished(house: Watched, method: str, after: bool) -> None:  # noqa: FBT001  # two worlds
    """A run was killed in the middle of a write, which was made or was not: the next one is no surprise."""
    everything(house)
    house.parallelism = 1
    reviewed = review(house)
    house.fail(KeyboardInterrupt(), method, after=after)
    with pytest.raises(KeyboardInterrupt):
        carry_out(house, reviewed)
    house.forget_calls()
    confirmed, outcome = carry_out(house, reviewed)
    assert (outcome.failed, confirmed.unreviewed) == ((), ())
    assert house.plan().changes == ()


def test_another_review_was_applied_in_between(house: Watched) -> None:
    """Serial and manifest have moved, and nothing of this plan."""
    house.declare(secret("s:a"))
    reviewed = review(house)
    house.declare(secret("s:b"))
    with_b = house.plan(Request(selection=Selection(targets=("s:b",))))
    house.apply(with_b)
    confirmed, outcome = carry_out(house, reviewed)
    assert actions(outcome.applied) == ["create(new)"]
    assert (confirmed.done, confirmed.unreviewed) == ((), ())


def test_what_nobody_reviewed_is_left(house: Watched) -> None:
    """Told, neither written nor remembered, and in the next plan."""
    house.declare(secret("s:b"))
    house.apply()
    house.declare(secret("s:a"))
    reviewed = review(house)
    house.declare(secret("s:b", tags={"t": "1"}, on_remove=OnRemove.DELETE), secret("s:c"))
    confirmed, outcome = carry_out(house, reviewed)
    assert [change.address.ref for change in outcome.applied] == ["a"]
    assert names(confirmed.unreviewed) == ["s:b", "s:c"]
    assert house.state().records[Address.parse("s:b")].on_remove is OnRemove.DISABLE
    assert actions(house.plan().changes) == ["update(metadata_differs)", "create(new)"]


def test_what_needs_no_write_is_remembered(house: Watched) -> None:
    """Another `on_remove` is no change, and counts once the entry is gone."""
    house.declare(secret("s:b"))
    house.apply()
    house.declare(secret("s:a"), secret("s:b", on_remove=OnRemove.DELETE))
    carry_out(house, review(house))
    house.withdraw("s:b")
    assert actions(house.plan().changes) == ["delete(orphaned)"]


def test_a_fault_elsewhere_is_not_ours(house: Watched) -> None:
    """Another merged change clashes with what is there: it is told, and does not hold this one up."""
    house.declare(secret("s:a"))
    reviewed = review(house)
    house.plant("s:b", b"theirs", owner=None)
    house.declare(secret("s:b"))
    confirmed, outcome = carry_out(house, reviewed)
    assert (len(outcome.applied), names(confirmed.unreviewed), confirmed.plan.errors) == (1, ["s:b"], ())


def test_a_broken_rule_is_everybodys(house: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a policy forbids keeps all of the plan from being applied."""
    house.declare(secret("s:a"), secret("s:b"))
    reviewed = review(house)
    violation = Diagnostic(severity=Severity.ERROR, code="policy/naming", message="no", address=Address.parse("s:z"))
    monkeypatch.setattr(
        "syncer.engine.confirm.make_plan", lambda *given: replace(make_plan(*given), diagnostics=(violation,))
    )
    with pytest.raises(PlanIncomplete):
        carry_out(house, reviewed)


def _source(house: Watched) -> None:
    house.environ["VALUE"] = "v3"


def _observed(house: Watched) -> None:
    house.plant("s:a", b"behind our back")


def _tags(house: Watched) -> None:
    entry = house.store().entries[Address.parse("s:a")]
    house.store().entries[entry.address] = replace(entry, tags={**entry.tags, "theirs": "1"})


def _enabled(house: Watched) -> None:
    entry = house.store().entries[Address.parse("s:a")]
    house.store().entries[entry.address] = replace(entry, enabled=False)


def _manifest(house: Watched) -> None:
    house.declare(secret("s:a", tags={"t": "3"}))


def _reverted(house: Watched) -> None:
    house.declare(secret("s:a", tags={"t": "1"}))
    house.environ["VALUE"] = "v1"


def _gone(house: Watched) -> None:
    del house.store().entries[Address.parse("s:a")]


@pytest.mark.parametrize(
    ("meddle", "told"),
    [
        (_source, "s:a: its source yields another value than when the plan was made"),
        (_observed, "s:a: its observed version moved since the plan was made"),
        (_tags, "s:a: it was changed outside since the plan was made"),
        (_enabled, "s:a: it was changed outside since the plan was made"),
        (_manifest, "s:a: it was changed outside since the plan was made"),
        (_reverted, "s:a: what is to be done has changed since the plan was made"),
        (_gone, "s:a: what is to be done has changed since the plan was made"),
    ],
)
def test_a_reviewed_change_that_is_another_now(house: Watched, meddle: object, told: str) -> None:
    """Nothing is written, not even what is still the same, and it says what differs."""
    house.declare(secret("s:a", tags={"t": "1"}))
    house.apply()
    house.environ["VALUE"] = "v2"
    house.declare(secret("s:a", tags={"t": "2"}), secret("s:same", GENERATE))
    reviewed = review(house)
    meddle(house)  # type: ignore[operator]  # one of the above
    assert refused(house, reviewed) == told


def test_drift_that_was_put_right_by_hand_is_done(house: Watched) -> None:
    """What was reviewed is so; drift elsewhere is left."""
    house.declare(secret("s:a"), secret("s:b"))
    house.apply()
    store = house.store()
    a, b = Address.parse("s:a"), Address.parse("s:b")
    store.entries[a] = replace(store.entries[a], enabled=False)
    reviewed = review(house)
    assert actions(reviewed.changes) == ["enable(enabled_differs)"]
    store.entries[a] = replace(store.entries[a], enabled=True)
    store.entries[b] = replace(store.entries[b], enabled=False)
    confirmed, outcome = carry_out(house, reviewed)
    assert (outcome.applied, confirmed.done, confirmed.unreviewed) == ((), (a,), (b,))


def test_a_rotation_that_became_due_since(house: Watched) -> None:
    """Left for the next plan and told; the reviewed change of the same address is made."""
    every = Rotation(every=days(90))
    house.declare(secret("s:a", GENERATE, rotate=every), secret("s:b", GENERATE, rotate=every))
    house.apply()
    house.now += days(89)
    house.declare(secret("s:a", GENERATE, rotate=every, tags={"t": "1"}))
    reviewed = review(house)
    house.now += days(2)
    confirmed, outcome = carry_out(house, reviewed)
    assert actions(outcome.applied) == ["update(metadata_differs)"]
    assert names(confirmed.due) == ["s:b"]
    assert actions(house.plan().changes) == ["rotate(rotation_due)"] * 2


def test_a_rotation_that_was_due_is_made_once(house: Watched) -> None:
    """Also when the apply is run again."""
    house.declare(secret("s:a", GENERATE, rotate=Rotation(every=days(90))))
    house.apply()
    house.now += days(91)
    reviewed = review(house)
    assert len(carry_out(house, reviewed)[1].applied) == 1
    assert carry_out(house, reviewed)[1].applied == ()


@pytest.mark.parametrize("without", [[], ["version-in-list"]])
def test_a_rotation_that_was_asked_for_is_made_once(house: Watched, without: list[str]) -> None:
    """The request stands in the plan, and would ask again each time it is made anew."""
    house.backends["default"] = {"without": without}
    house.declare(secret("s:a", GENERATE), secret("s:b"))
    house.apply()
    house.declare(secret("s:b", tags={"t": "1"}))
    reviewed = review(house, Request(selection=Selection(rotate=("s:*",))))
    house.now += days(1)
    assert actions(carry_out(house, reviewed)[1].applied).count("rotate(rotation_requested)") == 2
    again, outcome = carry_out(house, reviewed)
    assert (outcome.applied, names(again.done)) == ((), ["s:a", "s:b"])


def test_half_of_what_was_asked_for(house: Watched) -> None:
    """The value was rotated and its tags were not: those are left, and no second rotation comes with them."""
    house.declare(secret("s:b"))
    house.apply()
    house.declare(secret("s:b", tags={"t": "1"}))
    reviewed = review(house, Request(selection=Selection(rotate=("s:*",))))
    house.fail(AccessDenied("no"), "update")
    assert len(carry_out(house, reviewed)[1].failed) == 1
    house.forget_calls()
    assert actions(carry_out(house, reviewed)[1].applied) == ["update(metadata_differs)"]


def test_a_selection_is_taken_again(house: Watched) -> None:
    """Only what was selected, also when nothing matches the globs any more."""
    house.declare(secret("s:a"), secret("t:b"))
    house.apply()
    house.withdraw("s:a", "t:b")
    house.removed = dict.fromkeys((Address.parse("s:a"), Address.parse("t:b")), OnRemove.DELETE)
    reviewed = review(house, Request(selection=Selection(targets=("s:*",))))
    assert len(carry_out(house, reviewed)[1].applied) == 1
    again, outcome = carry_out(house, reviewed)
    assert (outcome.applied, names(again.done), again.unreviewed) == ((), ["s:a"], ())


def test_everything_is_destroyed_as_reviewed(house: Watched) -> None:
    """What came since stays."""
    house.declare(secret("s:a"))
    house.apply()
    reviewed = review(house, Request(selection=Selection(destroy=True)))
    house.declare(secret("s:b"))
    house.apply()
    confirmed, outcome = carry_out(house, reviewed)
    assert actions(outcome.applied) == ["delete(destroy_requested)"]
    assert names(confirmed.unreviewed) == ["s:b"]
    assert set(house.state().records) == {Address.parse("s:b")}


def test_another_state(house: Watched) -> None:
    """A lineage that differs is refused; a plan from before there was any is not."""
    house.declare(secret("s:a"))
    first = review(house)
    house.declare(secret("s:b"))
    house.apply(house.plan(Request(selection=Selection(targets=("s:b",)))))
    assert "its lineage differs" in refused(house, replace(first, lineage="another"))
    assert len(carry_out(house, first)[1].applied) == 1


def test_the_plan_of_another_project(house: Watched) -> None:
    """A foreign artifact, also one that nobody signed."""
    house.declare(secret("s:a"))
    other = to_json(plan_document(replace(house.plan(SKIPPED), project="other"))).encode()
    with house.session() as session, pytest.raises(StalePlan, match="the plan is for project other, and this is shop"):
        load_reviewed(session, other)
    assert "is for project other" in refused(house, replace(review(house), project="other"))


def test_what_can_be_applied_must_be_signed(house: Watched) -> None:
    """A plan with values and no signature, or a changed one, is nobody's."""
    house.declare(secret("s:a"))
    document = plan_document(house.plan())
    with house.session() as session:
        signed = saved.sign(document, session.keyring)
        load_reviewed(session, to_json(signed).encode())
        for bad in (document, {**signed, "serial": 7}, {**signed, "format_version": "9.0"}, {}):
            with pytest.raises(StalePlan):
                load_reviewed(session, to_json(bad).encode())


# A plan without values is only a list of what a reviewer saw.


def test_a_plan_without_values(house: Watched) -> None:
    """All that it shows is applied, with values."""
    everything(house)
    entry = house.store().entries[Address.parse("s:drifted")]
    house.store().entries[entry.address] = replace(entry, enabled=True)
    reviewed = review(house, SKIPPED)
    _, outcome = carry_out(house, reviewed)
    assert outcome.failed == ()
    assert house.plan().changes == ()
    again, nothing = carry_out(house, reviewed)
    assert (nothing.applied, set(again.done)) == ((), {change.address for change in reviewed.changes})


def test_what_was_not_checked_is_not_rotated(house: Watched) -> None:
    """Refused, unless it is allowed; then it is rotated too."""
    house.declare(secret("s:a"), secret("s:b", GENERATE))
    house.apply()
    house.declare(secret("s:b", GENERATE, tags={"t": "1"}))
    reviewed = review(house, SKIPPED)
    house.environ["VALUE"] = "v2"
    told = refused(house, reviewed)
    assert told == "s:a: its value was not checked when the plan was reviewed, and it is to be rotated"
    _, outcome = carry_out(house, reviewed, allow_unchecked=True)
    assert sorted(actions(outcome.applied)) == ["rotate(source_changed)", "update(metadata_differs)"]


def test_a_rotation_that_somebody_else_asked_for(house: Watched) -> None:
    """It was not in the reviewed manifest, so it is left even where what was not checked is allowed."""
    house.declare(secret("s:a"), secret("s:b", GENERATE))
    house.apply()
    house.declare(secret("s:b", GENERATE, tags={"t": "1"}))
    reviewed = review(house, SKIPPED)
    house.declare(secret("s:a", rotate=Rotation(version=1)))
    confirmed, outcome = carry_out(house, reviewed, allow_unchecked=True)
    assert (actions(outcome.applied), names(confirmed.unreviewed)) == (["update(metadata_differs)"], ["s:a"])


def test_a_value_that_moved_after_it_was_applied(house: Watched) -> None:
    """Run again, it is left: what was reviewed is done."""
    house.declare(secret("s:a"))
    reviewed = review(house, SKIPPED)
    assert len(carry_out(house, reviewed)[1].applied) == 1
    house.environ["VALUE"] = "v2"
    confirmed, outcome = carry_out(house, reviewed)
    assert (outcome.applied, names(confirmed.done), names(confirmed.unreviewed)) == ((), ["s:a"], ["s:a"])


def test_a_reviewed_address_whose_value_was_not_checked(house: Watched) -> None:
    """Its tags were to change, its value does too: the same."""
    house.declare(secret("s:a"))
    house.apply()
    house.declare(secret("s:a", tags={"t": "1"}))
    reviewed = review(house, SKIPPED)
    house.environ["VALUE"] = "v2"
    assert "was not checked" in refused(house, reviewed)
    _, outcome = carry_out(house, reviewed, allow_unchecked=True)
    assert sorted(actions(outcome.applied)) == ["rotate(source_changed)", "update(metadata_differs)"]


def test_what_only_the_backend_tells(house: Watched) -> None:
    """Drift at a reviewed address shows only with the backend: refused. Elsewhere it is left."""
    house.declare(secret("s:a"), secret("s:b"))
    house.apply()
    house.declare(secret("s:a", tags={"t": "1"}))
    reviewed = review(house, SKIPPED)
    store = house.store()
    b = Address.parse("s:b")
    store.entries[b] = replace(store.entries[b], enabled=False)
    confirmed, outcome = carry_out(house, reviewed, allow_unchecked=True)
    assert (actions(outcome.applied), confirmed.unreviewed) == (["update(metadata_differs)"], (b,))
    house.declare(secret("s:a", tags={"t": "2"}))
    reviewed = review(house, SKIPPED)
    _enabled(house)
    assert refused(house, reviewed) == "s:a: the reviewed plan did not show its `enable`"


def test_a_declaration_that_changed_and_a_value_that_did_not(house: Watched) -> None:
    """The reviewer saw a rotation that is not needed: there is less to do than he saw."""
    house.declare(secret("s:a"))
    house.apply()
    house.environ["OTHER"] = "v1"
    house.declare(secret("s:a", env("OTHER")))
    reviewed = review(house, SKIPPED)
    assert actions(reviewed.changes) == ["rotate(source_changed)"]
    confirmed, outcome = carry_out(house, reviewed)
    assert (outcome.applied, names(confirmed.done)) == ((), ["s:a"])


def test_a_list_that_was_made_up(house: Watched) -> None:
    """A change that nobody planned is refused, and so is a moment that is yet to come."""
    house.declare(secret("s:a", GENERATE, rotate=Rotation(every=days(90))))
    house.apply()
    house.declare(secret("s:b"))
    reviewed = review(house, SKIPPED)
    invented = replace(reviewed.changes[0], address=Address.parse("s:a"), action=Action.DISABLE)
    assert "s:a: what is to be done has changed" in refused(house, replace(reviewed, changes=(invented,)))
    ahead = replace(reviewed, timestamp=house.now + days(1000))
    assert actions(carry_out(house, ahead)[1].applied) == ["create(new)"]
