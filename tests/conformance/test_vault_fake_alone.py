"""What only a fake can be told: the time, a sealed node, a standby, certificates; and what it tells a test."""

from __future__ import annotations

import ssl
import time
from contextlib import closing
from http.client import HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from conformance.fakes.certificates import Authority
from conformance.fakes.clock import Clock, stamp
from conformance.fakes.secured import Tls
from conformance.fakes.vault.nodes import Role
from conformance.fakes.vault.server import VaultServer
from conformance.fakes.vault.standalone import Seed, vault_process
from conformance.fakes.vault.state import Logged
from conformance.fakes.vault.tokens import Grant
from conformance.vault_rules.grounds import Client
from conformance.vault_rules.steps import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLAVOURS = ["vault", "openbao"]
ACTIVE = "http://127.0.0.1:1"


@pytest.fixture(params=FLAVOURS)
def server(request: pytest.FixtureRequest) -> Iterator[VaultServer]:
    """A fake of either flavour."""
    with VaultServer(request.param) as server:
        yield server


@pytest.fixture
def client(server: VaultServer) -> Iterator[Client]:
    """The owner's connection to it."""
    with closing(Client(server.url, "root")) as client:
        yield client


def test_tokens_expire_when_the_clock_says_so(server: VaultServer, client: Client) -> None:
    """A renewal counts from its own time and never reaches beyond the longest life."""
    token = server.token(Grant(ttl=60, max_ttl=100))
    server.clock.advance(50)
    renewed = client.call("POST", "auth/token/renew-self", {"increment": 80}, token=token).require(200)
    assert renewed.part("auth.lease_duration") == 50
    assert "exceeded the effective max_ttl" in renewed.part("warnings")[0]
    server.clock.advance(49)
    client.call("GET", "auth/token/lookup-self", token=token).require(200, {"data.ttl": 1})
    server.clock.advance(2)
    client.call("GET", "auth/token/lookup-self", token=token).require(403)


def test_some_tokens_cannot_be_renewed(server: VaultServer, client: Client) -> None:
    """Others are renewed by a fixed period, and those without the default policy may not even ask."""
    fixed = server.token(Grant(renewable=False))
    client.call("POST", "auth/token/renew-self", token=fixed).require(400, "lease is not renewable")
    periodic = server.token(Grant(period=600))
    renewed = client.call("POST", "auth/token/renew-self", {"increment": "2h"}, token=periodic)
    renewed.require(200, {"auth.lease_duration": 600, "warnings": None})
    bare = server.token(Grant(default_policy=False))
    client.call("POST", "auth/token/renew-self", token=bare).require(403)


def test_a_test_takes_tokens_away(server: VaultServer, client: Client) -> None:
    """The next request does not know them."""
    token = server.token(Grant())
    server.revoke(token)
    client.call("GET", "auth/token/lookup-self", token=token).require(403)


def test_times_have_nine_digits() -> None:
    """As Go writes them: without the zeros at the end."""
    clock = Clock()
    assert stamp(clock.nanoseconds) == "2030-01-01T00:00:00.123456789Z"
    assert stamp(1893456000_500000000) == "2030-01-01T00:00:00.5Z"
    assert stamp(1893456000_000000000) == "2030-01-01T00:00:00Z"
    assert clock.now.isoformat() == "2030-01-01T00:00:00.123456+00:00"


def test_a_sealed_node_serves_nobody(server: VaultServer, client: Client) -> None:
    """But it says that it is sealed."""
    server.seal()
    for method, path in (("GET", "secret/data/a"), ("LIST", "secret/metadata"), ("GET", "never")):
        client.call(method, path).require(503, "Vault is sealed")
    client.call("POST", "auth/userpass/login/ann", {}, token="").require(503, "Vault is sealed")
    client.call("GET", "sys/health", token="").require(503, {"sealed": True, "standby": True, "initialized": True})
    client.call("GET", "sys/health?sealedcode=299", token="").require(299)
    client.call("GET", "sys/seal-status", token="").require(200, {"sealed": True})
    server.unseal()
    client.call("GET", "sys/seal-status").require(200, {"sealed": False})
    client.call("GET", "secret/data/a").require(404)


def test_health(server: VaultServer, client: Client) -> None:
    """It is asked for without a token, by GET or HEAD."""
    client.call("GET", "sys/health", token="").require(200, {"sealed": False, "standby": False})
    client.call("HEAD", "sys/health", token="").require(200, NOTHING)
    client.call("GET", "sys/health?activecode=204", token="").require(204)
    client.call("GET", "sys/health?activecode=x", token="").require(400)
    inside = client.call("GET", "sys/health", headers={"X-Vault-Namespace": "team"})
    assert inside.status == (400 if server.flavour.namespaces else 200)


@pytest.mark.parametrize(
    ("role", "status", "parameter"),
    [
        (Role.STANDBY, 429, "standbyok"),
        (Role.PERFORMANCE_STANDBY, 473, "perfstandbyok"),
        (Role.DR_SECONDARY, 472, ""),
    ],
)
def test_health_of_other_roles(server: VaultServer, client: Client, role: Role, status: int, parameter: str) -> None:
    """Each has a status of its own, and most may be asked to be as good as active."""
    server.stand_by(ACTIVE, role)
    client.call("GET", "sys/health", token="").require(status)
    if parameter:
        client.call("GET", f"sys/health?{parameter}=true", token="").require(200)


def test_a_standby_sends_clients_to_the_active_node(server: VaultServer, client: Client) -> None:
    """With forwarding switched off; OpenBao's serves the reads of those whom it knows."""
    server.stand_by(ACTIVE)
    written = client.call("POST", "secret/data/a", {"data": {}}).require(307, NOTHING)
    assert written.headers["Location"] == f"{ACTIVE}/v1/secret/data/a"
    unknown = client.call("GET", "secret/data/a?version=1", token="s.never").require(307, NOTHING)
    assert unknown.headers["Location"] == f"{ACTIVE}/v1/secret/data/a?version=1"
    assert client.call("LIST", "secret/metadata").status == (404 if server.flavour.standby_reads else 307)
    server.activate()
    client.call("POST", "secret/data/a", {"data": {}}).require(200)


def test_other_roles_of_vault() -> None:
    """A performance standby reads, a secondary for disasters does nothing."""
    with VaultServer("vault") as server, closing(Client(server.url, "root")) as client:
        server.stand_by(ACTIVE, Role.PERFORMANCE_STANDBY)
        client.call("GET", "secret/data/a").require(404)
        client.call("DELETE", "secret/data/a").require(307)
        server.stand_by(ACTIVE, Role.DR_SECONDARY)
        client.call("GET", "secret/data/a").require(400, "path disabled in replication DR secondary mode")


@pytest.mark.parametrize(
    ("method", "mount", "unknown_role", "unknown_jwt"),
    [
        ("kubernetes", "k8s", 'invalid role name "no"', (403, "permission denied")),
        ("jwt", "ci", 'role "no" could not be found', (400, "error validating token: error verifying ...")),
    ],
)
def test_web_tokens(  # a row of the table
    server: VaultServer,
    client: Client,
    method: str,
    mount: str,
    unknown_role: str,
    unknown_jwt: tuple[int, str],
) -> None:
    """A role and a web token that the test has registered give a token."""
    register = server.kubernetes if method == "kubernetes" else server.jwt
    register("ci", "a.b.c", Grant(ttl=30), mount=mount)
    path = f"auth/{mount}/login"

    def log_in(**fields: str) -> Any:
        return client.call("POST", path, fields, token="")

    reply = log_in(role="ci", jwt="a.b.c").require(200, {"auth.lease_duration": 30})
    client.call("GET", "auth/token/lookup-self", token=reply.part("auth.client_token")).require(
        200, {"data.path": path}
    )
    log_in(role="no", jwt="a.b.c").require(400, unknown_role)
    log_in(role="ci", jwt="x").require(*unknown_jwt)
    log_in(role="ci").require(400, "missing jwt" if method == "kubernetes" else "missing token")
    log_in(jwt="a.b.c").require(400, "missing role")


def test_who_logs_in_in_a_namespace_belongs_there(server: VaultServer, client: Client) -> None:
    """The token knows its namespace's policies and works nowhere else."""
    server.namespace("team/sub")
    server.mount("kv", namespace="team/sub")
    server.policy("reader", {"kv/*": ["read"]}, namespace="team/sub")
    server.user("ann", "pw", Grant(policies=("reader",)), namespace="team/sub")
    header = {"X-Vault-Namespace": "team/sub/"}
    login = client.call("POST", "auth/userpass/login/ann", {"password": "pw"}, token="", headers=header).require(200)
    token = login.part("auth.client_token")
    client.call("GET", "kv/data/a", token=token, headers=header).require(404)
    client.call("GET", "team/sub/kv/data/a", token=token).require(404)
    client.call("GET", "sub/kv/data/a", token=token, headers={"X-Vault-Namespace": "team"}).require(404)
    client.call("GET", "secret/data/a", token=token).require(403)
    known = client.call("GET", "auth/token/lookup-self", token=token).require(200)
    assert known.part("data.namespace_path") == "team/sub/"
    assert [entry.namespace for entry in server.log if entry.path == "kv/data/a"] == ["team/sub/"] * 3


def test_the_free_vault_looks_at_no_namespace() -> None:
    """The header means nothing as long as nobody has made a namespace."""
    with VaultServer("vault") as server, closing(Client(server.url, "root")) as client:
        server.put("a", {"k": "v"})
        client.call("GET", "secret/data/a", headers={"X-Vault-Namespace": "never"}).require(200)


def test_the_log_says_what_a_policy_must_grant(server: VaultServer, client: Client) -> None:
    """Request by request, with the capability that was asked for."""
    client.call("POST", "secret/data/a", {"data": {}, "options": {"cas": 0}})
    client.call("POST", "secret/data/a", {"data": {}})
    client.call("GET", "secret/metadata?list=true")
    client.call("DELETE", "secret/data/a", token=server.token(Grant()))
    client.call("POST", "secret/undelete/a", {"versions": [1]})
    client.call("GET", "sys/health")
    assert server.log == [
        Logged(method="POST", path="secret/data/a", capability="create", status=200),
        Logged(method="POST", path="secret/data/a", capability="update", status=200),
        Logged(method="GET", path="secret/metadata/", capability="list", status=200),
        Logged(method="DELETE", path="secret/data/a", capability="delete", status=403),
        Logged(method="POST", path="secret/undelete/a", capability="update", status=204),
        Logged(method="GET", path="sys/health", status=200),
    ]


def test_behind_its_back(server: VaultServer, client: Client) -> None:
    """A test writes and looks without a request."""
    server.put("shop/a/b", {"value": "one"}, {"syncer:project": "shop"})
    server.put("shop/a/b", {"value": "two"})
    read = client.call("GET", "secret/data/shop/a/b").require(200, {"data.data": {"value": "two"}})
    assert read.part("data.metadata.custom_metadata") == {"syncer:project": "shop"}
    entry = server.entry("shop/a/b")
    assert entry is not None
    assert entry.versions[1].data == {"value": "one"}
    assert server.entry("never") is None
    server.unmount("secret")
    client.call("GET", "secret/data/shop/a/b").require(404)


def test_what_it_does_not_know_it_refuses_loudly(client: Client) -> None:
    """No test builds on an endpoint that only seems to be there."""
    client.call("GET", "sys/mounts").require(501)
    client.call("POST", "secret/metadata/a", {"delete_version_after": "1h"}).require(501)


def test_a_connection_serves_many_requests_without_stalls(client: Client) -> None:
    """A head and a body that leave apart would cost 40 ms each, as the other side holds its acknowledgement back."""
    start = time.monotonic()
    for _ in range(100):
        client.call("POST", "secret/data/a", {"data": {"k": "v" * 2000}}).require(200)
    assert time.monotonic() - start < 2


def test_tls_with_certificates_for_both_sides(tmp_path: Path) -> None:
    """The server shows one, and asks for one if it is told who signs them."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1")
    with VaultServer(tls=Tls(certificate=certificate, key=key, client_ca=authority.certificate)) as server:
        assert server.url.startswith("https://127.0.0.1:")
        context = ssl.create_default_context(cafile=authority.certificate)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            status_over(server.url, context)
        context.load_cert_chain(*authority.issue("client"))
        assert status_over(server.url, context) == 200


def status_over(url: str, context: ssl.SSLContext) -> int:
    """Ask for the health of a node."""
    parts = urlsplit(url)
    with closing(HTTPSConnection(parts.hostname or "", parts.port, context=context)) as connection:
        connection.request("GET", "/v1/sys/health")
        with connection.getresponse() as response:
            return response.status


def test_a_child_process_holds_what_it_is_seeded_with() -> None:
    """Secrets at project/scope/ref, with metadata of their own."""
    seed = Seed(secrets=30, scopes=3, project="shop", custom_metadata={"syncer:address": "{address}"})
    with vault_process(seed, flavour="openbao") as url, closing(Client(url, "root")) as client:
        listed = client.call("SCAN", "secret/detailed-metadata/shop").require(200)
        assert len(listed.part("data.keys")) == 30
        about = listed.part("data.key_info")["scope-2/ref-9"]
        assert about["custom_metadata"] == {"syncer:address": "scope-2:ref-9"}
        client.call("GET", "secret/data/shop/scope-0/ref-0").require(
            200, {"data.data": {"value": "value of scope-0:ref-0"}}
        )
