"""The way through a proxy, where the environment names one."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

import pytest
from conformance.fakes.loopback import Answer, running
from conformance.fakes.secured import Tls as Files
from rest_bench import READ, THING, TOKEN, WITH_TOKEN, WRITE, Scripted, ScriptHandler

from syncer.errors import AccessDenied, InvalidConfiguration, Transient
from syncer.testing.base import CANARY, assert_no_leak

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from conformance.fakes.certificates import Authority
    from rest_bench import Bench

PASSWORD = CANARY.decode()
BASIC = f"Basic {base64.b64encode(f'jo:{PASSWORD}'.encode()).decode()}"


@contextmanager
def proxy(handler: type[ScriptHandler] = ScriptHandler) -> Iterator[Scripted]:
    """Give a server that is asked for other servers' URLs, and answers in their place."""
    server = Scripted(handler=handler)
    with running(server):
        yield server
        assert server.deserted()


def through(server: Scripted, credential: str = "") -> str:
    """Give the URL under which the environment names it."""
    return server.url.replace("://", f"://{credential}@" if credential else "://")


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_call_through_a_proxy(bench: Bench, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """It is given the whole URL, and its password; without TLS it sees what we send, as any proxy does."""
    with proxy() as server:
        monkeypatch.setenv(name, through(server, f"jo:{PASSWORD}"))
        client = bench.client("http://acme.test:8080/api", **WITH_TOKEN)
        assert client.call(WRITE).ok
        client.close()
        (call,) = server.calls
    assert call.path == "http://acme.test:8080/api/secrets"
    assert call.headers["Proxy-Authorization"] == BASIC
    assert call.headers["Authorization"] == f"Bearer {TOKEN.decode()}"


def test_a_proxy_without_a_scheme(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one over HTTP, and no password is made up."""
    with proxy() as server:
        monkeypatch.setenv("HTTP_PROXY", server.url.removeprefix("http://"))
        client = bench.client("http://acme.test")
        assert client.call(READ).ok
        client.close()
        assert server.calls[0].headers["Proxy-Authorization"] is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
def test_this_machine(bench: Bench, monkeypatch: pytest.MonkeyPatch, host: str, name: str) -> None:
    """Is reached without one, whatever NO_PROXY leaves out."""
    with proxy() as server:
        monkeypatch.setenv(name, server.url)
        monkeypatch.setenv("NO_PROXY", "[::1],elsewhere.test")
        bench.client(bench.server.url.replace("127.0.0.1", host), **WITH_TOKEN).call(READ)
        assert server.accepted == 0
    assert len(bench.server.calls) == 1


@pytest.mark.parametrize(
    ("never", "url", "passes"),
    [
        ("", "http://acme.test", True),
        ("acme.test", "http://acme.test", False),
        ("acme.test", "http://www.acme.test", False),
        ("acme.test", "http://notacme.test", True),
        (".acme.test", "http://www.acme.test", False),
        ("other.test, acme.test", "http://acme.test:8080", False),
        ("acme.test:8080", "http://acme.test:8080", False),
        ("acme.test:8080", "http://acme.test", True),
        ("*", "http://acme.test", False),
        ("10.1.2.3", "http://10.1.2.3", False),
    ],
)
def test_no_proxy(bench: Bench, monkeypatch: pytest.MonkeyPatch, never: str, url: str, *, passes: bool) -> None:
    """Names hosts that are reached without it: domains with all below them, addresses, perhaps with a port."""

    def nowhere(address: tuple[str, int], *_args: object, **_names: object) -> None:
        asked.append(address[0])
        raise ConnectionRefusedError

    asked: list[str] = []
    monkeypatch.setattr("socket.create_connection", nowhere)
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.test:3128")
    monkeypatch.setenv("NO_PROXY", never)
    with pytest.raises(Transient, match=r"no answer from acme at .* \(connection refused\)"):
        bench.client(url).call(READ)
    assert (asked == ["proxy.test"]) is passes


def test_a_proxy_for_others(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for HTTPS alone is not asked for a URL without TLS, nor the other way round."""
    asked: list[str] = []

    def nowhere(address: tuple[str, int], *_args: object, **_names: object) -> None:
        asked.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr("socket.create_connection", nowhere)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test")
    for url in ("http://acme.test", "https://acme.test"):
        with pytest.raises(Transient):
            bench.client(url).call(READ)
    assert asked == ["acme.test", "proxy.test"]


class Tunnel(ScriptHandler):
    """Lets a client through, and is itself the server at the other end."""

    tls: ClassVar[ssl.SSLContext]

    def respond(self) -> None:
        """Open the tunnel, or answer in it."""
        if self.command != "CONNECT":
            super().respond()
            return
        self.server.reply(self.called())
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with self.tls.wrap_socket(self.connection.dup(), server_side=True) as inside:
            type(self)(inside, self.client_address, self.server)
        self.close_connection = True


def test_a_tunnel(bench: Bench, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """It sees where to, and nothing else; whom to trust is decided by what is behind it."""
    certificate, key = authority.issue("10.9.8.7")
    context = Files(certificate=certificate, key=key).context()
    with proxy(type("To", (Tunnel,), {"tls": context})) as server:
        monkeypatch.setenv("HTTPS_PROXY", through(server, f"jo:{PASSWORD}"))
        client = bench.client("https://10.9.8.7:8443", ca_cert="authority.pem", **WITH_TOKEN)
        assert client.call(WRITE).ok
        client.close()
        before, inside = server.calls
        with pytest.raises(
            InvalidConfiguration, match=r"the certificate of acme at https://10\.9\.8\.6 is not trusted"
        ):
            bench.client("https://10.9.8.6", ca_cert="authority.pem", **WITH_TOKEN).call(WRITE)
    assert (before.method, before.path) == ("CONNECT", "10.9.8.7:8443")
    assert before.headers["Proxy-Authorization"] == BASIC
    assert (before.headers["Authorization"], before.body) == (None, b"")
    assert (inside.path, inside.headers["Proxy-Authorization"]) == ("/secrets", None)
    assert inside.headers["Authorization"] == f"Bearer {TOKEN.decode()}"


@pytest.mark.parametrize("status", [400, 403, 407, 502])
def test_a_tunnel_that_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """Neither the proxy's password nor our token shows, and the token never got there."""
    with proxy() as server:
        server.always = Answer(status=status, headers=(("Proxy-Authenticate", PASSWORD),), body=CANARY)
        monkeypatch.setenv("HTTPS_PROXY", through(server, f"jo:{PASSWORD}"))
        with pytest.raises(Transient) as caught:
            bench.client("https://acme.test", **WITH_TOKEN).call(WRITE)
        assert server.calls[0].headers["Authorization"] is None
    expected = f"{THING}: no answer from acme at https://acme.test to POST /secrets (a proxy refused)"
    assert caught.value.message == expected
    assert_no_leak(CANARY, caught.value)
    assert_no_leak(TOKEN, caught.value)


def test_a_proxy_that_wants_to_know_who_we_are(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the proxy that is named, and not the store."""
    with proxy() as server:
        server.always = Answer(status=407, body=CANARY)
        monkeypatch.setenv("HTTP_PROXY", through(server, f"jo:{PASSWORD}"))
        with pytest.raises(AccessDenied, match=r"the proxy before acme at http://acme\.test does not let us") as caught:
            bench.client("http://acme.test", **WITH_TOKEN).call(WRITE)
        bench.stack.close()
    assert_no_leak(CANARY, caught.value)


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_PROXY": f"ftp://jo:{PASSWORD}@proxy.test"},
        {"HTTPS_PROXY": f"{PASSWORD}://proxy.test"},
        {"ALL_PROXY": f"socks5://jo:{PASSWORD}@proxy.test"},
        {"HTTP_PROXY": f"http://jo:{PASSWORD}@proxy.test:port"},
        {"HTTP_PROXY": f"http://jo:{PASSWORD}@proxy.test/\x7f"},
        {"HTTP_PROXY": "http://proxy.test", "NO_PROXY": f"[::1],{PASSWORD}"},
        {"HTTP_PROXY": "http://proxy.test", "NO_PROXY": f"acme.test:{PASSWORD}"},
    ],
    ids="-".join,
)
def test_what_is_no_proxy(bench: Bench, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    """It is told, and not shown: it may hold a password."""
    for name, text in environ.items():
        monkeypatch.setenv(name, text)
    with pytest.raises(InvalidConfiguration) as caught:
        bench.client("http://acme.test", **WITH_TOKEN).call(WRITE)
    assert caught.value.message == "the proxies that the environment names cannot be used"
    assert "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY" in (caught.value.hint or "")
    assert caught.value.__context__ is None
    assert_no_leak(CANARY, caught.value)
    assert_no_leak(TOKEN, caught.value)


def test_passwords_are_not_logged(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not by those who speak HTTP for us, either."""
    with proxy() as server:
        monkeypatch.setenv("HTTP_PROXY", through(server, f"jo:{PASSWORD}"))
        client = bench.client("http://acme.test", **WITH_TOKEN)
        with caplog.at_level("DEBUG"):
            client.call(WRITE)
        client.close()
    for canary in (CANARY, TOKEN, BASIC.removeprefix("Basic ").encode()):
        assert_no_leak(canary, caplog.text, client)
