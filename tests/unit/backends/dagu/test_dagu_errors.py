"""Every way in which a Dagu or the line to it says no, told in our words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from conformance.fakes.dagu.roles import Role
from conformance.fakes.fault_proxy import Cut, Reset, Rule
from conformance.fakes.loopback import Answer
from dagu_bench import DB, EVERYWHERE, JSON, KEY, LISTING, Bench, Served, seen
from support import actions, secret

from syncer.errors import (
    AccessDenied,
    AlreadyExists,
    BackendError,
    InvalidConfiguration,
    Refused,
    SyncerError,
    Transient,
)
from syncer.sensitive import Sensitive
from syncer.testing.base import CANARY, assert_no_leak, declared

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncer.backends.dagu.backend import Dagu
    from syncer.model import Address

OF_GLOBAL = "the token needs the role manager or admin for all workspaces"
OF_PAYMENTS = "the token needs the role manager in workspace payments"
OF_PROFILES = "the token needs the role manager for all workspaces, and admin for what is protected"
PATHS = "check `url`, and `base_path` and `api_base_path` of the server"
HTML = (("Content-Type", "text/html; charset=utf-8"),)
TEXT = (("Content-Type", "text/plain; charset=utf-8"),)
FAULTS: list[tuple[Answer | Reset | Cut, type[SyncerError], str, str | None]] = [
    (
        Answer(status=401),
        AccessDenied,
        "dagu at URL does not let us in with the token (CALL, 401)",
        "is it expired, revoked or of another server? it needs the role manager in workspace payments",
    ),
    (Answer(status=403, headers=JSON, body=b"{}"), AccessDenied, "dagu at URL denied CALL (403)", OF_PAYMENTS),
    (Answer(status=403, headers=TEXT, body=b"API key"), AccessDenied, "dagu at URL denied CALL (403)", OF_PAYMENTS),
    (
        Answer(status=404, headers=TEXT, body=b"404 page not found\n"),
        InvalidConfiguration,
        "there is no API of dagu at URL (CALL, 404)",
        PATHS,
    ),
    (Answer(status=404), InvalidConfiguration, "there is no API of dagu at URL (CALL, 404)", PATHS),
    (Answer(status=404, headers=HTML), InvalidConfiguration, "there is no API of dagu at URL (CALL, 404)", PATHS),
    (
        Answer(headers=HTML, body=b"\n<!DOCTYPE html>"),
        InvalidConfiguration,
        "URL answers CALL with a web page, not as dagu's API",
        "check `url` and its path; a proxy may want a login of its own",
    ),
    (
        Answer(status=301, headers=(("Location", "/login"),)),
        Refused,
        "dagu at URL sends CALL on to somewhere else (301)",
        "check `url` and its path: http or https? a proxy may want a login of its own",
    ),
    (Answer(status=400, headers=TEXT), Refused, "dagu at URL refused CALL (400)", None),
    (Answer(status=405, headers=(("Allow", "GET"),)), Refused, "dagu at URL refused CALL (405)", None),
    (Answer(status=409, headers=JSON), AlreadyExists, "already in dagu", None),
    (Answer(status=413), Refused, "larger than dagu at URL takes (413)", None),
    (Answer(status=429), Refused, "dagu at URL asks for fewer calls (429)", None),
    (Answer(status=500), Transient, "dagu at URL failed at CALL (500)", None),
    (Answer(status=503, headers=JSON, body=b"{}"), Transient, "dagu at URL failed at CALL (503)", None),
    (Answer(body=b""), Transient, "what dagu at URL answered to CALL makes no sense", None),
    (Answer(body=b"[]"), Transient, "what dagu at URL answered to CALL makes no sense", None),
    (Answer(body=b"{}"), Transient, "what dagu at URL answered to CALL makes no sense", None),
    (Answer(body=b"5"), Transient, "what dagu at URL answered to CALL makes no sense", None),
    (Reset(after_forward=True), Transient, "no answer from dagu at URL to CALL (connection lost)", None),
    (Cut(), Transient, "no answer from dagu at URL to CALL (the answer was cut off, or is no HTTP)", None),
]


@pytest.mark.parametrize(("fault", "kind", "message", "hint"), FAULTS, ids=str)
def test_a_write(
    bench: Bench, fault: Answer | Reset | Cut, kind: type[SyncerError], message: str, hint: str | None
) -> None:
    """The error names the address, the server, the call, and where we know one the next step."""
    backend = bench.open(attempts=1)
    made = bench.create(backend)
    bench.spoil("*", fault)
    with pytest.raises(SyncerError) as caught:
        backend.set_enabled(made, enabled=False)
    call = f"POST /secrets/{made.remote_id}/disable"
    assert type(caught.value) is kind
    told = message.replace("URL", f"{bench.proxy.url}/api/v1").replace("CALL", call)
    assert (caught.value.message, caught.value.hint) == (f"{DB}: {told}", hint)
    assert caught.value.__context__ is None


def live(bench: Bench, backend: Dagu, address: Address) -> None:
    """Make every kind of call."""
    list(backend.observe([address.scope], []))
    made = bench.create(backend, address=address)
    turned = backend.update(declared(address), backend.rotate(declared(address), Sensitive(b"v2"), made), ())
    backend.delete(backend.set_enabled(backend.set_enabled(turned, enabled=False), enabled=True))


@pytest.mark.parametrize(
    ("address", "calls", "call", "right"),
    [
        (DB, LISTING, "scope payments: GET /secrets", OF_PAYMENTS),
        (EVERYWHERE, LISTING, "scope global: GET /secrets", OF_GLOBAL),
        (DB, "POST /api/v1/secrets", f"{DB}: POST /secrets", OF_PAYMENTS),
        (EVERYWHERE, "POST /api/v1/secrets", f"{EVERYWHERE}: POST /secrets", OF_GLOBAL),
        (DB, "POST */versions", f"{DB}: POST /secrets/ID/versions", OF_PAYMENTS),
        (DB, "PATCH *", f"{DB}: PATCH /secrets/ID", OF_PAYMENTS),
        (DB, "POST */disable", f"{DB}: POST /secrets/ID/disable", OF_PAYMENTS),
        (EVERYWHERE, "POST */enable", f"{EVERYWHERE}: POST /secrets/ID/enable", OF_GLOBAL),
        (DB, "DELETE *", f"{DB}: DELETE /secrets/ID", OF_PAYMENTS),
        (KEY, "GET /api/v1/profiles/*", "scope profile/blue: GET /profiles/blue", OF_PROFILES),
        (KEY, "PUT *", f"{KEY}: PUT /profiles/blue/secrets/DB", OF_PROFILES),
        (KEY, "POST /api/v1/secrets", f"{KEY}: POST /secrets", OF_PROFILES),
        (KEY, "PATCH *", f"{KEY}: PATCH /secrets/ID", OF_PROFILES),
        (KEY, "DELETE *", f"{KEY}: DELETE /secrets/ID", OF_PROFILES),
    ],
)
def test_the_missing_right(bench: Bench, address: Address, calls: str, call: str, right: str) -> None:
    """It is named as Dagu calls it, for the scope that it is missing in."""
    bench.spoil(calls, Answer(status=403, headers=JSON, body=b'{"code":"forbidden"}'))
    with pytest.raises(AccessDenied) as caught:
        live(bench, bench.open(), address)
    about, _, what = call.rpartition(": ")
    told = f"{about}: dagu at {bench.proxy.url}/api/v1 denied {what} (403)"
    secret_id = next(iter(bench.fake.secrets), "")
    assert caught.value.message.replace(secret_id or "-", "ID") == told
    assert caught.value.hint == right


@pytest.mark.parametrize("address", [DB, EVERYWHERE], ids=str)
def test_the_missing_right_that_is_hidden(bench: Bench, address: Address) -> None:
    """To keys of other workspaces Dagu says that there is nothing: it is a denial, also to create."""
    bench.fake.workspace("billing")
    backend = bench.open(key=bench.fake.api_key(grants={"billing": Role.MANAGER}))
    right = OF_GLOBAL if address == EVERYWHERE else OF_PAYMENTS
    for about, call, attempt in (
        (f"scope {address.scope}", "GET /secrets", lambda: seen(backend, address.scope)),
        (str(address), "POST /secrets", lambda: bench.create(backend, address=address)),
    ):
        with pytest.raises(AccessDenied) as caught:
            attempt()
        assert caught.value.message == f"{about}: dagu at {bench.proxy.url}/api/v1 denied {call} (404)"
        assert caught.value.hint == right


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.DEVELOPER])
def test_lesser_roles(bench: Bench, role: Role) -> None:
    """They may not even list."""
    for scope, right in (("payments", OF_PAYMENTS), ("global", OF_GLOBAL), (KEY.scope, OF_GLOBAL)):
        with pytest.raises(AccessDenied) as caught:
            seen(bench.open(key=bench.fake.api_key(role)), scope)
        assert caught.value.hint == right


@pytest.mark.parametrize(
    ("auth", "options", "credential"),
    [
        ("builtin", {"token": {"env": "WRONG"}}, "the token"),
        ("builtin", {"token": None, "username": "admin", "password": {"env": "DAGU_TOKEN"}}, "user and password"),
        ("basic", {}, "the token"),
        ("basic", {"token": None, "username": "admin", "password": {"env": "WRONG"}}, "user and password"),
    ],
)
def test_what_lets_nobody_in(bench: Bench, auth: str, options: dict[str, Any], credential: str) -> None:
    """A wrong credential, or one of another mode of the server: a 401 without a body."""
    Served(bench.fake.http, auth)
    backend = bench.open(environ={"WRONG": CANARY.decode()}, **options)
    with pytest.raises(AccessDenied) as caught:
        seen(backend, "payments")
    where = f"dagu at {bench.proxy.url}/api/v1"
    message = f"scope payments: {where} does not let us in with {credential} (GET /secrets, 401)"
    assert caught.value.message == message
    assert_no_leak(CANARY, caught.value)


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({}, "URL/api/v1 answers GET /secrets with a web page, not as dagu's API", "check `url` and its path"),
        ({"base_path": "/other"}, "URL/other/api/v1 answers GET /secrets with a web page", "check `url` and its path"),
        ({"base_path": "/dagu", "api_base_path": "/api"}, "URL/dagu/api answers GET /secrets with a web page", "check"),
        (
            {"base_path": "/dagu", "api_base_path": "/api/v1/v2"},
            "there is no API of dagu at URL/dagu/api/v1/v2 (GET /secrets, 404)",
            PATHS,
        ),
    ],
)
def test_wrong_paths(bench: Bench, options: dict[str, str], message: str, hint: str) -> None:
    """The user interface answers, or the API knows no such path: neither passes for an empty store."""
    Served(bench.fake.http, base_path="/dagu")
    with pytest.raises(InvalidConfiguration) as caught:
        seen(bench.open(**options), "payments")
    assert message.replace("URL", bench.proxy.url) in caught.value.message
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(hint)


def test_right_paths(bench: Bench) -> None:
    """Below the server's base path all is as it is without one."""
    Served(bench.fake.http, base_path="/tools/dagu").workspace("payments")
    house = bench.house(base_path="/tools/dagu")
    house.declare(secret(str(DB)))
    assert not house.apply().failed
    assert house.plan().changes == ()


def test_a_server_without_its_key(bench: Bench) -> None:
    """It answers 503 to all that is about secrets: tried again, then told."""
    bench.fake.state.keyless = True
    backend = bench.open(attempts=3)
    with pytest.raises(BackendError) as caught:
        seen(backend, "payments")
    assert caught.value.message == f"scope payments: dagu at {bench.proxy.url}/api/v1 failed at GET /secrets (503)"
    assert type(caught.value) is BackendError
    assert bench.calls() == ["GET /secrets"] * 3


def test_bad_json_that_a_proxy_makes_of_it(bench: Bench) -> None:
    """Dagu answers 500 with nothing to a body that it cannot read; nothing was written."""
    bench.spoil("POST /api/v1/secrets", Answer(status=500))
    with pytest.raises(Transient):
        bench.create(bench.open())
    assert bench.fake.secrets == {}


@pytest.mark.parametrize("entries", [1, [1], [{}], [None]])
def test_entries_that_make_no_sense(bench: Bench, entries: Any) -> None:
    """A profile whose entries cannot be read is not taken for an empty one; null is."""
    backend = bench.open(attempts=1)
    bench.rewrite("GET /api/v1/profiles/*", lambda document: document | {"entries": entries})
    with pytest.raises(BackendError, match="makes no sense"):
        seen(backend, KEY.scope)
    bench.rewrite("GET /api/v1/profiles/*", lambda document: document | {"entries": None})
    assert seen(backend, KEY.scope) == {}


@pytest.mark.parametrize(
    "broken",
    [
        lambda document: document | {"currentVersion": "two"},
        lambda document: document | {"currentVersion": None},
        lambda document: document | {"currentVersion": float("inf")},
        lambda document: {name: said for name, said in document.items() if name != "id"},
        lambda document: {name: said for name, said in document.items() if name != "status"},
        lambda _document: [],
        lambda _document: None,
    ],
)
def test_a_secret_that_makes_no_sense(bench: Bench, broken: Callable[[Any], Any]) -> None:
    """Told as such, be it alone or in a list."""
    backend = bench.open(attempts=1)
    made = bench.create(backend)
    bench.rewrite("GET /api/v1/secrets/*", broken)
    with pytest.raises(Transient, match="makes no sense"):
        backend.look(DB)
    bench.rewrite(LISTING, lambda document: document | {"secrets": [broken(document["secrets"][0])]})
    with pytest.raises(BackendError, match="makes no sense"):
        seen(backend, "payments")
    bench.rewrite("POST */disable", broken)
    with pytest.raises(Transient, match="makes no sense"):
        backend.set_enabled(made, enabled=False)


@pytest.mark.parametrize("total", ["Infinity", "1e999", "NaN", '"many"', "null"])
def test_a_total_that_makes_no_sense(bench: Bench, total: str) -> None:
    """Told as such."""
    bench.spoil(f"{LISTING}*", Answer(headers=JSON, body=f'{{"secrets":[],"total":{total}}}'.encode()))
    with pytest.raises(BackendError, match="makes no sense"):
        seen(bench.open(attempts=1), "payments")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 418, 429, 500, 503])
@pytest.mark.parametrize("address", [DB, KEY], ids=str)
def test_no_text_of_the_server_is_shown(bench: Bench, address: Address, status: int) -> None:
    """It may quote the request, which held a value."""
    backend = bench.open(attempts=1)
    body = json.dumps({"code": "bad_request", "message": f"cannot take {CANARY.decode()}"}).encode()
    made = bench.create(backend, CANARY, address)
    bench.proxy.set(
        *(Rule(fault=Answer(status=status, headers=JSON, body=body), calls=f"{verb} *") for verb in ("PUT", "POST"))
    )
    with pytest.raises(SyncerError) as caught:
        backend.rotate(declared(address), Sensitive(CANARY), made)
    assert_no_leak(CANARY, caught.value)
    backend.delete(made)
    with pytest.raises(SyncerError) as caught:
        bench.create(backend, CANARY, address)
    assert_no_leak(CANARY, caught.value)


@pytest.mark.parametrize("status", [403, 409, 500])
@pytest.mark.parametrize("calls", ["POST /api/v1/secrets", "PUT *"])
def test_an_apply_that_fails_half_way(bench: Bench, calls: str, status: int) -> None:
    """What was done is recorded, the rest is told, and the next run finishes it."""
    house = bench.house(attempts=2)
    names = [f"payments:s/{number}" for number in range(4)] + [f"profile/blue:KEY_{number}" for number in range(4)]
    house.declare(*(secret(name) for name in names))
    bench.spoil(calls, Answer(status=status, headers=JSON, body=b"{}"), after=2)
    outcome = house.apply()
    assert outcome.failed
    assert outcome.applied
    assert len(outcome.applied) + len(outcome.failed) == len(names)
    bench.proxy.set()
    # Whether what broke the server was done is not known, so that stands on record.
    assert set(actions(house.plan().changes)) == {"create(missing)" if status == 500 else "create(new)"}
    assert not house.apply().failed
    assert house.plan().changes == ()
    assert {record.served for record in bench.fake.secrets.values()} == {"v1"}
