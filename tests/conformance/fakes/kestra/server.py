"""The fake over HTTP or HTTPS on loopback: `with KestraServer() as server: ... server.url`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.fakes.kestra.kestra import TENANT, Kestra
from conformance.fakes.secured import SecuredHandler, SecuredServer, Served

if TYPE_CHECKING:
    import socket

    from conformance.fakes.kestra.quirks import Quirks
    from conformance.fakes.secured import Tls


class KestraHandler(SecuredHandler):
    """Hands each call to the Kestra of its server."""

    server: HttpServer

    def respond(self) -> None:
        """Answer one call."""
        self.send(self.server.kestra.answer(self.command, self.path, self.lowered(), self.body()))


class HttpServer(SecuredServer):
    """A Kestra behind a socket; the API begins at `/api/v1` below its URL."""

    def __init__(self, kestra: Kestra, tls: Tls | None = None, listener: socket.socket | None = None) -> None:
        super().__init__(KestraHandler, tls, listener)
        self.kestra = kestra


class KestraServer(Served, Kestra):
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
        self.http = HttpServer(self, tls)
