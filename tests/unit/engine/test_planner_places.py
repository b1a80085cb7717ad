"""The planner where a secret changes its place: moved, on another backend, pending deletion, half done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from facts_by_hand import EVERYTHING, A, B, codes, found, move, planned, record, seen, wanted, without
from support import GENERATE, env, fingerprint, secret

from syncer.backends.base import Capability
from syncer.model import DEFAULT_BACKEND, Address, OnRemove, Rotation
from syncer.plans import Location, Values

if TYPE_CHECKING:
    from syncer.model import Observed

UNKNOWN: dict[str, Any] = {"version": None, "fingerprint": None, "interrupted": True}
"""What an intent to create leaves."""
THERE = {DEFAULT_BACKEND: EVERYTHING}
"""Only the default backend is declared."""


def place(name: str, backend: str = DEFAULT_BACKEND) -> Location:
    """Spell a place."""
    return Location(backend=backend, address=Address.parse(name))


# Moved


def test_moved_is_renamed_where_the_backend_can() -> None:
    """One write, the value kept, and no removal of the old name."""
    findings = found([wanted(secret(B), like=A)], [seen(A)], {A: record()}, moved=(move(),))
    (change,) = findings.changes
    assert (change.action, change.reason, change.previous) == ("move", "moved", place(A))
    assert change.observed == seen(A)
    assert findings.drift == []


def test_moved_is_compared_at_its_new_name() -> None:
    """A move and whatever else differs, in one plan."""
    desired = wanted(secret(B, tags={"t": "1"}), b"v2", like=A)
    assert planned([desired], [seen(A)], {A: record()}, moved=(move(),)) == [
        "move(moved)",
        "rotate(source_changed)",
        "update(metadata_differs)",
    ]


def test_moved_already_by_an_interrupted_run() -> None:
    """The new name bears our mark and the old one is gone: the record follows."""
    (change,) = found([wanted(secret(B), like=A)], [seen(B)], {A: record(interrupted=True)}, moved=(move(),)).changes
    assert (change.action, change.observed) == ("move", seen(B))


def test_moved_already_without_a_mark() -> None:
    """An imported secret bears no mark yet; the interrupted record is the evidence."""
    then = {A: record(interrupted=True)}
    assert planned([wanted(secret(B), like=A)], [seen(B, owner=None)], then, moved=(move(),)) == [
        "move(moved)",
        "update(metadata_differs)",
    ]


def test_new_name_that_appeared_without_a_mark_is_unmanaged() -> None:
    """Nothing says that we moved it."""
    findings = found([wanted(secret(B), like=A)], [seen(B, owner=None)], {A: record()}, moved=(move(),))
    assert codes(findings) == ["unmanaged"]


def test_moved_without_the_capability_is_created_and_removed() -> None:
    """The value is carried over from where it was."""
    capabilities = without(Capability.MOVE)
    changes = found([wanted(secret(B), like=A)], [seen(A)], {A: record()}, moved=(move(),), capabilities=capabilities)
    assert [(str(c.address), str(c.action), str(c.reason)) for c in changes.changes] == [
        (A, "disable", "orphaned"),
        (B, "create", "moved"),
    ]
    assert changes.changes[1].previous == place(A)


def test_moved_across_backends_is_created_and_removed() -> None:
    """No store renames into another."""
    desired = wanted(secret(B, backend="west"), like=A)
    changes = found([desired], [seen(A)], {A: record()}, moved=(move(),)).changes
    assert [(c.backend, str(c.action)) for c in changes] == [(DEFAULT_BACKEND, "disable"), ("west", "create")]
    assert changes[1].previous == place(A)


def test_moved_onto_what_is_there_is_unmanaged() -> None:
    """The taken name is not ours, and the old one is an orphan like any other."""
    findings = found([wanted(secret(B), like=A)], [seen(A), seen(B)], {A: record()}, moved=(move(),))
    assert codes(findings) == ["unmanaged"]


def test_moved_of_what_is_gone_is_new() -> None:
    """Neither name is there: made anew, the old record dropped."""
    assert planned([wanted(secret(B), like=A)], [], {A: record()}, moved=(move(),)) == ["forget(gone)", "create(new)"]


def test_moved_of_what_is_pending_deletion_is_new() -> None:
    """What was deleted is not brought back under another name, and cannot be read either."""
    findings = found([wanted(secret(B), like=A)], [seen(A, deleted=True)], {A: record()}, moved=(move(),))
    assert [(str(c.reason), c.previous) for c in findings.changes] == [("gone", None), ("new", None)]


def test_moved_long_ago_is_nothing() -> None:
    """A `moved:` entry may stay in the manifest."""
    assert planned([wanted(secret(B))], [seen(B)], {B: record(B)}, moved=(move(),)) == []


@pytest.mark.parametrize("can", [without(), without(Capability.MOVE)], ids=["rename", "create"])
def test_another_projects_secret_is_not_moved(can: dict[str, frozenset[Capability]]) -> None:
    """Neither renamed nor read: somebody took it over."""
    desired = wanted(secret(B, GENERATE), None)
    then = record(declared=secret(A, GENERATE))
    findings = found([desired], [seen(A, owner="other")], {A: then}, moved=(move(),), capabilities=can)
    assert [(str(c.action), c.previous) for c in findings.changes] == [("create", None)]
    assert codes(findings) == ["conflict"]


def test_selected_by_either_name() -> None:
    """`--target` may name the old address or the new one."""
    for name in (A, B):
        selected = Address.parse(name).__eq__
        assert planned([wanted(secret(B), like=A)], [seen(A)], {A: record()}, moved=(move(),), selected=selected) == [
            "move(moved)"
        ]


def test_moved_and_destroyed() -> None:
    """Destroying takes the record where it is."""
    assert planned([], [seen(A)], {A: record()}, moved=(move(),), destroy=True) == ["delete(destroy_requested)"]


def test_interrupted_carry_is_carried_again() -> None:
    """A generated value that a cut-off move was about to copy is still at the old name: no new one is made."""
    desired = wanted(secret(B, GENERATE), None)
    records = {A: record(declared=secret(A, GENERATE)), B: record(B, secret(B, GENERATE), **UNKNOWN)}
    can = without(Capability.MOVE)
    for there in ([seen(A)], [seen(A), seen(B)]):
        changes = found([desired], there, records, moved=(move(),), capabilities=can).changes
        assert [(str(c.action), c.previous) for c in changes] == [
            ("disable", None),
            ("create" if len(there) == 1 else "rotate", place(A)),
        ]


def test_generated_value_of_a_cut_off_create_that_came_from_nowhere() -> None:
    """Made anew, as it was going to be."""
    declared = secret(B, GENERATE)
    for moves in ((), (move(),)):
        (change,) = found([wanted(declared, None)], [], {B: record(B, declared, **UNKNOWN)}, moved=moves).changes
        assert (str(change.reason), change.previous) == ("missing", None)


# Another backend


def test_backend_change_creates_there_before_it_lets_go_here() -> None:
    """First the new one, then `on_remove` for the old one."""
    desired = wanted(secret(A, backend="west"))
    changes = found([desired], [seen()], {A: record()}).changes
    assert [(c.backend, str(c.action), str(c.reason)) for c in changes] == [
        ("west", "create", "backend_changed"),
        (DEFAULT_BACKEND, "disable", "orphaned"),
    ]
    assert changes[0].previous == place(A)


@pytest.mark.parametrize("observed", [[], [seen(deleted=True)]], ids=["missing", "pending deletion"])
def test_backend_change_of_what_is_gone(observed: list[object]) -> None:
    """There is nothing to carry over, and only the record to let go."""
    changes = found([wanted(secret(A, backend="west"))], observed, {A: record()}).changes
    assert [str(c.action) for c in changes] == ["create", "forget"]
    assert changes[0].previous is None


def test_backend_change_of_what_another_project_took() -> None:
    """Its value is not carried over."""
    findings = found([wanted(secret(A, backend="west"))], [seen(owner="other")], {A: record()})
    assert [(str(c.action), c.previous) for c in findings.changes] == [("create", None)]
    assert codes(findings) == ["conflict"]


def test_backend_change_onto_what_is_there() -> None:
    """Unmanaged there, as anywhere else, unless it bears our mark."""
    elsewhere = [seen(owner=None)]
    findings = found([wanted(secret(A, backend="west"))], [seen()], {A: record()}, elsewhere=elsewhere)
    assert (findings.changes, codes(findings)) == ([], ["unmanaged"])


def test_backend_change_back_to_where_a_copy_was_left() -> None:
    """It is written, as it may hold an older value, and enabled again; then the one it comes from is let go."""
    changes = found(
        [wanted(secret(A, backend="west"))], [seen()], {A: record()}, elsewhere=[seen(enabled=False)]
    ).changes
    assert [(c.backend, str(c.action), str(c.reason)) for c in changes] == [
        ("west", "rotate", "backend_changed"),
        ("west", "enable", "enabled_differs"),
        (DEFAULT_BACKEND, "disable", "orphaned"),
    ]


def test_backend_change_onto_what_we_deleted_there() -> None:
    """A way back: restored, written, and then the one it comes from let go."""
    then = record(on_remove=OnRemove.DELETE)
    changes = found([wanted(secret(A, backend="west"))], [seen()], {A: then}, elsewhere=[seen(deleted=True)]).changes
    assert [(c.backend, str(c.action), str(c.reason)) for c in changes] == [
        ("west", "create", "pending_deletion"),
        ("west", "rotate", "unknown_value"),
        (DEFAULT_BACKEND, "delete", "orphaned"),
    ]


def test_backend_change_of_what_is_disabled_here_is_done_at_once() -> None:
    """What is left is not disabled twice, and no later plan need forget it."""
    changes = found([wanted(secret(A, backend="west"))], [seen(enabled=False)], {A: record(enabled=False)}).changes
    assert [(c.backend, str(c.action)) for c in changes] == [("west", "create"), (DEFAULT_BACKEND, "forget")]


def test_backend_change_before_the_last_one_was_finished() -> None:
    """Both that are left are let go of."""
    then = record(declared=secret(A, backend="west"), previous_backend=DEFAULT_BACKEND, on_remove=OnRemove.DELETE)
    can = dict.fromkeys((DEFAULT_BACKEND, "west", "east"), EVERYTHING)
    desired = wanted(secret(A, backend="east", on_remove=OnRemove.DELETE))
    changes = found([desired], [seen()], {A: then}, elsewhere=[seen()], capabilities=can).changes
    assert [(c.backend, str(c.action)) for c in changes] == [
        ("east", "create"),
        ("west", "delete"),
        (DEFAULT_BACKEND, "delete"),
    ]


def test_backend_change_from_an_undeclared_one() -> None:
    """The manifest must say how to reach it until nothing is left there."""
    findings = found([wanted(secret(A))], [], {A: record(backend="east")}, capabilities=THERE)
    assert (findings.changes, codes(findings)) == ([], ["unknown_backend"])


@pytest.mark.parametrize(
    ("observed", "expected"),
    [([seen()], "disable(orphaned)"), ([seen(enabled=False)], "forget(orphaned)"), ([], "forget(gone)")],
)
def test_what_is_left_on_the_former_backend_is_let_go(observed: list[object], expected: str) -> None:
    """After an interruption between the two halves; what is disabled there already is only forgotten."""
    then = record(declared=secret(A, backend="west"), previous_backend=DEFAULT_BACKEND)
    desired = wanted(secret(A, backend="west"))
    changes = found([desired], observed, {A: then}, elsewhere=[seen()]).changes
    assert [f"{c.backend}:{c.action}({c.reason})" for c in changes] == [f"{DEFAULT_BACKEND}:{expected}"]


def test_what_is_left_on_an_undeclared_backend() -> None:
    """Said, as long as the record knows of it."""
    then = record(previous_backend="east")
    findings = found([wanted(secret(A))], [seen()], {A: then}, capabilities=THERE)
    assert (findings.changes, codes(findings)) == ([], ["unknown_backend"])


def test_orphan_on_two_backends() -> None:
    """Both are let go of."""
    then = record(declared=secret(A, backend="west"), previous_backend=DEFAULT_BACKEND, on_remove=OnRemove.DELETE)
    changes = found([], [seen()], {A: then}, elsewhere=[seen()]).changes
    assert [(c.backend, str(c.action)) for c in changes] == [("west", "delete"), (DEFAULT_BACKEND, "delete")]


def test_interrupted_backend_change_carries_the_value_again() -> None:
    """A generated value is still where it was."""
    declared = secret(A, GENERATE, backend="west")
    then = record(declared=declared, previous_backend=DEFAULT_BACKEND, **UNKNOWN)
    for there in ([], [seen()]):
        changes = found([wanted(declared, None)], [seen()], {A: then}, elsewhere=there).changes
        assert [(str(c.action), c.previous) for c in changes] == [
            ("rotate" if there else "create", place(A)),
            ("disable", None),
        ]


def test_interrupted_rotation_is_not_taken_back() -> None:
    """What is left on the former backend is older than what the rotation replaced."""
    declared = secret(A, GENERATE, backend="west")
    then = record(declared=declared, previous_backend=DEFAULT_BACKEND, fingerprint=None, interrupted=True)
    changes = found([wanted(declared, None)], [seen()], {A: then}, elsewhere=[seen()]).changes
    assert [(str(c.action), c.previous) for c in changes] == [("rotate", None), ("disable", None)]


# An undeclared backend


@pytest.mark.parametrize("on_remove", [OnRemove.DISABLE, OnRemove.DELETE])
def test_orphan_on_an_undeclared_backend(on_remove: OnRemove) -> None:
    """What cannot be reached cannot be removed."""
    findings = found([], [], {A: record(backend="east", on_remove=on_remove)}, capabilities=THERE)
    assert (findings.changes, codes(findings)) == ([], ["unknown_backend"])


def test_orphan_on_an_undeclared_backend_can_be_forgotten() -> None:
    """That needs no backend."""
    then = record(backend="east", on_remove=OnRemove.FORGET)
    assert planned([], [], {A: then}, capabilities=THERE) == ["forget(gone)"]


def test_value_on_an_undeclared_backend_is_not_carried() -> None:
    """A plan that takes the records for what is there must not count on a backend that it cannot ask."""
    then = record(backend="west", on_remove=OnRemove.FORGET)
    changes = found(
        [wanted(secret(B), like=A)], [], {A: then}, moved=(move(),), elsewhere=[seen()], capabilities=THERE
    ).changes
    assert [(str(c.action), c.previous) for c in changes] == [("forget", None), ("create", None)]


# Pending deletion


def test_pending_deletion_is_restored() -> None:
    """The value comes back as it was, and nothing else is needed."""
    findings = found([wanted(secret(A))], [seen(deleted=True)], {A: record()})
    (change,) = findings.changes
    assert (change.action, change.reason, change.writes_value) == ("create", "pending_deletion", False)
    assert (change.before, change.observed) == (None, seen(deleted=True))
    assert change.after is not None
    assert change.after.fingerprint == fingerprint(b"v1", A)
    assert [d.kind for d in findings.drift] == ["missing"]


def test_pending_deletion_is_restored_and_compared() -> None:
    """Value, tags and enabled like those of any other."""
    desired = wanted(secret(A, tags={"t": "1"}, enabled=False), b"v2")
    assert planned([desired], [seen(deleted=True)], {A: record()}) == [
        "create(pending_deletion)",
        "rotate(source_changed)",
        "update(metadata_differs)",
        "disable(enabled_differs)",
    ]


def test_pending_deletion_in_another_version_is_restored_and_rotated() -> None:
    """Somebody wrote and deleted it; what we once set there is still ours to take away."""
    then = record(tags={"t": "1"})
    changes = found([wanted(secret(A))], [seen(deleted=True, version="2", tags={"t": "1"})], {A: then}).changes
    assert [str(c.action) for c in changes] == ["create", "rotate", "update"]
    assert changes[0].after is not None
    assert changes[0].after.fingerprint is None
    assert changes[2].drop_tags == {"t"}


def test_pending_deletion_without_a_record_is_restored_if_we_deleted_it() -> None:
    """It bears our mark; what the value is nobody knows."""
    assert planned([wanted(secret(A))], [seen(deleted=True)]) == ["create(pending_deletion)", "rotate(unknown_value)"]


def test_pending_deletion_without_a_record_keeps_foreign_tags() -> None:
    """Tags that we do not want are others'."""
    observed = [seen(deleted=True, tags={"x": "1"})]
    assert planned([wanted(secret(A))], observed) == ["create(pending_deletion)", "rotate(unknown_value)"]


def test_pending_deletion_of_an_unmarked_secret_is_unmanaged() -> None:
    """Somebody else deleted something of theirs."""
    findings = found([wanted(secret(A))], [seen(deleted=True, owner=None)])
    assert (findings.changes, codes(findings)) == ([], ["unmanaged"])
    assert "pending deletion" in findings.diagnostics[0].message


def test_pending_deletion_where_nothing_but_the_value_is_held() -> None:
    """No update is planned that the backend cannot make."""
    capabilities = without(Capability.TAGS, Capability.DESCRIPTION)
    desired = wanted(secret(A, description="d"))
    assert planned([desired], [seen(deleted=True, description=None)], capabilities=capabilities) == [
        "create(pending_deletion)",
        "rotate(unknown_value)",
    ]


# Interrupted runs


def test_interrupted_create_that_did_not_happen() -> None:
    """Created again, and no drift: what differs is our own doing."""
    findings = found([wanted(secret(A))], [], {A: record(**UNKNOWN)})
    assert ([str(c.reason) for c in findings.changes], findings.drift) == (["missing"], [])


def test_interrupted_create_that_happened() -> None:
    """Written over, as its value is not known."""
    findings = found([wanted(secret(A))], [seen(version="7")], {A: record(**UNKNOWN)})
    assert ([str(c.reason) for c in findings.changes], findings.drift) == (["unknown_value"], [])


def test_interrupted_create_that_met_somebody_elses() -> None:
    """Ours would bear our mark."""
    findings = found([wanted(secret(A))], [seen(owner=None)], {A: record(**UNKNOWN)})
    assert (findings.changes, codes(findings)) == ([], ["unmanaged"])


def test_interrupted_create_that_cannot_be_marked() -> None:
    """Where there are no marks, what is there is taken for ours."""
    capabilities = without(Capability.TAGS)
    assert planned([wanted(secret(A))], [seen(owner=None)], {A: record(**UNKNOWN)}, capabilities=capabilities) == [
        "rotate(unknown_value)"
    ]


@pytest.mark.parametrize("on_remove", OnRemove)
def test_interrupted_create_that_met_somebody_elses_is_not_removed(on_remove: OnRemove) -> None:
    """Out of the manifest before the next run: only the record goes."""
    then = record(on_remove=on_remove, **UNKNOWN)
    assert planned([], [seen(owner=None)], {A: then}) == ["forget(gone)"]


def test_interrupted_rotation_of_an_unmarked_secret() -> None:
    """An imported secret bears no mark until it is updated: known to be ours all the same."""
    then = record(fingerprint=None, interrupted=True)
    assert planned([wanted(secret(A))], [seen(owner=None, version="2")], {A: then}) == [
        "rotate(unknown_value)",
        "update(metadata_differs)",
    ]


# What a backend cannot do


@pytest.mark.parametrize(
    ("declared", "missing"),
    [(secret(A, tags={"t": "1"}), Capability.TAGS), (secret(A, enabled=False), Capability.DISABLE_ENFORCED)],
)
@pytest.mark.parametrize("known", [True, False])
def test_declared_what_the_backend_cannot_do(declared: object, missing: Capability, *, known: bool) -> None:
    """An error while planning, never a silent skip."""
    there = ([seen()], {A: record()}) if known else ([], {})
    findings = found([wanted(declared)], *there, capabilities=without(missing))  # type: ignore[arg-type]
    assert (findings.changes, codes(findings)) == ([], ["unsupported"])


@pytest.mark.parametrize(
    ("on_remove", "missing"),
    [(OnRemove.DELETE, Capability.DELETE), (OnRemove.DISABLE, Capability.DISABLE_ENFORCED)],
)
def test_removal_that_the_backend_cannot_do(on_remove: OnRemove, missing: Capability) -> None:
    """An error with the way out."""
    findings = found([], [seen()], {A: record(on_remove=on_remove)}, capabilities=without(missing))
    assert (findings.changes, codes(findings)) == ([], ["unsupported"])
    assert "forget" in (findings.diagnostics[0].hint or "")


# Values skipped


def skipped(declared: object, then: object = None, observed: object = None) -> tuple[list[str], list[str]]:
    """Plan with values skipped: the reasons, and what was not checked."""
    records = {A: then} if then else {}
    desired = [wanted(declared, None)]  # type: ignore[arg-type]
    findings = found(desired, observed or [], records, values=Values.SKIPPED)
    return [str(c.reason) for c in findings.changes], [str(a) for a in findings.unchecked]


def skippable(source: object = None) -> object:
    """Declare what `wanted` gives the digest of."""
    return secret(A, source)  # type: ignore[arg-type]


def test_skipped_values_are_not_checked() -> None:
    """The declaration is the same: nothing is said of the value."""
    assert skipped(skippable(), record(), [seen()]) == ([], [A])


def test_skipped_values_with_another_declaration() -> None:
    """Shown as a rotation."""
    assert skipped(skippable(env("OTHER")), record(), [seen()]) == (["source_changed"], [])


def test_skipped_values_that_are_created() -> None:
    """The value could not be asked for."""
    assert skipped(skippable()) == (["new"], [A])


def test_skipped_values_that_are_generated() -> None:
    """Nothing would have been asked anyway; other options do not rotate."""
    declared = secret(A, replace(GENERATE, argument={"type": "hex", "length": 64}))
    then = record(declared=secret(A, GENERATE))
    assert skipped(declared, then, [seen()]) == ([], [A])
    assert skipped(declared) == (["new"], [])


def test_skipped_values_still_rotate_by_version_and_age() -> None:
    """What needs no value is compared."""
    assert skipped(skippable(), record(), [seen(version="2")]) == (["drifted"], [])
    bumped = secret(A, rotate=Rotation(version=1))
    assert skipped(bumped, record(), [seen()]) == (["rotation_bumped"], [])


# Drift


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        ([], [("missing", "1", None)]),
        ([seen(deleted=True)], [("missing", "1", None)]),
        ([seen(version="2")], [("value", "1", "2")]),
        ([seen(tags={"t": "9", "x": "1"})], [("tags", {"t": "1"}, {"t": "9"})]),
        ([seen(tags={"x": "1"})], [("tags", {"t": "1"}, {})]),
        ([seen(tags={"t": "1"}, enabled=False)], [("enabled", True, False)]),
        ([seen(tags={"t": "1"}, description="theirs")], [("description", "d", "theirs")]),
        ([seen(tags={"t": "1"}, description=None)], []),
        ([seen(tags={"t": "1", "x": "1"})], []),
    ],
)
def test_drift_kinds(observed: list[Observed], expected: list[object]) -> None:
    """Each way in which what is there can differ from what we wrote, by itself; also of an orphan."""
    declared = secret(A, tags={"t": "1"}, description="d")
    given = [replace(each, description="d") if each.description == "" else each for each in observed]
    given = [replace(each, tags={"t": "1"}) if each.version == "2" else each for each in given]
    for desired in ([wanted(declared)], []):
        drift = found(desired, given, {A: record(declared=declared)}).drift
        assert [(d.kind, d.before, d.after) for d in drift] == expected
        assert {d.backend for d in drift} <= {DEFAULT_BACKEND}


def test_interrupted_record_is_no_evidence_of_drift() -> None:
    """What differs there is our own doing."""
    then = record(interrupted=True, tags={"t": "1"})
    assert found([wanted(secret(A))], [seen(version="2", enabled=False)], {A: then}).drift == []


def test_drift_of_an_orphan_on_an_undeclared_backend_is_not_known() -> None:
    """Nobody was asked."""
    assert found([], [], {A: record(backend="east")}, capabilities=THERE).drift == []
