"""Parameter Store passes the suite: against moto, and against a client in memory that keeps AWS's own rules."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import boto3
import pytest
from conformance.fakes import answers
from conformance.fakes.fault_proxy import FaultProxy, Rule, fault_proxy
from conformance.fakes.moto_server import moto_server, reset
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

HASTE = 1_000_000
"""Writes a second: no test waits for its turn."""


@pytest.fixture(scope="module")
def proxy() -> Iterator[FaultProxy]:
    """Stand in front of a moto, for all tests of this module."""
    with moto_server() as url, fault_proxy(url) as proxy:
        yield proxy


class TestParameterStore(BackendConformance):
    """Moto, which lists 10 a page whatever it is asked for."""

    type_name = "aws-ssm"
    many = 60
    max_value: ClassVar[int | None] = 4096
    refuses: ClassVar[frozenset[bytes]] = frozenset({b"'\"\\$(id)`{{x}}%s"})

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
        options = {"endpoint_url": self.proxy.url, "writes_per_second": HASTE}
        return ParameterStore.open(options, context(folder, project))

    def plant(self, backend: Backend, address: Address, value: Sensitive, owner: str | None) -> None:  # noqa: ARG002  # behind its back
        """Put a parameter there as its owner's syncer, or somebody without one, would."""
        marks = {"syncer:project": owner, "syncer:address": str(address)} if owner else {}
        client = boto3.client("ssm", endpoint_url=self.proxy.upstream)
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
