"""One store of each backend type for whole runs: the embedded one, and servers on loopback."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from conformance.dagu_ground import TOKEN as DAGU_TOKEN
from conformance.dagu_ground import URL as DAGU_URL
from conformance.dagu_runs import value_in_run
from conformance.fakes.dagu.accounts import ADMIN_KEY
from conformance.fakes.dagu.server import DaguServer
from conformance.fakes.kestra.kestra import TOKEN as KESTRA_TOKEN
from conformance.fakes.kestra.server import KestraServer
from conformance.fakes.moto_server import moto_server
from conformance.fakes.vault.server import VaultServer
from conformance.fakes.vault.vault import ROOT_TOKEN
from conformance.raw_dagu import RawDagu
from conformance.raw_vault import RawVault

from syncer.naming import upper_snake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pytest

    from syncer.model import Address

TYPES = ("local", "aws-secrets-manager", "aws-ssm", "vault", "dagu", "kestra")
"""Every type of the registry that a test can have a server for."""
KINDS = (*TYPES, "kestra+disable")
"""These, and what options make of them."""

AWS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "not-checked-by-any-fake",
    "AWS_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
}
"""An environment in which the AWS SDK finds these credentials and no others."""
PROFILE = "profile/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """An empty store, and what it holds as a consumer of it would see that."""

    options: dict[str, Any]
    """What stands under `backend:`."""
    url: str = ""
    """Where its server is."""
    fake: Any = None
    """The server itself, where it is one of ours."""
    held: Callable[[Address], bytes | None] | None = None
    """Gives a value past the tool, for stores that give none back to it; None for nothing."""
    count: Callable[[], int] | None = None
    """Counts all that is in it, past the tool too."""
    scopes: Mapping[str, str] = field(default_factory=dict)
    """What scopes are called on a server that others use too."""


@contextmanager
def vault() -> Iterator[RawVault]:
    """Start a fake, or mount an engine on the server of SYNCER_TEST_VAULT_ADDR and SYNCER_TEST_VAULT_TOKEN."""
    address, token = (os.environ.get(f"SYNCER_TEST_VAULT_{name}") for name in ("ADDR", "TOKEN"))
    if not (address and token):
        with VaultServer() as server:
            yield RawVault(address=server.url, token=ROOT_TOKEN)
        return
    server = RawVault(address=address, token=token, mount=f"syncer-test-{uuid.uuid4().hex[:12]}")
    mounted = {"type": "kv", "options": {"version": "2"}}
    assert server.ask("POST", f"sys/mounts/{server.mount}", mounted)[0] == HTTPStatus.NO_CONTENT
    try:
        yield server
    finally:
        server.ask("DELETE", f"sys/mounts/{server.mount}")


def dagu_options(url: str) -> dict[str, Any]:
    """Give what stands under `backend:` for a Dagu whose API key is in the environment."""
    return {"type": "dagu", "url": url, "token": {"env": "DAGU_TOKEN"}}


@contextmanager
def dagu() -> Iterator[Store]:
    """Start a fake with the workspaces and the profile that whole runs use."""
    with DaguServer() as fake:
        raw = RawDagu(address=fake.url, authorization=fake.authorization)
        for name in ("payments", "one", "two"):
            fake.workspace(name)
            raw.ask("POST /profiles", {"name": name})
        yield Store(
            options=dagu_options(fake.url),
            url=fake.url,
            fake=fake,
            held=lambda address: _served(fake, address),
            count=lambda: len(fake.secrets),
        )


def _served(fake: DaguServer, address: Address) -> bytes | None:
    """Give what a run would get, were it enabled."""
    if address.scope.startswith(PROFILE):
        profile = fake.profiles[address.scope.removeprefix(PROFILE)]
        entry = profile.entries.get(address.ref)
        record = fake.secrets.get(entry.secret) if entry else None
    else:
        record = fake.secret(address.ref, address.scope)
    return record.served.encode() if record else None


@contextmanager
def real_dagu(url: str, token: str) -> Iterator[Store]:
    """Take two workspaces and a profile of a real server, which is left as it was; for Global stands a workspace."""
    raw = RawDagu(address=url.rstrip("/"), authorization=f"Bearer {token}")
    name = f"syncer-{uuid.uuid4().hex[:12]}"
    scopes = {"global": f"{name}-a", "payments": f"{name}-b", f"{PROFILE}payments": f"{PROFILE}{name}"}
    made = [raw.workspace(scopes[scope]) for scope in ("global", "payments")]
    raw.ask("POST /profiles", {"name": name})
    try:
        yield Store(options=dagu_options(url), url=url, scopes=scopes, held=lambda address: _given(raw, address))
    finally:
        raw.ask(f"DELETE /profiles/{name}")
        for left in raw.secrets():
            if left["ref"].startswith(f"runtime-profiles/{name}/"):
                raw.ask(f"DELETE /secrets/{left['id']}")
        for scope, workspace_id in zip(("global", "payments"), made, strict=True):
            raw.clear(scopes[scope])
            raw.ask(f"DELETE /workspaces/{workspace_id}")


def _given(raw: RawDagu, address: Address) -> bytes | None:
    """Give what a run gets; None where there is nothing to ask for."""
    if address.scope.startswith(PROFILE):
        name = address.scope.removeprefix(PROFILE)
        entries = raw.ask(f"GET /profiles/{name}")["entries"]
        there = address.ref in {entry["key"] for entry in entries}
        return value_in_run(raw, profile=name, key=address.ref) if there else None
    there = raw.find(address.ref, address.scope) is not None
    return value_in_run(raw, ref=address.ref, workspace=address.scope) if there else None


@contextmanager
def kestra(*, disable: bool) -> Iterator[Store]:
    """Start a fake; where it may `disable`, secrets are taken out for that."""
    with KestraServer() as fake:

        def held(address: Address) -> bytes | None:
            secret = fake.secret(address.scope, upper_snake(address.ref))
            return secret.value.encode() if secret else None

        options = {"type": "kestra", "url": fake.url, "token": {"env": "KESTRA_TOKEN"}}
        more = {"disable": "delete"} if disable else {}
        yield Store(
            options={**options, **more},
            url=fake.url,
            fake=fake,
            held=held,
            count=lambda: sum(map(len, fake.secrets.values())),
        )


@contextmanager
def store(kind: str, monkeypatch: pytest.MonkeyPatch, *, real: bool = True) -> Iterator[Store]:
    """Give an empty store of a kind, with its credentials in the environment; `real`: on a real server, if there is."""
    if kind.startswith("aws"):
        with moto_server() as url:
            for name, text in {**AWS, "AWS_ENDPOINT_URL": url}.items():
                monkeypatch.setenv(name, text)
            pace = {"writes_per_second": 1000} if kind == "aws-ssm" else {}
            yield Store(options={"type": kind, **pace}, url=url)
    elif kind == "vault":
        with vault() as server:
            monkeypatch.setenv("VAULT_ADDR", server.address)
            monkeypatch.setenv("VAULT_TOKEN", server.token)
            yield Store(options={"type": kind, "mount": server.mount}, url=server.address)
    elif kind == "dagu":
        known = real and DAGU_URL and DAGU_TOKEN
        monkeypatch.setenv("DAGU_TOKEN", DAGU_TOKEN if known else ADMIN_KEY)
        with real_dagu(DAGU_URL, DAGU_TOKEN) if known else dagu() as made:
            yield made
    elif kind.startswith("kestra"):
        monkeypatch.setenv("KESTRA_TOKEN", KESTRA_TOKEN)
        with kestra(disable=kind.endswith("+disable")) as made:
            yield made
    else:
        yield Store(options={"type": kind})


@contextmanager
def opened(kind: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Give what stands under `backend:` for a store of this kind, empty, with its credentials in the environment."""
    with store(kind, monkeypatch) as found:
        yield found.options
