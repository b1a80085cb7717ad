"""The wire: connections that are kept, nodes that send us elsewhere, TLS, proxies."""

from __future__ import annotations

import select
import socket
import ssl
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

import pytest
from conformance.fakes.answers import vault_error
from conformance.fakes.certificates import Authority
from conformance.fakes.loopback import Answer, Handler, Server, running
from conformance.fakes.secured import Tls
from conformance.fakes.vault.server import VaultServer
from conformance.fakes.vault.vault import ROOT_TOKEN
from vault_bench import DB

from syncer.backends.vault.connections import Connection
from syncer.backends.vault.errors import failed
from syncer.backends.vault.kv import Place
from syncer.backends.vault.messages import Request
from syncer.errors import AccessDenied, InvalidConfiguration, Refused, SyncerError, Transient
from syncer.model import Address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vault_bench import Bench


@pytest.fixture
def connected(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The connections that the server accepts, as they come."""
    found: list[object] = []
    server = bench.server.http
    accept = server.process_request

    def note(request: object, client: object) -> None:
        found.append(client)
        accept(request, client)

    monkeypatch.setattr(server, "process_request", note)
    return found


def hang_up(bench: Bench) -> None:
    """End every connection from the server's side, as what was idle for long is ended."""
    for connection in tuple(bench.server.http._connections):
        with suppress(OSError):  # some have ended already
            connection.shutdown(socket.SHUT_RDWR)


# Connections.


def test_one_connection_is_kept(bench: Bench, connected: list[object]) -> None:
    """Call after call."""
    backend = bench.open(address=bench.server.url)
    for _ in range(5):
        backend.look(DB)
    bench.create(backend)
    assert len(connected) == 1


def test_as_many_connections_as_workers(bench: Bench, connected: list[object]) -> None:
    """And no more, however many secrets there are."""
    backend = bench.open(address=bench.server.url, width=3)
    for number in range(40):
        bench.server.put(f"shop/payments/n-{number}", {"value": "v"}, {"syncer:project": "shop"})
    assert len(list(backend.observe(["payments"], []))) == 40
    assert len(connected) <= 3


def test_a_connection_that_was_ended_while_idle(bench: Bench, connected: list[object]) -> None:
    """It is noticed before it is used, so that a write does not get lost in it."""
    backend = bench.open(address=bench.server.url)
    backend.look(DB)
    hang_up(bench)
    bench.create(backend)
    assert len(connected) == 2


def test_a_connection_that_is_ended_at_that_moment(
    bench: Bench, connected: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only asks is asked again, once; a write may have been done, so who asked must look."""
    monkeypatch.setattr(Connection, "dropped", False)
    backend = bench.open(address=bench.server.url)
    bench.create(backend)
    hang_up(bench)
    assert backend.look(DB) is not None
    assert len(connected) == 2
    hang_up(bench)
    with pytest.raises(Transient, match="connection lost"):
        backend._kv.mark(Place("it", "shop/payments/prod/db"), {"a": "b"})
    assert len(connected) == 2


def test_connections_that_the_server_does_not_keep(bench: Bench) -> None:
    """They are let go at once."""
    bench.spoil("GET *", Answer(status=404, headers=(("Connection", "close"),), body=b'{"errors":[]}'))
    backend = bench.open()
    assert backend.look(DB) is None
    assert backend.look(DB) is None


# Standbys.


@contextmanager
def standby(bench: Bench) -> Iterator[VaultServer]:
    """Give the active node to the bench's, which sends everybody there."""
    with VaultServer() as active:
        bench.server.stand_by(active.url)
        yield active


def test_a_standby(bench: Bench) -> None:
    """It is believed, reads and writes alike, and the active node is remembered."""
    with standby(bench) as active:
        backend = bench.open()
        bench.create(backend)
        assert backend.read(DB).reveal() == b"v1"
        assert len(bench.proxy.log) == 1
        assert len(active.log) == backend.meter.total.calls - 1
        assert active.entry("shop/payments/prod/db") is not None
        backend.close()


def test_an_active_node_that_is_gone(bench: Bench) -> None:
    """The one that we were told of is asked again."""
    backend = bench.open()
    with standby(bench):
        assert backend.look(DB) is None
    with pytest.raises(Transient):
        backend.look(DB)
    bench.server.activate()
    assert backend.look(DB) is None


def test_nodes_that_send_us_in_circles(bench: Bench) -> None:
    """One redirection is followed."""
    bench.server.stand_by(bench.server.url)
    with pytest.raises(SyncerError, match="sends us on to nowhere"):
        bench.open().look(DB)
    assert len(bench.server.log) == 2


@pytest.mark.parametrize(
    "location", ["", "/v1/secret/metadata/x", "https:///x", "ftp://other/v1/x", "SELF/v1/secret/x"]
)
def test_a_redirection_to_nowhere(bench: Bench, location: str) -> None:
    """Such as a server that is no Vault gives."""
    where = (("Location", location.replace("SELF", bench.proxy.url)),)
    bench.spoil("*", Answer(status=302, headers=where))
    with pytest.raises(Refused, match="sends us on to nowhere") as caught:
        bench.open().look(DB)
    assert caught.value.hint == "is a vault there? see `address` and VAULT_ADDR"


# TLS.


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Somebody whom the system does not trust."""
    return Authority(tmp_path)


@contextmanager
def over_tls(authority: Authority, name: str = "127.0.0.1", client_ca: Path | None = None) -> Iterator[VaultServer]:
    """Serve under a certificate for a name."""
    certificate, key = authority.issue(name)
    with VaultServer(tls=Tls(certificate=certificate, key=key, client_ca=client_ca)) as server:
        yield server


def test_a_certificate_of_our_own(bench: Bench, authority: Authority) -> None:
    """Its authority is named by the option, relative to the manifest, or by the environment, alone or in a folder."""
    folder = bench.folder / "cas"
    folder.mkdir()
    text = b"# Autorit\xc3\xa9\n" + authority.certificate.read_bytes()
    (folder / "authority.pem").write_bytes(text)
    named = {"VAULT_TOKEN": ROOT_TOKEN}
    with over_tls(authority) as server:
        for environ, options in (
            (named, {"ca_cert": authority.certificate.name}),
            ({**named, "VAULT_CACERT": str(authority.certificate)}, {}),
            ({**named, "VAULT_CAPATH": str(folder)}, {}),
            ({**named, "VAULT_SKIP_VERIFY": "1"}, {}),
        ):
            backend = bench.open(environ, address=server.url, **options)
            assert backend.look(DB) is None
            backend.close()


def test_a_certificate_that_nobody_trusts(bench: Bench, authority: Authority) -> None:
    """The options that mend it are named."""
    with over_tls(authority) as server, pytest.raises(InvalidConfiguration) as caught:
        bench.open(address=server.url).look(DB)
    assert "the certificate of vault at https://127.0.0.1:" in caught.value.message
    assert "is not trusted: " in caught.value.message
    assert "`ca_cert` or VAULT_CACERT" in (caught.value.hint or "")


def test_a_certificate_for_another_name(bench: Bench, authority: Authority) -> None:
    """That name has to be given."""
    files = {"ca_cert": str(authority.certificate)}
    with over_tls(authority, "127.0.0.2") as server:
        with pytest.raises(InvalidConfiguration, match="is not trusted: IP address mismatch"):
            bench.open(address=server.url, **files).look(DB)
        backend = bench.open(address=server.url, tls_server_name="127.0.0.2", **files)
        assert backend.look(DB) is None
        backend.close()


def test_a_certificate_of_the_client(bench: Bench, authority: Authority) -> None:
    """A server that wants one gets it; its absence is told."""
    certificate, key = authority.issue("client")
    both = bench.folder / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    ca_cert = str(authority.certificate)
    with over_tls(authority, client_ca=authority.certificate) as server:
        for files in ({"client_cert": str(certificate), "client_key": str(key)}, {"client_cert": "both.pem"}):
            backend = bench.open(address=server.url, ca_cert=ca_cert, **files)
            assert bench.create(backend, address=Address("payments", f"with-{len(files)}")).owner == "shop"
            backend.close()
        with pytest.raises(
            (AccessDenied, Transient), match=r"broke|connection lost"
        ):  # its alert may be overtaken by a reset
            bench.open(address=server.url, ca_cert=ca_cert).look(DB)


@pytest.mark.parametrize(
    ("reason", "kind", "message"),
    [
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", AccessDenied, "broke TLS off (TLSV13_ALERT_CERTIFICATE_REQUIRED)"),
        ("TLSV1_ALERT_UNKNOWN_CA", AccessDenied, "broke TLS off (TLSV1_ALERT_UNKNOWN_CA)"),
        ("WRONG_VERSION_NUMBER", InvalidConfiguration, "does not speak TLS"),
        ("UNEXPECTED_EOF_WHILE_READING", Transient, "(TLS broke off)"),
        (None, Transient, "(TLS broke off)"),
    ],
)
def test_what_tls_says(reason: str | None, kind: type[SyncerError], message: str) -> None:
    """An alert is the server's answer to what we have shown; the end of a line is worth another try."""
    error = ssl.SSLError(1, "text of OpenSSL")
    error.reason = reason  # type: ignore[assignment]  # as OpenSSL leaves it where it knows none
    found = failed(error, Request(method="GET", mount="secret", rest="x", thing="a:b"), "https://vault.test")
    assert type(found) is kind
    assert found.message.startswith("a:b: ")
    assert found.message.endswith(message)


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
@pytest.mark.parametrize("option", ["ca_cert", "client_cert"])
def test_files_of_no_use(bench: Bench, option: str, content: bytes | None) -> None:
    """The option is named, and nobody is asked for a password."""
    if content is not None:
        (bench.folder / "file.pem").write_bytes(content)
    with pytest.raises(InvalidConfiguration, match=f"option `{option}`.* holds nothing that can be used"):
        bench.open(address="https://127.0.0.1:1", **{option: "file.pem"}).look(DB)


def test_a_folder_without_certificates(bench: Bench) -> None:
    """It does not mean that the system's are trusted."""
    (bench.folder / "cas").mkdir()
    environ = {"VAULT_TOKEN": ROOT_TOKEN, "VAULT_CAPATH": str(bench.folder / "cas")}
    with pytest.raises(InvalidConfiguration, match=r"VAULT_CAPATH: .*cas holds nothing"):
        bench.open(environ, address="https://127.0.0.1:1").look(DB)


def test_a_node_without_tls(bench: Bench, authority: Authority) -> None:
    """A standby that is reached over TLS must not send the token elsewhere in the clear."""
    with over_tls(authority) as server:
        server.stand_by(bench.server.url)
        with pytest.raises(Refused, match="to an address without TLS"):
            bench.open(address=server.url, ca_cert=str(authority.certificate)).look(DB)
    assert bench.server.log == []


# Proxies.


class Through(Handler):
    """A proxy that goes to one place, whatever it is asked for: by forwarding, or by a tunnel."""

    place: ClassVar[str] = ""
    seen: ClassVar[list[tuple[str, str, str | None]]] = []
    refuses: ClassVar[bool] = False

    def respond(self) -> None:
        """Forward, or tunnel."""
        self.seen.append((self.command, self.path, self.headers["Proxy-Authorization"]))
        if self.refuses:
            self.close_connection = True
            self.send(Answer(status=407, headers=(("Connection", "close"),)))
        elif self.command == "CONNECT":
            self._tunnel()
        else:
            self._forward()

    def _forward(self) -> None:
        body = self.body()
        connection = HTTPConnection(self.place)
        path = self.path.split("/", 3)[3]
        headers = {name: self.headers[name] for name in ("X-Vault-Token", "Content-Type") if self.headers[name]}
        connection.request(self.command, f"/{path}", body or None, headers)
        answer = connection.getresponse()
        self.send(Answer(status=answer.status, body=answer.read()))
        connection.close()

    def _tunnel(self) -> None:
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        host, _, port = self.place.partition(":")
        with socket.create_connection((host, int(port))) as far, suppress(OSError):
            ends = {self.connection: far, far: self.connection}
            while True:
                for end in select.select([*ends], [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)


@contextmanager
def proxy(place: str, *, refuses: bool = False) -> Iterator[tuple[str, list[tuple[str, str, str | None]]]]:
    """Give the address of a proxy to a server, and what it sees."""
    seen: list[tuple[str, str, str | None]] = []
    kind = type("To", (Through,), {"place": place, "seen": seen, "refuses": refuses})
    with running(Server(kind)) as url:
        yield urlsplit(url).netloc, seen


def test_through_a_proxy(bench: Bench) -> None:
    """It is given the whole URL, and its password."""
    with proxy(urlsplit(bench.server.url).netloc) as (netloc, seen):
        environ = {"VAULT_TOKEN": ROOT_TOKEN, "HTTP_PROXY": f"http://jo:p%40ss@{netloc}"}
        backend = bench.open(environ, address="http://vault.test:8200")
        bench.create(backend)
        assert backend.read(DB).reveal() == b"v1"
        backend.close()
    assert seen[0] == ("GET", "http://vault.test:8200/v1/secret/metadata/shop/payments/prod/db", "Basic am86cEBzcw==")


def test_through_a_proxy_without_a_password(bench: Bench) -> None:
    """None is made up."""
    with proxy(urlsplit(bench.server.url).netloc) as (netloc, seen):
        backend = bench.open({"VAULT_TOKEN": ROOT_TOKEN, "HTTP_PROXY": netloc}, address="http://vault.test")
        assert backend.look(DB) is None
        backend.close()
    assert seen[0][2] is None


def test_through_a_tunnel(bench: Bench, authority: Authority) -> None:
    """It sees where to, and nothing else."""
    with over_tls(authority) as server, proxy(urlsplit(server.url).netloc) as (netloc, seen):
        environ = {"VAULT_TOKEN": ROOT_TOKEN, "HTTPS_PROXY": f"http://jo:p%40ss@{netloc}"}
        files = {"ca_cert": str(authority.certificate), "tls_server_name": "127.0.0.1"}
        backend = bench.open(environ, address="https://vault.test:8200", **files)
        bench.create(backend)
        assert backend.read(DB).reveal() == b"v1"
        backend.close()
    assert seen == [("CONNECT", "vault.test:8200", "Basic am86cEBzcw==")]


def test_a_proxy_that_refuses(bench: Bench) -> None:
    """Its password does not show."""
    with proxy("", refuses=True) as (netloc, _):
        environ = {"VAULT_TOKEN": ROOT_TOKEN, "HTTPS_PROXY": f"http://jo:p%40ss@{netloc}"}
        backend = bench.open(environ, address="https://vault.test")
        with pytest.raises(Transient, match=r"no answer from vault at https://vault.test \(no way to it\)"):
            backend.look(DB)


# The namespace, and what else goes with every call.


@pytest.mark.parametrize("flavour", ["openbao"])
def test_namespaces(bench: Bench) -> None:
    """Each has its own secrets; one that is not there is told."""
    bench.server.namespace("team/sub")
    bench.server.mount("secret", namespace="team/sub")
    backend = bench.open(namespace="/team/sub/")
    bench.create(backend)
    assert bench.server.entry("shop/payments/prod/db", namespace="team/sub") is not None
    assert bench.server.entry("shop/payments/prod/db") is None
    with pytest.raises(InvalidConfiguration, match="no such namespace"):
        bench.open(namespace="nowhere").look(DB)


def test_headers(bench: Bench) -> None:
    """What Vault's own clients send; a token goes to no login."""
    bench.create(bench.open(namespace="team"))
    sent = {call.name.partition("/")[0].strip(): call.headers for call in bench.proxy.log}
    assert {headers["X-Vault-Request"] for headers in sent.values()} == {"true"}
    assert {headers["X-Vault-Namespace"] for headers in sent.values()} == {"team"}
    assert {headers["X-Vault-Token"] for headers in sent.values()} == {ROOT_TOKEN}
    assert sent["POST"]["Content-Type"] == "application/json"
    assert sent["GET"]["Content-Type"] is None


def test_names_are_quoted(bench: Bench) -> None:
    """A path may hold what a URL may not."""
    backend = bench.open(prefix="caf\u00e9 100%/a+b?#")
    bench.create(backend)
    assert bench.server.entry("caf\u00e9 100%/a+b?#/shop/payments/prod/db") is not None
    assert [found.address for found in backend.observe(["payments"], [])] == [DB]


def test_an_address_with_a_path(bench: Bench) -> None:
    """Such as a gateway gives to a server behind it."""
    backend = bench.open(address=f"{bench.proxy.url}/gate/")
    bench.spoil("*", vault_error(404))
    assert backend.look(DB) is None
    assert bench.proxy.log[0].path == "/gate/v1/secret/metadata/shop/payments/prod/db"
