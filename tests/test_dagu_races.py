"""Dagu puts back whatever was there when somebody's write, or a run, began: the tool notices, or the next plan does.

What counts is what a run gets in the end: a version's number may come twice, and of two with one number runs get the
older.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from conformance.fakes.fault_proxy import Call, Cut, Rule
from conformance.raw_dagu import RawDagu
from remote import Remote, remote

from syncer.engine.adopt import adopt
from syncer.errors import BackendError, SyncerError
from syncer.plans import Action, DriftKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conformance.fakes.dagu.records import Record

NAME = "one:app/key"


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    """A project with one secret in a workspace, which is there."""
    with remote("dagu", tmp_path, monkeypatch) as project:
        project.declare(NAME, on_remove="delete")
        project.settle()
        yield project


def record(there: Remote) -> Record | None:
    """Give what the server holds."""
    found: Record | None = there.store.fake.secret("app/key", "one")
    return found


def raw(there: Remote) -> RawDagu:
    """Ask the server by hand."""
    return RawDagu(address=there.store.url, authorization=there.store.fake.authorization)


def before(there: Remote, method: str, ending: str, action: Callable[[], object], times: int = 1) -> None:
    """Do something before the server hears of a call of ours; the first so many of its kind."""
    left = [action] * times

    def hook(call: Call) -> bool:
        if call.method == method and call.path.endswith(ending) and left:
            left.pop()()
        return False

    there.spoil(Rule(fault=Cut(), calls=hook))


def put_back(there: Remote) -> Callable[[], object]:
    """Read what is said of the secret, as a write to its metadata does, and give what writes that back."""
    found = record(there)
    assert found
    read = found.metadata
    return lambda: there.store.fake.state.secrets.put(replace(read, updated=there.store.fake.state.tick()))


def beside(there: Remote, who: str, action: Callable[[], object]) -> None:
    """Let somebody begin, do something, and let them end."""
    found = record(there)
    assert found
    if who == "run":
        with there.store.fake.run("one", "app/key"):
            action()
        return
    there.store.fake.meanwhile(action, "*")
    path = f"/secrets/{found.metadata.id}"
    call, body = (
        ("PATCH " + path, {"description": found.metadata.description})
        if who == "patch"
        else (
            f"POST {path}/{who}",
            None,
        )
    )
    raw(there).ask(call, body)


@pytest.mark.parametrize("turn", [2, 3], ids=["the-same", "another"])
@pytest.mark.parametrize("who", ["patch", "enable", "disable", "run"])
def test_a_rotation_that_is_put_back_afterwards(there: Remote, who: str, turn: int) -> None:
    """The next plan shows drift, and one apply later runs get the new value, be it meanwhile yet another one."""
    there.declare(NAME, turn=2, on_remove="delete")
    beside(there, who, there.apply)
    there.declare(NAME, turn=turn, on_remove="delete")
    plan = there.plan()
    assert DriftKind.VALUE in {drift.kind for drift in plan.drift}
    assert plan.changes[0].action is Action.ROTATE
    there.settle()


def test_a_rotation_that_is_put_back_at_once(there: Remote) -> None:
    """The same apply writes it again, under a number that was never given."""
    there.declare(NAME, turn=2, on_remove="delete")
    found = record(there)
    assert found
    before(there, "GET", found.metadata.id, _once_rotated(there, put_back(there)), times=9)
    assert there.apply().failed == ()
    assert there.plan().changes == ()
    there.check_values()
    assert found.metadata.current_version > 2


def _once_rotated(there: Remote, action: Callable[[], object]) -> Callable[[], object]:
    """Do it before the first call that follows a rotation."""
    done: list[object] = []

    def once() -> None:
        found = record(there)
        if found and len(found.versions) > 1 and not done:
            done.append(action())

    return once


def test_a_rotation_that_is_put_back_each_time(there: Remote) -> None:
    """An error that says so; the next run finishes it."""
    there.declare(NAME, turn=2, on_remove="delete")
    found = record(there)
    assert found
    before(there, "GET", found.metadata.id, put_back(there), times=99)
    (failure,) = there.apply().failed
    assert failure.error.message.startswith(f"{NAME}: somebody else wrote it in dagu at the same moment")
    there.assert_secret(failure.error)
    there.settle()


@pytest.mark.parametrize("who", ["patch", "run"])
@pytest.mark.parametrize(
    "facts", [{"enabled": False}, {"tags": {"tier": "gold"}}, {"description": "said of it"}], ids=str
)
def test_a_change_of_metadata_that_is_put_back(there: Remote, who: str, facts: dict[str, Any]) -> None:
    """The next plan shows it, and one apply later it is so."""
    there.declare(NAME, on_remove="delete", **facts)
    beside(there, who, there.apply)
    assert len(there.plan().drift) == 1
    there.settle()


def test_a_deletion_that_a_run_puts_back_at_once(there: Remote) -> None:
    """The same apply deletes it again."""
    found = record(there)
    assert found
    del there.secrets[NAME]
    copy = replace(found, metadata=found.metadata)
    gone: list[bool] = []

    def overwrite() -> None:
        if not there.store.fake.secrets and not gone:
            gone.append(True)
            there.store.fake.state.secrets.overwrite(copy)

    before(there, "GET", found.metadata.id, overwrite, times=9)
    assert there.apply().failed == ()
    assert gone
    assert not there.store.fake.secrets


def test_a_deletion_that_a_run_puts_back_afterwards(there: Remote) -> None:
    """Nobody has it on record any more; who declares it again is told that it is there, and may import it."""
    entry = there.secrets.pop(NAME)
    beside(there, "run", there.apply)
    assert record(there)
    assert there.plan().changes == ()
    there.secrets[NAME] = entry
    (error,) = there.plan().errors
    assert (error.code, str(error.address), error.hint) == ("unmanaged", NAME, f"syncer import {NAME}")
    with there.session() as session, session.lock("import"):
        adopt(session, [there.address(NAME)])
    there.settle()


def test_a_secret_that_is_there_twice(there: Remote) -> None:
    """One was deleted and made anew while a run read it: an error that names both, and nothing is written."""

    def again() -> None:
        entry = there.secrets.pop(NAME)
        there.apply()
        there.secrets[NAME] = entry
        there.apply()

    older = record(there)
    assert older
    beside(there, "run", again)
    with pytest.raises(BackendError) as caught:
        there.plan()
    newer = max(there.store.fake.secrets.values(), key=lambda one: one.metadata.created)
    ids = " and ".join(sorted([older.metadata.id, newer.metadata.id]))
    assert caught.value.message == f"{NAME}: dagu at {there.proxy.url}/api/v1 holds it 2 times, as {ids}"
    assert caught.value.hint
    raw(there).ask(f"DELETE /secrets/{older.metadata.id}")
    there.settle()


@pytest.fixture
def layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    """A project with one variable of a profile, which is not there yet."""
    with remote("dagu+profiles", tmp_path, monkeypatch) as project:
        project.declare(NAME, on_remove="delete")
        yield project


def test_an_entry_that_somebody_elses_write_drops(layer: Remote) -> None:
    """The profile is written back as it was read, with theirs and without ours: ours comes again."""
    layer.store.fake.meanwhile(layer.apply, "PUT *")
    raw(layer).ask("PUT /profiles/one/variables/THEIRS", {"value": "x"})
    assert set(layer.store.fake.profiles["one"].entries) == {"THEIRS"}
    plan = layer.plan()
    assert [drift.kind for drift in plan.drift] == [DriftKind.MISSING]
    layer.settle()
    assert set(layer.store.fake.profiles["one"].entries) == {"THEIRS", "APP_KEY"}


@pytest.mark.parametrize("turn", [2, 3], ids=["the-same", "another"])
def test_a_variable_whose_rotation_a_run_puts_back(layer: Remote, turn: int) -> None:
    """As in a workspace."""
    layer.settle()
    layer.declare(NAME, turn=2, on_remove="delete")
    (found,) = layer.store.fake.secrets.values()
    with layer.store.fake.run("", found.metadata.ref):
        layer.apply()
    layer.declare(NAME, turn=turn, on_remove="delete")
    assert [drift.kind for drift in layer.plan().drift] == [DriftKind.VALUE]
    layer.settle()


def test_a_deleted_variable_whose_value_a_run_puts_back(layer: Remote) -> None:
    """The same apply deletes it again, for Dagu would keep it and nobody would see it."""
    layer.settle()
    (found,) = layer.store.fake.secrets.values()
    del layer.secrets[NAME]

    def overwrite() -> None:
        if not layer.store.fake.secrets:
            layer.store.fake.state.secrets.overwrite(replace(found, metadata=found.metadata))

    before(layer, "DELETE", "/entries/APP_KEY", overwrite)
    assert layer.apply().failed == ()
    assert not layer.store.fake.secrets
    assert not layer.store.fake.profiles["one"].entries


def test_the_other_layers(there: Remote) -> None:
    """What all runs inherit, and those of a workspace, live as profiles do."""
    for scope in ("profile/_global", "profile/_workspaces/one"):
        there.secrets.clear()
        there.declare(f"{scope}:APP_KEY", on_remove="delete")
        there.settle()
        there.declare(f"{scope}:APP_KEY", turn=2, on_remove="delete", enabled=False, tags={"tier": "gold"})
        there.settle()
    there.secrets.clear()
    there.settle()
    assert not there.store.fake.secrets


def test_every_error_keeps_quiet(there: Remote) -> None:
    """Whatever is raised in a race tells no value."""
    there.declare(NAME, turn=2, on_remove="delete")
    found = record(there)
    assert found
    before(there, "POST", "/versions", lambda: raw(there).ask(f"DELETE /secrets/{found.metadata.id}"))
    try:
        errors = [failure.error for failure in there.apply().failed]
    except SyncerError as error:
        errors = [error]
    assert errors
    there.assert_secret(*errors)
    there.settle()
