"""AWS Secrets Manager passes the suite, against moto with AWS's own rules."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from conformance.aws import by_hand, prefix
from conformance.fakes.answers import THROTTLED
from conformance.fakes.fault_proxy import FaultProxy, Rule

from syncer.backends.aws.secrets_manager import SecretsManager
from syncer.testing import BackendConformance
from syncer.testing.base import context

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncer.backends.base import Backend
    from syncer.model import Address
    from syncer.sensitive import Sensitive


class TestSecretsManager(BackendConformance):
    """Values as text."""

    type_name = "aws-secrets-manager"
    max_value: ClassVar[int | None] = 65_536
    options: ClassVar[dict[str, Any]] = {}

    @pytest.fixture(autouse=True)
    def _there(self, proxy: FaultProxy) -> None:
        self.proxy = proxy

    def open_backend(self, folder: Path, project: str) -> Backend:
        """Open it on names that only this test's folder has."""
        return SecretsManager.open({"prefix": prefix(folder), **self.options}, context(folder, project))

    def plant(self, backend: Backend, address: Address, value: Sensitive, owner: str | None) -> None:
        """Create it as somebody else would."""
        marks = {"syncer:project": owner, "syncer:address": str(address)} if owner else {}
        tags = [{"Key": key, "Value": text} for key, text in marks.items()]
        name = f"{prefix(backend.context.folder)}{backend.context.project}/{address.scope}/{address.ref}"
        with by_hand() as client:
            client.create_secret(Name=name, SecretString=value.reveal().decode(), Tags=tags)

    @contextmanager
    def busy(self, backend: Backend) -> Iterator[None]:  # noqa: ARG002  # all go through the proxy
        """Throttle every call."""
        self.proxy.set(Rule(fault=THROTTLED))
        yield
        self.proxy.set()


class TestSecretsManagerBinary(TestSecretsManager):
    """Values as bytes."""

    options: ClassVar[dict[str, Any]] = {"format": "binary"}


class TestSecretsManagerForKestra(TestSecretsManager):
    """With the tags, and the second mark of a disabled secret, that Kestra goes by."""

    options: ClassVar[dict[str, Any]] = {"reader": "kestra"}
