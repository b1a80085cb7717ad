"""A project on a server behind a proxy that spoils calls, for tests of faults."""

from __future__ import annotations

import base64
import json
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.fakes.answers import EXPIRED_TOKEN, THROTTLED, VAULT_DENIED, VAULT_INVALID_TOKEN, access_denied
from conformance.fakes.answers import vault_rate_limited as rate_limited
from conformance.fakes.fault_proxy import Call, FaultProxy, Rule, fault_proxy
from conformance.fakes.kestra.kestra import Kestra
from conformance.fakes.loopback import Answer
from conformance.raw_vault import RawVault
from stores import AWS, Store, store

from syncer.backends.base import DISABLES, Capability
from syncer.engine.carry import apply_plan
from syncer.engine.prepare import Request, make_plan
from syncer.engine.session import Session, Surroundings
from syncer.manifest import load_manifest
from syncer.model import Address
from syncer.naming import upper_snake
from syncer.retry import Retry
from syncer.testing.base import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import pytest

    from syncer.plans import Outcome, Plan
    from syncer.state.model import Record

CANARY = "canary-5e1f-never-print-me"
"""Begins every value."""
REMOTE = ("aws-secrets-manager", "aws-ssm", "vault", "dagu", "dagu+profiles", "kestra", "kestra+disable")
"""Kinds of stores; in one of them the scopes are layers of variables."""
JSON = ("Content-Type", "application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How one type of store spells what a test wants to spoil: globs of the proxy's names."""

    create: str
    rotate: str
    listing: str | Callable[[Call], bool]
    throttled: Answer
    stale: Answer
    denied: Answer | None = None
    """None: it names the call."""
    names: str = ""
    """A pattern of what in a call's name is only about which secret it is."""

    def kind(self, name: str) -> str:
        """Tell what a call asks for, whichever secret it is about."""
        return re.sub(self.names, "*", name) if self.names else name


def dagu_error(status: int, code: str) -> Answer:
    """Give an error as Dagu spells it."""
    return Answer(status=status, headers=(JSON,), body=json.dumps({"code": code, "message": "No"}).encode())


DAGU_STALE = Answer(status=401, headers=(("Www-Authenticate", 'Bearer realm="restricted"'),))
"""There is no body."""
WIRES = {
    "aws-secrets-manager": Wire(
        create="CreateSecret",
        rotate="PutSecretValue",
        listing="ListSecrets",
        throttled=THROTTLED,
        stale=EXPIRED_TOKEN,
    ),
    "aws-ssm": Wire(
        create="PutParameter",
        rotate="PutParameter",
        listing=lambda call: call.name == "DescribeParameters" and b'"Path"' in call.body,
        throttled=THROTTLED,
        stale=EXPIRED_TOKEN,
    ),
    "vault": Wire(
        create="P[OU]* /v1/*/data/*",
        rotate="PATCH /v1/*/data/*",
        listing=lambda call: call.method in ("LIST", "SCAN"),
        throttled=rate_limited("secret/"),
        stale=VAULT_INVALID_TOKEN,
        denied=VAULT_DENIED,
        names=r"(?<=/v1/)[^/]*|(?<=data/).*|(?<=delete/).*",
    ),
    "dagu": Wire(
        create="POST /api/v1/secrets",
        rotate="POST /api/v1/secrets/*/versions",
        listing="GET /api/v1/secrets",
        throttled=dagu_error(429, "rate_limited"),
        stale=DAGU_STALE,
        denied=dagu_error(403, "forbidden"),
        names=r"[0-9a-f-]{36}",
    ),
    "dagu+profiles": Wire(
        create="PUT /api/v1/profiles/*",
        rotate="PUT /api/v1/profiles/*",
        listing="GET /api/v1/*",
        throttled=dagu_error(429, "rate_limited"),
        stale=DAGU_STALE,
        denied=dagu_error(403, "forbidden"),
        names=r"[0-9a-f-]{36}|(?<=profiles/)(one|two)|APP_KEY_\d+",
    ),
    "kestra": Wire(
        create="PUT /api/v1/main/namespaces/*",
        rotate="PUT /api/v1/main/namespaces/*",
        listing="GET /api/v1/main/secrets",
        throttled=Kestra().error(429),
        stale=Kestra().error(401),
        denied=Kestra().error(403),
        names=r"(?<=namespaces/)[^/]*|(?<=secrets/).*",
    ),
}


@dataclass
class Remote:
    """A project whose every call goes through the proxy."""

    folder: Path
    kind: str
    store: Store
    backend: dict[str, Any]
    proxy: FaultProxy
    environ: dict[str, str]
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By the names that tests use, wherever the store keeps them."""

    @property
    def wire(self) -> Wire:
        """How the store's calls are spelt."""
        return WIRES.get(self.kind) or WIRES[self.kind.partition("+")[0]]

    @property
    def disables(self) -> bool:
        """Whether the store has a way to disable a secret."""
        return self.can(*DISABLES, Capability.DISABLE_REMOVES)

    def can(self, *capabilities: Capability) -> bool:
        """Whether the store can do one of these."""
        with self.session() as session:
            return not session.backend("default").capabilities.isdisjoint(capabilities)

    def address(self, name: str) -> Address:
        """Give the address that a secret has on this store."""
        address = Address.parse(name)
        if not self.kind.endswith("+profiles"):
            return address
        return Address(f"profile/{address.scope}", upper_snake(address.ref))

    def declare(self, *names: str, turn: int = 1, **facts: Any) -> None:
        """Declare secrets, their values of this turn in the environment."""
        for name in names:
            variable = "V" + "".join(c if c.isalnum() else "_" for c in name)
            self.environ[variable] = f"{CANARY}-{name}-{turn}"
            self.secrets[name] = {"source": {"env": variable}, **facts}

    def write(self) -> None:
        """Write the manifest."""
        scopes: dict[str, Any] = {}
        for name, entry in self.secrets.items():
            address = self.address(name)
            scopes.setdefault(address.scope, {"secrets": {}})["secrets"][address.ref] = entry
        document = {"version": 1, "project": "shop", "backend": self.backend, "scopes": scopes}
        (self.folder / "syncer.yaml").write_text(json.dumps(document), encoding="utf-8")

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a run that tries as often as a user's, without waiting."""
        self.write()
        surroundings = Surroundings(environ=self.environ, retry=Retry(sleep=lambda _seconds: None), parallelism=4)
        with Session(load_manifest(self.folder / "syncer.yaml"), surroundings) as session:
            yield session

    def plan(self, request: Request | None = None) -> Plan:
        """Plan in a run of its own."""
        with self.session() as session:
            return make_plan(session, request or Request())

    def apply(self, plan: Plan | None = None) -> Outcome:
        """Plan, unless there is a plan, and apply."""
        with self.session() as session, session.lock("apply"):
            return apply_plan(session, plan or make_plan(session, Request()), allow_mass_change=True)

    def settle(self) -> None:
        """Without faults, one more apply finishes everything, and then there is nothing to do."""
        self.proxy.set()
        outcome = self.apply()
        assert [failure.error.message for failure in outcome.failed] == []
        after = self.plan(Request(verify_values=True))
        assert (after.changes, after.drift, after.errors) == ((), (), ())
        self.check_values()

    def check_values(self) -> None:
        """Where values cannot be verified, look past the tool: all is there as the manifest says, and nothing else."""
        if self.store.held is None or self.store.count is None:
            return
        for name, entry in self.secrets.items():
            held = self.store.held(self.address(name))
            gone = not entry.get("enabled", True) and self.can(Capability.DISABLE_REMOVES)
            assert (held is None) is gone, name
            if held and "env" in entry["source"]:
                assert held.decode() == self.environ[entry["source"]["env"]], name
        removes = self.can(Capability.DISABLE_REMOVES)
        records = self.records().values()
        assert self.store.count() == sum(record.enabled or not removes for record in records)

    def records(self) -> Mapping[Address, Record]:
        """Give what state remembers."""
        with self.session() as session:
            return session.state_store.read().records

    def spoil(self, *rules: Rule) -> None:
        """Spoil calls from now on."""
        self.proxy.set(*rules)

    def denied(self, name: str) -> Answer:
        """Give the server's denial of a call that the proxy logs by this name."""
        service = {"aws-ssm": "ssm"}.get(self.kind, "secretsmanager")
        return self.wire.denied or access_denied(f"{service}:{name}")

    def assert_secret(self, *things: object) -> None:
        """Nothing of a value shows in these things, nor in any file of the project."""
        assert_no_leak(CANARY.encode(), *things)
        for path in self.folder.rglob("*"):
            if path.is_file():
                assert CANARY.encode() not in path.read_bytes(), path

    def copies(self, name: str) -> int:
        """Count the versions that the store holds of a secret's value, or how often it was written if it has none."""
        address = self.address(name)
        match self.kind.partition("+")[0]:
            case "vault":
                return self._vault_versions(address)
            case "dagu":
                return self._dagu_versions(address)
            case "kestra":
                return self._written(address)
        path = f"shop/{address.scope}/{address.ref}"
        import boto3

        client = boto3.client(
            {"aws-ssm": "ssm"}.get(self.kind, "secretsmanager"),
            endpoint_url=self.proxy.upstream,
            region_name=AWS["AWS_REGION"],
        )
        try:
            if self.kind == "aws-ssm":
                return len(client.get_parameter_history(Name=f"/{path}")["Parameters"])
            return len(client.list_secret_version_ids(SecretId=path, IncludeDeprecated=True)["Versions"])
        finally:
            client.close()

    def _vault_versions(self, address: Address) -> int:
        raw = RawVault(address=self.proxy.upstream, token=self.environ["VAULT_TOKEN"], mount=self.backend["mount"])
        return len(raw.kv("GET", "metadata", f"shop/{address.scope}/{address.ref}")["versions"])

    def _dagu_versions(self, address: Address) -> int:
        """Count the versions; there must be one secret of that address."""
        ends = f"{address.scope.removeprefix('profile/')}/key-{address.ref.encode().hex()}"
        here = [address.ref, f"runtime-profiles/{ends}"]
        scopes = [address.scope, "global"]
        places = set(zip(scopes, here, strict=True))
        records = self.store.fake.secrets.values()
        (record,) = [one for one in records if (one.metadata.workspace, one.metadata.ref) in places]
        return len(record.versions)

    def _written(self, address: Address) -> int:
        calls = self.proxy.calls(f"PUT */namespaces/{address.scope}/secrets")
        key = upper_snake(address.ref)
        return sum(call.forwarded is not None and call.document["key"] == key for call in calls)


@contextmanager
def remote(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    """Start a server and a proxy in front of it, with an empty project."""
    key = base64.b64encode(b"k" * 32).decode()
    with (
        store(kind.removesuffix("+profiles"), monkeypatch, real=kind == "vault") as found,
        fault_proxy(found.url) as proxy,
    ):
        backend = {**found.options, **({"url": proxy.url} if "url" in found.options else {})}
        monkeypatch.setenv("VAULT_ADDR" if kind == "vault" else "AWS_ENDPOINT_URL", proxy.url)
        given = {name: os.environ.get(name, "") for name in ("VAULT_TOKEN", "DAGU_TOKEN", "KESTRA_TOKEN")}
        environ = {"SYNCER_KEY": key, "VAULT_ADDR": proxy.url, **given}
        yield Remote(folder=folder, kind=kind, store=found, backend=backend, proxy=proxy, environ=environ)
