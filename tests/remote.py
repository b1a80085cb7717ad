"""A project on a server behind a proxy that spoils calls, for tests of faults."""

from __future__ import annotations

import base64
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.fakes.answers import EXPIRED_TOKEN, THROTTLED, VAULT_DENIED, VAULT_INVALID_TOKEN, access_denied
from conformance.fakes.answers import vault_rate_limited as rate_limited
from conformance.fakes.fault_proxy import Call, FaultProxy, Rule, fault_proxy
from conformance.raw_vault import RawVault
from stores import AWS, opened

from syncer.engine.carry import apply_plan
from syncer.engine.prepare import Request, make_plan
from syncer.engine.session import Session, Surroundings
from syncer.manifest import load_manifest
from syncer.model import Address
from syncer.retry import Retry
from syncer.testing.base import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest
    from conformance.fakes.loopback import Answer

    from syncer.plans import Outcome, Plan

CANARY = "canary-5e1f-never-print-me"
"""Begins every value."""
REMOTE = ("aws-secrets-manager", "aws-ssm", "vault")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How one type of store spells what a test wants to spoil: globs of the proxy's names."""

    create: str
    rotate: str
    listing: str | Callable[[Call], bool]
    throttled: Answer
    stale: Answer


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
    ),
}


@dataclass
class Remote:
    """A project whose every call goes through the proxy."""

    folder: Path
    kind: str
    backend: dict[str, Any]
    proxy: FaultProxy
    environ: dict[str, str]
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def wire(self) -> Wire:
        """How the store's calls are spelt."""
        return WIRES[self.kind]

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
            address = Address.parse(name)
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

    def spoil(self, *rules: Rule) -> None:
        """Spoil calls from now on."""
        self.proxy.set(*rules)

    def denied(self, name: str) -> Answer:
        """Give the server's denial of a call that the proxy logs by this name."""
        if self.kind == "vault":
            return VAULT_DENIED
        service = {"aws-ssm": "ssm"}.get(self.kind, "secretsmanager")
        return access_denied(f"{service}:{name}")

    def assert_secret(self, *things: object) -> None:
        """Nothing of a value shows in these things, nor in any file of the project."""
        assert_no_leak(CANARY.encode(), *things)
        for path in self.folder.rglob("*"):
            if path.is_file():
                assert CANARY.encode() not in path.read_bytes(), path

    def copies(self, name: str) -> int:
        """Count the versions that the store holds of a secret's value."""
        with self.session() as session:
            backend = session.backend("default")
            if self.kind == "vault":
                return self._vault_versions(Address.parse(name))
            path = session.manifest.project + "/" + name.replace(":", "/")
            backend.close()
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


@contextmanager
def remote(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    """Start a server and a proxy in front of it, with an empty project."""
    key = base64.b64encode(b"k" * 32).decode()
    with opened(kind, monkeypatch) as backend:
        upstream = os.environ["VAULT_ADDR" if kind == "vault" else "AWS_ENDPOINT_URL"]
        with fault_proxy(upstream) as proxy:
            monkeypatch.setenv("VAULT_ADDR" if kind == "vault" else "AWS_ENDPOINT_URL", proxy.url)
            environ = {"SYNCER_KEY": key, "VAULT_ADDR": proxy.url, "VAULT_TOKEN": os.environ.get("VAULT_TOKEN", "")}
            yield Remote(folder=folder, kind=kind, backend=backend, proxy=proxy, environ=environ)
