"""One store of each backend type for whole runs: the embedded one, and servers on loopback."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from conformance.fakes.moto_server import moto_server
from conformance.fakes.vault.server import VaultServer
from conformance.fakes.vault.vault import ROOT_TOKEN
from conformance.raw_vault import RawVault

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

TYPES = ("local", "aws-secrets-manager", "aws-ssm", "vault")
"""Every type of the registry that a test can have a server for."""

AWS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "not-checked-by-any-fake",
    "AWS_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
}
"""An environment in which the AWS SDK finds these credentials and no others."""


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


@contextmanager
def opened(kind: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Give what stands under `backend:` for a store of this type, empty, with its credentials in the environment."""
    if kind.startswith("aws"):
        with moto_server() as url:
            for name, text in {**AWS, "AWS_ENDPOINT_URL": url}.items():
                monkeypatch.setenv(name, text)
            yield {"type": kind, **({"writes_per_second": 1000} if kind == "aws-ssm" else {})}
    elif kind == "vault":
        with vault() as server:
            monkeypatch.setenv("VAULT_ADDR", server.address)
            monkeypatch.setenv("VAULT_TOKEN", server.token)
            yield {"type": kind, "mount": server.mount}
    else:
        yield {"type": kind}
