"""A server of ours over HTTP or HTTPS, and a mixin that runs one in threads of this process."""

from __future__ import annotations

import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.fakes.loopback import POLL, Handler, Server

if TYPE_CHECKING:
    import socket
    from pathlib import Path
    from types import TracebackType
    from typing import Self


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


class SecuredHandler(Handler):
    """Serves one connection, be it one that breaks off in the middle of a TLS record."""

    def handle(self) -> None:
        """Serve until either side goes away."""
        with suppress(OSError):
            super().handle()

    def lowered(self) -> dict[str, str]:
        """Give the headers by their names in small letters."""
        return {name.lower(): text for name, text in self.headers.items()}


class SecuredServer(Server):
    """One that speaks TLS where it is given files for it."""

    def __init__(self, handler: type[Handler], tls: Tls | None, listener: socket.socket | None) -> None:
        super().__init__(handler, listener)
        self._tls = tls and tls.context()

    @property
    def url(self) -> str:
        """The base URL."""
        return super().url.replace("http:", "https:", 1) if self._tls else super().url

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; its own thread shakes hands, so that a slow client stops nobody."""
        connection, address = super().get_request()
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address


class Served:
    """What is served by `http` while a `with` block runs."""

    http: Server

    @property
    def url(self) -> str:
        """The base URL."""
        return self.http.url

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.http.serve_forever, args=(POLL,))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()
        self._thread.join()
