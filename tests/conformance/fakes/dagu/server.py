"""The fake over HTTP or HTTPS on loopback: `with DaguServer() as server: ... server.url`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.fakes.dagu.dagu import Dagu
from conformance.fakes.secured import SecuredHandler, SecuredServer, Served

if TYPE_CHECKING:
    import socket

    from conformance.fakes.clock import Clock
    from conformance.fakes.secured import Tls


class DaguHandler(SecuredHandler):
    """Hands each call to the Dagu of its server."""

    server: HttpServer

    def respond(self) -> None:
        """Answer one call."""
        self.send(self.server.dagu.answer(self.command, self.path, self.lowered(), self.body()))


class HttpServer(SecuredServer):
    """A Dagu behind a socket."""

    def __init__(self, dagu: Dagu, tls: Tls | None = None, listener: socket.socket | None = None) -> None:
        super().__init__(DaguHandler, tls, listener)
        self.dagu = dagu

    @property
    def url(self) -> str:
        """The URL that everything stands below, base path and all; the API begins at `/api/v1` below it."""
        return super().url + self.dagu.base_path


class DaguServer(Served, Dagu):
    """A Dagu that serves in threads of this process."""

    def __init__(
        self, auth: str = "builtin", base_path: str = "", *, clock: Clock | None = None, tls: Tls | None = None
    ) -> None:
        super().__init__(auth, base_path, clock=clock)
        self.http = HttpServer(self, tls)
