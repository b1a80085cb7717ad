"""An AWS on loopback for tests, and what stands behind the back of a backend there."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from botocore.session import get_session
from conformance.fakes.fault_proxy import FaultProxy, fault_proxy
from conformance.fakes.moto_strict import strict_moto
from stores import AWS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGION = AWS["AWS_REGION"]
_URL = pytest.StashKey[str]()


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
    client = get_session().create_client(service, region_name=region, **more)
    try:
        yield client
    finally:
        client.close()


def prefix(folder: Path) -> str:
    """Give a beginning of names that no other test has."""
    return f"{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}/"
