"""Kestra Enterprise passes the suite: a fake, for there is none to be had, in the versions that answer differently."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from conformance.fakes.fault_proxy import FaultProxy, Rule, fault_proxy
from conformance.fakes.kestra.kestra import PASSWORD, TOKEN, USER
from conformance.fakes.kestra.kestra import Kestra as Fake
from conformance.fakes.kestra.quirks import Blanks, Quirks
from conformance.fakes.kestra.server import HttpServer
from conformance.fakes.loopback import running

from syncer.backends.kestra.backend import Kestra
from syncer.sensitive import Sensitive
from syncer.testing import BackendConformance
from syncer.testing.base import context

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncer.backends.base import Backend
    from syncer.model import Address

Line = tuple[HttpServer, FaultProxy]


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    """A socket and a proxy before it, for all tests."""
    http = HttpServer(Fake())
    with running(http) as url, fault_proxy(url) as proxy:
        yield http, proxy


class TestKestra(BackendConformance):
    """The newest version, entered with a token."""

    type_name = "kestra"
    many: ClassVar[int] = 250
    version: ClassVar[str] = "2.0"
    auth: ClassVar[str] = "token"
    tenant: ClassVar[str] = "main"
    quirks: ClassVar[dict[str, Any]] = {}
    options: ClassVar[dict[str, Any]] = {"token": {"env": "KESTRA_TOKEN"}}
    proxy: FaultProxy
    fake: Fake

    @pytest.fixture(autouse=True)
    def _server(self, line: Line) -> None:
        http, self.proxy = line
        self.proxy.clear()
        quirks = Quirks(**self.quirks)
        http.kestra = self.fake = Fake(self.auth, self.tenant, version=self.version, quirks=quirks)

    def ref(self, name: str) -> str:
        """Spell a key."""
        return name.replace("-", "_").upper()

    def open_backend(self, folder: Path, project: str) -> Backend:
        """Open it with what lets it in in its environment."""
        options = {"url": self.proxy.url, "tenant": self.tenant, **self.options}
        environ = {"KESTRA_TOKEN": TOKEN, "KESTRA_PASSWORD": PASSWORD}
        return Kestra.open(options, context(folder, project, environ=environ))

    def plant(self, backend: Backend, address: Address, value: Sensitive, owner: str | None) -> None:  # noqa: ARG002  # behind its back
        """Write it as somebody else would, with a mark or without any tag."""
        tags = {} if owner is None else {"syncer-project": owner, "syncer-address": str(address)}
        self.fake.plant(address.scope, address.ref, value.reveal().decode(), tags=tags)

    def stored(self, backend: Backend, address: Address) -> Sensitive:  # noqa: ARG002  # seen from outside
        """Look into the store."""
        return Sensitive(self.fake.secret(address.scope, address.ref).value.encode())

    @contextmanager
    def busy(self, backend: Backend) -> Iterator[None]:  # noqa: ARG002  # the proxy is before all of them
        """Have every call refused for a while."""
        self.proxy.set(Rule(fault=self.fake.error(429)))
        yield
        self.proxy.clear()


class TestKestraThatRemoves(TestKestra):
    """With secrets that are taken out where they are disabled; and a server that loses what is written side by side."""

    quirks: ClassVar[dict[str, Any]] = {"lose_concurrent": True, "linger": 0.001, "system_tags": True}
    options: ClassVar[dict[str, Any]] = {"token": {"env": "KESTRA_TOKEN"}, "disable": "delete"}


class TestKestraBasic(TestKestra):
    """An older one, entered with a user and a password."""

    version = "1.3"
    auth = "basic"
    quirks: ClassVar[dict[str, Any]] = {
        "blank_descriptions": Blanks.NULL,
        "whole_answers": True,
        "missing_deletes": 404,
    }
    options: ClassVar[dict[str, Any]] = {"username": USER, "password": {"env": "KESTRA_PASSWORD"}}


class TestKestraWithoutTenant(TestKestra):
    """One whose paths name no tenant."""

    version = "1.2"
    tenant = ""
    quirks: ClassVar[dict[str, Any]] = {"unknown_lists": 404}
