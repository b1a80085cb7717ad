"""Parameter Store passes the suite: against moto, and against a client in memory that keeps AWS's own rules."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

import pytest
from conformance.aws import REGION, by_hand, prefix
from conformance.fakes.answers import THROTTLED
from conformance.fakes.fault_proxy import FaultProxy, Rule
from conformance.fakes.ssm_client import HASTE, Parameter, SsmClient
from conformance.memory import MemoryBackend

from syncer.backends.aws.parameter_store import ParameterStore
from syncer.sensitive import Sensitive
from syncer.testing import BackendConformance
from syncer.testing.base import context, declared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncer.backends.base import Backend
    from syncer.model import Address

NESTED = b"'\"\\$(id)`{{x}}%s"


class TestParameterStore(BackendConformance):
    """Moto, which lists 10 a page whatever it is asked for."""

    type_name = "aws-ssm"
    many = 60
    max_value: ClassVar[int | None] = 4096
    refuses: ClassVar[frozenset[bytes]] = frozenset({NESTED})

    @pytest.fixture(autouse=True)
    def _there(self, proxy: FaultProxy) -> None:
        self.proxy = proxy

    def open_backend(self, folder: Path, project: str) -> Backend:
        """Open it on names that only this test's folder has."""
        path = f"/{prefix(folder)}{{project}}/{{scope}}/{{ref}}"
        return ParameterStore.open({"path": path, "writes_per_second": HASTE}, context(folder, project))

    def plant(self, backend: Backend, address: Address, value: Sensitive, owner: str | None) -> None:
        """Put a parameter there as its owner's syncer, or somebody without one, would."""
        name = f"/{prefix(backend.context.folder)}{backend.context.project}/{address.scope}/{address.ref}"
        tags = [{"Key": key, "Value": text} for key, text in _marks(address, owner).items()]
        with by_hand("ssm") as client:
            client.put_parameter(Name=name, Value=value.reveal().decode(), Type="SecureString", Tags=tags)

    @contextmanager
    def busy(self, backend: Backend) -> Iterator[None]:  # noqa: ARG002  # all go through the proxy
        """Throttle every call."""
        self.proxy.set(Rule(fault=THROTTLED))
        yield
        self.proxy.set()

    def test_its_arn_is_unlike_any_other(self, backend: Backend) -> None:
        """The account and the region are part of it; other regions are other stores."""
        made = backend.create(declared(self.address()), Sensitive(b"v"))
        found = backend.look(made.address)
        assert found is not None
        name = f"/{prefix(backend.context.folder)}{backend.context.project}/{made.address.scope}/{made.address.ref}"
        assert found.remote_id == f"arn:aws:ssm:{REGION}:123456789012:parameter{name}"


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
