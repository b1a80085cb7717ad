"""An HTTP/1.1 server on loopback: any method, keep-alive, silent, no thread or socket left behind."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import TYPE_CHECKING, Any, ClassVar

from conformance.fakes.child import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

POLL = 0.02
"""Seconds that a server may take to notice that it is closed."""
BODILESS = frozenset({204, 304})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server answers; `Content-Length` is added on the way."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)

    @property
    def document(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


class Handler(BaseHTTPRequestHandler):
    """Serves one connection, call by call; a subclass says how to `respond`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm: ClassVar[bool] = True

    def respond(self) -> None:
        """Read the body, send an answer."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Stand in for `do_GET`, `do_LIST` and whatever else somebody calls."""
        if name.startswith("do_"):
            return self.respond
        raise AttributeError(name)

    def handle(self) -> None:
        """Serve until either side, or a server behind this one, goes away."""
        with suppress(ConnectionError, HTTPException):
            super().handle()

    def body(self) -> bytes:
        """Read the request's body."""
        return self.rfile.read(int(self.headers["Content-Length"] or 0))

    def send(self, answer: Answer, *, share: float = 1.0) -> None:
        """Send an answer in one write, or its head with the given share of its body."""
        lines = [f"HTTP/1.1 {answer.status} {self.responses.get(answer.status, ('Unknown',))[0]}"]
        lines += [f"{name}: {text}" for name, text in answer.headers]
        if answer.status not in BODILESS and not any(name.lower() == "content-length" for name, _ in answer.headers):
            lines.append(f"Content-Length: {len(answer.body)}")
        if self.close_connection:
            lines.append("Connection: close")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        body = b"" if self.command == "HEAD" else answer.body
        self.wfile.write(head + body[: int(len(body) * share)])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name in http.server
        """Say nothing."""


class Server(ThreadingTCPServer):
    """One thread for each connection; `close` ends them all."""

    request_queue_size = 128

    def __init__(self, handler: type[Handler], listener: socket.socket | None = None) -> None:
        listener = listener or socket.create_server((HOST, 0))
        super().__init__(listener.getsockname(), handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self._connections: set[Any] = set()

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://{HOST}:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember a connection."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget it."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def close(self) -> None:
        """Accept no more, end every connection, wait for the threads."""
        self.shutdown()
        for connection in tuple(self._connections):
            with suppress(OSError):  # its own thread was faster
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


@contextmanager
def running(server: Server) -> Iterator[str]:
    """Serve in a thread of this process, and give the base URL."""
    thread = threading.Thread(target=server.serve_forever, args=(POLL,))
    thread.start()
    try:
        yield server.url
    finally:
        server.close()
        thread.join()
