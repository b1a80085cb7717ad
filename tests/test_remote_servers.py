"""Servers asked over HTTP that stop, send on elsewhere, answer with pages, deny, and that others write to as well."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from cli.folder import Folder
from conformance.fakes.child import HOST
from conformance.fakes.dagu.roles import Role
from conformance.fakes.fault_proxy import Hang, Reset, Rule, fault_proxy
from conformance.fakes.kestra.accounts import Right
from conformance.fakes.loopback import POLL, Answer, Server
from conformance.raw_dagu import RawDagu
from remote import Remote, remote

from syncer.backends.base import Capability
from syncer.backends.dagu.marks import Mark, together
from syncer.errors import AccessDenied, InvalidConfiguration, NotFound, Refused, SyncerError, VersionConflict
from syncer.naming import upper_snake
from syncer.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncer.plans import Plan

KINDS = ("dagu", "dagu+profiles", "kestra+disable")
NAMES = tuple(f"{scope}:app/key-{number}" for scope in ("one", "two") for number in range(3))
FIRST = NAMES[0]
LOGIN = b"<!DOCTYPE html><html><body>Log in</body></html>"
HTML = ("Content-Type", "text/html; charset=utf-8")


@pytest.fixture(params=KINDS)
def there(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    """Six secrets on each kind of server, none of them there yet."""
    with remote(request.param, tmp_path, monkeypatch) as project:
        project.declare(*NAMES)
        yield project


class Restarted:
    """A server that can be stopped and started again where it was, with all that it holds."""

    def __init__(self, fake: Any) -> None:
        self._fake = fake
        self._kind: type[Server] = type(fake.http)
        self._port = fake.http.server_address[1]
        self._lock = threading.Lock()
        self.stopped = 0

    def stop(self) -> None:
        """Break every connection and take no more."""
        with self._lock:
            self._fake.http.close()
            self._fake._thread.join()
            self.stopped += 1

    def start(self) -> None:
        """Serve again, if it does not."""
        with self._lock:
            if self._fake._thread.is_alive():
                return
            self._fake.http = self._kind(self._fake, listener=socket.create_server((HOST, self._port)))
            self._fake._thread = threading.Thread(target=self._fake.http.serve_forever, args=(POLL,))
            self._fake._thread.start()


@pytest.fixture
def restarted(there: Remote) -> Iterator[Restarted]:
    """The server, which stops half-way through what an apply has to write."""
    server = Restarted(there.store.fake)
    seen: list[str] = []

    def stops(call: Any) -> bool:
        seen.extend([call.method] if call.method in ("POST", "PUT") else [])
        if len(seen) == len(NAMES) // 2 and not server.stopped:
            server.stop()
        return False

    there.spoil(Rule(fault=Hang(1), calls=stops))
    yield server
    server.start()


def test_a_server_that_stops_and_is_soon_back(
    there: Remote, restarted: Restarted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes back while calls are tried again, and everything is done."""
    monkeypatch.setattr("remote.Retry", lambda **_facts: Retry(sleep=lambda _seconds: restarted.start()))
    assert there.apply().failed == ()
    assert restarted.stopped
    there.settle()
    assert {there.copies(name) for name in NAMES} == {1}


def test_a_server_that_stops_for_good(there: Remote, restarted: Restarted) -> None:
    """What was done is on record, the rest fails and says why; the next run finishes it."""
    outcome = there.apply()
    assert outcome.failed
    for failure in outcome.failed:
        assert f"no answer from {there.backend['type']} at {there.proxy.url}" in failure.error.message
    with pytest.raises(SyncerError) as caught:
        there.plan()
    assert "no answer" in caught.value.message
    there.assert_secret(caught.value, *(failure.error for failure in outcome.failed))
    restarted.start()
    there.settle()
    assert {there.copies(name) for name in NAMES} <= {1, 2}


PAGES = {
    "a-bad-gateway": (Answer(status=502, headers=(HTML,), body=LOGIN), SyncerError, "failed at", 1),
    "a-page": (Answer(headers=(HTML,), body=LOGIN), InvalidConfiguration, "with a web page", 3),
    "a-page-of-no-type": (Answer(body=LOGIN), InvalidConfiguration, "with a web page", 3),
    "nonsense": (Answer(headers=(("Content-Type", "application/json"),), body=b"{"), SyncerError, "makes no sense", 1),
}


@pytest.mark.parametrize("page", PAGES)
def test_pages_instead_of_a_listing(there: Remote, page: str) -> None:
    """The error names server and call; nothing is taken for an empty store."""
    answer, kind, words, code = PAGES[page]
    there.apply()
    there.spoil(Rule(fault=answer, calls=there.wire.listing))
    with pytest.raises(kind, match=words) as caught:
        there.plan()
    assert caught.value.exit_code == code
    assert there.proxy.url in caught.value.message
    assert "GET /" in caught.value.message


@pytest.mark.parametrize("page", PAGES)
def test_pages_instead_of_answers_to_writes(there: Remote, page: str) -> None:
    """Nothing passes for done that was not; told for each address, and done by the next run."""
    there.apply()
    there.declare(*NAMES, turn=2)
    there.spoil(Rule(fault=PAGES[page][0], calls=there.wire.rotate))
    outcome = there.apply()
    assert len(outcome.failed) == len(NAMES)
    for failure in outcome.failed:
        assert failure.error.message.startswith(str(failure.change.address))
    there.assert_secret(*(failure.error for failure in outcome.failed))
    there.settle()


@pytest.mark.parametrize("page", PAGES)
def test_pages_instead_of_answers_to_other_writes(there: Remote, page: str) -> None:
    """Neither a change of tags, nor a disable, nor a deletion passes for done."""
    there.declare(NAMES[2], on_remove="delete")
    there.apply()
    there.declare(NAMES[0], tags={"tier": "gold"})
    there.declare(NAMES[1], enabled=False)
    del there.secrets[NAMES[2]]
    there.spoil(Rule(fault=PAGES[page][0], calls=lambda call: call.method != "GET"))
    outcome = there.apply()
    assert {failure.change.action.value for failure in outcome.failed} == {"update", "disable", "delete"}
    there.settle()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_never_followed(there: Remote, status: int) -> None:
    """Neither for a listing nor for a value: the other server never hears of us."""
    there.apply()
    there.declare(*NAMES, turn=2)
    with fault_proxy(there.store.url) as elsewhere:
        away = Answer(status=status, headers=(("Location", f"{elsewhere.url}/login"), HTML), body=LOGIN)
        there.spoil(Rule(fault=away, calls=there.wire.rotate))
        outcome = there.apply()
        there.spoil(Rule(fault=away, calls=there.wire.listing))
        with pytest.raises(Refused) as caught:
            there.plan()
        assert not elsewhere.log
    assert len(outcome.failed) == len(NAMES)
    assert caught.value.exit_code == 1
    for error in (caught.value, *(failure.error for failure in outcome.failed)):
        assert f"{there.backend['type']} at {there.proxy.url}" in error.message
        assert f"on to somewhere else ({status})" in error.message
        assert error.hint
        there.assert_secret(error)
    there.settle()
    assert {there.copies(name) for name in NAMES} == {2}


def test_a_listing_that_comes_too_late(there: Remote) -> None:
    """It is asked again after the timeout of the manifest."""
    there.apply()
    there.backend["timeout"] = "1s"
    there.spoil(Rule(fault=Hang(30), calls=there.wire.listing, times=1))
    assert there.plan().changes == ()
    there.proxy.release()


class Hand:
    """Somebody at the server: what they do to the first secret."""

    def __init__(self, there: Remote) -> None:
        self._address = there.address(FIRST)
        self._fake = there.store.fake
        self._kestra = there.kind.startswith("kestra")
        self._key = upper_snake(self._address.ref)
        self._layer = self._address.scope.removeprefix("profile/") if there.kind.endswith("profiles") else None

    def delete(self) -> None:
        """Delete it."""
        if self._kestra:
            self._fake.remove(self._address.scope, self._key)
        elif self._layer:
            self._raw.ask(f"DELETE /profiles/{self._layer}/entries/{self._key}")
        else:
            self._raw.remove(self._address.ref, self._address.scope)

    def clear(self) -> None:
        """Delete what Dagu keeps of an entry that was deleted."""
        if self._layer:
            ref = f"runtime-profiles/{self._layer}/key-{self._key.encode().hex()}"
            self._raw.remove(ref)

    def rotate(self) -> None:
        """Write another value."""
        if self._kestra:
            self._plant(dict(self._fake.secret(self._address.scope, self._key).tags))
        elif self._layer:
            self._raw.ask(f"PUT /profiles/{self._layer}/secrets/{self._key}", {"value": "by hand"})
        else:
            self._raw.put(self._address.ref, "by hand", self._address.scope, self._record.metadata.description)

    def make_anew(self) -> None:
        """Delete it, and make one that bears no mark."""
        known = None if self._kestra else self._record.metadata.id
        self.delete()
        if self._kestra:
            self._plant({})
        elif self._layer:
            self._raw.ask(f"DELETE /secrets/{known}")
            self.rotate()
        else:
            self._raw.put(self._address.ref, "by hand", self._address.scope)

    def give_to(self, project: str) -> None:
        """Mark it as another project's."""
        if self._kestra:
            self._plant({"syncer-project": project, "syncer-address": str(self._address)})
            return
        described = together("", Mark(project, self._address, {}))
        self._raw.ask(f"PATCH /secrets/{self._record.metadata.id}", {"description": described})

    def take(self) -> None:
        """Let another project have it."""
        self.give_to("other")

    @property
    def _raw(self) -> RawDagu:
        return RawDagu(address=self._fake.url, authorization=self._fake.authorization)

    @property
    def _record(self) -> Any:
        if self._layer is None:
            return self._fake.secret(self._address.ref, self._address.scope)
        return self._fake.secrets[self._fake.profiles[self._layer].entries[self._key].secret]

    def _plant(self, tags: dict[str, str]) -> None:
        self._fake.plant(self._address.scope, self._key, "by hand", tags=tags)


def rotated(there: Remote) -> None:
    """Want another value."""
    there.declare(FIRST, turn=2)


def updated(there: Remote) -> None:
    """Want other tags."""
    there.declare(FIRST, tags={"tier": "gold"})


def disabled(there: Remote) -> None:
    """Want it disabled."""
    there.declare(FIRST, enabled=False)


def deleted(there: Remote) -> None:
    """Want it gone."""
    del there.secrets[FIRST]


WANTED = {"rotate": rotated, "update": updated, "disable": disabled, "delete": deleted}
DONE = {
    "delete": Hand.delete,
    "rotate": Hand.rotate,
    "make-anew": Hand.make_anew,
    "take": Hand.take,
}


def planned(there: Remote, want: str) -> Plan:
    """Plan one change of the first secret."""
    there.declare(FIRST, on_remove="delete")
    there.apply()
    WANTED[want](there)
    plan = there.plan()
    assert [change.action.value for change in plan.changes] == [want]
    return plan


@pytest.mark.parametrize("done", DONE)
@pytest.mark.parametrize("want", WANTED)
def test_by_hand_between_plan_and_apply(there: Remote, want: str, done: str) -> None:
    """What is another project's stays as it is; nothing fails without saying why; one more run finishes it."""
    plan, hand = planned(there, want), Hand(there)
    DONE[done](hand)
    errors = [failure.error for failure in there.apply(plan).failed]
    for error in errors:
        assert isinstance(error, NotFound | VersionConflict), error
        assert error.message.startswith(str(there.address(FIRST)))
        there.assert_secret(error)
    if want in ("rotate", "delete") and done == "rotate":
        assert bool(errors) is there.can(Capability.VERSION_IN_LIST)
    if done == "take":
        assert ["belongs to project other" in error.message for error in errors] == [True]
        assert there.store.held(there.address(FIRST)) is not None
    if done == "take":
        found = there.plan()
        assert [error.code for error in found.errors] == ["conflict"]
        hand.give_to("shop")
    if want == "update" and not there.can(Capability.VERSION_IN_LIST):
        there.declare(FIRST, turn=2)  # nobody can tell what value they wrote
    if want == done == "delete":
        hand.clear()
    there.settle()


@pytest.mark.parametrize("done", DONE)
def test_by_hand_before_a_saved_plan_is_applied(
    there: Remote, done: str, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused with exit code 7, where the store tells that somebody was there."""
    planned(there, "rotate")
    for name, text in there.environ.items():
        monkeypatch.setenv(name, text)
    monkeypatch.chdir(there.folder)
    syncer = Folder(there.folder, capsysbinary, monkeypatch)
    syncer.fine("plan", "--out", "plan.json")
    DONE[done](Hand(there))
    result = syncer("apply", "plan.json")
    blind = done == "rotate" and not there.can(Capability.VERSION_IN_LIST)
    assert result.code == (0 if blind else 7), result.err
    assert blind or str(there.address(FIRST)) in result.err
    there.assert_secret(result.err, result.out)


def test_a_removal_whose_answer_is_lost(there: Remote) -> None:
    """What is disabled or deleted is so, and that is no failure."""
    there.declare(NAMES[1], on_remove="delete")
    there.apply()
    there.declare(FIRST, enabled=False)
    del there.secrets[NAMES[1]]
    seen: set[str] = set()

    def first_of_its_kind(call: Any) -> bool:
        new = call.method != "GET" and call.name not in seen
        seen.add(call.name)
        return new

    there.spoil(Rule(fault=Reset(after_forward=True), calls=first_of_its_kind))
    assert there.apply().failed == ()
    there.settle()


OF_DAGU = {"dagu": "scope one: ", "dagu+profiles": "scope global: "}
"""What a denied listing is about; the values of all profiles stand in Global."""


def test_a_role_that_may_only_look(there: Remote) -> None:
    """The error names the thing, the call and what is missing; nothing is written."""
    if there.kind.startswith("dagu"):
        there.environ["DAGU_TOKEN"] = there.store.fake.api_key(Role.VIEWER)  # who sees no secrets there
        check_denied(there, OF_DAGU[there.kind], "the role manager")
        return
    there.environ["KESTRA_TOKEN"] = there.store.fake.token({"one": [Right.LIST], "two": [Right.LIST]})
    outcome = there.apply()
    assert len(outcome.failed) == len(NAMES)
    for failure in outcome.failed:
        assert isinstance(failure.error, AccessDenied)
        assert failure.error.message.startswith(f"{failure.change.address}: kestra at {there.proxy.url}")
        assert "denied PUT /namespaces/" in failure.error.message
        assert f"UPDATE on SECRET in namespace {failure.change.address.scope}" in str(failure.error.hint)
    assert there.store.count() == 0


def test_a_role_of_another_scope(there: Remote) -> None:
    """What is hidden from us does not pass for what is not there."""
    fake = there.store.fake
    if there.kind.startswith("dagu"):
        there.environ["DAGU_TOKEN"] = fake.api_key(grants={"payments": Role.MANAGER})
        check_denied(there, OF_DAGU[there.kind], "the role manager")
    else:
        fake.quirks.deny_lists = True
        there.environ["KESTRA_TOKEN"] = fake.token({"payments": list(Right)})
        check_denied(there, "scope one: ", "to list SECRET in namespace one")


def check_denied(there: Remote, beginning: str, right: str) -> None:
    """See that a plan is denied, and why."""
    with pytest.raises(AccessDenied) as caught:
        there.plan()
    assert caught.value.exit_code == 4
    assert caught.value.message.startswith(f"{beginning}{there.backend['type']} at {there.proxy.url}")
    assert "denied GET /" in caught.value.message
    assert f"the token needs {right}" in str(caught.value.hint)
