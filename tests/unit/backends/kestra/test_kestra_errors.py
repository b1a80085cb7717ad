"""Every way in which a Kestra or the line to it says no, told in our words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from conformance.fakes.fault_proxy import Cut, Reset
from conformance.fakes.kestra.accounts import Right
from conformance.fakes.kestra.quirks import Denials
from conformance.fakes.loopback import Answer
from kestra_bench import DB, KEY, LIST, TEAM, seen
from support import secret

from syncer.errors import (
    AccessDenied,
    BackendError,
    InvalidConfiguration,
    NotFound,
    Refused,
    SyncerError,
    Throttled,
    Transient,
)
from syncer.sensitive import Sensitive
from syncer.testing.base import CANARY, assert_no_leak, declared

if TYPE_CHECKING:
    from kestra_bench import Bench

    from syncer.backends.kestra.backend import Kestra

VERSIONS = pytest.mark.parametrize("version", ["2.0", "1.3", "1.2"])
STALE = "it needs RIGHT; is it expired, and are `url` and `tenant` right?"
DENIED = "the token needs RIGHT; is `tenant` right?"
UPDATE = f"UPDATE on SECRET in namespace {TEAM}"


@VERSIONS
@pytest.mark.parametrize(
    ("status", "kind", "message", "hint"),
    [
        (400, Refused, "kestra at URL refused CALL (400)", None),
        (401, AccessDenied, "kestra at URL does not let us in with the token (CALL, 401)", STALE),
        (403, AccessDenied, "kestra at URL denied CALL (403)", DENIED),
        (404, NotFound, "not in kestra", None),
        (409, Refused, "kestra at URL did not take CALL, something else is at it (409)", None),
        (415, Refused, "kestra at URL refused CALL (415)", None),
        (422, Refused, "kestra at URL refused CALL (422)", None),
        (423, Refused, "kestra at URL did not take CALL, something else is at it (423)", None),
        (429, Throttled, "kestra at URL asks for fewer calls (429)", None),
        (500, Transient, "kestra at URL failed at CALL (500)", None),
        (503, Transient, "kestra at URL failed at CALL (503)", None),
        (504, Transient, "kestra at URL failed at CALL (504)", None),
    ],
)
def test_a_write(bench: Bench, version: str, status: int, kind: type[SyncerError], message: str, hint: str) -> None:
    """The error names the address, the server, the call, and where we know one the next step; in all releases alike."""
    bench.serve(version=version)
    backend = bench.open(attempts=1)
    made = bench.create(backend)
    bench.spoil("DELETE *", bench.fake.error(status, "in their words"))
    with pytest.raises(SyncerError) as caught:
        backend.delete(made)
    assert type(caught.value) is kind
    call = f"DELETE /namespaces/{TEAM}/secrets/{KEY}"
    told = message.replace("URL", f"{bench.proxy.url}/api/v1/main").replace("CALL", call)
    assert caught.value.message == f"{DB}: {told}"
    assert caught.value.hint == (hint and hint.replace("RIGHT", f"DELETE on SECRET in namespace {TEAM}"))
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        (Answer(status=302, headers=(("Location", "/ui/login"),)), Refused, "sends CALL on to somewhere else (302)"),
        (Reset(after_forward=True), Transient, "no answer from kestra at URL to CALL (connection lost)"),
        (Cut(), Transient, "no answer from kestra at URL to CALL"),
        (Answer(status=405), Refused, "refused CALL (405)"),
        (Answer(status=413), Refused, "larger than kestra at URL takes (413)"),
    ],
    ids=str,
)
def test_the_line(bench: Bench, fault: Any, kind: type[SyncerError], message: str) -> None:
    """What is between us and the server."""
    backend = bench.open(attempts=1)
    bench.spoil("PUT *", fault)
    with pytest.raises(kind) as caught:
        bench.create(backend)
    told = message.replace("URL", f"{bench.proxy.url}/api/v1/main").replace("CALL", f"PUT /namespaces/{TEAM}/secrets")
    assert told in caught.value.message


def live(bench: Bench, backend: Kestra) -> None:
    """Make every kind of call."""
    made = bench.create(backend)
    backend.delete(backend.update(declared(DB), backend.rotate(declared(DB), Sensitive(b"v2"), made), ()))


@VERSIONS
@pytest.mark.parametrize("denials", list(Denials))
@pytest.mark.parametrize(
    ("rights", "method", "right"),
    [
        ([Right.LIST], "PUT", UPDATE),
        ([Right.LIST, Right.UPDATE], "DELETE", f"DELETE on SECRET in namespace {TEAM}"),
    ],
)
def test_the_missing_right(
    bench: Bench, version: str, denials: Denials, rights: list[Right], method: str, right: str
) -> None:
    """It is named, whatever the server's denial looks like."""
    bench.serve(version=version)
    bench.fake.quirks.denials = denials
    with pytest.raises(AccessDenied) as caught:
        live(bench, bench.open(key=bench.fake.token({TEAM: rights})))
    where = f"kestra at {bench.proxy.url}/api/v1/main"
    path = f"/namespaces/{TEAM}/secrets" + (f"/{KEY}" if method == "DELETE" else "")
    assert caught.value.message == f"{DB}: {where} denied {method} {path} (403)"
    assert caught.value.hint == DENIED.replace("RIGHT", right)


def test_the_right_to_describe(bench: Bench) -> None:
    """It is the one to write."""
    backend = bench.open()
    made = bench.create(backend)
    bench.spoil("PATCH *", bench.fake.error(403))
    with pytest.raises(AccessDenied) as caught:
        backend.update(declared(DB), made, ())
    assert caught.value.hint == DENIED.replace("RIGHT", UPDATE)


@VERSIONS
def test_another_tenant(bench: Bench, version: str) -> None:
    """It is denied like a credential, by one status or the other; the tenant is named as a thing to look at."""
    bench.serve(version=version)
    with pytest.raises(AccessDenied) as caught:
        seen(bench.open(tenant="other"))
    where = f"{bench.proxy.url}/api/v1/other"
    assert where in caught.value.message
    assert caught.value.hint is not None
    assert "`tenant`" in caught.value.hint


@VERSIONS
def test_what_lets_nobody_in(bench: Bench, version: str) -> None:
    """A wrong token, or a user where a token is wanted."""
    bench.serve(version=version)
    for options in (
        {"token": {"env": "WRONG"}},
        {"token": None, "username": "u", "password": {"env": "WRONG"}},
    ):
        with pytest.raises(AccessDenied) as caught:
            seen(bench.open(environ={"WRONG": CANARY.decode()}, **options))
        assert caught.value.message.startswith(
            f"scope {TEAM}: kestra at {bench.proxy.url}/api/v1/main does not let us in"
        )
        assert_no_leak(CANARY, caught.value)


@pytest.mark.parametrize(
    ("status", "message"), [(404, "kestra at URL has no namespace company.team"), (422, "refused"), (403, "denied")]
)
@pytest.mark.parametrize("version", ["2.0", "1.3"])
def test_a_namespace_that_nobody_made(bench: Bench, version: str, status: int, message: str) -> None:
    """Where the server wants it made first, that is told; once it is, the next apply goes on."""
    bench.serve(version=version)
    bench.fake.quirks.unknown_namespaces = status
    house = bench.house()
    house.declare(secret(str(DB)))
    (failure,) = house.apply().failed
    assert message.replace("URL", f"{bench.proxy.url}/api/v1/main") in failure.error.message
    assert isinstance(failure.error, Refused | AccessDenied)
    if status == 404:
        assert failure.error.hint is not None
        assert failure.error.hint.startswith("make it in Kestra first")
    bench.fake.namespace(TEAM)
    assert not house.apply().failed
    assert house.plan().changes == ()


@pytest.mark.parametrize("status", [403, 409])
def test_a_store_for_reading_only(bench: Bench, status: int) -> None:
    """What became so after the plan is refused by the server, and nothing has changed."""
    house = bench.house()
    house.declare(secret(str(DB)))
    plan = house.plan()
    bench.fake.quirks.read_only, bench.fake.quirks.read_only_status = True, status
    (failure,) = house.apply(plan).failed
    assert isinstance(failure.error, AccessDenied if status == 403 else Refused)
    assert bench.fake.keys(TEAM) == []


@VERSIONS
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 415, 422, 423, 429, 500, 503])
def test_no_text_of_the_server_is_shown(bench: Bench, version: str, status: int) -> None:
    """It may quote the request, which held a value."""
    bench.serve(version=version)
    backend = bench.open(attempts=1)
    for calls, attempt in (
        ("PUT *", lambda: bench.create(backend, CANARY)),
        ("PATCH *", lambda: backend.update(declared(DB), bench.create(backend, CANARY), ())),
    ):
        bench.spoil(calls, bench.fake.error(status, f"cannot take {CANARY.decode()}"))
        with pytest.raises(SyncerError) as caught:
            attempt()
        assert_no_leak(CANARY, caught.value)


@VERSIONS
def test_servers_that_quote_bodies(bench: Bench, version: str) -> None:
    """The same of a server that does it by itself."""
    bench.serve(version=version)
    bench.fake.quirks.echo_bodies = True
    with pytest.raises(SyncerError) as caught:
        bench.create(bench.open(key=bench.fake.token({TEAM: [Right.LIST]})), CANARY)
    assert_no_leak(CANARY, caught.value)


def test_a_page_instead_of_the_api(bench: Bench) -> None:
    """A proxy's login, or the user interface."""
    bench.spoil(LIST, Answer(headers=(("Content-Type", "text/html"),), body=b"<html>"))
    with pytest.raises(InvalidConfiguration) as caught:
        seen(bench.open())
    where = f"{bench.proxy.url}/api/v1/main"
    message = f"scope {TEAM}: {where} answers GET /secrets with a web page, not as kestra's API"
    assert caught.value.message == message


@pytest.mark.parametrize("call", ["PUT", "PATCH", "DELETE"])
def test_a_page_instead_of_an_answer_to_a_write(bench: Bench, call: str) -> None:
    """It says 200 and has done nothing; what is no JSON does not pass for done either."""
    backend = bench.open(attempts=1)
    made = bench.create(backend)
    if call == "PUT":
        backend.delete(made)
    attempt = {
        "PUT": lambda: bench.create(backend),
        "PATCH": lambda: backend.update(declared(DB, tags={"a": "b"}), made, ()),
        "DELETE": lambda: backend.delete(made),
    }[call]
    bench.spoil(f"{call} *", Answer(headers=(("Content-Type", "text/html"),), body=b"<html>"))
    with pytest.raises(InvalidConfiguration, match=f"answers {call} .* with a web page"):
        attempt()
    bench.spoil(f"{call} *", Answer(body=b"done"))
    with pytest.raises(BackendError, match="makes no sense"):
        attempt()
    bench.proxy.set()
    attempt()


def test_a_server_before_1_1(bench: Bench) -> None:
    """It has no list of a tenant's secrets: denied, not taken for empty."""
    bench.serve(version="1.0")
    with pytest.raises(AccessDenied):
        seen(bench.open())


@VERSIONS
def test_a_server_that_throttles(bench: Bench, version: str) -> None:
    """It is waited for, within reason, and what it never took was not written."""
    bench.serve(version=version)
    backend = bench.open(attempts=3)
    bench.spoil("PUT *", bench.fake.error(429), times=2)
    made = bench.create(backend)
    assert len(bench.slept) == 2
    bench.fake.remove(TEAM, KEY)
    bench.spoil("PUT *", bench.fake.error(429))
    with pytest.raises(Refused):
        bench.create(bench.open())
    bench.spoil(LIST, bench.fake.error(429), times=2)
    bench.create(bench.open())
    bench.spoil(LIST, bench.fake.error(429))
    with pytest.raises(Refused):  # before a write: nothing was written
        bench.open().rotate(declared(DB), Sensitive(b"v2"), made)
    with pytest.raises(BackendError) as caught:
        seen(backend)
    assert type(caught.value) is BackendError
