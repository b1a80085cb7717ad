"""Moto's WSGI application behind one lock, over connections that are kept alive."""

from __future__ import annotations

import io
import sys
import threading
from contextlib import closing
from types import ModuleType
from typing import TYPE_CHECKING, Any

from conformance.fakes.child import HOST, serve
from conformance.fakes.loopback import Answer, Handler
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

if TYPE_CHECKING:
    import socket

    from flask import Flask

LOCK = threading.Lock()
"""Moto is not thread-safe: a listing while another thread writes answers 500."""


def run(listener: socket.socket) -> None:
    """Serve until the parent is gone."""
    _leave_ec2_out()
    app = DomainDispatcherApplication(_backend)
    serve(make_server(HOST, 0, app, threaded=True, request_handler=MotoHandler, fd=listener.fileno()))


def _leave_ec2_out() -> None:
    """Spare SSM the import of EC2, whose tables take 0.6 s; it looks there for the targets of commands alone."""
    ec2 = ModuleType("moto.ec2")
    ec2.ec2_backends = {}
    sys.modules[ec2.__name__] = ec2


def _backend(service: Any) -> Flask:
    """Build one service's application, where an exception is a 500 and a traceback on standard error."""
    app = create_backend_app(service)
    app.debug = False
    return app


class MotoHandler(Handler, MotoRequestHandler):
    """Keeps a connection, which werkzeug's own handler closes after each call."""

    def respond(self) -> None:
        """Ask the application, one call at a time."""
        environ = self.make_environ()
        environ["wsgi.input"] = io.BytesIO(self.body())
        with LOCK:
            answer = _ask(self.server.app, environ)
        self.send(answer)


def _ask(app: Any, environ: dict[str, Any]) -> Answer:
    begun: list[Any] = []
    with closing(app(environ, lambda *begin: begun.extend(begin))) as chunks:
        body = b"".join(chunks)
    status, headers = begun[:2]
    return Answer(status=int(status.split()[0]), headers=tuple(headers), body=body)
