"""An AWS on loopback for tests: Secrets Manager under names that one test has alone, and ways to its back door."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from botocore.session import get_session
from conformance.fakes.fault_proxy import FaultProxy, fault_proxy
from conformance.fakes.moto_strict import strict_moto
from stores import AWS

from syncer.backends.aws.secrets_manager import SecretsManager
from syncer.retry import Retry
from syncer.testing.base import context

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from botocore.session import Session

REGION = AWS["AWS_REGION"]
_URL = pytest.StashKey[str]()
UNHURRIED = Retry(sleep=lambda _: None)
"""Tries as often as a user's run, and does not wait at all."""


@pytest.fixture(scope="session")
def moto(pytestconfig: pytest.Config) -> str:
    """The URL of a moto for all tests of this worker, never reset: each test has names of its own."""
    if _URL not in pytestconfig.stash:  # a fixture that several conftests import is one for each of them
        stack = ExitStack()
        pytestconfig.add_cleanup(stack.close)
        pytestconfig.stash[_URL] = stack.enter_context(strict_moto())
    return pytestconfig.stash[_URL]


@pytest.fixture
def aws(moto: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same, and an environment in which the SDK goes there with made-up credentials."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, text in {**AWS, "AWS_ENDPOINT_URL": moto}.items():
        monkeypatch.setenv(name, text)
    return moto


@pytest.fixture
def proxy(aws: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """A proxy in front of it, to which the environment leads instead."""
    with fault_proxy(aws) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        yield proxy


@contextmanager
def by_hand(service: str = "secretsmanager", region: str = REGION, **more: Any) -> Iterator[Any]:
    """Give a client of somebody else."""
    client = _session().create_client(service, region_name=region, **more)
    try:
        yield client
    finally:
        client.close()


@cache
def _session() -> Session:
    return get_session()


def prefix(folder: Path) -> str:
    """Give a beginning of names that no other test has."""
    return f"{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}/"


@dataclass
class Store:
    """What one test has of Secrets Manager."""

    folder: Path
    client: Any
    """Somebody else's."""
    prefix: str
    stack: ExitStack = field(default_factory=ExitStack)

    def open(self, project: str = "shop", **options: Any) -> SecretsManager:
        """Open a backend; it is closed with the test."""
        told = replace(context(self.folder, project), retry=UNHURRIED)
        backend = SecretsManager.open({"prefix": self.prefix, **options}, told)
        self.stack.callback(backend.close)
        return backend

    def name(self, ref: str, scope: str = "payments") -> str:
        """What `shop` calls a secret."""
        return f"{self.prefix}shop/{scope}/{ref}"

    def tags(self, ref: str) -> dict[str, str]:
        """Every tag of a secret, marks included."""
        return {tag["Key"]: tag["Value"] for tag in self.client.describe_secret(SecretId=self.name(ref))["Tags"]}

    def versions(self, ref: str) -> dict[str, list[str]]:
        """Its versions that bear a stage."""
        stages = self.client.describe_secret(SecretId=self.name(ref))["VersionIdsToStages"]
        return {version: staged for version, staged in stages.items() if staged}


@pytest.fixture
def store(aws: str, tmp_path: Path) -> Iterator[Store]:
    """An empty part of Secrets Manager."""
    with by_hand(endpoint_url=aws) as client:
        made = Store(tmp_path, client, prefix(tmp_path))
        with made.stack:
            yield made
