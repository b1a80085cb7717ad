"""One secret: made, rotated, described, taken out, deleted; each write followed by a listing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from conformance.fakes.kestra.quirks import Blanks
from kestra_bench import DB, DELETE, KEY, LIST, OURS, PATCH, PUT, TEAM, seen
from support import actions, secret

from syncer.errors import (
    AccessDenied,
    AlreadyExists,
    BackendError,
    NotFound,
    Transient,
    Unsupported,
    VersionConflict,
)
from syncer.model import Address, OnRemove
from syncer.sensitive import Sensitive
from syncer.testing.base import CANARY, assert_no_leak, declared

if TYPE_CHECKING:
    from kestra_bench import Bench

    from syncer.backends.kestra.backend import Kestra
    from syncer.model import Observed

SYSTEM = {"namespace": TEAM, "tenant": "main", "key": KEY, "prefix": "kestra"}
WRITES = "P*"


def rotate(backend: Kestra, expected: Observed, value: bytes = b"v2") -> Observed:
    """Write another value."""
    return backend.rotate(declared(DB), Sensitive(value), expected)


def test_what_is_written(bench: Bench) -> None:
    """All that older servers want too: value, description, tags, ours among them. A look before and one after."""
    made = bench.create(bench.open(), b"v\n\xe2\x82\xac", tags={"tier": "gold"}, description="words")
    (call,) = bench.proxy.calls("PUT *")
    tags = [{"key": name, "value": text} for name, text in {"tier": "gold", **OURS}.items()]
    body = {"key": KEY, "value": "v\n\u20ac", "description": "words", "tags": tags, "namespace": TEAM}
    assert call.document == body
    assert bench.calls() == [LIST, PUT, LIST]
    assert bench.held().value == "v\n\u20ac"
    assert (made.owner, made.tags, made.description, made.enabled) == ("shop", {"tier": "gold"}, "words", True)
    assert seen(bench.open()) == {str(DB): replace(made, version="")}


@pytest.mark.parametrize("owner", [{}, OURS, {"syncer-project": "other"}], ids=str)
def test_a_key_that_is_taken(bench: Bench, owner: dict[str, str]) -> None:
    """By anybody: a PUT would replace it, so there is none."""
    bench.plant(tags=owner)
    with pytest.raises(AlreadyExists) as caught:
        bench.create(bench.open())
    assert caught.value.message == f"{DB}: there is a key {KEY} in kestra already"
    assert bench.writes() == []


def test_rotating(bench: Bench) -> None:
    """The value alone changes: tags, other people's and the server's too, and the description are written back."""
    bench.fake.quirks.system_tags = True
    backend = bench.open()
    made = bench.create(backend, tags={"tier": "gold"}, description="words")
    bench.plant(tags={"theirs": "x", **bench.tags()}, value="v1", description="by hand")
    fresh = bench.open()
    bench.calls()
    turned = rotate(fresh, made)
    (call,) = bench.proxy.calls("PUT *")
    assert {tag["key"]: tag["value"] for tag in call.document["tags"]} == {
        "theirs": "x",
        "tier": "gold",
        **OURS,
        **SYSTEM,
    }
    assert bench.calls() == [LIST, PUT, LIST]
    assert (turned.tags, turned.description) == ({"theirs": "x", "tier": "gold"}, "by hand")
    assert turned.version not in (made.version, "")
    assert bench.held().value == "v2"


def test_several_writes(bench: Bench) -> None:
    """Each starts from a listing of its own, for somebody may have written since; a deletion needs none."""
    backend = bench.open()
    made = bench.create(backend)
    bench.calls()
    turned = rotate(backend, made)
    updated = backend.update(declared(DB, tags={"a": "b"}), turned, ())
    backend.delete(updated)
    assert bench.calls() == [LIST, PUT, LIST, LIST, PATCH, LIST, DELETE, LIST]


def test_a_key_that_somebody_made_since_our_last_write(bench: Bench) -> None:
    """It is not overwritten, however recently we have looked."""
    backend = bench.open()
    bench.create(backend, address=Address(TEAM, "a"))
    bench.plant(tags={"who": "alice"})
    with pytest.raises(AlreadyExists):
        bench.create(backend)
    assert (bench.held().value, bench.tags()) == ("theirs", {"who": "alice"})


def test_tags_that_somebody_added_since_our_last_write(bench: Bench) -> None:
    """They stay, whatever we write."""
    backend = bench.open()
    made = bench.create(backend)
    bench.plant(value="v1", tags={**bench.tags(), "team": "a"})
    turned = rotate(backend, made)
    assert (bench.held().value, bench.tags()) == ("v2", {"team": "a", **OURS})
    bench.plant(value="v2", tags={**bench.tags(), "tier": "gold"})
    backend.update(declared(DB, description="words"), turned, ())
    assert bench.tags() == {"team": "a", "tier": "gold", **OURS}


def test_what_another_project_has_taken_since_our_last_write(bench: Bench) -> None:
    """It stays theirs."""
    backend = bench.open()
    made = bench.create(backend)
    bench.plant(tags={**OURS, "syncer-project": "other"})
    with pytest.raises(VersionConflict):
        backend.update(declared(DB, description="words"), made, ())
    assert bench.tags() == {**OURS, "syncer-project": "other"}


def test_a_write_that_failed(bench: Bench) -> None:
    """Nothing is known of the namespace then, so the next write looks again."""
    backend = bench.open()
    made = bench.create(backend)
    for calls, attempt in (
        ("PUT *", lambda: rotate(backend, made)),
        ("PATCH *", lambda: backend.update(declared(DB), made, ())),
        ("DELETE *", lambda: backend.delete(made)),
    ):
        bench.spoil(calls, bench.fake.error(403), times=1)
        with pytest.raises(AccessDenied, match="denied"):
            attempt()
        bench.calls()
        assert rotate(backend, made)
        assert bench.calls() == [LIST, PUT, LIST]


def test_update(bench: Bench) -> None:
    """Foreign tags and the server's stay, ours are replaced, those to drop are gone; the value is not written."""
    bench.fake.quirks.system_tags = True
    backend = bench.open()
    made = bench.create(backend, tags={"ours": "1", "old": "x"}, description="before")
    bench.plant(tags={"theirs": "kept", **bench.tags()}, value="v1")
    backend = bench.open()
    bench.calls()
    updated = backend.update(declared(DB, tags={"ours": "2"}, description="after"), made, {"old"})
    (call,) = bench.proxy.calls("PATCH *")
    assert "value" not in call.document
    assert (call.document["key"], call.document["namespace"], call.document["description"]) == (KEY, TEAM, "after")
    assert bench.calls() == [LIST, PATCH, LIST]
    assert (updated.tags, updated.description) == ({"ours": "2", "theirs": "kept"}, "after")
    assert (updated.version, updated.owner) == (made.version, "shop")
    assert bench.held().value == "v1"


def test_update_marks_what_nobody_owns(bench: Bench) -> None:
    """As after an import."""
    bench.plant(tags={"theirs": "x"})
    backend = bench.open()
    found = backend.look(DB)
    assert found is not None
    updated = backend.update(declared(DB, description="words"), found, ())
    assert (updated.owner, updated.tags, updated.description) == ("shop", {"theirs": "x"}, "words")
    assert bench.tags() == {"theirs": "x", **OURS}


def test_update_of_what_another_project_has_taken(bench: Bench) -> None:
    """Nothing is written."""
    backend = bench.open()
    made = bench.create(backend)
    bench.plant(tags={**OURS, "syncer-project": "other"})
    backend = bench.open()
    bench.calls()
    with pytest.raises(VersionConflict) as caught:
        backend.update(declared(DB), made, ())
    assert caught.value.message == f"{DB} belongs to project other since it was planned"
    assert caught.value.hint == "plan again"
    assert bench.calls() == [LIST]


def test_others_are_not_written(bench: Bench) -> None:
    """What another project took since the plan is neither rotated nor deleted by the engine."""
    house = bench.house()
    house.declare(secret(str(DB), on_remove=OnRemove.DELETE))
    house.apply()
    house.environ["VALUE"] = "v2"
    rotation = house.plan()
    house.withdraw(str(DB))
    removal = house.plan()
    bench.plant(tags={**OURS, "syncer-project": "other"})
    bench.calls()
    for plan in (rotation, removal):
        (failure,) = house.apply(plan).failed
        assert isinstance(failure.error, VersionConflict)
    assert bench.writes() == []


@pytest.mark.parametrize("blanks", list(Blanks))
@pytest.mark.parametrize("version", ["2.0", "1.2"])
def test_descriptions_that_are_none(bench: Bench, blanks: Blanks, version: str) -> None:
    """Null, absent or empty: it is empty, which is settled, and can be set and cleared."""
    bench.serve(version=version)
    bench.fake.quirks.blank_descriptions = blanks
    house = bench.house()
    for text in ("", "words", "", ""):
        house.declare(secret(str(DB), description=text))
        assert not house.apply().failed
        assert house.plan().changes == ()
        if text:
            assert bench.held().description == "words"


def test_deleting(bench: Bench) -> None:
    """It is gone at once, which is looked at."""
    backend = bench.open()
    made = bench.create(backend)
    bench.calls()
    backend.delete(made)
    assert bench.calls() == [DELETE, LIST]
    assert bench.fake.keys(TEAM) == []
    assert backend.look(DB) is None


@pytest.mark.parametrize(("status", "kind"), [(404, NotFound), (500, Transient), (200, None)])
def test_deleting_what_is_gone(bench: Bench, status: int, kind: type[Exception] | None) -> None:
    """Whatever the server makes of it; the engine has looked before, and is content."""
    bench.fake.quirks.missing_deletes = status
    backend = bench.open()
    made = bench.create(backend)
    bench.fake.remove(TEAM, KEY)
    if kind is None:
        backend.delete(made)
    else:
        with pytest.raises(kind):
            backend.delete(made)
    house = bench.house()
    house.declare(secret(str(DB), on_remove=OnRemove.DELETE))
    house.apply()
    house.withdraw(str(DB))
    plan = house.plan()
    bench.fake.remove(TEAM, KEY)
    assert not house.apply(plan).failed


def test_changes_of_what_is_gone(bench: Bench) -> None:
    """Nothing is written: a PUT would make it anew, without a mark."""
    made = bench.create(bench.open())
    bench.fake.remove(TEAM, KEY)
    bench.calls()
    for attempt in (
        lambda: rotate(bench.open(), made),
        lambda: bench.open().update(declared(DB), made, ()),
    ):
        with pytest.raises(NotFound, match=f"{DB}: not in kestra"):
            attempt()
    assert bench.calls() == [LIST, LIST]


def test_values_that_it_cannot_hold(bench: Bench) -> None:
    """What is no text is refused, and nothing of it shows."""
    backend, value = bench.open(), Sensitive(CANARY + b"\xff")
    made = bench.create(backend)
    bench.calls()
    for attempt in (
        lambda: backend.check_value(declared(DB), value),
        lambda: backend.create(declared(DB), value),
        lambda: backend.rotate(declared(DB), value, made),
    ):
        with pytest.raises(Unsupported) as caught:
            attempt()
        assert_no_leak(CANARY, caught.value)
    assert bench.calls() == []


@pytest.mark.parametrize("call", ["PUT", "PATCH", "DELETE"])
def test_a_write_that_did_not_stay(bench: Bench, call: str) -> None:
    """Answered with 200, and undone by somebody's write at the same moment: told, and another try does it."""
    backend = bench.open()
    made = bench.create(backend)
    if call == "PUT":
        backend.delete(made)
    what, attempt = {
        "PUT": ("it", lambda: bench.create(backend)),
        "PATCH": ("its tags or description", lambda: backend.update(declared(DB, tags={"a": "b"}), made, ())),
        "DELETE": ("its deletion", lambda: backend.delete(made)),
    }[call]
    before = dict(bench.fake.secrets["main", TEAM])
    bench.after(f"{call} *", lambda: bench.fake.secrets.update({("main", TEAM): before}))
    with pytest.raises(Transient) as caught:
        attempt()
    assert caught.value.message == f"{DB}: kestra took the write, and {what} is not there"
    attempt()


def test_a_rotation_of_what_is_deleted_at_once(bench: Bench) -> None:
    """It is told; the next try finds nothing."""
    backend = bench.open()
    made = bench.create(backend)
    bench.after("PUT *", lambda: bench.fake.remove(TEAM, KEY))
    with pytest.raises(Transient, match="and it is not there"):
        rotate(backend, made)
    with pytest.raises(NotFound):
        rotate(backend, made)


@pytest.mark.parametrize("facts", [{"description": "theirs"}, {"tags": OURS | {"a": "theirs"}}, {"tags": {"a": "b"}}])
def test_metadata_that_did_not_stay(bench: Bench, facts: dict[str, Any]) -> None:
    """Another description, another tag, or our mark gone."""
    backend = bench.open()
    made = bench.create(backend)
    told = declared(DB, tags={"a": "b"}, description="words")
    settled: dict[str, Any] = {"description": "words", "tags": OURS | {"a": "b"}}
    bench.after("PATCH *", lambda: bench.plant(**settled | facts))
    with pytest.raises(Transient, match="its tags or description is not there"):
        backend.update(told, made, ())


@pytest.mark.parametrize("call", ["PUT", "PATCH", "DELETE"])
def test_it_is_done_again_by_the_engine(bench: Bench, call: str) -> None:
    """The same apply does what did not stay."""
    house = bench.house()
    house.declare(secret(str(DB), on_remove=OnRemove.DELETE))
    if call != "PUT":
        house.apply()
    before = dict(bench.fake.secrets.get(("main", TEAM), {}))
    if call == "PATCH":
        house.declare(secret(str(DB), tags={"a": "b"}))
    if call == "DELETE":
        house.withdraw(str(DB))
    bench.after(f"{call} *", lambda: bench.fake.secrets.update({("main", TEAM): before}))
    assert not house.apply().failed
    assert house.plan().changes == ()
    assert bench.fake.keys(TEAM) == ([] if call == "DELETE" else [KEY])


def test_what_cannot_be_looked_at_after_a_write(bench: Bench) -> None:
    """Whether it stayed is not known, so it does not pass for something that left everything as it was."""
    backend = bench.open()
    made = bench.create(backend)
    bench.spoil(LIST, bench.fake.error(403), after=1)
    with pytest.raises(BackendError) as caught:
        rotate(backend, made)
    assert type(caught.value) is BackendError
    assert f"kestra at {bench.proxy.url}/api/v1/main denied GET /secrets (403)" in caught.value.message
    assert bench.held().value == "v2"


@pytest.mark.parametrize(("disable", "enabled"), [("refuse", True), ("refuse", False), ("delete", True)])
def test_what_has_no_disabled_state(bench: Bench, disable: str, enabled: bool) -> None:  # noqa: FBT001  # a row
    """Unless the option says so it cannot be disabled; and nothing can be enabled: it is created."""
    backend = bench.open(disable=disable)
    made = bench.create(backend)
    with pytest.raises(Unsupported):
        backend.set_enabled(made, enabled=enabled)
    assert bench.fake.keys(TEAM) == [KEY]


def test_disabling_by_deletion(bench: Bench) -> None:
    """It is taken out, and created again once it is enabled; in between there is nothing to do."""
    house = bench.house(disable="delete")
    told = []
    for enabled in (True, False, False, True):
        house.declare(secret(str(DB), enabled=enabled, tags={"a": "b"}))
        assert not house.apply().failed
        assert house.plan().changes == ()
        told.append((bench.writes(), bench.fake.keys(TEAM)))
    assert told == [([PUT], [KEY]), ([DELETE], []), ([], []), ([PUT], [KEY])]


def test_disabling_what_is_no_longer_ours(bench: Bench) -> None:
    """It is looked at first: what another project has taken stays, and what is gone is as it should be."""
    backend = bench.open(disable="delete")
    made = bench.create(backend)
    bench.plant(tags={**OURS, "syncer-project": "other"})
    with pytest.raises(VersionConflict) as caught:
        backend.set_enabled(made, enabled=False)
    assert caught.value.message == f"{DB} belongs to project other since it was planned"
    assert bench.held().value == "theirs"
    bench.fake.remove(TEAM, KEY)
    bench.calls()
    assert backend.set_enabled(made, enabled=False) == replace(made, enabled=False)
    assert bench.writes() == []


def test_disabling_is_refused(bench: Bench) -> None:
    """While planning."""
    house = bench.house()
    house.declare(secret(str(DB), enabled=False))
    assert [problem.code for problem in house.plan().errors] == ["unsupported"]


def test_what_came_where_ours_was_taken_out(bench: Bench) -> None:
    """Somebody else's: neither deleted as if it were ours, nor overwritten once ours is enabled again."""
    house = bench.house(disable="delete")
    for enabled in (True, False):
        house.declare(secret(str(DB), enabled=enabled))
        assert not house.apply().failed
    bench.plant(tags={"who": "alice"})
    bench.calls()
    for enabled in (False, True):
        house.declare(secret(str(DB), enabled=enabled))
        plan = house.plan()
        assert ([problem.code for problem in plan.errors], plan.changes) == (["unmanaged"], ())
    house.withdraw(str(DB))
    assert not house.apply().failed
    assert bench.writes() == []
    assert (house.state().records, bench.held().value) == ({}, "theirs")


def test_what_lost_our_mark(bench: Bench) -> None:
    """Nothing else would tell that its value is another one: it is written again, and marked."""
    house = bench.house()
    house.declare(secret(str(DB)))
    house.apply()
    bench.plant(tags={"who": "alice"})
    assert actions(house.plan().changes) == ["rotate(drifted)", "update(metadata_differs)"]
    assert not house.apply().failed
    assert (bench.held().value, bench.tags()) == ("v1", {"who": "alice", **OURS})
    assert house.plan().changes == ()
