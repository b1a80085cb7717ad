"""Parameter Store passes the suite: against moto, and against a client in memory that keeps AWS's own rules."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

import boto3
import pytest
from conformance.fakes import answers
from conformance.fakes.fault_proxy import FaultProxy, Rule, fault_proxy
from conformance.fakes.moto_server import moto_server, reset
from conformance.fakes.ssm_client import HASTE, Parameter, SsmClient
from conformance.memory import MemoryBackend
from stores import AWS

from syncer.backends.aws.parameter_store import ParameterStore
from syncer.testing import BackendConformance
from syncer.testing.base import context

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncer.backends.base import Backend
    from syncer.model import Address
    from syncer.sensitive import Sensitive

REGION = "us-east-1"


@pytest.fixture(scope="module")
def proxy() -> Iterator[FaultProxy]:
    """Stand in front of a moto, for all tests of this module."""
    with moto_server() as url, fault_proxy(url) as proxy:
        yield proxy


NESTED = b"'\"\\$(id)`{{x}}%s"


class TestParameterStore(BackendConformance):
    """Moto, which lists 10 a page whatever it is asked for."""

    type_name = "aws-ssm"
    many = 60
    max_value: ClassVar[int | None] = 4096
    refuses: ClassVar[frozenset[bytes]] = frozenset({NESTED})

    @pytest.fixture(autouse=True)
    def _empty(self, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        for name, text in AWS.items():
            monkeypatch.setenv(name, text)
        proxy.clear()
        reset(proxy.upstream)
        self.proxy = proxy
        yield
        proxy.clear()

    def open_backend(self, folder: Path, project: str) -> Backend:
        """Open it on moto, behind the proxy."""
        options = {"region": REGION, "endpoint_url": self.proxy.url, "writes_per_second": HASTE}
        return ParameterStore.open(options, context(folder, project))

    def plant(self, backend: Backend, address: Address, value: Sensitive, owner: str | None) -> None:  # noqa: ARG002  # behind its back
        """Put a parameter there as its owner's syncer, or somebody without one, would."""
        marks = _marks(address, owner)
        client = boto3.client("ssm", region_name=REGION, endpoint_url=self.proxy.upstream)
        client.put_parameter(
            Name=f"/conformance/{address.scope}/{address.ref}",
            Value=value.reveal().decode(),
            Type="SecureString",
            Tags=[{"Key": key, "Value": text} for key, text in marks.items()],
        )
        client.close()

    @contextmanager
    def busy(self, backend: Backend) -> Iterator[None]:  # noqa: ARG002  # all go through the proxy
        """Throttle every call."""
        self.proxy.set(Rule(fault=answers.THROTTLED))
        yield
        self.proxy.set()


class TestParameterStoreInMemory(BackendConformance):
    """The client in memory, with advanced parameters and 50 a page."""

    type_name = "aws-ssm"
    many = 120
    max_value: ClassVar[int | None] = 8192
    refuses: ClassVar[frozenset[bytes]] = frozenset({NESTED})

    @pytest.fixture(autouse=True)
    def _empty(self) -> None:
        self.client = SsmClient()

    def open_backend(self, folder: Path, project: str) -> Backend:
        """Open it on this test's client."""
        return self.client.open(folder, project, tier="advanced", path="/apps/{scope}/secrets-{ref}")

    def plant(self, backend: Backend, address: Address, value: Sensitive, owner: str | None) -> None:  # noqa: ARG002  # behind its back
        """Put a parameter there as its owner's syncer, or somebody without one, would."""
        name, text = f"/apps/{address.scope}/secrets-{address.ref}", value.reveal().decode()
        planted = Parameter(name=name, type="SecureString", value=text, tags=_marks(address, owner))
        self.client.parameters[name] = planted

    @contextmanager
    def busy(self, backend: Backend) -> Iterator[None]:  # noqa: ARG002  # all call this client
        """Throttle a few calls."""
        self.client.refusals["*"] = ["ThrottlingException"] * 3
        yield
        self.client.refusals.clear()


class Limited(BackendConformance):
    """A store that claims limits, called by hand."""

    max_value = 10
    refuses = frozenset({NESTED})

    def open_backend(self, folder: Path, project: str) -> Backend:
        """Open a store without limits."""
        return MemoryBackend.open({}, context(folder, project))

    def plant(self, backend: Backend, address: Address, value: Sensitive, owner: str | None) -> None:
        """Nobody asks."""


@pytest.mark.parametrize("value", [NESTED, b"x" * 11])
def test_limits_that_are_not_kept_are_caught(tmp_path: Path, value: bytes) -> None:
    """The suite fails for a store that takes what its subclass says that it cannot hold."""
    suite = Limited()
    backend = suite.open_backend(tmp_path, "conformance")
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        suite.test_text_is_kept_verbatim(backend, value)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        suite.test_longest_value(backend)


def _marks(address: Address, owner: str | None) -> dict[str, str]:
    return {"syncer:project": owner, "syncer:address": str(address)} if owner else {}
