"""What a server may answer, and what of it becomes which error."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from conformance.fakes.loopback import Answer, running
from rest_bench import READ, RIGHT, THING, TOKEN, WITH_TOKEN, WRITE, Scripted, as_json, as_page

from syncer.errors import (
    AccessDenied,
    AlreadyExists,
    BackendError,
    InvalidConfiguration,
    NotFound,
    Refused,
    SyncerError,
    Throttled,
    Transient,
)
from syncer.rest.failures import Rule
from syncer.testing.base import CANARY, assert_no_leak

if TYPE_CHECKING:
    from rest_bench import Bench

    from syncer.rest.messages import Request

CALL = "POST /secrets"
ELSEWHERE = "check `url` and its path: http or https? a proxy may want a login of its own"
PAGE = "check `url` and its path; a proxy may want a login of its own"
EXPIRED = f"is it expired, revoked or of another server? it needs {RIGHT}"
GO_TLS = Answer(status=400, body=b"Client sent an HTTP request to an HTTPS server.\n")
NGINX_TLS = Answer(status=400, body=b"<center>The plain HTTP request was sent to HTTPS port</center>")


def problem(bench: Bench, answer: Answer, request: Request = WRITE) -> SyncerError:
    """Give the error that an answer becomes; neither value nor token may stand anywhere in it."""
    bench.server.always = answer
    with pytest.raises(SyncerError) as caught:
        _ = bench.client(**WITH_TOKEN).call(request).document
    assert caught.value.__context__ is None
    assert_no_leak(CANARY, caught.value)
    assert_no_leak(TOKEN, caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("answer", "kind", "message", "hint"),
    [
        (Answer(status=401), AccessDenied, f"acme at URL does not let us in with the token ({CALL}, 401)", EXPIRED),
        (as_page(401), AccessDenied, f"acme at URL does not let us in with the token ({CALL}, 401)", EXPIRED),
        (as_json(b"{}", 403), AccessDenied, f"acme at URL denied {CALL} (403)", f"the token needs {RIGHT}"),
        (as_json(b"{}", 404), NotFound, "not in acme", None),
        (Answer(status=404), NotFound, "not in acme", None),
        (Answer(status=404, body=b"404 page not found\n"), NotFound, "not in acme", None),
        (as_page(404), InvalidConfiguration, f"URL answers {CALL} with a web page, not as acme's API", PAGE),
        (as_page(200), InvalidConfiguration, f"URL answers {CALL} with a web page, not as acme's API", PAGE),
        (
            Answer(status=407),
            AccessDenied,
            "the proxy before acme at URL does not let us through (407)",
            "its user and password go into HTTP_PROXY: http://user:password@host:port",
        ),
        (Answer(status=408), Transient, f"acme at URL did not take {CALL} in time (408)", None),
        (Answer(status=425), Transient, f"acme at URL did not take {CALL} in time (425)", None),
        (as_json(b"{}", 400), Refused, f"acme at URL refused {CALL} (400)", None),
        (
            GO_TLS,
            InvalidConfiguration,
            "acme at URL is to be reached over TLS",
            "is it https:// that `url` should say?",
        ),
        (
            NGINX_TLS,
            InvalidConfiguration,
            "acme at URL is to be reached over TLS",
            "is it https:// that `url` should say?",
        ),
        (as_json(b"{}", 405), Refused, f"acme at URL refused {CALL} (405)", None),
        (as_json(b"{}", 409), Refused, f"acme at URL refused {CALL} (409)", None),
        (as_json(b"{}", 413), Refused, "larger than acme at URL takes (413)", None),
        (as_json(b"{}", 422), Refused, f"acme at URL refused {CALL} (422)", None),
        (Answer(status=499), Refused, f"acme at URL refused {CALL} (499)", None),
        (Answer(status=429), Throttled, "acme at URL asks for fewer calls (429)", None),
        (Answer(status=500), Transient, f"acme at URL failed at {CALL} (500)", None),
        (as_page(502), Transient, f"acme at URL failed at {CALL} (502)", None),
        (as_json(b'{"error": "busy"}', 503), Transient, f"acme at URL failed at {CALL} (503)", None),
        (Answer(status=599), Transient, f"acme at URL failed at {CALL} (599)", None),
        (Answer(status=600), BackendError, f"what acme at URL answered to {CALL} is beyond us (600)", None),
        (Answer(status=999), BackendError, f"what acme at URL answered to {CALL} is beyond us (999)", None),
        (Answer(status=300), Refused, f"acme at URL sends {CALL} on to somewhere else (300)", ELSEWHERE),
        (Answer(status=304), Refused, f"acme at URL sends {CALL} on to somewhere else (304)", ELSEWHERE),
    ],
    ids=str,
)
def test_statuses(bench: Bench, answer: Answer, kind: type[SyncerError], message: str, hint: str | None) -> None:
    """The error names the secret, the store, where it is, the call, and where we know one the next step."""
    found = problem(bench, answer)
    assert type(found) is kind
    assert found.message == f"{THING}: {message.replace('URL', bench.server.url)}"
    assert found.hint == hint
    assert len(bench.server.calls) == 1


@pytest.mark.parametrize("status", [200, 201, 202, 226, 299])
def test_what_was_done(bench: Bench, status: int) -> None:
    """Whatever the server calls it."""
    bench.server.always = as_json(b'{"id": "1"}', status)
    answer = bench.client(**WITH_TOKEN).call(WRITE)
    assert (answer.ok, answer.status, answer.document) == (True, status, {"id": "1"})


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(status=204), Transient),
        (Answer(), Transient),
        (as_json(b""), Transient),
        (as_json(b" \n"), Transient),
        (as_json(b"not json, %b" % CANARY), Transient),
        (as_json(b'{"value": "%b"' % CANARY), Transient),
        (as_json(b'{"value": "%b"} x' % CANARY), Transient),
        (as_json(b'{"value": "%b\xff"}' % CANARY), Transient),
        (as_json(b"[" * 100_000), Transient),
        (as_json(b'{"a":' * 100_000), Transient),
        (as_json(b"9" * 5_000), Transient),
        (Answer(headers=(("Content-Encoding", "br"),), body=b"\x0b\x02\x80{}\x03"), Transient),
        (Answer(body=b"<html>%b" % CANARY), InvalidConfiguration),
        (Answer(body=b" \r\n\t<!doctype html>"), InvalidConfiguration),
        (Answer(headers=(("Content-Type", "Text/HTML"),), body=b"Sign in"), InvalidConfiguration),
        (Answer(headers=(("Content-Type", "text/html"),)), InvalidConfiguration),
        (Answer(headers=(("content-type", "text/html; charset=utf-8"),)), InvalidConfiguration),
    ],
    ids=str,
)
def test_what_is_no_json(bench: Bench, answer: Answer, kind: type[SyncerError]) -> None:
    """A page means that something else answers; of anything else another try may come out better."""
    found = problem(bench, answer)
    assert type(found) is kind
    assert found.message.startswith(f"{THING}: ")
    assert bench.server.url in found.message
    assert CALL in found.message
    assert "acme" in found.message


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b"null", None),
        (b"[1]", [1]),
        (b"\xef\xbb\xbf{}", {}),
        (b'"caf\xc3\xa9"', "caf\u00e9"),
        (b'"\\ud800"', "\ud800"),
        (b'"\xed\xa0\x80"', "\ud800"),
        (b"1e999", float("inf")),
        (b"9" * 4_000, int("9" * 4_000)),
        (b"[" * 200 + b"]" * 200, None),
    ],
    ids=lambda it: str(it)[:20],
)
def test_odd_json(bench: Bench, body: bytes, document: object) -> None:
    """It is given as it is: who asked knows what it should be."""
    bench.server.always = as_json(body)
    found = bench.client().call(READ).document
    assert document is None or found == document


def test_packed_json(bench: Bench) -> None:
    """It is unpacked."""
    bench.server.always = Answer(headers=(("Content-Encoding", "gzip"),), body=gzip.compress(b'{"a": 1}'))
    assert bench.client().call(READ).document == {"a": 1}
    assert "gzip" in (bench.server.calls[0].headers["Accept-Encoding"] or "")


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (None, None),
        ("3", 3.0),
        ("0", 0.0),
        ("120", 120.0),
        ("9" * 400, float("inf")),
        ("-1", None),
        ("1.5", None),
        ("1e3", None),
        ("soon", None),
        ("nan", None),
        ("", None),
        ("\u00b2", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_how_long_to_wait(bench: Bench, asked: str | None, seconds: float | None) -> None:
    """What the server asks for, where it says so in seconds."""
    found = problem(bench, Answer(status=429, headers=() if asked is None else (("Retry-After", asked),)))
    assert isinstance(found, Throttled)
    assert found.retry_after == seconds


# Redirections.


@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_is_not_followed(bench: Bench, status: int, request_: Request) -> None:
    """Neither a value nor a credential goes to a login page, be it on the same server."""
    with running(Scripted()) as elsewhere:
        for where in (f"{elsewhere}/login", "/login", f"{bench.server.url}/login"):
            found = problem(bench, Answer(status=status, headers=(("Location", where),)), request_)
            assert type(found) is Refused
            url = bench.server.url
            assert found.message == f"{THING}: acme at {url} sends {request_.call} on to somewhere else ({status})"
            assert found.hint == ELSEWHERE
    assert [call.path for call in bench.server.calls] == ["/secrets"] * 3


def test_nobody_was_there(bench: Bench) -> None:
    """Where a redirection leads, not even a connection is made."""
    server = Scripted()
    with running(server) as elsewhere:
        problem(bench, Answer(status=307, headers=(("Location", f"{elsewhere}/{TOKEN.decode()}"),)))
        assert server.accepted == 0


@pytest.mark.parametrize(
    "where",
    [
        None,
        "",
        "//",
        "http://",
        "http://[::1",
        "http://xn--",
        "http://xn--/",
        "http://a..b/",
        "http://acme.test:99999/",
        "http://acme.test:port/",
        "mailto:x",
        "http://jo:pw@acme.test/",
        "\u00ff",
        "/" + "a" * 20_000,
    ],
    ids=lambda it: str(it)[:20],
)
def test_a_redirection_to_nowhere(bench: Bench, where: str | None) -> None:
    """It is told alike, whatever stands there."""
    found = problem(bench, Answer(status=302, headers=() if where is None else (("Location", where),)))
    assert type(found) is Refused
    assert found.message.endswith("on to somewhere else (302)")


# What a store says by its own rules, and what is accepted.


RULES = (
    Rule((409,), AlreadyExists, "{thing}: already in {store}"),
    Rule((418,), Throttled, "{call} {url} {right} {credential} {status}", "{thing}"),
)


def test_rules_of_a_store(bench: Bench) -> None:
    """They go before the common ones, and may name all that is known."""
    client = bench.client(rules=RULES, **WITH_TOKEN)
    bench.server.first += [Answer(status=409), Answer(status=418, headers=(("Retry-After", "7"),)), Answer(status=404)]
    with pytest.raises(AlreadyExists, match=f"^{THING}: already in acme$"):
        client.call(WRITE)
    with pytest.raises(Throttled) as caught:
        client.call(WRITE)
    assert caught.value.message == f"{CALL} {bench.server.url} {RIGHT} the token 418"
    assert (caught.value.hint, caught.value.retry_after) == (THING, 7.0)
    with pytest.raises(NotFound):
        client.call(WRITE)


def test_what_is_accepted(bench: Bench) -> None:
    """Is given for who asked to look at, page or not; `done` decides later, too."""
    client = bench.client(**WITH_TOKEN)
    bench.server.always = as_page(404)
    answer = client.call(READ, accept=(404,))
    assert (answer.ok, answer.status) == (False, 404)
    assert client.done(client.send(READ), accept=(404,)).status == 404
    with pytest.raises(InvalidConfiguration):
        client.done(answer, accept=(403,))


@pytest.mark.parametrize("status", [401, 403])
def test_who_shows_nothing(bench: Bench, status: int) -> None:
    """Is told how to."""
    bench.server.always = Answer(status=status)
    with pytest.raises(AccessDenied) as caught:
        bench.client(rules=(Rule((401, 403), Refused, "of the store"),)).call(WRITE)
    assert caught.value.message == f"{THING}: acme at {bench.server.url} wants to know who we are ({CALL}, {status})"
    assert caught.value.hint == f"give `token`, or `username` and `password`; it needs {RIGHT}"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 418, 422, 429, 500, 503])
def test_no_text_of_the_server_is_shown(bench: Bench, status: int) -> None:
    """It may quote the request, in its body and its headers."""
    text = b'{"error": "cannot take %b of %b"}' % (CANARY, TOKEN)
    headers = (("X-Request", CANARY.decode()), ("WWW-Authenticate", TOKEN.decode()))
    found = problem(bench, Answer(status=status, headers=headers, body=text))
    assert "cannot take" not in f"{found.message} {found.hint}"


@pytest.mark.parametrize("name", ["{store}", "{0}", "{", "}{", "%s", "\\"])
def test_names_are_no_patterns(bench: Bench, name: str) -> None:
    """What stands in a name is shown as it is."""
    from dataclasses import replace

    found = problem(bench, Answer(status=403), replace(WRITE, thing=f"a:{name}", right=f"the right {name}"))
    assert found.message == f"a:{name}: acme at {bench.server.url} denied {CALL} (403)"
    assert found.hint == f"the token needs the right {name}"
