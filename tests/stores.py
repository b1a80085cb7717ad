"""One store of each backend type for whole runs: the embedded one, and servers on loopback."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

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

ROOT_TOKEN = "root"
"""What the Vault fake lets do everything."""


@contextmanager
def opened(kind: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Give what stands under `backend:` for a store of this type, empty, with its credentials in the environment."""
    if kind.startswith("aws"):
        from conformance.fakes.moto_server import moto_server

        with moto_server() as url:
            for name, text in {**AWS, "AWS_ENDPOINT_URL": url}.items():
                monkeypatch.setenv(name, text)
            yield {"type": kind, **({"writes_per_second": 1000} if kind == "aws-ssm" else {})}
    elif kind == "vault":
        from conformance.fakes.vault.server import VaultServer

        with VaultServer() as server:
            monkeypatch.setenv("VAULT_ADDR", server.url)
            monkeypatch.setenv("VAULT_TOKEN", ROOT_TOKEN)
            yield {"type": kind}
    else:
        yield {"type": kind}
