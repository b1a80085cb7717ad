"""A server that says what a test wants it to say, byte for byte, and clients that go there."""

from __future__ import annotations

import socket
import threading
from collections import deque
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from conformance.fakes.fault_proxy import PATIENCE, Call
from conformance.fakes.loopback import Answer, Handler, Server
from support import PROJECT

from syncer.backends.base import Backend
from syncer.rest.client import Client
from syncer.rest.messages import Request
from syncer.rest.options import RestOptions
from syncer.testing.base import CANARY, context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from syncer.model import Observed
    from syncer.rest.failures import Rule

THING = "payments:prod/db"
RIGHT = "the role manager in workspace payments"
TOKEN = b"tok-5d1e-never-print-me-either"
ENVIRON = {"TOKEN": TOKEN.decode()}
WITH_TOKEN: dict[str, Any] = {"token": {"env": "TOKEN"}}

READ = Request(method="GET", path="/secrets", thing=THING, right=RIGHT)
WRITE = Request(method="POST", path="/secrets", thing=THING, right=RIGHT, body={"value": CANARY.decode()})


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes to send instead of an answer; then the line is closed."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Hang:
    """Say no more than this until the test is over."""

    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Echo:
    """Answer with what was sent, path included."""


Reply = Answer | Raw | Hang | Echo


def as_json(body: bytes, status: int = 200) -> Answer:
    """Give an answer as an API gives it."""
    return Answer(status=status, headers=(("Content-Type", "application/json"),), body=body)


def as_page(status: int = 200) -> Answer:
    """Give the page of a user interface, or of a proxy."""
    headers = (("Content-Type", "text/html; charset=utf-8"),)
    return Answer(status=status, headers=headers, body=b"<!DOCTYPE html><html><body>Sign in</body></html>")


class ScriptHandler(Handler):
    """Gives the replies of its server."""

    server: Scripted

    def respond(self) -> None:
        """Note the call, then give the reply that is next."""
        call = self.called()
        match self.server.reply(call):
            case Raw(data):
                self.close_connection = True
                self.wfile.write(data)
            case Hang(data):
                self.close_connection = True
                self.wfile.write(data)
                self.server.over.wait(PATIENCE)
            case Echo():
                self.send(as_json(b'{"path": "%b", "body": %b}' % (call.path.encode(), call.body or b"null")))
            case Answer() as answer:
                self.send(answer)

    def called(self) -> Call:
        """Read the call."""
        return Call(method=self.command, path=self.path, headers=self.headers, body=self.body())

    def handle(self) -> None:
        """Serve until either side goes away, be it in the middle of a TLS record."""
        with suppress(OSError):
            super().handle()


class Scripted(Server):
    """Takes any call."""

    def __init__(self, tls: ssl.SSLContext | None = None, handler: type[Handler] = ScriptHandler) -> None:
        super().__init__(handler)
        self._tls = tls
        self._moved = threading.Condition()
        self.clear()

    def clear(self) -> None:
        """Forget all that was, and answer `{}` to everything."""
        self.calls: list[Call] = []
        self.accepted = self.ended = 0
        self.always: Reply = as_json(b"{}")
        self.first: deque[Reply] = deque()
        self.over = threading.Event()

    @property
    def url(self) -> str:
        """The base URL."""
        return super().url.replace("http:", "https:", 1) if self._tls else super().url

    def reply(self, call: Call) -> Reply:
        """Note a call, and take what to say to it."""
        with self._moved:
            self.calls.append(call)
            self._moved.notify_all()
        return self.first.popleft() if self.first else self.always

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; its own thread shakes hands."""
        connection, address = super().get_request()
        self.accepted += 1
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """End a connection, and tell who waits for it."""
        super().shutdown_request(request)
        with self._moved:
            self.ended += 1
            self._moved.notify_all()

    def deserted(self) -> bool:
        """Whether nobody is connected any more; somebody who goes just now is waited for."""
        with self._moved:
            return self._moved.wait_for(lambda: self.ended == self.accepted, PATIENCE)

    def called(self, times: int) -> bool:
        """Wait until it was called so often."""
        with self._moved:
            return self._moved.wait_for(lambda: len(self.calls) >= times, PATIENCE)

    def hang_up(self) -> None:
        """End every connection, as what was idle for long is ended."""
        for connection in tuple(self._connections):
            with suppress(OSError):  # some have ended already
                connection.shutdown(socket.SHUT_RDWR)
        assert self.deserted()


class Acme(Backend):
    """As much of a backend as a client asks for."""

    type_name: ClassVar[str] = "acme"
    concurrency = 8
    Options: ClassVar[type[Any]] = RestOptions

    def observe(self, *_unused: object) -> Iterable[Observed]:
        """Stand in for what no test here needs."""
        raise NotImplementedError

    create = rotate = observe  # type: ignore[assignment]


@dataclass
class Bench:
    """One server, and every client that a test opened."""

    folder: Path
    server: Scripted
    stack: ExitStack = field(default_factory=ExitStack)

    def backend(self, url: str | None = None, environ: Mapping[str, str] | None = None, **options: Any) -> Acme:
        """Give what a client belongs to."""
        told = context(self.folder, PROJECT, environ=ENVIRON if environ is None else environ)
        return Acme.open({"url": url or self.server.url, **options}, told)

    def client(self, url: str | None = None, *, rules: tuple[Rule, ...] = (), **options: Any) -> Client:
        """Open a client, with the options of its backend."""
        backend = self.backend(url, **options)
        client = Client(backend, backend.options.at(backend.context), rules)
        self.stack.callback(client.close)
        return client
