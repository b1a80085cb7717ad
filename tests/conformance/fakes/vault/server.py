"""The fake over HTTP or HTTPS on loopback: `with VaultServer("openbao") as server: ... server.url`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.fakes.secured import SecuredHandler, SecuredServer, Served
from conformance.fakes.vault.requests import Raw
from conformance.fakes.vault.vault import Vault

if TYPE_CHECKING:
    import socket

    from conformance.fakes.clock import Clock
    from conformance.fakes.secured import Tls


class VaultHandler(SecuredHandler):
    """Hands each call to the Vault of its server."""

    server: HttpServer

    def respond(self) -> None:
        """Answer one call."""
        raw = Raw(method=self.command, target=self.path, headers=self.lowered(), body=self.body())
        self.send(self.server.vault.answer(raw))


class HttpServer(SecuredServer):
    """A Vault behind a socket; its URL is what users set `VAULT_ADDR` to."""

    def __init__(self, vault: Vault, tls: Tls | None = None, listener: socket.socket | None = None) -> None:
        super().__init__(VaultHandler, tls, listener)
        self.vault = vault


class VaultServer(Served, Vault):
    """A Vault that serves in threads of this process."""

    def __init__(self, flavour: str = "vault", *, clock: Clock | None = None, tls: Tls | None = None) -> None:
        super().__init__(flavour, clock=clock)
        self.http = HttpServer(self, tls)
