"""Entries of runtime profiles, and the secrets behind them: made, changed and deleted together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from conformance.fakes.dagu.roles import Role
from conformance.fakes.fault_proxy import Reset
from conformance.fakes.loopback import Answer
from dagu_bench import KEY, Bench, seen
from support import actions, secret

from syncer.errors import AccessDenied, BackendError, NotFound, Transient
from syncer.model import Address, OnRemove
from syncer.sensitive import Sensitive
from syncer.testing.base import declared

PROFILE, PUT, GET = "GET /profiles/blue", "PUT /profiles/blue/secrets/DB", "GET /secrets/ID"
LOOK = "GET /api/v1/secrets/*"
GLOBAL, OF_WORKSPACE = Address("profile/_global", "DB"), Address("profile/_workspaces/payments", "DB")
ALL = pytest.mark.parametrize("address", [KEY, GLOBAL, OF_WORKSPACE], ids=str)


def empty(bench: Bench) -> bool:
    """Whether the profile has no entry, and Global no secret."""
    return not bench.fake.profiles["blue"].entries and not bench.fake.secrets


@ALL
def test_a_whole_life(bench: Bench, address: Address) -> None:
    """Created, rotated, described, disabled, enabled, deleted: nothing is left."""
    house = bench.house()
    story = [
        ({}, "v1", ["create(new)"]),
        ({}, "v2", ["rotate(source_changed)"]),
        ({"tags": {"a": "b"}, "description": "d"}, "v2", ["update(metadata_differs)"]),
        ({"enabled": False}, "v2", ["update(metadata_differs)", "disable(enabled_differs)"]),
        ({"enabled": False}, "v3", ["rotate(source_changed)"]),
        ({}, "v3", ["enable(enabled_differs)"]),
    ]
    for facts, value, expected in story:
        house.environ["VALUE"] = value
        house.declare(secret(str(address), on_remove=OnRemove.DELETE, **facts))
        assert actions(house.apply().applied) == expected
        assert house.plan().changes == ()
        record = bench.record(address)
        assert record.served == value
        assert (record.metadata.status == "active") is facts.get("enabled", True)
    house.withdraw(str(address))
    assert actions(house.apply().applied) == ["delete(orphaned)"]
    assert not bench.fake.secrets
    assert not bench.fake.profiles[address.scope.removeprefix("profile/")].entries


def test_an_entry_whose_secret_somebody_deleted(bench: Bench) -> None:
    """The next apply heals it: a value under a new id, marked as before."""
    house = bench.house()
    house.declare(secret(str(KEY), tags={"tier": "gold"}, description="words"))
    house.apply()
    before = bench.record(KEY)
    bench.raw.ask(f"DELETE /secrets/{before.metadata.id}")
    assert actions(house.plan().changes) == ["rotate(drifted)", "update(metadata_differs)"]
    assert not house.apply().failed
    after = bench.record(KEY)
    assert (after.served, after.metadata.current_version) == ("v1", 1)
    assert after.metadata.id != before.metadata.id
    assert after.metadata.description == before.metadata.description
    assert house.plan().changes == ()


@pytest.mark.parametrize("on_remove", [OnRemove.DELETE, OnRemove.DISABLE])
def test_an_orphan_whose_secret_somebody_deleted(bench: Bench, on_remove: OnRemove) -> None:
    """What is left of it is taken out; it cannot be disabled, which is told."""
    house = bench.house()
    house.declare(secret(str(KEY), on_remove=on_remove))
    house.apply()
    bench.raw.ask(f"DELETE /secrets/{bench.record(KEY).metadata.id}")
    house.withdraw(str(KEY))
    bench.calls()
    outcome = house.apply()
    assert not any(call.startswith("POST ") for call in bench.calls())
    if on_remove is OnRemove.DELETE:
        assert not outcome.failed
        assert empty(bench)
        return
    (failure,) = outcome.failed
    assert (type(failure.error), failure.error.message) == (NotFound, f"{KEY}: not in dagu")


def test_what_another_project_made_of_it(bench: Bench) -> None:
    """The entry was deleted and made anew by another project: theirs, and not rotated."""
    house = bench.house()
    house.declare(secret(str(KEY)))
    house.apply()
    theirs = bench.open("other")
    theirs.delete(replace(seen(theirs, KEY.scope)[str(KEY)]))
    bench.create(theirs, b"theirs", KEY)
    house.environ["VALUE"] = "v2"
    assert [problem.code for problem in house.plan().errors] == ["conflict"]
    assert bench.record(KEY).served == "theirs"


def test_rotating(bench: Bench) -> None:
    """A look, the write and a look at what it made; described, tagged and disabled as before."""
    backend = bench.open()
    made = bench.create(backend, address=KEY, tags={"tier": "gold"}, description="words")
    off = backend.set_enabled(made, enabled=False)
    bench.calls()
    turned = backend.rotate(declared(KEY), Sensitive(b"v2"), off)
    assert bench.calls() == [PROFILE, GET, PUT, GET]
    assert replace(turned, version=off.version) == off
    assert turned.version.startswith("2@")
    assert backend.look(KEY) == turned


def test_rotating_what_is_gone(bench: Bench) -> None:
    """The entry, or the profile with it: nothing is written."""
    backend = bench.open()
    made = bench.create(backend, address=KEY)
    for call in ("DELETE /profiles/blue/entries/DB", "DELETE /profiles/blue"):
        bench.raw.ask(call)
        with pytest.raises(NotFound, match=f"{KEY}: not in dagu"):
            backend.rotate(declared(KEY), Sensitive(b"v2"), made)
        assert backend.look(KEY) is None


def test_creating_where_there_is_no_profile(bench: Bench) -> None:
    """It fails, and leaves nothing."""
    with pytest.raises(NotFound):
        bench.create(bench.open(), address=Address("profile/none", "DB"))
    assert empty(bench)


def test_update(bench: Bench) -> None:
    """Text and tags stand at the secret behind it; a rotation keeps them."""
    backend = bench.open()
    made = bench.create(backend, address=KEY, tags={"old": "x"})
    bench.calls()
    told = declared(KEY, tags={"new": "y"}, description="words")
    updated = backend.update(told, made, {"old"})
    assert bench.calls() == [GET, "PATCH /secrets/ID", GET]
    assert (updated.tags, updated.description, updated.owner) == ({"new": "y"}, "words", "shop")
    assert replace(backend.rotate(told, Sensitive(b"v2"), updated), version="") == replace(updated, version="")


def test_deleting(bench: Bench) -> None:
    """The secret behind it, which Dagu would keep for good, then the entry; then a look whether it stayed away."""
    backend = bench.open()
    made = bench.create(backend, address=KEY)
    bench.calls()
    backend.delete(made)
    assert bench.calls() == ["DELETE /secrets/ID", "DELETE /profiles/blue/entries/DB", GET]
    assert empty(bench)
    with pytest.raises(NotFound):
        backend.delete(made)


@pytest.mark.parametrize("fault", [Reset(after_forward=True), Answer(status=503)], ids=str)
@pytest.mark.parametrize("calls", ["DELETE /api/v1/profiles/*", "DELETE /api/v1/secrets/*"])
def test_a_deletion_whose_answer_is_lost(bench: Bench, calls: str, fault: Reset | Answer) -> None:
    """The same apply takes all of it away: the secret must not outlive its entry unseen."""
    house = bench.house()
    house.declare(secret(str(KEY), on_remove=OnRemove.DELETE))
    house.apply()
    house.withdraw(str(KEY))
    bench.spoil(calls, fault, times=1)
    assert not house.apply().failed
    assert empty(bench)
    assert house.plan().changes == ()


def test_deleting_an_entry_whose_secret_is_gone(bench: Bench) -> None:
    """There is only the entry to take out."""
    backend = bench.open()
    made = bench.create(backend, address=KEY)
    bench.raw.ask(f"DELETE /secrets/{made.remote_id}")
    backend.delete(made)
    assert empty(bench)
    made = bench.create(backend, address=KEY)
    bench.raw.ask(f"DELETE /secrets/{made.remote_id}")
    found = backend.look(KEY)
    assert found
    assert found.remote_id == ""
    backend.delete(found)
    assert empty(bench)


@pytest.mark.parametrize("calls", ["DELETE */secrets/*", "DELETE */profiles/*", "GET */secrets/*"])
@pytest.mark.parametrize("dangling", [True, False])
def test_a_server_that_throttles(bench: Bench, calls: str, dangling: bool) -> None:  # noqa: FBT001  # a row of the table
    """Each call of a deletion is waited for, whichever it is."""
    backend = bench.open()
    made = bench.create(backend, address=KEY)
    if dangling:
        bench.raw.ask(f"DELETE /secrets/{made.remote_id}")
    bench.spoil(calls, Answer(status=429), times=2)
    backend.delete(made)
    assert empty(bench)


def test_a_deletion_that_is_denied(bench: Bench) -> None:
    """All is as it was."""
    backend = bench.open()
    made = bench.create(backend, address=KEY)
    bench.spoil("DELETE /api/v1/secrets/*", Answer(status=403))
    with pytest.raises(AccessDenied):
        backend.delete(made)
    assert bench.record(KEY).served == "v1"


def test_a_deletion_that_stops_half_way(bench: Bench) -> None:
    """The value is gone and the entry is there: told, and not as what left all as it was; the next run takes it out."""
    house = bench.house(attempts=1)
    house.declare(secret(str(KEY), on_remove=OnRemove.DELETE))
    house.apply()
    house.withdraw(str(KEY))
    bench.spoil("DELETE /api/v1/profiles/*", Answer(status=403))
    (failure,) = house.apply().failed
    assert type(failure.error) is BackendError
    assert bench.fake.secrets == {}
    assert list(bench.fake.profiles["blue"].entries) == ["DB"]
    bench.proxy.set()
    assert actions(house.plan().changes) == ["delete(orphaned)"]
    assert not house.apply().failed
    assert empty(bench)
    assert house.plan().changes == ()


def test_a_run_brings_a_deleted_one_back(bench: Bench) -> None:
    """The secret behind it: it is told, and another try deletes it for good."""
    backend = bench.open()
    made = bench.create(backend, address=KEY)
    bench.before(LOOK, bench.run(KEY))
    with pytest.raises(Transient) as caught:
        backend.delete(made)
    assert caught.value.message == f"{KEY}: dagu deleted it, and a run that read it has put it back"
    backend.delete(made)
    assert empty(bench)


def test_a_protected_profile(bench: Bench) -> None:
    """It takes an administrator; to a manager the missing right is named."""
    bench.raw.ask("PATCH /profiles/blue", {"protected": True})
    house = bench.house(key=bench.fake.api_key(Role.MANAGER))
    house.declare(secret(str(KEY)))
    with pytest.raises(AccessDenied) as caught:
        house.plan()
    where = f"dagu at {bench.proxy.url}/api/v1"
    assert caught.value.message == f"scope profile/blue: {where} denied GET /profiles/blue (403)"
    assert caught.value.hint == "the token needs the role manager for all workspaces, and admin for what is protected"
    house = bench.house()
    house.declare(secret(str(KEY)))
    assert not house.apply().failed


@pytest.mark.parametrize(("scope", "may"), [("profile/blue", True), (OF_WORKSPACE.scope, True), (GLOBAL.scope, False)])
def test_what_a_manager_may(bench: Bench, scope: str, may: bool) -> None:  # noqa: FBT001  # a row of the table
    """Profiles and the layers of workspaces, and not what all inherit."""
    house = bench.house(key=bench.fake.api_key(Role.MANAGER))
    house.declare(secret(f"{scope}:DB"))
    if may:
        assert not house.apply().failed
        assert house.plan().changes == ()
        return
    with pytest.raises(AccessDenied):
        house.plan()


def test_a_manager_of_one_workspace(bench: Bench) -> None:
    """The secrets behind its layer stand in Global, which is not there for such a key: denied, and nothing is made."""
    house = bench.house(key=bench.fake.api_key(grants={"payments": Role.MANAGER}))
    house.declare(secret(str(OF_WORKSPACE)))
    with pytest.raises(AccessDenied) as caught:
        house.plan()
    where = f"dagu at {bench.proxy.url}/api/v1"
    assert caught.value.message == f"scope global: {where} denied GET /secrets (404)"
    assert caught.value.hint == "the token needs the role manager or admin for all workspaces"
