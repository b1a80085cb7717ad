"""Every way in which a server or the line to it says no, told in our words."""

from __future__ import annotations

import socket
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest
from conformance.fakes.answers import (
    BARE_UNAVAILABLE,
    OPENBAO_INVALID_TOKEN,
    VAULT_DENIED,
    VAULT_INVALID_TOKEN,
    VAULT_SEALED,
    VAULT_STALE_INDEX,
    vault_error,
    vault_rate_limited,
)
from conformance.fakes.fault_proxy import Cut, Reset, Rule
from conformance.fakes.loopback import Answer
from vault_bench import DB, PATH

from syncer.backends.vault import Vault, connections
from syncer.errors import (
    AccessDenied,
    BackendError,
    InvalidConfiguration,
    NotFound,
    Refused,
    SyncerError,
    Throttled,
    Transient,
    VersionConflict,
)
from syncer.sensitive import Sensitive
from syncer.testing.base import CANARY, assert_no_leak, declared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vault_bench import Bench

RIGHT = f'the token\'s policy needs "read" on secret/metadata/{PATH}'
LOG_IN = "log in again, for instance with `vault login`, or name another one in `auth`"


@pytest.mark.parametrize(
    ("answer", "kind", "message", "hint"),
    [
        (VAULT_DENIED, AccessDenied, f"vault denied read on secret/metadata/{PATH}", RIGHT),
        (VAULT_INVALID_TOKEN, AccessDenied, "the token for vault at URL is expired, revoked or unknown", LOG_IN),
        (OPENBAO_INVALID_TOKEN, AccessDenied, "the token for vault at URL is expired, revoked or unknown", LOG_IN),
        (vault_error(404, "namespace not found"), InvalidConfiguration, "vault at URL has no such namespace", None),
        (
            vault_error(404, 'no handler for route "secret/metadata/x". route entry not found.'),
            InvalidConfiguration,
            "vault at URL has nothing mounted at secret",
            None,
        ),
        (
            vault_error(400, "Upgrading from non-versioned to versioned data. This backend will be unavailable"),
            Transient,
            "vault is busy making secret a version 2",
            None,
        ),
        (
            vault_error(400, "metadata check-and-set parameter required for this call"),
            Refused,
            "its metadata may be written under a condition only",
            "switch `metadata_cas_required` off, of the secret or of secret",
        ),
        (
            Answer(status=400, body=b"Client sent an HTTP request to an HTTPS server.\n"),
            InvalidConfiguration,
            "vault at URL is to be reached over TLS",
            "write https:// in `address` or VAULT_ADDR",
        ),
        (vault_error(400, "something"), Refused, f"vault refused read on secret/metadata/{PATH} (400)", None),
        (vault_error(405), Refused, f"vault refused read on secret/metadata/{PATH} (405)", None),
        (VAULT_STALE_INDEX, Transient, "vault at URL has not caught up with an earlier write (412)", None),
        (vault_error(413, "http: request body too large"), Refused, "larger than this server takes (413)", None),
        (vault_rate_limited("x"), Throttled, "vault asks for fewer calls (429)", None),
        (
            vault_error(472),
            Refused,
            "vault at URL is a disaster recovery secondary, which serves nobody (472)",
            "name the primary in `address` or VAULT_ADDR",
        ),
        (vault_error(473), Transient, "vault at URL is a standby that does not serve this (473)", None),
        (vault_error(500, "internal error"), Transient, "vault at URL failed (500)", None),
        (
            vault_error(500, "put failed due to value being too large; got 156 bytes"),
            Refused,
            "larger than this server takes (500)",
            None,
        ),
        (
            vault_error(500, "JSON string value exceeds allowed length"),
            Refused,
            "larger than this server takes (500)",
            None,
        ),
        (
            vault_error(400, "refused JSON input due to high complexity: exceeded maximum number of strings"),
            Refused,
            "larger than this server takes (400)",
            None,
        ),
        (
            vault_error(500, "local node not active but active cluster node not found"),
            Transient,
            "vault at URL has no active node (500)",
            None,
        ),
        (vault_error(502), Transient, "vault at URL failed (502)", None),
        (VAULT_SEALED, Refused, "vault at URL is sealed", "unseal it: `vault operator unseal`"),
        (vault_error(503, "no active Vault instance found"), Transient, "vault at URL has no active node (503)", None),
        (BARE_UNAVAILABLE, Transient, "vault at URL failed (503)", None),
        (vault_error(504), Transient, "vault at URL failed (504)", None),
        (Answer(status=600), BackendError, "vault at URL is beyond us (600)", None),
        (Answer(body=b"<html>"), Transient, "what vault at URL answered makes no sense", None),
        (Answer(body=b"[1]"), Transient, "what vault at URL answered makes no sense", None),
        (Answer(body=b"{}"), Transient, "what vault at URL answered makes no sense", None),
        (Answer(body=b'{"data":{"current_version":1}}'), Transient, "answered makes no sense", None),
        (Answer(status=307), Refused, "vault at URL sends us on to nowhere (307)", None),
        (Reset(after_forward=True), Transient, "no answer from vault at URL (connection lost)", None),
        (Cut(), Transient, "no answer from vault at URL (the answer was cut off)", None),
    ],
    ids=str,
)
def test_a_look(bench: Bench, answer: Answer, kind: type[SyncerError], message: str, hint: str | None) -> None:
    """The error names the address, the server or the path, and where we know one the next step."""
    backend = bench.open()
    bench.spoil("*", answer)
    with pytest.raises(SyncerError) as caught:
        backend.look(DB)
    assert type(caught.value) is kind
    assert caught.value.message.startswith("payments:prod/db: ")
    assert caught.value.message.endswith(message.replace("URL", bench.proxy.url))
    if hint is not None:
        assert caught.value.hint == hint
    assert caught.value.__context__ is None


@pytest.mark.parametrize(("asked", "seconds"), [(None, None), (3, 3.0), ("soon", None)])
def test_how_long_to_wait(bench: Bench, asked: int | None, seconds: float | None) -> None:
    """What the server asks for, where it says so."""
    bench.spoil("*", vault_rate_limited("x", asked))
    with pytest.raises(Throttled) as caught:
        bench.open().look(DB)
    assert caught.value.retry_after == seconds


def live(bench: Bench, backend: Vault) -> None:
    """Make every kind of call."""
    secret = declared(DB)
    made = bench.create(backend)
    turned = backend.update(secret, backend.rotate(secret, Sensitive(b"v2"), made), ())
    backend.read(DB)
    list(backend.observe(["payments"], []))
    backend.delete(backend.set_enabled(backend.set_enabled(turned, enabled=False), enabled=True))


@pytest.mark.parametrize(
    ("call", "right", "path"),
    [
        ("POST /v1/secret/metadata/*", "create", "metadata"),
        ("POST /v1/secret/data/*", "update", "data"),
        ("PATCH /v1/secret/data/*", "patch", "data"),
        ("PATCH /v1/secret/metadata/*", "patch", "metadata"),
        ("POST /v1/secret/delete/*", "update", "delete"),
        ("POST /v1/secret/undelete/*", "update", "undelete"),
        ("GET /v1/secret/data/*", "read", "data"),
        ("DELETE /v1/secret/metadata/*", "delete", "metadata"),
        ("LIST /v1/secret/metadata/*", "list", "metadata"),
    ],
)
def test_the_missing_right(bench: Bench, call: str, right: str, path: str) -> None:
    """It is named as a policy spells it."""
    backend = bench.open(purge=True)
    bench.spoil(call, VAULT_DENIED)
    with pytest.raises(AccessDenied) as caught:
        live(bench, backend)
    found = {True: f"secret/{path}/shop/payments/", False: f"secret/{path}/{PATH}"}[right == "list"]
    about = "scope payments" if right == "list" else str(DB)
    assert caught.value.message == f"{about}: vault denied {right} on {found}"
    assert caught.value.hint == f'the token\'s policy needs "{right}" on {found}'


@pytest.mark.parametrize("calls", ["POST /v1/secret/data/*", "PATCH /v1/secret/data/*"])
def test_no_text_of_the_server_is_shown(bench: Bench, calls: str) -> None:
    """It may quote the request, which held a value."""
    backend = bench.open()
    for status in (400, 403, 404, 413, 418, 429, 500, 503):
        bench.spoil(calls, vault_error(status, f"cannot take {CANARY.decode()}"))
        with pytest.raises(SyncerError) as caught:
            backend.rotate(declared(DB), Sensitive(CANARY), bench.create(backend, CANARY))
        assert_no_leak(CANARY, caught.value)
        bench.raw.kv("DELETE", "metadata", PATH)


@pytest.mark.parametrize(
    "body", [b'{"data": {"version": 1}}', b'{"data": "%b"}' % CANARY, b'{"errors": {"%b": 1}}' % CANARY, b"%b" % CANARY]
)
def test_odd_answers_to_a_write(bench: Bench, body: bytes) -> None:
    """They are Transient, for it may have been done; nothing of them is shown."""
    backend = bench.open()
    bench.spoil("POST /v1/secret/data/*", Answer(body=body))
    with pytest.raises(Transient) as caught:
        bench.create(backend, CANARY)
    assert_no_leak(CANARY, caught.value)


@pytest.mark.parametrize(
    "body", [b'{"data": {"data": "%b"}}' % CANARY, b'{"data": {"data": {"value": "%b"}}}' % CANARY, b'"%b"' % CANARY]
)
def test_odd_answers_to_a_read(bench: Bench, body: bytes) -> None:
    """Likewise."""
    backend = bench.open()
    bench.create(backend)
    bench.spoil("GET /v1/secret/data/*", Answer(body=body))
    with pytest.raises(Transient, match="makes no sense") as caught:
        backend.read(DB)
    assert_no_leak(CANARY, caught.value)


@pytest.mark.parametrize("body", [b'{"data": {"keys": 5}}', b'{"data": {}}', b'{"data": {"keys": null}}'])
def test_odd_answers_to_a_listing(bench: Bench, body: bytes) -> None:
    """Half a listing never passes for a whole one."""
    bench.spoil("LIST *", Answer(body=body))
    with pytest.raises(BackendError, match=r"scope payments: what vault at .* answered makes no sense"):
        list(bench.open().observe(["payments"], []))


@pytest.mark.parametrize("body", [b'{"data": null}', b'{"data": {"key_info": {"a": {"x": 1}}}}', b"[]"])
def test_odd_answers_to_a_scan(bench: Bench, body: bytes) -> None:
    """Likewise."""
    bench.spoil("SCAN *", Answer(body=body))
    with pytest.raises(BackendError, match="answered makes no sense"):
        list(bench.open().observe(["payments"], []))


def test_a_lost_race(bench: Bench) -> None:
    """The hint says what to do."""
    backend = bench.open()
    made = bench.create(backend)
    bench.raw.put(PATH, {"value": "theirs"})
    with pytest.raises(VersionConflict) as caught:
        backend.rotate(declared(DB), Sensitive(b"v2"), made)
    assert caught.value.message == "payments:prod/db: vault holds version 2, not 1"
    assert caught.value.hint == "somebody else wrote it; plan again"


def test_nothing_there(bench: Bench) -> None:
    """What is read but is not there is named."""
    with pytest.raises(NotFound, match=r"^payments:prod/db: not in vault$"):
        bench.open().read(DB)


# The line.


@contextmanager
def listener() -> Iterator[str]:
    """Give the address of a server that takes calls and says nothing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def no_answer(bench: Bench, address: str) -> SyncerError:
    """Ask at an address."""
    with pytest.raises(SyncerError) as caught:
        bench.open(address=address).look(DB)
    assert caught.value.__context__ is None
    return caught.value


def test_nobody_listens(bench: Bench) -> None:
    """The address of the server is named."""
    with listener() as address:
        pass
    error = no_answer(bench, address)
    assert isinstance(error, Transient)
    assert error.message == f"payments:prod/db: no answer from vault at {address} (connection refused)"


def test_an_unknown_host(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are looked up at home only."""

    def unknown(*_args: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = no_answer(bench, "http://vault.test:8200")
    assert isinstance(error, Transient)
    assert "(unknown host)" in error.message


def test_silence(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited for without end."""
    monkeypatch.setattr(connections, "ANSWER_SECONDS", 0.05)
    with listener() as address:
        assert "(timed out)" in no_answer(bench, address).message


def test_something_else_listens(bench: Bench) -> None:
    """What is no HTTP is told."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1)
                connection.sendall(b"220 mail.test ESMTP\r\n")
                connection.recv(65536)

        thread = threading.Thread(target=greet)
        thread.start()
        error = no_answer(bench, f"http://127.0.0.1:{port}")
        thread.join()
    assert isinstance(error, Transient)
    assert "(what came is no HTTP)" in error.message


def test_a_server_that_speaks_no_tls(bench: Bench) -> None:
    """The scheme is what is wrong."""
    error = no_answer(bench, bench.server.url.replace("http:", "https:"))
    assert isinstance(error, InvalidConfiguration)
    assert "does not speak TLS" in error.message
    assert error.hint == "is it http:// that `address` or VAULT_ADDR should say?"


def test_retries_are_ours_alone(bench: Bench) -> None:
    """A call that fails is made once: who asked tries again."""
    backend = bench.open()
    bench.spoil("GET *", vault_error(500))
    with pytest.raises(Transient):
        backend.look(DB)
    assert bench.calls() == ["GET metadata"]


def test_chains_are_patient(bench: Bench) -> None:
    """A later call of a chain is tried again by itself, and in the end is no longer Transient."""
    backend = bench.open()
    made = bench.create(backend)
    bench.proxy.set(Rule(fault=vault_error(500), calls="POST /v1/secret/delete/*", times=2))
    off = backend.set_enabled(made, enabled=False)
    bench.calls()
    bench.spoil("POST /v1/secret/undelete/*", vault_error(500))
    with pytest.raises(BackendError) as caught:
        backend.set_enabled(off, enabled=True)
    assert not isinstance(caught.value, Transient)
    assert bench.calls() == ["GET metadata", *["POST undelete"] * 6]


def test_values_are_not_printed_by_http(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """Where somebody has Python print what goes over the wire, ours does not."""
    from http.client import HTTPConnection

    before = HTTPConnection.debuglevel
    backend: Vault = bench.open()
    try:
        connection = backend._api._wire._connections.make(bench.proxy.url)
        HTTPConnection.debuglevel = 1
        assert connection.debuglevel == 0
        connection.close()
    finally:
        HTTPConnection.debuglevel = before
    assert capsys.readouterr().out == ""
