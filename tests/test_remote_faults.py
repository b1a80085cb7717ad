"""Servers that throttle, hang, break off, forget to answer, deny and lag: it is done, or a clear error says why not.

Never a second copy, never a lost value, never a value in a message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance.fakes.fault_proxy import Cut, Hang, Reset, Rule
from remote import REMOTE, Remote, remote

from syncer.backends.base import Capability
from syncer.errors import AccessDenied, BackendError, SyncerError, VersionConflict
from syncer.model import OnRemove
from syncer.sensitive import Sensitive
from syncer.testing.base import declared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncer.plans import Outcome

NAMES = tuple(f"{scope}:app/key-{number}" for scope in ("one", "two") for number in range(6))


@pytest.fixture(params=REMOTE)
def there(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    """Twelve secrets on each kind of server, none of them there yet."""
    with remote(request.param, tmp_path, monkeypatch) as project:
        project.declare(*NAMES)
        yield project


def assert_rotated(there: Remote, least: int) -> None:
    """Each value was replaced once; where it cannot be read, again where nobody could know that it was."""
    copies = {there.copies(name) for name in NAMES}
    if there.can(Capability.READ):
        assert copies == {least}
    assert min(copies) == least
    there.check_values()


def done(outcome: Outcome) -> int:
    """Count what was carried out; nothing failed."""
    assert [failure.error.message for failure in outcome.failed] == []
    return len(outcome.applied)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_throttled(there: Remote, share: float) -> None:
    """A tenth or half of all calls: everything is done, once."""
    there.spoil(Rule(fault=there.wire.throttled, share=share, seed=7))
    assert done(there.apply()) == len(NAMES)
    there.declare(*NAMES, turn=2)
    assert done(there.apply()) == len(NAMES)
    assert there.plan().changes == ()
    assert {there.copies(name) for name in NAMES} == {2}


@pytest.mark.parametrize("fault", [Reset(after_forward=True), Reset(after_forward=False), Cut()], ids=str)
def test_answers_to_creates_are_lost(there: Remote, fault: Reset | Cut) -> None:
    """Half of them, after the server did it or before it heard of it: one copy each."""
    there.spoil(Rule(fault=fault, calls=there.wire.create, share=0.5, seed=3))
    assert done(there.apply()) == len(NAMES)
    there.settle()
    assert {there.copies(name) for name in NAMES} == {1}


@pytest.mark.parametrize("turn", [1, 2])
def test_answers_come_too_late(there: Remote, monkeypatch: pytest.MonkeyPatch, turn: int) -> None:
    """To some creates or rotations, after the server did them: made once."""
    monkeypatch.setattr("syncer.backends.aws.client.ANSWER_SECONDS", 0.5)
    monkeypatch.setattr("syncer.backends.vault.connections.ANSWER_SECONDS", 0.5)
    there.backend |= {"timeout": "1s"} if "url" in there.backend else {}
    if turn > 1:
        there.apply()
        there.declare(*NAMES, turn=turn)
    late = there.wire.create if turn == 1 else there.wire.rotate
    there.spoil(Rule(fault=Hang(30), calls=late, after=2, times=2))
    assert done(there.apply()) == len(NAMES)
    there.proxy.release()
    there.settle()
    assert_rotated(there, turn)


@pytest.mark.parametrize("fault", [Reset(after_forward=True), Reset(after_forward=False), Cut()], ids=str)
def test_answers_to_rotations_are_lost(there: Remote, fault: Reset | Cut) -> None:
    """Half of them: each value is replaced once."""
    there.apply()
    there.declare(*NAMES, turn=2)
    there.spoil(Rule(fault=fault, calls=there.wire.rotate, share=0.5, seed=3))
    assert done(there.apply()) == len(NAMES)
    there.settle()
    assert_rotated(there, 2)


@pytest.mark.parametrize("fault", [Reset(after_forward=True), Cut()], ids=str)
def test_any_answer_is_lost(there: Remote, fault: Reset | Cut) -> None:
    """A fifth of all calls of whatever kind, in a life of creates, rotations, disables, deletes: it settles."""
    there.spoil(Rule(fault=fault, share=0.2, seed=11))
    there.apply()
    there.declare(*NAMES[:4], turn=2)
    there.declare(NAMES[4], enabled=not there.disables)
    there.declare(NAMES[5], tags={"tier": "gold"}, description="said of it", on_remove="delete")
    there.declare(NAMES[6], on_remove="disable" if there.disables else "delete")
    there.apply()
    del there.secrets[NAMES[5]], there.secrets[NAMES[6]]
    there.apply()
    there.settle()


@pytest.mark.parametrize("fault", [Reset(after_forward=True), Cut()], ids=str)
def test_a_listing_breaks_off(there: Remote, fault: Reset | Cut) -> None:
    """It is asked again; half a listing never passes for a whole one."""
    there.apply()
    there.spoil(Rule(fault=fault, calls=there.wire.listing, times=2))
    plan = there.plan()
    assert (plan.changes, plan.drift) == ((), ())


def test_a_server_that_breaks_off_every_listing(there: Remote) -> None:
    """A clear error; no plan to create everything anew."""
    there.apply()
    there.spoil(Rule(fault=Cut(), calls=there.wire.listing))
    with pytest.raises(SyncerError) as caught:
        there.plan()
    assert caught.value.exit_code == 1
    there.assert_secret(caught.value)


def test_credentials_expire_half_way(there: Remote) -> None:
    """What was done is recorded, the rest fails with the reason, and the next run finishes it."""
    there.apply()
    there.declare(*NAMES, turn=2)
    plan = there.plan()
    there.spoil(Rule(fault=there.wire.stale, after=len(NAMES)))
    outcome = there.apply(plan)
    assert outcome.failed
    for failure in outcome.failed:
        # A denial after the first call of a write is none that left everything as it was.
        assert isinstance(failure.error, AccessDenied | BackendError)
        assert "expired" in f"{failure.error.message} {failure.error.hint}"
    there.assert_secret(*(failure.error for failure in outcome.failed))
    there.settle()
    assert_rotated(there, 2)


def life(there: Remote) -> list[SyncerError]:
    """Let everything happen that can; give the errors, each told for an address or for the listing."""
    errors: list[SyncerError] = []

    def apply() -> None:
        try:
            errors.extend(failure.error for failure in there.apply().failed)
        except SyncerError as error:
            errors.append(error)

    first, second, third = NAMES[:3]
    there.secrets.clear()
    there.declare(first, second)
    there.declare(third, on_remove="delete")
    apply()
    there.declare(first, turn=2, enabled=not there.disables)
    there.declare(second, tags={"tier": "gold"}, description="said of it")
    apply()
    there.declare(first, turn=3, enabled=True)
    there.declare(second, turn=2, tags={"team": "b"})
    del there.secrets[third]
    apply()
    there.declare(third)
    apply()
    return errors


def test_each_call_denied_alone(there: Remote) -> None:
    """The error names the call and the missing right; what it kept undone is done once the right is there."""
    assert life(there) == []
    kinds = {there.wire.kind(call.name) for call in there.proxy.log}
    assert len(kinds) > 3
    there.secrets.clear()
    for kind in sorted(kinds):
        there.spoil(Rule(fault=there.denied(kind), calls=lambda call, kind=kind: there.wire.kind(call.name) == kind))
        errors = life(there)
        for error in errors:
            # As above.
            assert isinstance(error, AccessDenied | BackendError), (kind, error.message)
            assert "denied" in error.message
            assert error.hint
        there.assert_secret(*errors)
        there.settle()


def test_another_writer_between_plan_and_apply(there: Remote) -> None:
    """What somebody wrote since the plan stays, where the store tells that somebody wrote."""
    there.apply()
    there.declare(NAMES[0], turn=2)
    plan = there.plan()
    address = there.address(NAMES[0])
    with there.session() as session:
        backend = session.backend("default")
        seen = backend.look(address)
        assert seen is not None
        theirs = backend.rotate(declared(address), Sensitive(b"by hand"), seen)
    if not there.can(Capability.VERSION_IN_LIST):
        assert done(there.apply(plan)) == 1
        there.settle()
        return
    (failure,) = there.apply(plan).failed
    assert isinstance(failure.error, VersionConflict)
    there.assert_secret(failure.error)
    with there.session() as session:
        left = session.backend("default").look(address)
    assert left is not None
    assert left.version == theirs.version


def test_a_plan_that_finds_nothing_makes_the_fewest_calls(there: Remote) -> None:
    """For twelve secrets in two scopes: one page; one page and the tags of each; some folders and the metadata of each.

    Where nothing but a scope can be listed: a page of each, and of where the values of all layers stand.
    """
    there.apply()
    there.proxy.clear()
    with there.session() as session:
        from syncer.engine.prepare import Request, make_plan

        plan = make_plan(session, Request())
    # moto gives ten parameters a page, whatever it is asked for.
    most = {"aws-secrets-manager": 1, "aws-ssm": 2 + len(NAMES), "vault": 1 + 4 + len(NAMES), "dagu+profiles": 2 + 1}
    assert plan.calls["default"].calls == len(there.proxy.log) <= most.get(there.kind, 2)
    assert plan.calls["default"].values_read == 0


def test_a_listing_that_lags(there: Remote) -> None:
    """What this project just wrote is not written again; only AWS lists what was so some minutes ago."""
    with there.session() as session:
        if not session.backend("default").listing_lags:
            pytest.skip(f"listings of {there.kind} do not lag")
    there.plan()
    with there.proxy.lagging(there.wire.listing):
        there.apply()
        assert there.plan().changes == ()
    with there.proxy.lagging(there.wire.listing):
        there.declare(*NAMES[:3], turn=2)
        there.declare(NAMES[3], tags={"tier": "gold"}, on_remove=OnRemove.DELETE.value)
        there.apply()
        assert there.plan().changes == ()
        del there.secrets[NAMES[3]]
        there.apply()
        assert there.plan().changes == ()
    there.settle()
    assert {there.copies(name) for name in NAMES[:3]} == {2}
