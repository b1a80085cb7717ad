"""Who we are to the server: ways to log in, renewals, tokens that are lost."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from conformance.fakes.answers import VAULT_INVALID_TOKEN, VAULT_SEALED, vault_error
from conformance.fakes.fault_proxy import Rule
from conformance.fakes.loopback import Answer
from conformance.fakes.vault.tokens import Grant
from support import secret
from vault_bench import DB, PATH

from syncer.backends.vault import auth, session
from syncer.errors import (
    AccessDenied,
    BackendError,
    InvalidConfiguration,
    Refused,
    SourceError,
    SyncerError,
    Transient,
)
from syncer.model import Address
from syncer.sensitive import Sensitive
from syncer.testing.base import assert_no_leak, declared

if TYPE_CHECKING:
    from pathlib import Path

    from vault_bench import Bench

APP = Grant(policies=("app",), ttl=600)
EVERYTHING = ("create", "read", "update", "patch", "delete", "list")
CREDENTIAL = "credential-3c9d-never-print-me"
ENVIRON = {"CREDENTIAL": f"{CREDENTIAL}\n", "NAME": "ci\r\n"}

METHODS: dict[str, dict[str, Any]] = {
    "userpass": {"username": "ci", "password": {"env": "CREDENTIAL"}},
    "approle": {"role_id": {"env": "NAME"}, "secret_id": {"env": "CREDENTIAL"}},
    "kubernetes": {"role": "ci", "jwt": {"env": "CREDENTIAL"}},
    "jwt": {"role": "ci", "jwt": {"env": "CREDENTIAL"}},
}


def grant(bench: Bench, method: str, credential: str = CREDENTIAL, given: Grant = APP, **where: str) -> None:
    """Let `ci` log in by a method, and do everything with secrets."""
    bench.server.policy("app", {"secret/*": EVERYTHING})
    enable = {
        "userpass": bench.server.user,
        "approle": bench.server.approle,
        "kubernetes": bench.server.kubernetes,
        "jwt": bench.server.jwt,
    }[method]
    enable("ci", credential, given, **where)


def logins(bench: Bench) -> list[str]:
    """Name the calls to auth methods that were made since last asked."""
    return [name.rpartition("/v1/")[2] for name in bench.calls() if "/v1/auth/" in name]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("mount", [None, "team/machines"])
def test_logging_in(bench: Bench, method: str, mount: str | None) -> None:
    """Once for all calls, by what a source yields less one newline, at the method's mount; each call is counted."""
    where = {} if mount is None else {"mount": mount}
    grant(bench, method, **where)
    backend = bench.open(ENVIRON, auth={"method": method, **METHODS[method], **where})
    bench.create(backend)
    assert backend.read(DB).reveal() == b"v1"
    assert backend.meter.total.calls == len(bench.proxy.log)
    path = f"auth/{mount or method}/login"
    assert logins(bench) == [f"{path}/ci" if method == "userpass" else path]


def test_the_token_of_a_pod(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kubernetes' own file, unless another source is named."""
    assert auth.SERVICE_ACCOUNT == "/var/run/secrets/kubernetes.io/serviceaccount/token"
    (bench.folder / "token").write_text(CREDENTIAL)
    monkeypatch.setattr(auth, "SERVICE_ACCOUNT", str(bench.folder / "token"))
    grant(bench, "kubernetes")
    assert bench.open({}, auth={"method": "kubernetes", "role": "ci"}).look(DB) is None


def test_an_approle_without_a_secret(bench: Bench) -> None:
    """Where the role wants none, none is sent."""
    grant(bench, "approle")
    backend = bench.open({}, auth={"method": "approle", "role_id": "ci"})
    with pytest.raises(AccessDenied, match=r"\(the role wants a secret ID\)"):
        backend.look(DB)
    assert bench.proxy.log[0].document == {"role_id": "ci", "secret_id": None}


def test_a_jwt_without_a_role(bench: Bench) -> None:
    """The mount has a default role."""
    backend = bench.open(ENVIRON, auth={"method": "jwt", "jwt": {"env": "CREDENTIAL"}})
    with pytest.raises(AccessDenied):
        backend.look(DB)
    assert bench.proxy.log[0].document == {"role": "", "jwt": CREDENTIAL}


def test_a_name_that_no_url_holds(bench: Bench) -> None:
    """It is quoted once."""
    bench.server.policy("app", {"secret/*": EVERYTHING})
    bench.server.user("jo@x y", CREDENTIAL, APP)
    method = {"method": "userpass", "username": "jo@x y", "password": {"env": "CREDENTIAL"}}
    assert bench.open(ENVIRON, auth=method).look(DB) is None


@pytest.mark.parametrize("method", METHODS)
def test_a_login_that_is_turned_down(bench: Bench, method: str) -> None:
    """The server, the mount and the cause are told; the credential is not."""
    grant(bench, method, "another")
    with pytest.raises(AccessDenied) as caught:
        bench.open(ENVIRON, auth={"method": method, **METHODS[method]}).look(DB)
    assert f"vault at {bench.proxy.url} turned the login at auth/{method} down (" in caught.value.message
    assert "check the credentials under `auth`" in (caught.value.hint or "")
    assert_no_leak(CREDENTIAL.encode(), caught.value)


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (vault_error(400, "invalid role or secret ID"), AccessDenied, "(unknown role or wrong secret ID)"),
        (vault_error(400, f"cannot take {CREDENTIAL}"), AccessDenied, "turned the login at auth/approle down (400)"),
        (vault_error(403, "permission denied"), AccessDenied, "turned the login at auth/approle down (403)"),
        (vault_error(404, 'no handler for route "auth/approle/login".'), InvalidConfiguration, "nothing mounted at"),
        (VAULT_SEALED, Refused, "is sealed"),
        (vault_error(500), Transient, "failed (500)"),
        (Answer(body=b'{"auth": null}'), BackendError, "answered a login with something else than a token"),
        (Answer(body=b'{"auth": {"client_token": 5}}'), BackendError, "something else than a token"),
        (Answer(body=b'{"auth": {"client_token": "s.x"}}'), BackendError, "something else than a token"),
        (
            Answer(body=b'{"auth": {"client_token": "", "mfa_requirement": {}}}'),
            AccessDenied,
            "wants a second factor",
        ),
        (Answer(body=b'"s.x"'), Transient, "makes no sense"),
    ],
    ids=str,
)
def test_odd_answers_to_a_login(bench: Bench, answer: Answer, kind: type[SyncerError], message: str) -> None:
    """Each is told, and none shows the credential."""
    bench.spoil("POST /v1/auth/*", answer)
    with pytest.raises(SyncerError) as caught:
        bench.open(ENVIRON, auth={"method": "approle", **METHODS["approle"]}).look(DB)
    assert type(caught.value) is kind
    assert message in caught.value.message
    assert_no_leak(CREDENTIAL.encode(), caught.value)


@pytest.mark.parametrize("text", ["two\nlines", "caf\u00e9", "\n", "a\x00b", "\x7f"])
@pytest.mark.parametrize("where", ["env", "option", "password"])
def test_credentials_that_are_no_line_of_text(bench: Bench, text: str, where: str) -> None:
    """They are refused before they go over the wire, and not shown."""
    options: dict[str, dict[str, Any]] = {
        "env": {},
        "option": {"auth": {"method": "token", "token": {"env": "VAULT_TOKEN"}}},
        "password": {"auth": {"method": "userpass", "username": "ci", "password": {"env": "VAULT_TOKEN"}}},
    }
    with pytest.raises(InvalidConfiguration, match="is no line of ASCII") as caught:
        bench.open({"VAULT_TOKEN": text}, **options[where]).look(DB)
    assert text == "\n" or text not in caught.value.message
    assert bench.proxy.log == []


def test_a_source_that_yields_nothing(bench: Bench) -> None:
    """The option is named."""
    method = {"method": "approle", "role_id": "r", "secret_id": {"env": "UNSET"}}
    with pytest.raises(SourceError, match=r"option `auth\.secret_id`"):
        bench.open({}, auth=method).look(DB)
    with pytest.raises(InvalidConfiguration, match=r"option `auth\.secret_id` must be a source"):
        bench.open({}, auth={**method, "secret_id": {"generate": {}}}).look(DB)


# A token that is at hand.


def test_a_token_from_a_source(bench: Bench) -> None:
    """It goes before that of the environment."""
    environ = {"VAULT_TOKEN": "wrong", "TOKEN": "root\n"}
    assert bench.open(environ, auth={"method": "token", "token": {"env": "TOKEN"}}).look(DB) is None


def test_the_token_file(bench: Bench) -> None:
    """It is what `vault login` leaves at home."""
    (bench.folder / ".vault-token").write_text("root")
    assert bench.open({"HOME": str(bench.folder)}).look(DB) is None


def test_no_token(bench: Bench) -> None:
    """It is said how to get one."""
    with pytest.raises(AccessDenied, match="there is no token for vault at") as caught:
        bench.open({"HOME": str(bench.folder)}).look(DB)
    assert caught.value.hint == "set VAULT_TOKEN, run `vault login`, or say under `auth` how to log in"


def test_a_plan_with_a_token_at_hand_needs_no_hvac(bench: Bench, tmp_path: Path) -> None:
    """A tenth of a second that it need not pay; nor does it ask what the token is."""
    bench.server.put(PATH, {"value": "v"}, {"syncer:project": "shop"})
    code = f"""
import sys
from pathlib import Path
from syncer.backends.vault import Vault
from syncer.testing.base import context
backend = Vault.open({{"address": {bench.proxy.url!r}}}, context(Path(), "shop", environ={{"VAULT_TOKEN": "root"}}))
assert len(list(backend.observe(["payments"], []))) == 1
backend.close()
assert not {{"hvac", "requests", "urllib3"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert logins(bench) == []


def test_without_hvac(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever must log in is told what to install; a token at hand goes on unrenewed."""
    monkeypatch.setitem(sys.modules, "hvac.api", None)
    with pytest.raises(InvalidConfiguration, match="needs the package `hvac") as caught:
        bench.open(ENVIRON, auth={"method": "approle", **METHODS["approle"]}).look(DB)
    assert caught.value.hint == "in the repository of syncer: pip install '.[vault]'"
    bench.create(bench.open())


# Tokens that are lost.


@pytest.mark.parametrize("flavour", ["vault", "openbao"])
def test_a_token_that_was_revoked(bench: Bench) -> None:
    """Whoever can log in does so again, and the call is made again; reads and writes alike."""
    grant(bench, "approle")
    backend = bench.open(ENVIRON, auth={"method": "approle", **METHODS["approle"]})
    made = bench.create(backend)
    for attempt in (lambda: backend.rotate(declared(DB), Sensitive(b"v2"), made), lambda: backend.read(DB)):
        bench.server.revoke(backend._api._session.token().reveal().decode())
        logins(bench)
        attempt()
        assert logins(bench) == ["auth/approle/login"]
    assert backend.read(DB).reveal() == b"v2"


def test_one_logs_in_for_all(bench: Bench) -> None:
    """However many workers find at the same moment that the token is gone."""
    grant(bench, "approle")
    backend = bench.open(ENVIRON, auth={"method": "approle", **METHODS["approle"]})
    addresses = [Address("payments", f"n-{number}") for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda a: bench.create(backend, address=a), addresses))
        assert len(logins(bench)) == 1
        bench.server.revoke(backend._api._session.token().reveal().decode())
        list(pool.map(backend.read, addresses))
    assert len(logins(bench)) == 1


def test_a_login_that_does_not_help(bench: Bench) -> None:
    """It is tried once."""
    grant(bench, "approle")
    backend = bench.open(ENVIRON, auth={"method": "approle", **METHODS["approle"]})
    backend.look(DB)
    bench.spoil("GET /v1/secret/*", VAULT_INVALID_TOKEN)
    bench.calls()
    with pytest.raises(AccessDenied, match="is expired, revoked or unknown"):
        backend.look(DB)
    assert bench.calls() == ["GET metadata", "POST /v1/auth/approle/login", "GET metadata"]


def test_a_token_at_hand_that_was_revoked(bench: Bench) -> None:
    """It is looked for again: an agent may have put a new one there; else it is told."""
    path = bench.folder / "token"
    path.write_text("root")
    backend = bench.open({}, auth={"method": "token", "token": {"file": str(path)}})
    backend.look(DB)
    bench.server.revoke("root")
    with pytest.raises(AccessDenied, match="is expired, revoked or unknown"):
        backend.look(DB)
    bench.server.policy("app", {"secret/*": EVERYTHING})
    path.write_text(bench.server.token(APP))
    assert backend.look(DB) is None


# Renewals. Our clock and the server's are moved together.


class Time:
    """A clock that a test moves."""

    def __init__(self, bench: Bench) -> None:
        self.now = 1000.0
        self._server = bench.server.clock

    def monotonic(self) -> float:
        """Give our time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass, here and there."""
        self.now += seconds
        self._server.advance(seconds)


@pytest.fixture
def time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Time:
    """The clock of both."""
    made = Time(bench)
    monkeypatch.setattr(session, "time", made)
    return made


RENEW, LOOK_UP = "auth/token/renew-self", "auth/token/lookup-self"


@pytest.mark.parametrize("how", ["token", "approle"])
def test_a_long_apply(bench: Bench, time: Time, how: str) -> None:
    """A token is renewed when two thirds of its time have passed, at a write, for as long as that takes."""
    grant(bench, "approle")
    environ = {**ENVIRON, "VAULT_TOKEN": bench.server.token(APP)}
    backend = bench.open(environ, auth=None if how == "token" else {"method": how, **METHODS[how]})
    backend.look(DB)
    seen = bench.create(backend)
    assert logins(bench) == ([LOOK_UP] if how == "token" else ["auth/approle/login"])
    for turn in range(20):
        time.advance(150)
        backend.look(DB)
        seen = backend.rotate(declared(DB), Sensitive(str(turn).encode()), seen)
    assert backend.read(DB).reveal() == b"19"
    assert logins(bench) == [RENEW] * 6


def test_a_plan_renews_nothing(bench: Bench, time: Time) -> None:
    """Not even where it is due: it may run with a token that cannot."""
    grant(bench, "approle")
    backend = bench.open({"VAULT_TOKEN": bench.server.token(APP)})
    backend.look(DB)
    time.advance(500)
    backend.look(DB)
    assert logins(bench) == []


@pytest.mark.parametrize(
    "given", [Grant(policies=("root",), renewable=False), Grant(policies=("app",), ttl=600, renewable=False)]
)
def test_a_token_that_cannot_be_renewed(bench: Bench, time: Time, given: Grant) -> None:
    """It is used for as long as it lasts."""
    grant(bench, "approle")
    backend = bench.open({"VAULT_TOKEN": bench.server.token(given)})
    seen = bench.create(backend)
    time.advance(500)
    backend.rotate(declared(DB), Sensitive(b"v2"), seen)
    assert logins(bench) == [LOOK_UP]


def test_a_token_that_may_not_look_itself_up(bench: Bench, time: Time) -> None:
    """That is no error, and is not tried again."""
    grant(bench, "approle")
    token = bench.server.token(Grant(policies=("app",), ttl=600, default_policy=False))
    backend = bench.open({"VAULT_TOKEN": token})
    seen = bench.create(backend)
    time.advance(500)
    backend.rotate(declared(DB), Sensitive(b"v2"), seen)
    assert logins(bench) == [LOOK_UP]


@pytest.mark.parametrize(("answer", "again"), [(vault_error(400, "lease is not renewable"), 0), (vault_error(502), 1)])
def test_a_renewal_that_fails(bench: Bench, time: Time, answer: Answer, again: int) -> None:
    """The write goes on; what was no answer is asked again a little later, and not before."""
    grant(bench, "approle")
    backend = bench.open(ENVIRON, auth={"method": "approle", **METHODS["approle"]})
    seen = bench.create(backend)
    time.advance(450)
    bench.proxy.set(Rule(fault=answer, calls="POST /v1/auth/token/renew-self", times=1))
    logins(bench)
    for _ in range(3):
        seen = backend.rotate(declared(DB), Sensitive(b"v2"), seen)
    assert logins(bench) == [RENEW]
    time.advance(20)
    backend.rotate(declared(DB), Sensitive(b"v3"), seen)
    assert logins(bench) == [RENEW] * again


@pytest.mark.parametrize(
    "answer", [vault_error(502), Answer(body=b'{"data": {}}'), Answer(body=b'{"data": {"ttl": "x", "renewable": 1}}')]
)
def test_a_look_at_the_token_that_fails(bench: Bench, answer: Answer) -> None:
    """Nothing is known of it, and the write goes on."""
    bench.spoil("GET /v1/auth/token/lookup-self", answer)
    bench.create(bench.open())


def test_a_token_at_the_end_of_its_days(bench: Bench, time: Time) -> None:
    """When no renewal reaches further, whoever can log in again does."""
    grant(bench, "approle", given=Grant(policies=("app",), ttl=600, max_ttl=900))
    backend = bench.open(ENVIRON, auth={"method": "approle", **METHODS["approle"]})
    seen = bench.create(backend)
    for turn in range(10):
        time.advance(200)
        seen = backend.rotate(declared(DB), Sensitive(str(turn).encode()), seen)
    assert backend.read(DB).reveal() == b"9"
    assert logins(bench).count("auth/approle/login") == 3


def test_an_apply_of_the_engine(bench: Bench, time: Time) -> None:
    """A token at hand is looked up once, at the first write; a plan after it asks for nothing of the kind."""
    house = bench.house()
    house.declare(secret("payments:prod/db"), secret("payments:other"))
    assert not house.apply().failed
    assert logins(bench) == [LOOK_UP]
    time.advance(1)
    assert house.plan().changes == ()
    assert logins(bench) == []
