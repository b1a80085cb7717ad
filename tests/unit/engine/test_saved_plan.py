"""A saved plan is applied as it is or not at all."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support import GENERATE, NOW, days, env, secret

from syncer.engine import saved
from syncer.engine.carry import apply_plan
from syncer.engine.prepare import Request, make_plan
from syncer.errors import StalePlan, StateError
from syncer.library import confirm_plan, load_plan, save_plan
from syncer.model import Address, Move, OnRemove, Origin, Rotation
from syncer.plans import Selection, Values
from syncer.render.json import plan_document
from syncer.state.key import Keyring

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Watched

    from syncer.plans import Outcome, Plan

A, B = Address.parse("s:a"), Address.parse("s:b")


def save(house: Watched, request: Request | None = None) -> Path:
    """Plan and save."""
    path = house.folder / "plan.json"
    with house.session() as session:
        save_plan(session, make_plan(session, request or Request()), path)
    return path


def carry_out(house: Watched, path: Path) -> Outcome:
    """Apply a saved plan."""
    with house.session() as session, session.lock("apply"):
        plan = confirm_plan(session, load_plan(session, path))
        return apply_plan(session, plan, allow_mass_change=True)


def refused(house: Watched, path: Path) -> str:
    """Apply a saved plan that is refused: nothing is written; why."""
    house.opened.clear()
    before = house.state()
    with pytest.raises(StalePlan) as caught:
        carry_out(house, path)
    assert house.writes == []
    assert house.state() == before
    assert caught.value.exit_code == 7
    return caught.value.message


def busy(house: Watched) -> None:
    """Have something to do for every part of a plan: changes, a move, drift, a warning, tags."""
    house.environ["OTHER"] = "v2"
    house.declare(
        secret("s:a", tags={"t": "1"}), secret("s:b"), secret("s:gone"), secret("s:drifted"), secret("s:west")
    )
    house.declare(secret("s:generated", GENERATE))
    house.apply()
    house.withdraw("s:gone", "s:b")
    house.moved = (Move(source=B, target=Address.parse("s:c"), origin=Origin(file="syncer.yaml", line=1)),)
    house.declare(secret("s:a", env("OTHER"), tags={"t": "2"}, enabled=False), secret("s:c"), secret("s:new"))
    house.declare(secret("s:west", backend="west"))
    house.declare(secret("s:generated", replace(GENERATE, argument={"type": "hex", "length": 64})))
    drifted = Address.parse("s:drifted")
    house.store().entries[drifted] = replace(house.store().entries[drifted], enabled=False)
    house.forget_calls()


def test_saved_plan_is_applied(house: Watched) -> None:
    """All of it, and then there is nothing left to do."""
    busy(house)
    outcome = carry_out(house, save(house))
    assert outcome.failed == ()
    assert house.plan().changes == ()


def test_saved_plan_is_private_and_holds_no_value(house: Watched) -> None:
    """Nor a trace of one but its keyed fingerprint."""
    house.environ["VALUE"] = "canary-4711"
    house.declare(secret("s:a"))
    path = save(house)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "canary" not in path.read_text()
    assert set(json.loads(path.read_text())) >= {"mac", "digest", "lineage", "serial", "manifest_digest", "values"}


def paths(document: Any, *so_far: Any) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    found = [so_far] if so_far else []
    pairs = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return found + [place for key, each in pairs for place in paths(each, *so_far, key)]


def tampered(document: Any, place: tuple[Any, ...], *, drop: bool) -> Any:
    """A copy with one place changed or taken out."""
    copy = json.loads(json.dumps(document))
    at = copy
    for key in place[:-1]:
        at = at[key]
    if drop:
        del at[place[-1]]
    else:
        at[place[-1]] = not at[place[-1]] if isinstance(at[place[-1]], bool) else "tampered"
    return copy


def test_no_place_can_be_tampered_with(house: Watched) -> None:
    """Whatever is changed or taken out, the MAC says no."""
    busy(house)
    path = save(house)
    document = json.loads(path.read_text())
    places = paths(document)
    assert len(places) > 150
    with house.session() as session:
        for place in places:
            for drop in (False, True):
                text = json.dumps(tampered(document, place, drop=drop)).encode()
                with pytest.raises(StalePlan):
                    saved.parse(text, session.keyring)


def test_tampered_plan_is_not_applied(house: Watched) -> None:
    """Refused as a whole."""
    house.declare(secret("s:a"))
    path = save(house)
    path.write_text(path.read_text().replace('"create"', '"delete"'))
    assert "tampered with" in refused(house, path)


def test_spacing_does_not_matter(house: Watched) -> None:
    """The MAC is over what it says."""
    house.declare(secret("s:a"))
    path = save(house)
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert len(carry_out(house, path).applied) == 1


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"1",
        b"null",
        b'"x"',
        b"{}",
        b'{"mac": 1}',
        b'{"mac": "x"}',
        b'{"mac": null, "format_version": "1.0"}',
        b'{"mac": "\\ud800", "format_version": "1.0"}',
        b"\xff\xfe",
        b"{" * 5,
        b"[" * 200_000,
        b"1" * 10_000,
    ],
)
def test_what_is_no_plan(house: Watched, text: bytes) -> None:
    """Empty, no JSON, no object, too deep: always the same clear refusal."""
    path = house.folder / "plan.json"
    path.write_bytes(text)
    assert refused(house, path) in (
        "this is not a saved plan",
        "the saved plan was tampered with, or made under another project key",
    )


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_truncated_plan(house: Watched, part: float) -> None:
    """Cut off anywhere."""
    house.declare(secret("s:a"))
    path = save(house)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    assert refused(house, path) == "this is not a saved plan"


def test_unsigned_json_is_no_plan(house: Watched) -> None:
    """The output of `plan --format json`."""
    house.declare(secret("s:a"))
    path = house.folder / "plan.json"
    path.write_text(json.dumps(plan_document(house.plan())))
    assert refused(house, path) == "this plan is not signed, so it can be shown and never applied"


def test_missing_file(house: Watched) -> None:
    """Said with its name."""
    with house.session() as session, pytest.raises(StateError, match=r"nowhere\.json"):
        load_plan(session, house.folder / "nowhere.json")


def test_unwritable_file(house: Watched) -> None:
    """A plan that cannot be saved is an error."""
    house.declare(secret("s:a"))
    with house.session() as session, pytest.raises(StateError):
        save_plan(session, make_plan(session, Request()), house.folder / "missing" / "plan.json")


def test_another_key(house: Watched, tmp_path: Path) -> None:
    """Only the project key can have signed it."""
    house.declare(secret("s:a"))
    path = save(house)
    other = Keyring({"SYNCER_KEY": "b" * 43 + "="}, tmp_path, may_make=lambda: False)
    with pytest.raises(StalePlan, match="another project key"):
        saved.parse(path.read_bytes(), other)


def resign(house: Watched, path: Path, **facts: Any) -> None:
    """Change a plan and sign it anew, as only the key's holder can."""
    with house.session() as session:
        document = json.loads(path.read_text())
        del document["mac"]
        path.write_text(json.dumps(saved.sign({**document, **facts}, session.keyring)))


def test_another_format(house: Watched) -> None:
    """Of a version to come."""
    house.declare(secret("s:a"))
    path = save(house)
    resign(house, path, format_version="9.0")
    assert "format 9.0" in refused(house, path)


def test_another_project(house: Watched) -> None:
    """Even under the same key."""
    house.declare(secret("s:a"))
    path = save(house)
    resign(house, path, project="other")
    assert refused(house, path) == "the saved plan was made for another project"


def test_another_lineage(house: Watched) -> None:
    """A state that was lost and made anew, by chance with the same serial."""
    house.declare(secret("s:a"))
    house.apply()
    house.declare(secret("s:b"))
    path = save(house)
    house.put_state(replace(house.state(), lineage="another"))
    assert "lineage" in refused(house, path)


def test_moved_serial(house: Watched) -> None:
    """Somebody applied meanwhile, although something else."""
    house.declare(secret("s:a"))
    house.apply()
    house.declare(secret("s:b"), secret("s:c"))
    path = save(house, Request(selection=Selection(targets=("s:b",))))
    house.apply(house.plan(Request(selection=Selection(targets=("s:c",)))))
    assert refused(house, path) == "the saved plan was made for a state that has moved since"


def test_another_manifest(house: Watched) -> None:
    """Any edit makes it another one."""
    house.declare(secret("s:a"))
    path = save(house)
    house.declare(secret("s:a", tags={"t": "1"}))
    assert refused(house, path) == "the saved plan was made for another manifest"


def test_changed_source_value(house: Watched) -> None:
    """The source yields another value than the one whose fingerprint was approved."""
    house.declare(secret("s:a"))
    path = save(house)
    house.environ["VALUE"] = "v2"
    assert refused(house, path) == "s:a: its source yields another value than when the plan was made"


def test_moved_observed_version(house: Watched) -> None:
    """Somebody wrote a value meanwhile."""
    house.declare(secret("s:a"))
    house.apply()
    house.environ["VALUE"] = "v2"
    path = save(house)
    house.store().put(house.store().entries[A], house.store().values[A])
    assert refused(house, path) == "s:a: its observed version moved since the plan was made"


def test_changed_outside(house: Watched) -> None:
    """Somebody set a tag meanwhile."""
    house.declare(secret("s:a"))
    house.apply()
    house.environ["VALUE"] = "v2"
    path = save(house)
    house.store().entries[A] = replace(house.store().entries[A], tags={"x": "1"})
    assert refused(house, path) == "s:a: it was changed outside since the plan was made"


def test_nothing_left_to_do(house: Watched) -> None:
    """What was planned happened already, or something else is to be done now."""
    house.declare(secret("s:a"))
    path = save(house)
    house.plant("s:a", b"theirs", owner=None)
    assert refused(house, path) == "s:a: what is to be done has changed since the plan was made"


def test_skipped_values(house: Watched) -> None:
    """Never meant to be applied."""
    house.declare(secret("s:a"))
    path = save(house, Request(values=Values.SKIPPED))
    assert "--values skip" in refused(house, path)


def test_exactly_the_planned_addresses(house: Watched) -> None:
    """Others have changes by now, and nothing happens to them."""
    house.declare(secret("s:a"), secret("s:b"), secret("s:c"))
    house.apply()
    house.environ["OTHER"] = "v2"
    house.declare(secret("s:a", env("OTHER")), secret("s:new"), secret("s:b", on_remove=OnRemove.FORGET))
    path = save(house, Request(selection=Selection(targets=("s:a",))))
    house.store().entries[B] = replace(house.store().entries[B], enabled=False)
    house.forget_calls()
    outcome = carry_out(house, path)
    assert [str(change.address) for change in outcome.applied] == ["s:a"]
    assert house.writes == ["rotate a"]
    records = house.state().records
    assert (records[B].on_remove, Address.parse("s:new") in records) == (OnRemove.DISABLE, False)


def test_plan_without_changes(house: Watched) -> None:
    """Can be applied, and does nothing."""
    house.declare(secret("s:a"))
    house.apply()
    path = save(house)
    house.store().entries[A] = replace(house.store().entries[A], enabled=False)
    assert carry_out(house, path).applied == ()


def test_due_as_of_the_plan(house: Watched) -> None:
    """A rotation that was not due when the plan was approved is not made by its apply."""
    house.declare(secret("s:a", GENERATE, rotate=Rotation(every=days(90))))
    house.apply()
    house.now = NOW + days(89)
    house.declare(secret("s:b"))
    path = save(house)
    house.now = NOW + days(91)
    assert [str(change.address) for change in carry_out(house, path).applied] == ["s:b"]


@pytest.mark.parametrize(
    "selection",
    [Selection(rotate=("s:a",)), Selection(destroy=True), Selection(excludes=("s:c",)), Selection(targets=("s:new",))],
    ids=["rotate", "destroy", "exclude", "target"],
)
def test_what_was_asked_is_asked_again(house: Watched, selection: Selection) -> None:
    """The selection is part of the plan."""
    house.declare(secret("s:a", GENERATE), secret("s:c"))
    house.apply()
    house.declare(secret("s:c", tags={"t": "1"}), secret("s:new"))
    made = house.plan(Request(selection=selection))
    outcome = carry_out(house, save(house, Request(selection=selection)))
    assert sorted(map(_key, outcome.applied)) == sorted(map(_key, made.changes))
    assert outcome.applied


def _key(change: Any) -> tuple[str, str]:
    return str(change.address), str(change.action)


def test_without_refresh(house: Watched) -> None:
    """A plan that took the records for what is there is checked in the same way."""
    house.declare(secret("s:a"))
    house.apply()
    house.environ["VALUE"] = "v2"
    path = save(house, Request(refresh=False))
    assert len(carry_out(house, path).applied) == 1
    assert house.holds("s:a", b"v2")


def test_verified_values(house: Watched) -> None:
    """A plan that found by reading what no version tells can be applied."""
    house.backends["default"] = {"without": ["version-in-list", "conditional-write"]}
    house.declare(secret("s:a"), secret("s:b"))
    house.apply()
    house.plant("s:a", b"theirs")
    path = save(house, Request(verify_values=True))
    assert [str(change.address) for change in carry_out(house, path).applied] == ["s:a"]
    assert house.holds("s:a", b"v1")


def test_shown_as_it_was_made(house: Watched) -> None:
    """Everything that a reader sees comes back; only declarations and values do not."""
    busy(house)
    made = house.plan()
    path = save(house)
    with house.session() as session:
        back = saved.to_plan(load_plan(session, path).document)
    assert back.drift
    assert any(change.previous for change in back.changes)
    assert plan_document(back)["resource_changes"] == plan_document(made)["resource_changes"]
    assert _facts(back) == _facts(made)


def _facts(plan: Plan) -> dict[str, Any]:
    return {key: each for key, each in plan_document(plan).items() if key not in ("digest", "diagnostics")} | {
        "codes": [d.code for d in plan.diagnostics]
    }


def test_error_without_an_address_is_shown(house: Watched) -> None:
    """A plan without the project key says so."""
    house.declare(secret("s:a"))
    house.apply()
    request = Request(values=Values.SKIPPED)
    document = plan_document(house.plan(request))
    document["diagnostics"] = [
        {"severity": "warning", "code": "c", "address": None, "message": "m", "hint": None, "origin": None}
    ]
    (diagnostic,) = saved.to_plan(document).diagnostics
    assert (diagnostic.address, diagnostic.message) == (None, "m")
