"""HashiCorp Vault and OpenBao pass the suite: a fake of each, and a real server where there is one to go to."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

import pytest
from conformance.fakes.answers import vault_rate_limited
from conformance.fakes.fault_proxy import FaultProxy, Rule, fault_proxy
from conformance.fakes.loopback import running
from conformance.fakes.vault.server import HttpServer
from conformance.fakes.vault.vault import ROOT_TOKEN
from conformance.fakes.vault.vault import Vault as Fake
from conformance.raw_vault import RawVault

from syncer.backends.vault import Vault
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
    """A socket and a proxy before it, for all tests: to open them takes longer than most tests do."""
    http = HttpServer(Fake())
    with running(http) as url, fault_proxy(url) as proxy:
        yield http, proxy


class TestVault(BackendConformance):
    """The fake of HashiCorp Vault, behind a proxy that can make it busy."""

    type_name = "vault"
    max_value = 1024 * 1024
    flavour: ClassVar[str] = "vault"
    purge: ClassVar[bool] = False
    proxy: FaultProxy
    raw: RawVault

    @pytest.fixture(autouse=True)
    def _server(self, line: Line) -> None:
        http, self.proxy = line
        self.proxy.clear()
        http.vault = Fake(self.flavour)
        self.raw = RawVault(address=http.url, token=ROOT_TOKEN)

    @property
    def address_of_server(self) -> str:
        """Where the backend goes."""
        return self.proxy.url

    def open_backend(self, folder: Path, project: str) -> Backend:
        """Open it with the token in its environment."""
        options = {"address": self.address_of_server, "mount": self.raw.mount, "purge": self.purge}
        return Vault.open(options, context(folder, project, environ={"VAULT_TOKEN": self.raw.token}))

    def plant(self, backend: Backend, address: Address, value: Sensitive, owner: str | None) -> None:
        """Write it as somebody else would, with a mark or without any metadata."""
        custom = None if owner is None else {"syncer:project": owner}
        self.raw.put(_path(backend, address), {"value": value.reveal().decode()}, custom)

    def stored(self, backend: Backend, address: Address) -> Sensitive:
        """Look into the store, also where readers are refused."""
        return Sensitive(self.raw.fields(_path(backend, address))["value"].encode())

    @contextmanager
    def busy(self, backend: Backend) -> Iterator[None]:  # noqa: ARG002  # the proxy is before all of them
        """Have every call refused by a quota."""
        self.proxy.set(Rule(fault=vault_rate_limited("secret/data/x", None)))
        yield
        self.proxy.clear()


class TestOpenBao(TestVault):
    """The fake of OpenBao, which can scan."""

    flavour = "openbao"


class TestVaultPurge(TestVault):
    """With deletions that are final."""

    purge = True


class TestRealVault(TestVault):
    """The server that SYNCER_TEST_VAULT_ADDR names, in a mount of its own for each test."""

    @pytest.fixture(autouse=True)
    def _server(self) -> Iterator[None]:
        address, token = (os.environ.get(f"SYNCER_TEST_VAULT_{name}") for name in ("ADDR", "TOKEN"))
        if not address or not token:
            pytest.skip("no real server: SYNCER_TEST_VAULT_ADDR and SYNCER_TEST_VAULT_TOKEN are not set")
        self.raw = RawVault(address=address.rstrip("/"), token=token, mount=f"syncer-test-{uuid.uuid4().hex[:12]}")
        engine = {"type": "kv", "options": {"version": "2"}}
        assert self.raw.ask("POST", f"sys/mounts/{self.raw.mount}", engine)[0] == 204
        try:
            with fault_proxy(self.raw.address) as self.proxy:
                yield
        finally:
            assert self.raw.ask("DELETE", f"sys/mounts/{self.raw.mount}")[0] == 204


def _path(backend: Backend, address: Address) -> str:
    """Spell the layout by hand, so that it is pinned from outside."""
    return f"{backend.context.project}/{address.scope}/{address.ref}"
