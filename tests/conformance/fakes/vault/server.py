"""The fake over HTTP or HTTPS on loopback: `with VaultServer("openbao") as server: ... server.url`."""

from __future__ import annotations

import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.fakes.loopback import POLL, Handler, Server
from conformance.fakes.vault.requests import Raw
from conformance.fakes.vault.vault import Vault

if TYPE_CHECKING:
    import socket
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from conformance.fakes.vault.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Files in PEM."""

    certificate: Path
    key: Path
    client_ca: Path | None = None
    """Who signs the certificates that clients must show; none are asked for without it."""

    def context(self) -> ssl.SSLContext:
        """Load them."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.client_ca)
        context.load_cert_chain(self.certificate, self.key)
        if self.client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
        return context


class VaultHandler(Handler):
    """Hands each call to the Vault of its server."""

    server: HttpServer

    def respond(self) -> None:
        """Answer one call."""
        headers = {name.lower(): text for name, text in self.headers.items()}
        raw = Raw(method=self.command, target=self.path, headers=headers, body=self.body())
        self.send(self.server.vault.answer(raw))

    def handle(self) -> None:
        """Serve until either side goes away, be it in the middle of a TLS record."""
        with suppress(OSError):
            super().handle()


class HttpServer(Server):
    """A Vault behind a socket."""

    def __init__(self, vault: Vault, tls: Tls | None = None, listener: socket.socket | None = None) -> None:
        super().__init__(VaultHandler, listener)
        self.vault = vault
        self._tls = tls and tls.context()

    @property
    def url(self) -> str:
        """The base URL, what users set `VAULT_ADDR` to."""
        return super().url.replace("http:", "https:", 1) if self._tls else super().url

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; its own thread shakes hands, so that a slow client stops nobody."""
        connection, address = super().get_request()
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address


class VaultServer(Vault):
    """A Vault that serves in threads of this process."""

    def __init__(self, flavour: str = "vault", *, clock: Clock | None = None, tls: Tls | None = None) -> None:
        super().__init__(flavour, clock=clock)
        self._server = HttpServer(self, tls)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL,))

    @property
    def url(self) -> str:
        """The base URL."""
        return self._server.url

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self._thread.join()
