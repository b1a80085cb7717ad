"""The fake over HTTP or HTTPS on loopback: `with KestraServer() as server: ... server.url`."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from conformance.fakes.kestra.kestra import TENANT, Kestra
from conformance.fakes.loopback import POLL, Handler, Server

if TYPE_CHECKING:
    import socket
    from types import TracebackType
    from typing import Self

    from conformance.fakes.kestra.quirks import Quirks
    from conformance.fakes.vault.server import Tls


class KestraHandler(Handler):
    """Hands each call to the Kestra of its server."""

    server: HttpServer

    def respond(self) -> None:
        """Answer one call."""
        headers = {name.lower(): text for name, text in self.headers.items()}
        self.send(self.server.kestra.answer(self.command, self.path, headers, self.body()))

    def handle(self) -> None:
        """Serve until either side goes away, be it in the middle of a TLS record."""
        with suppress(OSError):
            super().handle()


class HttpServer(Server):
    """A Kestra behind a socket."""

    def __init__(self, kestra: Kestra, tls: Tls | None = None, listener: socket.socket | None = None) -> None:
        super().__init__(KestraHandler, listener)
        self.kestra = kestra
        self._tls = tls and tls.context()

    @property
    def url(self) -> str:
        """The base URL; the API begins at `/api/v1` below it."""
        return super().url.replace("http:", "https:", 1) if self._tls else super().url

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; its own thread shakes hands, so that a slow client stops nobody."""
        connection, address = super().get_request()
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address


class KestraServer(Kestra):
    """A Kestra that serves in threads of this process."""

    def __init__(
        self,
        auth: str = "token",
        tenant: str = TENANT,
        *,
        version: str = "2.0",
        quirks: Quirks | None = None,
        tls: Tls | None = None,
    ) -> None:
        super().__init__(auth, tenant, version=version, quirks=quirks)
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
