"""What goes over the wire, as whom, and over how many connections."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from conformance.fakes.loopback import Answer
from rest_bench import READ, THING, WITH_TOKEN, WRITE, Echo, Hang, as_json

from syncer.errors import InvalidConfiguration, SyncerError, Transient
from syncer.rest.client import Client
from syncer.testing.base import CANARY, assert_no_leak

if TYPE_CHECKING:
    from rest_bench import Bench


# What.


def test_headers_and_bodies(bench: Bench) -> None:
    """JSON in UTF-8, its type only where there is a body, and who we are."""
    client = bench.client(**WITH_TOKEN)
    client.call(READ)
    client.call(replace(WRITE, body={"value": 'caf\u00e9 "\\\0\n', "on": True, "tags": []}))
    client.call(replace(WRITE, body={}))
    read, write, empty = bench.server.calls
    assert [call.method for call in bench.server.calls] == ["GET", "POST", "POST"]
    assert {call.headers["User-Agent"] for call in bench.server.calls} == {"syncer"}
    assert {call.headers["Accept"] for call in bench.server.calls} == {"application/json"}
    assert {call.headers["Host"] for call in bench.server.calls} == {bench.server.url.removeprefix("http://")}
    assert (read.headers["Content-Type"], read.body) == (None, b"")
    assert write.headers["Content-Type"] == "application/json"
    assert write.body == '{"value":"caf\u00e9 \\"\\\\\\u0000\\n","on":true,"tags":[]}'.encode()
    assert empty.body == b"{}"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_methods(bench: Bench, method: str) -> None:
    """Each as it is."""
    bench.client().call(replace(READ, method=method))
    assert bench.server.calls[0].method == method


@pytest.mark.parametrize(
    ("query", "wire"),
    [
        ({}, "/secrets"),
        ({"limit": "500", "offset": "0"}, "/secrets?limit=500&offset=0"),
        ({"filters[namespace][EQUALS]": "a.b"}, "/secrets?filters%5Bnamespace%5D%5BEQUALS%5D=a.b"),
        ({"q": "a b+c&d=e?f#g%h/i"}, "/secrets?q=a+b%2Bc%26d%3De%3Ff%23g%25h%2Fi"),
        ({"sort": "key:asc"}, "/secrets?sort=key%3Aasc"),
        ({"q": "caf\u00e9"}, "/secrets?q=caf%C3%A9"),
        ({"q": ""}, "/secrets?q="),
        ({"q": "%41\n"}, "/secrets?q=%2541%0A"),
    ],
)
def test_queries(bench: Bench, query: dict[str, str], wire: str) -> None:
    """Names and texts are quoted, in their order."""
    bench.client().call(replace(READ, query=query))
    assert bench.server.calls[0].path == wire


@pytest.mark.parametrize(
    "path",
    [
        "/secrets/a%2Fb",
        "/secrets/a%20b%3Fc%23d",
        "/secrets/caf%C3%A9",
        "/secrets/a%2e%2e",
        "/secrets/%252F",
        "/secrets/a:b@c!$&'()*+,;=~-._",
        "/secrets//twice",
    ],
)
@pytest.mark.parametrize("root", ["", "/under/a%2Fpath"])
def test_paths(bench: Bench, path: str, root: str) -> None:
    """They are quoted already, and stay as they are below whatever the URL says."""
    bench.client(f"{bench.server.url}{root}/").call(replace(READ, path=path))
    assert bench.server.calls[0].path == root + path


@pytest.mark.parametrize(
    "body", [{"description": "\ud800", "value": CANARY.decode()}, {"value": CANARY.decode() + "\udc80"}]
)
def test_what_no_request_can_hold(bench: Bench, body: dict[str, str]) -> None:
    """Half a surrogate pair, which YAML can spell: the error is ours, for the encoder's own would hold the value."""
    with pytest.raises(InvalidConfiguration) as caught:
        bench.client(**WITH_TOKEN).call(replace(WRITE, body=body))
    assert caught.value.message == f"{THING}: acme at {bench.server.url} cannot be asked POST /secrets"
    assert caught.value.__context__ is None
    assert_no_leak(CANARY, caught.value)


@pytest.mark.parametrize("path", ["/a\nb", "/" + "a" * 70_000, "/\0"], ids=lambda it: ascii(it)[:10])
def test_what_no_url_can_hold(bench: Bench, path: str) -> None:
    """It is told, and nobody was asked."""
    with pytest.raises(InvalidConfiguration, match="cannot be asked"):
        bench.client().call(replace(READ, path=path))
    assert bench.server.accepted == 0


def test_a_host_that_cannot_be(bench: Bench) -> None:
    """Where it is seen only when it is looked for."""
    for url in ("http://256.256.256.256", "http://xn--zzzzzz99.test"):
        with pytest.raises(SyncerError) as caught:
            bench.client(url).call(READ)
        assert url in caught.value.message


def test_no_session(bench: Bench) -> None:
    """A cookie is not sent back: it could outrank the token, and end before it does."""
    bench.server.always = Answer(headers=(("Set-Cookie", "session=1; Path=/"), ("Set-Cookie", "b=2")), body=b"{}")
    client = bench.client(**WITH_TOKEN)
    for _ in range(3):
        client.call(READ)
    assert [call.headers["Cookie"] for call in bench.server.calls] == [None] * 3


# Connections.


def test_one_connection_is_kept(bench: Bench) -> None:
    """Call after call, whatever the answer was."""
    client = bench.client(**WITH_TOKEN)
    statuses = (200, 404, 401, 429, 500, 302, 204)
    bench.server.first += [Answer(status=status) for status in statuses]
    assert tuple(client.send(WRITE).status for _ in statuses) == statuses
    assert bench.server.accepted == 1


def test_many_threads(bench: Bench) -> None:
    """Each gets the answer to what it asked; there are no more connections than the store stands."""
    bench.server.always = Echo()
    client = bench.client(**WITH_TOKEN)
    together = Barrier(16)

    def call(thread: int) -> list[object]:
        together.wait()
        asked = ((f"/of/{thread}/{number}", {"n": thread * 50 + number}) for number in range(50))
        return [
            client.call(replace(WRITE, path=path, body=body)).document == {"path": path, "body": body}
            for path, body in asked
        ]

    with ThreadPoolExecutor(16) as pool:
        assert all(right for rights in pool.map(call, range(16)) for right in rights)
    assert len(bench.server.calls) == 800
    assert bench.server.accepted <= 8
    assert client._meter.total.calls == 800


def test_a_connection_that_was_ended_while_idle(bench: Bench) -> None:
    """It is noticed before it is used, so that a write does not get lost in it."""
    client = bench.client()
    client.call(READ)
    bench.server.hang_up()
    client.call(WRITE)
    assert bench.server.accepted == 2


def test_connections_that_the_server_does_not_keep(bench: Bench) -> None:
    """They are let go at once."""
    bench.server.always = Answer(headers=(("Connection", "close"),), body=b"{}")
    client = bench.client()
    for _ in range(3):
        client.call(READ)
        bench.server.hang_up()
    assert bench.server.accepted == 3


def test_calls_are_counted(bench: Bench) -> None:
    """Those that failed too, and no value is said to be read."""
    backend = bench.backend()
    client = Client(backend, bench.server.url)
    bench.server.first += [as_json(b"{}"), Answer(status=500)]
    client.call(READ)
    for request in (READ, replace(READ, path="/\0")):
        with pytest.raises(SyncerError):
            client.call(request)
    assert (backend.meter.total.calls, backend.meter.total.values_read) == (3, 0)
    client.close()


def test_close(bench: Bench) -> None:
    """It leaves no connection, and may come twice."""
    client = Client(bench.backend(), bench.server.url)
    client.call(READ)
    client.close()
    assert bench.server.deserted()
    client.close()
    del client
    gc.collect()  # what was left open would be warned of


def test_close_during_a_call(bench: Bench) -> None:
    """Who gave up on a worker closes what is left, and the call is ended by its own thread."""
    bench.server.always = Echo()
    bench.server.first.append(Hang())
    client = bench.client()
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(client.send, READ)
        assert bench.server.called(1)
        client.call(READ)
        client.close()
        assert not late.done()
        bench.server.over.set()
        assert isinstance(late.exception(), Transient)
    assert bench.server.deserted()


def test_a_call_after_close(bench: Bench) -> None:
    """It is made, and leaves no connection either."""
    client = bench.client()
    client.call(READ)
    client.close()
    assert client.call(WRITE).ok
    assert bench.server.deserted()


def test_a_client_that_nobody_used(bench: Bench) -> None:
    """It has asked neither server nor source when it is closed."""
    client = bench.client(token={"command": ["touch", str(bench.folder / "asked")]})
    client.close()
    client.close()
    assert bench.server.accepted == 0
    assert not (bench.folder / "asked").exists()
    assert client.server.url == bench.server.url
