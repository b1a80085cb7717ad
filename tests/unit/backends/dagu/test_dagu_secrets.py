"""One secret of Global or of a workspace: looked at, made, changed, disabled, deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from conformance.fakes.dagu.roles import Role
from conformance.fakes.loopback import Answer
from dagu_bench import DB, EVERYWHERE, LISTING, Bench, seen
from support import secret

from syncer.backends.dagu.marks import MARK, Mark, together
from syncer.errors import AccessDenied, AlreadyExists, BackendError, NotFound, Transient, Unsupported, VersionConflict
from syncer.model import OnRemove
from syncer.sensitive import Sensitive
from syncer.testing.base import CANARY, assert_no_leak, declared

if TYPE_CHECKING:
    from syncer.model import Address, Observed

BOTH = pytest.mark.parametrize("address", [DB, EVERYWHERE], ids=str)
GET, LIST = "GET /secrets/ID", "GET /secrets"
LOOK = "GET /api/v1/secrets/*"


def unknown(seen: Observed) -> Observed:
    """Give the same without its id, as it is where a plan has never seen the secret."""
    return replace(seen, remote_id="")


@BOTH
def test_what_is_written(bench: Bench, address: Address) -> None:
    """One secret with its value, its description and our line, in its scope; one call."""
    made = bench.create(bench.open(), b"v\n\xe2\x82\xac", address, tags={"tier": "gold"}, description="words")
    (call,) = bench.proxy.calls()
    described = f'words\nsyncer:v1 {{"address":"{address}","project":"shop","tags":{{"tier":"gold"}}}}'
    body = {"ref": "prod/db", "providerType": "dagu-managed", "description": described, "value": "v\n\u20ac"}
    assert call.document == body | ({} if address == EVERYWHERE else {"workspace": "payments"})
    assert bench.record(address).values == ["v\n\u20ac"]
    assert (made.owner, made.tags, made.description, made.enabled) == ("shop", {"tier": "gold"}, "words", True)
    assert seen(bench.open(), address.scope) == {str(address): made}


def test_a_ref_that_is_taken(bench: Bench) -> None:
    """By a secret of anybody's, be it disabled or another project's."""
    backend = bench.open()
    for facts in ({}, {"enabled": False}, {"description": together("", Mark("other", DB, {}))}):
        bench.fake.plant(DB.ref, "theirs", DB.scope, **facts)
        with pytest.raises(AlreadyExists, match="payments:prod/db: already in dagu"):
            bench.create(backend)
    assert bench.record().served == "theirs"


def test_a_ref_that_is_taken_and_not_listed(bench: Bench) -> None:
    """By a secret whose file is damaged: no list has it, and nobody can write it."""
    bench.fake.plant(DB.ref, "theirs", DB.scope)
    bench.record().readable = False
    house = bench.house()
    house.declare(secret(str(DB)))
    (failure,) = house.apply().failed
    assert (type(failure.error), failure.error.message) == (AlreadyExists, f"{DB}: already in dagu")


@pytest.mark.parametrize(
    ("value", "why"),
    [(b"\xff", "backend type dagu holds UTF-8 text only"), (b"a\0b", "payments:prod/db: it holds NUL")],
)
def test_values_that_it_cannot_hold(bench: Bench, value: bytes, why: str) -> None:
    """Refused while planning, and again when they are written; nothing of them shows."""
    backend = bench.open()
    made, value = bench.create(backend), CANARY + value
    bench.calls()
    for attempt in (
        lambda: backend.check_value(declared(DB), Sensitive(value)),
        lambda: bench.create(backend, value),
        lambda: backend.rotate(declared(DB), Sensitive(value), made),
    ):
        with pytest.raises(Unsupported) as caught:
            attempt()
        assert caught.value.message.startswith(why)
        assert_no_leak(CANARY, caught.value)
    assert bench.calls() == []


@pytest.mark.parametrize("value", ["\n", " ", "a" * 100_000, "\u0001", "\ufeff", "\U0001f511", '"\\'], ids=ascii)
def test_values_are_kept_byte_for_byte(bench: Bench, value: str) -> None:
    """Every text but the empty one, and one with NUL."""
    backend = bench.open()
    made = bench.create(backend, value.encode())
    backend.rotate(declared(DB), Sensitive(value.encode()), made)
    assert bench.record().values == [value, value]


def test_looking_at_what_was_seen(bench: Bench) -> None:
    """One call by its id, however it came to be known."""
    backend = bench.open()
    bench.create(backend)
    for read in (lambda: None, lambda: list(backend.observe(["payments"], []))):
        read()
        bench.calls()
        assert backend.look(DB)
        assert bench.calls() == [GET]


def test_looking_at_what_was_not_seen(bench: Bench) -> None:
    """A listing, once."""
    bench.create(bench.open())
    backend = bench.open()
    bench.calls()
    found = [backend.look(DB), backend.look(DB)]
    assert found[0] == found[1]
    assert bench.calls() == [LIST, GET]


def test_looking_at_nothing(bench: Bench) -> None:
    """A listing each time: somebody may have made it."""
    backend = bench.open()
    assert (backend.look(DB), backend.look(DB)) == (None, None)
    assert bench.calls() == [LIST, LIST]


def test_looking_at_what_was_made_anew_by_hand(bench: Bench) -> None:
    """The id that we know is gone; what stands under the ref now is another secret."""
    backend = bench.open()
    made = bench.create(backend)
    bench.raw.remove(DB.ref, DB.scope)
    assert backend.look(DB) is None
    bench.raw.put(DB.ref, "by hand", DB.scope)
    bench.calls()
    found = backend.look(DB)
    assert found is not None
    assert found.remote_id != made.remote_id
    assert found.owner is None
    assert found.version != made.version
    assert bench.calls() == [GET, LIST]


def test_looking_at_what_another_project_has_taken(bench: Bench) -> None:
    """Its id is as it was, and it is theirs."""
    backend = bench.open()
    made = bench.create(backend)
    bench.raw.ask(f"PATCH /secrets/{made.remote_id}", {"description": together("", Mark("other", DB, {}))})
    found = backend.look(DB)
    assert found is not None
    assert (found.owner, found.remote_id) == ("other", made.remote_id)
    with pytest.raises(VersionConflict) as caught:
        backend.update(declared(DB), made, ())
    assert caught.value.message == f"{DB} belongs to project other since it was planned"
    assert caught.value.hint == "plan again"


def test_looking_where_we_may_not(bench: Bench) -> None:
    """A key that lost its rights is told that nothing is there; the listing after that is denied."""
    key = bench.fake.api_key(Role.MANAGER)
    backend = bench.open(key=key)
    bench.create(backend, address=EVERYWHERE)
    bench.fake.state.accounts.keys[key].role = Role.VIEWER
    bench.fake.state.accounts.keys[key].grants = {"payments": Role.MANAGER}
    with pytest.raises(AccessDenied):
        backend.look(EVERYWHERE)


def test_a_run_moves_a_time_and_is_no_drift(bench: Bench) -> None:
    """`updatedAt` moves with each run that reads the secret; so it is with secrets of profiles."""
    house = bench.house()
    house.declare(secret("global:prod/db"), secret(str(DB)), secret("profile/blue:DB"))
    house.apply()
    before = {record.metadata.id: record.metadata for record in bench.fake.secrets.values()}
    for scope, ref in (("", "prod/db"), ("payments", "prod/db"), ("", "runtime-profiles/blue/key-4442")):
        assert bench.fake.resolve(scope, ref) == "v1"
    assert all(record.metadata.updated > before[record.metadata.id].updated for record in bench.fake.secrets.values())
    plan = house.plan()
    assert (plan.changes, plan.drift) == ((), ())


def test_update(bench: Bench) -> None:
    """Human text and foreign tags stay, ours are replaced, those to drop are gone: a look, a write, a look."""
    backend = bench.open()
    made = bench.create(backend, tags={"ours": "1", "old": "x"}, description="before")
    theirs = Mark("shop", DB, {"ours": "1", "old": "x", "theirs": "kept"})
    bench.raw.ask(f"PATCH /secrets/{made.remote_id}", {"description": together("above\n\nbelow", theirs)})
    bench.calls()
    told = declared(DB, tags={"ours": "2", "new": "3"}, description="above\n\nbelow")
    updated = backend.update(told, made, {"old"})
    assert bench.calls() == [GET, "PATCH /secrets/ID", GET]
    assert updated.tags == {"ours": "2", "new": "3", "theirs": "kept"}
    assert (updated.description, updated.owner, updated.version) == ("above\n\nbelow", "shop", made.version)
    assert bench.record().metadata.description.split("\n")[:3] == ["above", "", "below"]
    assert bench.record().served == "v1"


def test_update_through_the_engine(bench: Bench) -> None:
    """What people wrote stays where the manifest says nothing, and gives way where it does. Our line stands once."""
    house = bench.house()
    house.declare(secret(str(DB), tags={"tier": "gold"}))
    house.apply()
    line = bench.record().metadata.description
    bench.raw.ask(f"PATCH /secrets/{bench.record().metadata.id}", {"description": f"{line}\nby\nhand"})
    assert house.plan().changes == ()
    house.declare(secret(str(DB), tags={"tier": "silver"}))
    house.apply()
    assert bench.record().metadata.description == "by\nhand\n" + line.replace("gold", "silver")
    house.declare(secret(str(DB), description="declared"))
    house.apply()
    assert bench.record().metadata.description == "declared\n" + line.replace('"tier":"gold"', "")
    assert house.plan().changes == ()


def test_update_marks_what_nobody_owns(bench: Bench) -> None:
    """As after an import."""
    bench.fake.plant(DB.ref, "x", DB.scope, description=f"words\n{MARK}broken")
    backend = bench.open()
    found = backend.look(DB)
    assert found is not None
    updated = backend.update(declared(DB, description="words"), found, ())
    assert (updated.owner, updated.description) == ("shop", "words")


@pytest.mark.parametrize("known", [True, False])
def test_what_is_gone(bench: Bench, known: bool) -> None:  # noqa: FBT001  # a row of the table
    """Each change of it says so, with and without the id of a plan."""
    backend = bench.open()
    made = bench.create(backend)
    bench.raw.remove(DB.ref, DB.scope)
    expected = made if known else unknown(made)
    for attempt in (
        lambda: backend.rotate(declared(DB), Sensitive(b"v2"), expected),
        lambda: backend.update(declared(DB), expected, ()),
        lambda: backend.set_enabled(expected, enabled=False),
        lambda: backend.delete(expected),
    ):
        with pytest.raises(NotFound, match="payments:prod/db: not in dagu"):
            attempt()
    assert bench.found() is None


def test_changes_of_what_no_plan_has_seen(bench: Bench) -> None:
    """It is looked for, and then changed."""
    made = bench.create(bench.open())
    for change in (
        lambda backend, expected: backend.rotate(declared(DB), Sensitive(b"v2"), expected),
        lambda backend, expected: backend.update(declared(DB, tags={"a": "b"}), expected, ()),
        lambda backend, expected: backend.set_enabled(expected, enabled=False),
        lambda backend, expected: backend.delete(expected),
    ):
        bench.calls()
        change(bench.open(), unknown(made))
        assert bench.calls()[0] == LIST
    assert bench.found() is None


def test_disabling_and_enabling(bench: Bench) -> None:
    """One write each, and a look; the value stays, and runs do not get it. A rotation does not enable it."""
    backend = bench.open()
    made = bench.create(backend, tags={"tier": "gold"}, description="words")
    bench.calls()
    off = backend.set_enabled(made, enabled=False)
    assert off == replace(made, enabled=False)
    assert bench.calls() == ["POST /secrets/ID/disable", GET]
    turned = backend.rotate(declared(DB), Sensitive(b"v2"), off)
    assert (turned.enabled, turned.tags, turned.description, turned.owner) == (False, {"tier": "gold"}, "words", "shop")
    assert backend.look(DB) == turned
    bench.calls()
    on = backend.set_enabled(turned, enabled=True)
    assert on == replace(turned, enabled=True)
    assert bench.calls() == ["POST /secrets/ID/enable", GET]
    assert bench.fake.resolve("payments", DB.ref) == "v2"


def test_deleting(bench: Bench) -> None:
    """It is gone at once, which is looked at; its id is forgotten."""
    backend = bench.open()
    made = bench.create(backend)
    bench.calls()
    backend.delete(made)
    assert bench.calls() == ["DELETE /secrets/ID", GET]
    assert bench.found() is None
    assert backend.look(DB) is None
    assert bench.calls() == [LIST]
    assert bench.create(backend).remote_id != made.remote_id


def test_a_run_brings_a_deleted_one_back(bench: Bench) -> None:
    """It is told; another try deletes it for good."""
    backend = bench.open()
    made = bench.create(backend)
    bench.before(LOOK, bench.run())
    with pytest.raises(Transient) as caught:
        backend.delete(made)
    assert caught.value.message == f"{DB}: dagu deleted it, and a run that read it has put it back"
    assert bench.found() is not None
    backend.delete(made)
    assert bench.found() is None


def test_a_run_brings_a_deleted_one_back_in_the_engine(bench: Bench) -> None:
    """The same apply deletes it again."""
    house = bench.house()
    house.declare(secret(str(DB), on_remove=OnRemove.DELETE))
    house.apply()
    house.withdraw(str(DB))
    bench.before(LOOK, lambda: None, bench.run())
    assert not house.apply().failed
    assert bench.found() is None
    assert house.plan().changes == ()


def test_what_cannot_be_looked_at_after_a_write(bench: Bench) -> None:
    """Whether it stayed is not known, so it does not pass for something that left everything as it was."""
    backend = bench.open()
    made = bench.create(backend)
    bench.spoil(LOOK, Answer(status=403))
    for attempt in (
        lambda: backend.rotate(declared(DB), Sensitive(b"v2"), made),
        lambda: backend.delete(made),
    ):
        with pytest.raises(BackendError) as caught:
            attempt()
        assert type(caught.value) is BackendError
        assert f"dagu at {bench.proxy.url}/api/v1 denied GET /secrets/{made.remote_id} (403)" in caught.value.message


def test_calls_of_whole_runs(bench: Bench) -> None:
    """Of creating, rotating, describing, disabling, enabling and deleting one secret, each planned and applied."""
    house = bench.house()
    told = []
    for facts in ({}, {}, {"tags": {"a": "b"}}, {"tags": {"a": "b"}, "enabled": False}, {"tags": {"a": "b"}}):
        house.environ["VALUE"] = "v1" if not told else "v2"
        house.declare(secret(str(DB), on_remove=OnRemove.DELETE, **facts))
        assert not house.apply().failed
        told.append(bench.calls())
    house.withdraw(str(DB))
    assert not house.apply().failed
    told.append(bench.calls())
    assert told == [
        [LIST, "GET /workspaces", "POST /secrets"],
        [LIST, GET, "POST /secrets/ID/versions", GET],
        [LIST, GET, "PATCH /secrets/ID", GET],
        [LIST, GET, "POST /secrets/ID/disable", GET],
        [LIST, GET, "POST /secrets/ID/enable", GET],
        [LIST, GET, "DELETE /secrets/ID", GET],
    ]
    assert bench.proxy.calls(LISTING) == []


@pytest.mark.parametrize(("changed", "after"), [({"status": "active"}, 0), ({"description": "as before"}, 1)])
def test_a_change_that_did_not_stay(bench: Bench, changed: dict[str, str], after: int) -> None:
    """What somebody's write undoes at once is noticed, and the next try makes it stay."""
    backend = bench.open()
    made = bench.create(backend)
    bench.rewrite("GET /api/v1/secrets/*", lambda document: {**document, **changed}, times=1, after=after)

    def attempt() -> Observed:
        if after:
            return backend.update(declared(DB, tags={"a": "b"}), made, ())
        return backend.set_enabled(made, enabled=False)

    with pytest.raises(Transient, match="the change may be lost"):
        attempt()
    assert attempt() == backend.look(DB)
