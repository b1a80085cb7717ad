"""The fake over HTTP or HTTPS on loopback: `with DaguServer() as server: ... server.url`."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from conformance.fakes.dagu.dagu import Dagu
from conformance.fakes.loopback import POLL, Handler, Server

if TYPE_CHECKING:
    import socket
    from types import TracebackType
    from typing import Self

    from conformance.fakes.vault.clock import Clock
    from conformance.fakes.vault.server import Tls


class DaguHandler(Handler):
    """Hands each call to the Dagu of its server."""

    server: HttpServer

    def respond(self) -> None:
        """Answer one call."""
        headers = {name.lower(): text for name, text in self.headers.items()}
        self.send(self.server.dagu.answer(self.command, self.path, headers, self.body()))

    def handle(self) -> None:
        """Serve until either side goes away, be it in the middle of a TLS record."""
        with suppress(OSError):
            super().handle()


class HttpServer(Server):
    """A Dagu behind a socket."""

    def __init__(self, dagu: Dagu, tls: Tls | None = None, listener: socket.socket | None = None) -> None:
        super().__init__(DaguHandler, listener)
        self.dagu = dagu
        self._tls = tls and tls.context()

    @property
    def url(self) -> str:
        """The URL that everything stands below, base path and all."""
        address = super().url + self.dagu.base_path
        return address.replace("http:", "https:", 1) if self._tls else address

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; its own thread shakes hands, so that a slow client stops nobody."""
        connection, address = super().get_request()
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address


class DaguServer(Dagu):
    """A Dagu that serves in threads of this process."""

    def __init__(
        self, auth: str = "builtin", base_path: str = "", *, clock: Clock | None = None, tls: Tls | None = None
    ) -> None:
        super().__init__(auth, base_path, clock=clock)
        self._server = HttpServer(self, tls)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL,))

    @property
    def url(self) -> str:
        """The base URL; the API begins at `/api/v1` below it."""
        return self._server.url

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self._thread.join()
