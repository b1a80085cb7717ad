"""The line to a server, broken in every way that a line breaks."""

from __future__ import annotations

import gzip
import socket
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from conformance.fakes.fault_proxy import Cut, Reset, fault_proxy
from conformance.fakes.fault_proxy import Rule as Spoilt
from rest_bench import READ, THING, TOKEN, WITH_TOKEN, WRITE, Hang, Raw, as_json

from syncer.errors import SyncerError, Transient
from syncer.rest.options import RestOptions
from syncer.testing.base import CANARY, assert_no_leak

if TYPE_CHECKING:
    from rest_bench import Bench

    from syncer.rest.client import Client

CUT = "the answer was cut off, or is no HTTP"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def problem(client: Client) -> SyncerError:
    """Give the error that a write ends in; neither value nor token may stand anywhere in it."""
    with pytest.raises(SyncerError) as caught:
        client.call(WRITE)
    assert caught.value.__context__ is None
    assert_no_leak(CANARY, caught.value)
    assert_no_leak(TOKEN, caught.value)
    return caught.value


def told(client: Client, reason: str) -> str:
    """Give what is said of an answer that did not come."""
    return f"{THING}: no answer from acme at {client.server.url} to POST /secrets ({reason})"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"H",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Ty",
        HEAD,
        HEAD + b"Content-Length: 100\r\n\r\n",
        HEAD + b'Content-Length: 100\r\n\r\n{"value": "%b"' % CANARY,
        HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        HEAD + b"Content-Length: two\r\n\r\n{}",
        HEAD + b"Content-Length: -2\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n%b\r\n0\r\n\r\n" % CANARY,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}}}}\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: nonsense\r\n\r\n{}",
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nabcde",
        HEAD + b"Content-Encoding: deflate\r\nContent-Length: 5\r\n\r\nabcde",
        HEAD + b"%b\r\n\r\n{}" % CANARY,
        HEAD + b"X-Much: %b\r\nContent-Length: 2\r\n\r\n{}" % (b"a" * 200_000),
        b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 1000 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b'{"value": "%b"}' % CANARY,
        b"220 mail.test ESMTP %b\r\n" % CANARY,
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"\0" * 64,
        b"\n" * 64,
    ],
    ids=lambda data: ascii(data[:60]),
)
def test_what_comes_is_no_answer(bench: Bench, data: bytes) -> None:
    """Another try may mend it; whether the write happened is not known."""
    bench.server.always = Raw(data)
    client = bench.client(**WITH_TOKEN)
    found = problem(client)
    assert type(found) is Transient
    assert found.message == told(client, CUT)
    assert len(bench.server.calls) == 1


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"\r\n{}",
        HEAD + b"Content-Length: 2\r\n\r\n{}and more",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: Chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Trailer: 1\r\n\r\n",
        HEAD.replace(b"1.1", b"1.0") + b"\r\n{}",
        HEAD.replace(b"\r\n", b"\n") + b"Content-Length: 2\n\n{}",
        HEAD.replace(b" OK", b"") + b"Content-Length: 2\r\n\r\n{}",
        HEAD + b"Content-Encoding: nonsense\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        + HEAD
        + b"Content-Length: 2\r\n\r\n{}",
        HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"{}"),
    ],
    ids=lambda data: ascii(data[:60]),
)
def test_odd_but_whole(bench: Bench, data: bytes) -> None:
    """An answer that may be written so is taken."""
    bench.server.always = Raw(data)
    client = bench.client()
    assert client.call(WRITE).document == {}
    assert bench.server.deserted()
    assert client.call(WRITE).document == {}


def test_half_of_what_was_packed(bench: Bench) -> None:
    """It is no JSON."""
    half = gzip.compress(b'{"value": 1234567890}')[:-12]
    bench.server.always = Raw(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(half), half))
    with pytest.raises(Transient, match="makes no sense"):
        _ = bench.client().call(WRITE).document


@pytest.mark.parametrize("after_forward", [False, True])
def test_a_reset(bench: Bench, *, after_forward: bool) -> None:
    """Before the server hears of the call, or once it has done it."""
    with fault_proxy(bench.server.url) as proxy:
        proxy.set(Spoilt(fault=Reset(after_forward=after_forward)))
        client = bench.client(proxy.url, **WITH_TOKEN)
        found = problem(client)
        client.close()
    assert type(found) is Transient
    assert found.message == told(client, "connection lost")
    assert len(bench.server.calls) == after_forward


def test_half_an_answer(bench: Bench) -> None:
    """It never passes for a whole one."""
    bench.server.always = as_json(b'{"secrets": [%b]}' % b", ".join([b'{"a": 1}'] * 5_000))
    with fault_proxy(bench.server.url) as proxy:
        proxy.set(Spoilt(fault=Cut()))
        client = bench.client(proxy.url, **WITH_TOKEN)
        assert problem(client).message == told(client, CUT)
        client.close()


def test_a_line_that_holds_again(bench: Bench) -> None:
    """What broke leaves nothing behind that could break the next call."""
    client = bench.client(**WITH_TOKEN)
    bench.server.first += [Raw(b""), as_json(b"{}"), Raw(HEAD + b"Content-Length: 9\r\n\r\n{}"), as_json(b"[]")]
    problem(client)
    assert client.call(WRITE).document == {}
    problem(client)
    assert client.call(WRITE).document == []
    assert len(bench.server.calls) == 4


def test_calls_are_made_once(bench: Bench) -> None:
    """Retries are not the client's: a write is never sent twice behind somebody's back."""
    replies = (Raw(b""), Raw(b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\n\r\n"))
    for number, reply in enumerate(replies, 1):
        bench.server.always = reply
        problem(bench.client(**WITH_TOKEN))
        assert len(bench.server.calls) == bench.server.accepted == number


def closed_port() -> int:
    """Give a port on which nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nobody_listens(bench: Bench, scheme: str) -> None:
    """The URL of the server is named."""
    client = bench.client(f"{scheme}://127.0.0.1:{closed_port()}", **WITH_TOKEN)
    found = problem(client)
    assert type(found) is Transient
    assert found.message == told(client, "connection refused")


def test_an_unknown_host(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are looked up at home only."""

    def unknown(*_args: object, **_names: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "text of the system")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    client = bench.client("https://something.invalid:8080", **WITH_TOKEN)
    found = problem(client)
    assert type(found) is Transient
    assert found.message == told(client, "unknown host")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError("timed out"), "timed out"),
        (OSError(101, "Network is unreachable"), "no way to it"),
        (PermissionError(1, "Operation not permitted"), "no way to it"),
        (ConnectionResetError(), "connection lost"),
        (BrokenPipeError(), "connection lost"),
    ],
    ids=str,
)
def test_no_way(bench: Bench, monkeypatch: pytest.MonkeyPatch, error: OSError, reason: str) -> None:
    """Whatever the system says of it."""

    def fail(*_args: object, **_names: object) -> None:
        raise error

    monkeypatch.setattr(socket, "create_connection", fail)
    client = bench.client("http://acme.test", **WITH_TOKEN)
    found = problem(client)
    assert type(found) is Transient
    assert found.message == told(client, reason)


@pytest.mark.parametrize(
    "data", [b"", HEAD, HEAD + b'Content-Length: 100\r\n\r\n{"value": '], ids=["all", "head", "body"]
)
def test_silence(bench: Bench, monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """It is not waited for without end, neither for the answer nor for the rest of it."""
    monkeypatch.setattr(RestOptions, "seconds", 0.05)
    bench.server.always = Hang(data)
    client = bench.client(**WITH_TOKEN)
    found = problem(client)
    assert type(found) is Transient
    assert found.message == told(client, "timed out")


def test_nobody_takes_the_call(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that lets the system answer the knock, and no more; over TLS it has to shake hands."""
    monkeypatch.setattr(RestOptions, "seconds", 0.05)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        for scheme in ("http", "https"):
            client = bench.client(f"{scheme}://127.0.0.1:{server.getsockname()[1]}", **WITH_TOKEN)
            assert problem(client).message == told(client, "timed out")


def test_the_timeout_is_the_option(bench: Bench) -> None:
    """For each part of an answer; to connect may take no longer than ten seconds of it."""
    for timeout, connect in (("1s", 1.0), ("5m", 10.0)):
        client = bench.client(timeout=timeout)
        client.call(READ)
        found = client._connections._idle[0].timeout
        assert (found.connect, found.read, found.write) == (connect, client._options.seconds, client._options.seconds)


def test_what_is_no_http_is_not_quoted(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Neither by the error nor by a log of ours."""
    bench.server.always = Raw(b"HTTP/1.1 502 %b\r\nContent-Length: 0\r\n\r\n" % CANARY)
    with caplog.at_level("INFO", "syncer"):
        found = problem(bench.client(**WITH_TOKEN))
    assert_no_leak(CANARY, caplog.text)
    assert found.message == f"{THING}: acme at {bench.server.url} failed at POST /secrets (502)"


def test_who_is_asked_is_named(bench: Bench) -> None:
    """The path of the API included, so that a wrong one is seen."""
    url = f"http://127.0.0.1:{closed_port()}/under/api/v1"
    client = bench.client(url, **WITH_TOKEN)
    with pytest.raises(Transient) as caught:
        client.call(replace(READ, path="/secrets/a%20b", query={"q": CANARY.decode()}))
    expected = f"{THING}: no answer from acme at {url} to GET /secrets/a%20b (connection refused)"
    assert caught.value.message == expected
