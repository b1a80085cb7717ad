"""The planner, row by row as the contract's table has them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from facts_by_hand import A, B, codes, facts, found, planned, record, seen, wanted, without
from support import GENERATE, NOW, ORIGIN, PROJECT, days, env, fingerprint, secret

from syncer.backends.base import Capability
from syncer.engine.planner import diff
from syncer.model import DEFAULT_BACKEND, Address, OnRemove, Rotation
from syncer.plans import Severity


def test_nothing_there_and_no_record_is_created() -> None:
    """`create (new)`, with what the manifest says and the fingerprint of the value."""
    declared = secret(A, tags={"t": "1"}, description="d")
    (change,) = found([wanted(declared)]).changes
    assert (change.action, change.reason, change.backend) == ("create", "new", DEFAULT_BACKEND)
    assert (change.before, change.observed, change.previous) == (None, None, None)
    assert change.after is not None
    assert (change.after.tags, change.after.description, change.after.enabled) == ({"t": "1"}, "d", True)
    assert change.after.fingerprint == fingerprint(b"v1", A)
    assert change.secret is declared


def test_nothing_there_but_a_record_is_missing() -> None:
    """`create (missing)`, and the drift is told."""
    findings = found([wanted(secret(A))], [], {A: record()})
    assert [str(c.reason) for c in findings.changes] == ["missing"]
    assert [(d.kind, d.before, d.after) for d in findings.drift] == [("missing", "1", None)]


def test_created_disabled_is_created_then_disabled() -> None:
    """What shall be disabled from the start takes two changes."""
    assert planned([wanted(secret(A, enabled=False))]) == ["create(new)", "disable(enabled_differs)"]


def test_all_the_same_is_nothing() -> None:
    """Nothing differs, nothing is planned and nothing is said."""
    findings = found([wanted(secret(A))], [seen()], {A: record()})
    assert (findings.changes, findings.drift, findings.diagnostics, findings.unchecked) == ([], [], [], [])


@pytest.mark.parametrize("owner", [None, PROJECT])
def test_there_without_a_record_is_unmanaged(owner: str | None) -> None:
    """Never taken over silently, whatever mark it bears."""
    findings = found([wanted(secret(A))], [seen(owner=owner)])
    assert findings.changes == []
    (error,) = findings.diagnostics
    assert (error.code, error.severity, error.hint) == ("unmanaged", Severity.ERROR, f"syncer import {A}")
    assert (error.address, error.origin) == (Address.parse(A), ORIGIN)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("deleted", [True, False])
def test_another_projects_mark_is_a_conflict(*, known: bool, deleted: bool) -> None:
    """Never written, with a record or without, alive or pending deletion."""
    findings = found([wanted(secret(A), b"v2")], [seen(owner="other", deleted=deleted)], {A: record()} if known else {})
    assert (findings.changes, codes(findings)) == ([], ["conflict"])


def test_unknown_value_is_rotated() -> None:
    """A record without a fingerprint: an interrupted run, or just imported."""
    assert planned([wanted(secret(A))], [seen()], {A: record(fingerprint=None)}) == ["rotate(unknown_value)"]


def test_changed_source_value_is_rotated() -> None:
    """Another fingerprint than the record's."""
    (change,) = found([wanted(secret(A), b"v2")], [seen()], {A: record()}).changes
    assert (change.action, change.reason) == ("rotate", "source_changed")
    assert change.before is not None
    assert change.after is not None
    assert (change.before.version, change.before.fingerprint) == ("1", fingerprint(b"v1", A))
    assert (change.after.version, change.after.fingerprint) == (None, fingerprint(b"v2", A))
    assert change.observed == seen()


def test_moved_version_is_rotated() -> None:
    """Somebody wrote a value outside."""
    findings = found([wanted(secret(A))], [seen(version="2")], {A: record()})
    assert [str(c.reason) for c in findings.changes] == ["drifted"]
    assert [(d.kind, d.before, d.after) for d in findings.drift] == [("value", "1", "2")]


def test_moved_version_says_nothing_where_versions_are_not_listed() -> None:
    """A backend whose tokens cannot be compared gives no drift by them."""
    capabilities = without(Capability.VERSION_IN_LIST)
    findings = found([wanted(secret(A))], [seen(version="2")], {A: record()}, capabilities=capabilities)
    assert (findings.changes, findings.drift) == ([], [])


def test_value_that_was_read_back_and_differs_is_rotated() -> None:
    """`--verify-values` finds what the version does not tell."""
    actual = {Address.parse(A): fingerprint(b"evil", A)}
    findings = found([wanted(secret(A))], [seen()], {A: record()}, actual=actual)
    assert [str(c.reason) for c in findings.changes] == ["drifted"]
    assert [d.kind for d in findings.drift] == ["value"]


def test_value_that_was_read_back_and_is_right_stays() -> None:
    """`--verify-values` without a finding changes nothing."""
    actual = {Address.parse(A): fingerprint(b"v1", A)}
    findings = found([wanted(secret(A))], [seen()], {A: record()}, actual=actual)
    assert (findings.changes, findings.drift) == ([], [])


@pytest.mark.parametrize(
    ("age", "expected"), [(89, []), (90, ["rotate(rotation_due)"]), (91, ["rotate(rotation_due)"])]
)
def test_rotation_is_due_at_its_age(age: int, expected: list[str]) -> None:
    """`rotate.every` counts from the last write of the value."""
    declared = secret(A, GENERATE, rotate=Rotation(every=days(90)))
    then = record(declared=declared, rotated=NOW - days(age))
    assert planned([wanted(declared, None)], [seen()], {A: then}) == expected


@pytest.mark.parametrize(("asked", "done", "expected"), [(2, 1, ["rotate(rotation_bumped)"]), (1, 1, []), (0, 1, [])])
def test_rotation_is_bumped(asked: int, done: int, expected: list[str]) -> None:
    """A raised `rotate.version` rotates, a lowered one does not."""
    declared = secret(A, GENERATE, rotate=Rotation(version=asked))
    assert planned([wanted(declared, None)], [seen()], {A: record(declared=declared, rotation=done)}) == expected


def test_rotation_is_requested_for_the_addresses_asked_for() -> None:
    """`--rotate` takes those that match and no others."""
    desired = [wanted(secret(name, GENERATE), None) for name in (A, B)]
    records = {name: record(name, secret(name, GENERATE)) for name in (A, B)}
    asked = Address.parse(A).__eq__
    (change,) = found(desired, [seen(A), seen(B)], records, rotate=asked).changes
    assert (change.address, change.reason) == (Address.parse(A), "rotation_requested")


def test_rotation_of_the_same_value_is_warned_of() -> None:
    """A due rotation whose source has no new value yet says so."""
    declared = secret(A, rotate=Rotation(version=1))
    findings = found([wanted(declared)], [seen()], {A: record()})
    assert [str(c.reason) for c in findings.changes] == ["rotation_bumped"]
    assert codes(findings) == ["rotation_same_value"]
    assert findings.diagnostics[0].severity is Severity.WARNING


@pytest.mark.parametrize(("age", "expected"), [(82, []), (83, ["rotation_soon"]), (90, [])])
def test_rotation_soon_is_warned_of(age: int, expected: list[str]) -> None:
    """From `warn` before it is due until it is."""
    declared = secret(A, GENERATE, rotate=Rotation(every=days(90), warn=days(7)))
    findings = found([wanted(declared, None)], [seen()], {A: record(declared=declared, rotated=NOW - days(age))})
    assert codes(findings) == expected


def test_changed_generate_options_keep_the_value() -> None:
    """A generated value stays until it is rotated, and the plan says so."""
    longer = secret(A, replace(GENERATE, argument={"type": "hex", "length": 64}))
    findings = found([wanted(longer, None)], [seen()], {A: record(declared=secret(A, GENERATE))})
    assert (findings.changes, codes(findings)) == ([], ["generate_changed"])


def test_another_type_of_source_is_rotated() -> None:
    """From a variable to a generated value."""
    assert planned([wanted(secret(A, GENERATE), None)], [seen()], {A: record()}) == ["rotate(source_changed)"]


@pytest.mark.parametrize(
    ("tags", "observed"),
    [({"t": "1"}, {}), ({"t": "1"}, {"t": "2"}), ({}, {"t": "1", "foreign": "2"})],
    ids=["missing", "differs", "dropped"],
)
def test_tags_that_differ_are_updated(tags: dict[str, str], observed: dict[str, str]) -> None:
    """Tags that we want or set before; those of others stay in what comes after."""
    then = record(tags={"t": "1"})
    (change,) = found([wanted(secret(A, tags=tags))], [seen(tags=observed)], {A: then}).changes
    assert (change.action, change.reason) == ("update", "metadata_differs")
    assert change.after is not None
    assert change.after.tags == tags | ({"foreign": "2"} if "foreign" in observed else {})
    assert change.drop_tags == (frozenset({"t"}) if not tags else frozenset())


def test_foreign_tags_are_kept_and_no_drift() -> None:
    """What others wrote on a secret of ours is theirs."""
    declared = secret(A, tags={"t": "1"})
    findings = found([wanted(declared)], [seen(tags={"t": "1", "x": "2"})], {A: record(declared=declared)})
    assert (findings.changes, findings.drift) == ([], [])


def test_dropped_tag_that_is_gone_already_is_nothing() -> None:
    """A tag that we set, that is no longer wanted and no longer there, needs no write; it was drift."""
    findings = found([wanted(secret(A))], [seen()], {A: record(tags={"t": "1"})})
    assert (findings.changes, [d.kind for d in findings.drift]) == ([], ["tags"])


@pytest.mark.parametrize(
    ("declared", "recorded", "observed", "expected"),
    [("new", "old", "old", True), ("", "old", "old", True), ("", None, "theirs", False), ("d", "d", "theirs", True)],
)
def test_description(declared: str, recorded: str | None, observed: str, *, expected: bool) -> None:
    """What we declare or once declared is kept so; what others wrote where we never said anything stays."""
    desired = wanted(secret(A, description=declared))
    changes = found([desired], [seen(description=observed)], {A: record(description=recorded)}).changes
    assert [str(c.action) for c in changes] == (["update"] if expected else [])
    if changes:
        assert changes[0].after is not None
        assert changes[0].after.description == (declared or None)


def test_description_that_a_backend_cannot_hold_is_no_difference() -> None:
    """Nothing to compare, nothing to write."""
    capabilities = without(Capability.DESCRIPTION)
    desired = wanted(secret(A, description="d"))
    assert planned([desired], [seen(description=None)], {A: record(description="d")}, capabilities=capabilities) == []


def test_description_is_updated_where_there_are_no_tags() -> None:
    """A backend may hold the one and not the other."""
    desired = wanted(secret(A, description="d"))
    changes = planned([desired], [seen(owner=None)], {A: record()}, capabilities=without(Capability.TAGS))
    assert changes == ["update(metadata_differs)"]


def test_missing_owner_mark_is_nothing_where_marks_cannot_be_written() -> None:
    """A backend without tags may hold no mark; nothing would ever change that."""
    assert planned([wanted(secret(A))], [seen(owner=None)], {A: record()}, capabilities=without(Capability.TAGS)) == []


def test_missing_owner_mark_is_updated() -> None:
    """An imported secret gets our mark."""
    assert planned([wanted(secret(A))], [seen(owner=None)], {A: record()}) == ["update(metadata_differs)"]


@pytest.mark.parametrize(("enabled", "action"), [(True, "enable"), (False, "disable")])
def test_enabled_that_differs(action: str, *, enabled: bool) -> None:
    """`enable` or `disable`, and drift as somebody else did it."""
    declared = secret(A, enabled=enabled)
    findings = found([wanted(declared)], [seen(enabled=not enabled)], {A: record(declared=declared)})
    (change,) = findings.changes
    assert (change.action, change.reason, change.advisory) == (action, "enabled_differs", False)
    assert [(d.kind, d.before, d.after) for d in findings.drift] == [("enabled", enabled, not enabled)]


def test_advisory_disable_is_said_to_be_one() -> None:
    """Where the store does not enforce it, the change says so."""
    capabilities = without(Capability.DISABLE_ENFORCED)
    capabilities = {name: can | {Capability.DISABLE_ADVISORY} for name, can in capabilities.items()}
    (change,) = found([wanted(secret(A, enabled=False))], [seen()], {A: record()}, capabilities=capabilities).changes
    assert (change.action, change.advisory) == ("disable", True)


def test_value_then_metadata_then_enabled() -> None:
    """One change each, in this order, each starting from what the last one leaves."""
    desired = wanted(secret(A, tags={"t": "1"}, enabled=False), b"v2")
    changes = found([desired], [seen()], {A: record()}).changes
    assert [str(c.action) for c in changes] == ["rotate", "update", "disable"]
    assert [c.before for c in changes[1:]] == [c.after for c in changes[:-1]]


@pytest.mark.parametrize(
    ("on_remove", "expected"),
    [
        (OnRemove.DISABLE, ["disable(orphaned)"]),
        (OnRemove.DELETE, ["delete(orphaned)"]),
        (OnRemove.FORGET, ["forget(orphaned)"]),
    ],
)
def test_orphan_by_on_remove(on_remove: OnRemove, expected: list[str]) -> None:
    """No longer in the manifest: what the record says shall become of it."""
    assert planned([], [seen()], {A: record(on_remove=on_remove)}) == expected


@pytest.mark.parametrize(
    ("on_remove", "expected"),
    [(OnRemove.DISABLE, []), (OnRemove.DELETE, ["delete(orphaned)"]), (OnRemove.FORGET, ["forget(orphaned)"])],
)
def test_disabled_orphan(on_remove: OnRemove, expected: list[str]) -> None:
    """What is disabled already need not be disabled again."""
    assert planned([], [seen(enabled=False)], {A: record(on_remove=on_remove, enabled=False)}) == expected


@pytest.mark.parametrize("on_remove", OnRemove)
@pytest.mark.parametrize("observed", [[], [seen(deleted=True)]], ids=["missing", "pending deletion"])
def test_orphan_that_is_gone_is_forgotten(on_remove: OnRemove, observed: list[object]) -> None:
    """`forget (gone)`, whatever the record says shall become of it."""
    assert planned([], observed, {A: record(on_remove=on_remove)}) == ["forget(gone)"]


def test_neither_desired_nor_recorded_is_not_ours() -> None:
    """Nothing, not even a word."""
    findings = found([], [seen(), seen(B, owner="other")])
    assert (findings.changes, findings.diagnostics, findings.drift) == ([], [], [])


@pytest.mark.parametrize("on_remove", OnRemove)
def test_removed_entry_decides_over_the_record(on_remove: OnRemove) -> None:
    """`removed:` says it anew."""
    then = OnRemove.FORGET if on_remove is not OnRemove.FORGET else OnRemove.DELETE
    removed = {Address.parse(A): on_remove}
    assert planned([], [seen()], {A: record(on_remove=then)}, removed=removed) == [f"{on_remove}(orphaned)"]


@pytest.mark.parametrize(("on_remove", "action"), [("disable", "delete"), ("delete", "delete"), ("forget", "forget")])
def test_destroy(on_remove: str, action: str) -> None:
    """Everything with a record goes; what shall be forgotten stays where it is."""
    then = record(on_remove=OnRemove(on_remove))
    assert planned([], [seen()], {A: then}, destroy=True) == [f"{action}(destroy_requested)"]


@pytest.mark.parametrize("on_remove", [OnRemove.DISABLE, OnRemove.DELETE])
def test_orphan_that_another_project_owns_is_a_conflict(on_remove: OnRemove) -> None:
    """Theirs now: neither disabled nor deleted."""
    findings = found([], [seen(owner="other")], {A: record(on_remove=on_remove)})
    assert (findings.changes, codes(findings)) == ([], ["conflict"])


def test_orphan_that_another_project_owns_can_be_forgotten() -> None:
    """Letting go touches nothing."""
    assert planned([], [seen(owner="other")], {A: record(on_remove=OnRemove.FORGET)}) == ["forget(orphaned)"]


def test_findings_come_by_address() -> None:
    """The order of the manifest does not matter."""
    names = ["b:x", "a:y", "a:b/c", "a:b"]
    one = diff(facts([wanted(secret(name)) for name in names]))
    other = diff(facts([wanted(secret(name)) for name in reversed(names)]))
    assert [str(c.address) for c in one.changes] == ["a:b", "a:b/c", "a:y", "b:x"]
    assert [c.address for c in one.changes] == [c.address for c in other.changes]


def test_only_selected_addresses_are_looked_at() -> None:
    """Neither changes nor drift nor errors of others."""
    desired = [wanted(secret(name)) for name in (A, B)]
    findings = found(desired, [seen(B)], {}, selected=Address.parse(A).__eq__)
    assert [str(c.address) for c in findings.changes] == [A]
    assert findings.diagnostics == []


def test_source_value_that_moved_with_the_version_is_told_as_the_source() -> None:
    """One rotate, and its reason is ours."""
    assert planned([wanted(secret(A, env("OTHER")), b"v2")], [seen(version="2")], {A: record()}) == [
        "rotate(source_changed)"
    ]


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ((Capability.READ, Capability.VERSION_IN_LIST), ["rotate(drifted)", "update(metadata_differs)"]),
        ((Capability.READ,), ["update(metadata_differs)"]),
        ((Capability.VERSION_IN_LIST,), ["update(metadata_differs)"]),
        ((Capability.READ, Capability.VERSION_IN_LIST, Capability.TAGS), []),
    ],
    ids=str,
)
def test_what_lost_our_mark(missing: tuple[Capability, ...], expected: list[str]) -> None:
    """It is marked again; where nothing else would tell that it was made anew, its value is written, too."""
    assert planned([wanted(secret(A))], [seen(owner=None)], {A: record()}, capabilities=without(*missing)) == expected
