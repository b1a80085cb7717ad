"""A fake Vault behind a proxy that spoils calls, and backends that go there."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.fakes.fault_proxy import Rule
from conformance.fakes.vault.vault import ROOT_TOKEN
from conformance.fakes.vault.vault import Vault as Fake
from conformance.raw_vault import RawVault
from support import PROJECT, House

from syncer.backends.vault import Vault
from syncer.model import Address
from syncer.retry import Retry
from syncer.sensitive import Sensitive
from syncer.testing.base import context, declared

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from conformance.fakes.fault_proxy import FaultProxy
    from conformance.fakes.loopback import Answer
    from conformance.fakes.vault.server import HttpServer

    from syncer.backends.base import Backend
    from syncer.model import Observed

DB = Address("payments", "prod/db")
PATH = "shop/payments/prod/db"
"""Where the default layout puts it."""


class Served(Fake):
    """A Vault that answers at a socket from now on, in the place of the one before it."""

    def __init__(self, flavour: str, http: HttpServer) -> None:
        super().__init__(flavour)
        self.http = http
        http.vault = self

    @property
    def url(self) -> str:
        """The base URL."""
        return self.http.url


@dataclass
class Bench:
    """One server, and every backend that a test opened on it."""

    folder: Path
    server: Served
    proxy: FaultProxy
    stack: ExitStack = field(default_factory=ExitStack)

    @property
    def raw(self) -> RawVault:
        """The server, asked by hand and past the proxy."""
        return RawVault(address=self.server.url, token=ROOT_TOKEN)

    def open(self, environ: Mapping[str, str] | None = None, *, width: int = 4, **options: object) -> Vault:
        """Open a backend as the project `shop`, through the proxy; without `environ`, with a token for everything."""
        told = context(self.folder, PROJECT, environ={"VAULT_TOKEN": ROOT_TOKEN} if environ is None else environ)
        patient = Retry(sleep=lambda _seconds: None)
        backend = Vault.open({"address": self.proxy.url, **options}, replace(told, width=width, retry=patient))
        self.stack.callback(backend.close)
        return backend

    def create(self, backend: Backend, value: bytes = b"v1", address: Address = DB, **facts: object) -> Observed:
        """Create a secret."""
        return backend.create(declared(address, **facts), Sensitive(value))  # type: ignore[arg-type]  # what a test says

    def spoil(self, calls: str, fault: Answer, times: int | None = None, after: int = 0) -> None:
        """Have calls answered so instead."""
        self.proxy.set(Rule(fault=fault, calls=calls, times=times, after=after))

    def calls(self) -> list[str]:
        """Name the calls that were made since last asked, less the API's version and the address `DB`."""
        names = [call.name.replace("/v1/secret/", "").replace(f"/{PATH}", "") for call in self.proxy.log]
        self.proxy.log.clear()
        return names

    def custom(self, path: str = PATH) -> Mapping[str, str] | None:
        """Give the custom metadata that the server holds."""
        entry = self.server.entry(path)
        return entry and entry.custom_metadata

    def house(self, **options: object) -> House:
        """Give a project whose runs go to the server."""
        return House(self.folder, wrap=lambda _memory: self.open(**options))  # type: ignore[arg-type]  # options only
