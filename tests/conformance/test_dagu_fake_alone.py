"""What only a fake of Dagu can be told: races, runs, the time, its modes; and what it tells a test."""

from __future__ import annotations

import base64
import gzip
import ssl
import threading
import time
from contextlib import closing
from http.client import HTTPConnection, HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from conformance.fakes.certificates import Authority
from conformance.fakes.dagu.accounts import ADMIN_KEY, PASSWORD, USER
from conformance.fakes.dagu.roles import Role
from conformance.fakes.dagu.secret_store import Unresolved
from conformance.fakes.dagu.server import DaguServer
from conformance.fakes.dagu.standalone import Seed, dagu_process
from conformance.fakes.secured import Tls
from conformance.raw_dagu import NOTHING, RawDagu

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conformance.raw_dagu import Document

NO_STORE = "Secret store not configured"
BROKEN = "An unexpected error occurred"


@pytest.fixture
def server() -> Iterator[DaguServer]:
    """A fake that asks who you are."""
    with DaguServer() as server:
        yield server


@pytest.fixture
def raw(server: DaguServer) -> RawDagu:
    """Its administrator."""
    return asked(server)


def asked(server: DaguServer) -> RawDagu:
    """Give its administrator."""
    return RawDagu(address=server.url, authorization=server.authorization)


CHANGES: list[tuple[str, Document | None]] = [
    ("POST /secrets/{}/disable", None),
    ("POST /secrets/{}/enable", None),
    ("PATCH /secrets/{}", {"description": "d"}),
]


@pytest.mark.parametrize(("call", "body"), CHANGES)
def test_a_change_undoes_a_rotation_that_comes_between(
    server: DaguServer, raw: RawDagu, call: str, body: Document | None
) -> None:
    """Both reply with success; the next rotation takes the same number again, and runs get the older value."""
    identifier = server.plant("x", "one")
    rotated = []
    server.meanwhile(lambda: rotated.append(raw.put("x", "two")), "*/secrets/*")
    raw.send(call.format(identifier), body).require(200, {"currentVersion": 1})
    assert rotated[0]["currentVersion"] == 2
    record = server.secrets[identifier]
    assert (record.served, record.values) == ("one", ["one", "two"])
    raw.send(f"POST /secrets/{identifier}/versions", {"value": "three"}).require(200, {"currentVersion": 2})
    assert (record.served, record.values) == ("two", ["one", "two", "three"])
    assert [version.number for version in record.versions] == [1, 2, 2]


def test_two_changes_at_once(server: DaguServer, raw: RawDagu) -> None:
    """The one that writes last wins in all that it has read."""
    identifier = server.plant("x", "v", description="old")
    server.meanwhile(lambda: raw.ask(f"POST /secrets/{identifier}/disable"), "PATCH *")
    raw.send(f"PATCH /secrets/{identifier}", {"description": "new"}).require(200, {"status": "active"})
    server.meanwhile(lambda: raw.ask(f"PATCH /secrets/{identifier}", {"description": "newer"}), "*/disable")
    raw.send(f"POST /secrets/{identifier}/disable").require(200, {"status": "disabled", "description": "new"})


@pytest.mark.parametrize(("call", "body"), CHANGES)
def test_a_deletion_between(server: DaguServer, raw: RawDagu, call: str, body: Document | None) -> None:
    """The change finds nothing to write to, and no ghost remains."""
    identifier = server.plant("x", "v")
    server.meanwhile(lambda: raw.remove("x"))
    raw.send(call.format(identifier), body).require(404, "Secret not found")
    assert server.secrets == {}


def test_who_waits_in_a_race(server: DaguServer, raw: RawDagu) -> None:
    """A request can be held for as long as a test likes, while others are served; only once."""
    identifier = server.plant("x", "v")
    arrived, go = threading.Event(), threading.Event()
    statuses = []

    def wait() -> None:
        arrived.set()
        go.wait(30)

    server.meanwhile(wait, "PATCH *")
    holder = threading.Thread(
        target=lambda: statuses.append(raw.send(f"PATCH /secrets/{identifier}", {"description": "d"}).status)
    )
    holder.start()
    assert arrived.wait(30)
    raw.send(f"POST /secrets/{identifier}/versions", {"value": "w"}).require(200, {"currentVersion": 2})
    raw.send(f"PATCH /secrets/{identifier}", {}).require(200, {"currentVersion": 2})
    assert statuses == []
    go.set()
    holder.join()
    assert statuses == [200]
    assert server.secrets[identifier].metadata.current_version == 1


@pytest.mark.parametrize("owner", ["/profiles/p", "/profiles/_global", "/profiles/_workspaces/w"])
def test_entries_written_at_once(server: DaguServer, raw: RawDagu, owner: str) -> None:
    """The document that is written last lacks the other's entry, whose secret remains."""
    server.workspace("w")
    raw.ask("POST /profiles", {"name": "p"})
    server.meanwhile(lambda: raw.ask(f"PUT {owner}/secrets/B", {"value": "b"}), "PUT */A")
    raw.ask(f"PUT {owner}/secrets/A", {"value": "a"})
    assert [entry["key"] for entry in raw.ask(f"GET {owner}")["entries"]] == ["A"]
    assert [record.served for record in server.secrets.values()] == ["b", "a"]
    assert [*server.profiles[owner.removeprefix("/profiles/")].entries] == ["A"]


def test_a_profile_that_goes_while_it_is_written(server: DaguServer, raw: RawDagu) -> None:
    """No secret is left of that."""
    raw.ask("POST /profiles", {"name": "p"})
    server.meanwhile(lambda: raw.ask("DELETE /profiles/p"), "PUT *")
    raw.send("PUT /profiles/p/secrets/A", {"value": "a"}).require(404, "Runtime profile not found")
    assert server.secrets == {}
    assert server.profiles == {}


def test_what_a_run_gets(server: DaguServer) -> None:
    """A workspace's secret goes before Global's, and Global's stands in only where there is none at all."""
    server.plant("x", "everywhere")
    assert server.resolve("", "x") == server.resolve("w", "x") == "everywhere"
    server.plant("x", "here", "w")
    assert server.resolve("w", "x") == "here"
    assert server.resolve("W", "x") == "everywhere"
    server.plant("x", "here", "w", enabled=False)
    for workspace, ref, fault in [("w", "x", "secret is disabled"), ("w", "y", "secret not found")]:
        with pytest.raises(Unresolved, match=fault):
            server.resolve(workspace, ref)
    server.plant("y", "everywhere")
    server.plant("y", None, "w")
    with pytest.raises(Unresolved, match="secret has no value"):
        server.resolve("w", "y")


def test_a_run_moves_two_times(server: DaguServer, raw: RawDagu) -> None:
    """So that the time of update says nothing about a change; later writes keep the other one."""
    identifier = server.plant("x", "v")
    before = raw.ask(f"GET /secrets/{identifier}")
    assert "lastResolvedAt" not in before
    server.resolve("", "x")
    after = raw.ask(f"GET /secrets/{identifier}")
    assert after["lastResolvedAt"] == after["updatedAt"] > before["updatedAt"]
    assert after["lastRotatedAt"] == before["lastRotatedAt"]
    assert raw.put("x", "w")["lastResolvedAt"] == after["lastResolvedAt"]


def test_a_run_undoes_what_is_written_meanwhile(server: DaguServer, raw: RawDagu) -> None:
    """It is another process, which writes its copy of the file back: without the new version, and as it was."""
    identifier = server.plant("x", "one", description="old")
    with server.run("", "x") as value:
        assert value == "one"
        raw.put("x", "two", description="new")
        raw.switch("x", enabled=False)
    after = raw.ask(f"GET /secrets/{identifier}")
    assert (after["currentVersion"], after["status"], after["description"]) == (1, "active", "old")
    assert server.secrets[identifier].values == ["one"]


def test_a_run_brings_a_deleted_secret_back(server: DaguServer, raw: RawDagu) -> None:
    """The server's index knows nothing of it: the ref may be made again, and is then there twice."""
    old = server.plant("x", "old")
    with server.run("", "x"):
        raw.remove("x")
    assert [one["id"] for one in raw.secrets()] == [old]
    new = raw.ask("POST /secrets", {"ref": "x", "providerType": "dagu-managed", "value": "new"})["id"]
    assert [one["id"] for one in raw.secrets()] == [old, new]
    assert server.resolve("", "x") == "new"


def test_the_ref_of_two(server: DaguServer, raw: RawDagu) -> None:
    """A run gets the one that was written last; to delete either frees the ref, though the other is there."""
    fields = {"ref": "x", "providerType": "dagu-managed", "value": "new"}
    old = server.plant("x", "old")
    with server.run("", "x"):
        raw.remove("x")
        new = raw.ask("POST /secrets", fields)["id"]
    assert server.resolve("", "x") == "new"
    raw.send("POST /secrets", fields).require(409)
    raw.ask(f"POST /secrets/{old}/versions", {"value": "older"})
    assert server.resolve("", "x") == "older"
    raw.ask(f"DELETE /secrets/{old}")
    raw.send("POST /secrets", fields).require(201)
    assert len({one["id"] for one in raw.secrets()} - {new}) == 1


def test_a_damaged_file(server: DaguServer, raw: RawDagu) -> None:
    """It is in no list, but its ref is taken; to name its id breaks the server."""
    identifier = server.plant("x", "v")
    server.secrets[identifier].readable = False
    raw.send("GET /secrets").require(200, {"secrets": [], "total": 0})
    raw.send("POST /secrets", {"ref": "x", "providerType": "dagu-managed"}).require(409)
    for call in ("GET /secrets/{}", "POST /secrets/{}/versions", "DELETE /secrets/{}", "POST /secrets/{}/enable"):
        raw.send(call.format(identifier), {"value": "w"}).require(500, BROKEN)


def test_a_server_without_a_key(server: DaguServer, raw: RawDagu) -> None:
    """It has no secrets, and says so before it looks at anything; the rest of it works."""
    server.state.keyless = True
    for call in ("GET /secrets?workspace=all", "POST /secrets", "GET /secrets/x", "POST /secrets/x/versions"):
        refused = raw.send(call, {"ref": "BAD"}).require(503, NO_STORE)
        assert refused.document["code"] == "internal_error"
    raw.ask("POST /profiles", {"name": "p"})
    raw.ask("PUT /profiles/p/variables/A", {"value": "v"})
    raw.send("PUT /profiles/p/secrets/B", {"value": "v"}).require(503, NO_STORE)
    raw.send("GET /health").require(200)


def test_basic_authentication() -> None:
    """One user is an administrator; keys and sessions mean nothing."""
    with DaguServer("basic") as server:
        raw = asked(server)
        assert raw.authorization == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        raw.put("x", "v")
        raw.send("GET /profiles/_global", authorization=raw.authorization.replace("Basic", "basic")).require(200)
        wrong = base64.b64encode(f"{USER}:x".encode()).decode()
        for who in ("", f"Basic {wrong}", "Basic ?", "Basic", f"Bearer {ADMIN_KEY}"):
            refused = raw.send("GET /secrets", authorization=who).require(401, NOTHING)
            assert refused.headers["WWW-Authenticate"] == 'Basic realm="restricted"'
        assert server.log[-1].who == ""
        assert server.log[0].who == USER
        off = "Authentication is not enabled"
        raw.send("POST /auth/login", {"username": USER, "password": PASSWORD}).require(401, off)
        raw.send("GET /api-keys").require(403, "API key management is not available")


def test_no_authentication() -> None:
    """Everybody is an administrator, whatever they say of themselves."""
    with DaguServer("none") as server:
        for who in ("", "Bearer x", "Basic ?"):
            raw = RawDagu(address=server.url, authorization=who)
            raw.put("x", "v")
            raw.send("GET /profiles/_global").require(200)
            raw.send("GET /auth/me").require(401, "Not authenticated")
            raw.send("GET /nope").require(404, "404 page not found")
        assert server.authorization == ""
        assert [record.served for record in server.secrets.values()] == ["v"]


def test_a_base_path() -> None:
    """Everything stands below it; beside it stands the user interface, which fools those who trust in a status."""
    with DaguServer(base_path="/dagu/") as server:
        assert server.url.endswith("/dagu")
        raw = asked(server)
        raw.put("x", "v")
        beside = RawDagu(address=server.url.removesuffix("/dagu"), authorization=server.authorization)
        for call in ("GET /secrets", "GET /health"):
            assert beside.send(call).require(200).headers["Content-Type"] == "text/html; charset=utf-8"
        refused = beside.send("POST /secrets", {}).require(405, NOTHING)
        assert refused.headers["Allow"] == "GET"
        moved = raw.send("GET /secrets/").require(301)
        assert moved.headers["Location"] == "/dagu/api/v1/secrets"


def test_sessions(server: DaguServer, raw: RawDagu) -> None:
    """A password gives a token, which is good for a day."""
    opened = raw.ask("POST /auth/login", {"username": USER, "password": PASSWORD})
    session = f"Bearer {opened['token']}"
    assert opened["token"].count(".") == 2
    assert opened["expiresAt"].startswith("2030-01-02T00:00:0")
    raw.send("GET /secrets", authorization=session).require(200)
    assert raw.send("GET /auth/me", authorization=session).document["user"]["username"] == USER
    server.clock.advance(24 * 3600)
    raw.send("GET /secrets", authorization=session).require(401, NOTHING)


def test_an_address_that_failed_too_often(server: DaguServer, raw: RawDagu) -> None:
    """It is told how long to wait, is not let in with the right password before, and keys are not concerned."""
    proxied = {"X-Forwarded-For": "198.51.100.7"}
    right = {"username": USER, "password": PASSWORD}
    for _ in range(5):
        raw.send("POST /auth/login", {**right, "password": "wrong"}, headers=proxied).require(401)
        server.clock.advance(60)
    refused = raw.send("POST /auth/login", right, headers=proxied).require(429)
    assert refused.headers["Retry-After"] == "600"
    raw.send("GET /secrets", headers=proxied).require(200)
    raw.send("POST /auth/login", right).require(200)
    raw.send("POST /auth/login", right, headers={"X-Forwarded-For": "198.51.100.8"}).require(200)
    server.clock.advance(600)
    raw.send("POST /auth/login", right, headers=proxied).require(200)


def test_keys_behind_its_back(server: DaguServer, raw: RawDagu) -> None:
    """A test makes as many as it likes, for roles anywhere, and takes them away."""
    server.plant("x", "v", "w")
    keys = [server.api_key(role) for role in Role] + [server.api_key(grants={"w": Role.MANAGER})]
    found = [raw.send("GET /secrets?workspace=w", authorization=f"Bearer {key}").status for key in keys]
    assert found == [200, 200, 403, 403, 403, 200]
    raw.send("GET /secrets", authorization=f"Bearer {keys[-1]}").require(404)
    server.revoke(keys[0])
    raw.send("GET /secrets", authorization=f"Bearer {keys[0]}").require(401)
    server.state.accounts.key_limit = None
    fields = {"name": "n", "role": "viewer", "allowedSurfaces": ["rest_api"], "attributionClass": "service_account"}
    raw.send("POST /api-keys", fields).require(201)
    raw.send("POST /api-keys", fields).require(409, "API key with this name already exists")


def test_the_log(server: DaguServer, raw: RawDagu) -> None:
    """It holds what was asked, by whom, and what came of it, and can be counted by globs."""
    raw.put("x", "v")
    raw.send("GET /secrets/never?remoteNode=local", authorization="")
    raw.send("GET /nope", root="")
    told = [(logged.name, logged.query, logged.status, logged.who) for logged in server.log]
    assert told == [
        ("GET /secrets", "workspace=global&limit=500&offset=0", 200, "admin"),
        ("POST /secrets", "", 201, "admin"),
        ("GET /secrets/never", "remoteNode=local", 401, ""),
        ("GET /nope", "", 200, ""),
    ]
    assert [logged.status for logged in server.calls("GET /secrets*")] == [200, 401]
    server.log.clear()
    assert server.calls() == []


def test_behind_its_back(server: DaguServer, raw: RawDagu) -> None:
    """A test writes and looks without a request, and sees the values."""
    identifier = server.plant("a/b", "one", "w", description="d")
    assert server.plant("a/b", "two", "w", enabled=False) == identifier
    raw.send(f"GET /secrets/{identifier}").require(
        200, {"currentVersion": 2, "status": "disabled", "description": None, "workspace": "w"}
    )
    record = server.secret("a/b", "w")
    assert record is server.secrets[identifier]
    assert (record.served, record.values) == ("two", ["one", "two"])
    assert server.secret("a/b") is None
    assert "two" not in repr(record)
    made = server.workspace("w")
    assert server.workspaces[made].name == "w"


@pytest.mark.parametrize("call", ["GET /secrets", "GET /secrets/never", "GET /secrets?limit=x", "GET /nope"])
def test_compression(server: DaguServer, raw: RawDagu, call: str) -> None:
    """Those who can read it get it, errors too; a test may switch it off."""
    plain = raw.send(call)
    packed = raw.send(call, headers={"Accept-Encoding": "gzip, deflate"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert (packed.status, gzip.decompress(packed.body)) == (plain.status, plain.body)
    server.state.compresses = False
    assert raw.send(call, headers={"Accept-Encoding": "gzip"}).body == plain.body


def test_an_empty_body_is_not_compressed(raw: RawDagu) -> None:
    """There is nothing in it."""
    refused = raw.send("GET /secrets", authorization="", headers={"Accept-Encoding": "gzip"}).require(401, NOTHING)
    assert refused.headers["Content-Encoding"] is None


def test_a_connection_serves_many_requests_without_stalls(server: DaguServer) -> None:
    """A head and a body that leave apart would cost 40 ms each, as the other side holds its acknowledgement back."""
    server.plant("x", "v", description="d" * 2000)
    start = time.monotonic()
    with closing(HTTPConnection(urlsplit(server.url).netloc)) as connection:
        for _ in range(100):
            connection.request("GET", "/api/v1/secrets", headers={"Authorization": server.authorization})
            assert connection.getresponse().read()
    assert time.monotonic() - start < 2


def test_tls_with_certificates_for_both_sides(tmp_path: Path) -> None:
    """The server shows one, and asks for one if it is told who signs them."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1")
    with DaguServer(tls=Tls(certificate=certificate, key=key, client_ca=authority.certificate)) as server:
        assert server.url.startswith("https://127.0.0.1:")
        context = ssl.create_default_context(cafile=authority.certificate)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            health_over(server.url, context)
        context.load_cert_chain(*authority.issue("client"))
        assert health_over(server.url, context) == 200


def health_over(url: str, context: ssl.SSLContext) -> int:
    """Ask for the health of a server."""
    with closing(HTTPSConnection(urlsplit(url).netloc, context=context)) as connection:
        connection.request("GET", "/api/v1/health")
        with connection.getresponse() as response:
            return response.status


def test_a_child_process_holds_what_it_is_seeded_with() -> None:
    """In any mode and below any path."""
    seed = Seed(secrets=3, workspace="w", ref="a/{number}", description="d{number}")
    with dagu_process(seed, base_path="/dagu") as url:
        found: Any = RawDagu(address=url, authorization=f"Bearer {ADMIN_KEY}").secrets("w")
        assert [(one["ref"], one["description"]) for one in found] == [("a/0", "d0"), ("a/1", "d1"), ("a/2", "d2")]
    with dagu_process(auth="none") as url:
        RawDagu(address=url, authorization="").send("GET /secrets").require(200, {"total": 0})
