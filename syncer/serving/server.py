"""An HTTP server that runs until it is told to stop, and then finishes what it has begun."""

from __future__ import annotations

import contextlib
import errno
import gc
import logging
import os
import socket
from types import MappingProxyType
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from syncer.errors import InvalidConfiguration
from syncer.serving.door import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from starlette.applications import Starlette

_HEAD_BYTES = 32 * 1024
"""Of a request's line and headers at most."""
_CONNECTIONS = 1000
"""At once; who comes then is told to come again."""
_TICKS = 100
"""Of a tenth of a second, from one look at who only holds a connection to the next."""
_GRACE = 10
"""Seconds that requests have to end."""
_LOGS = ("uvicorn", "asyncio")
"""They write tracebacks, in which values may stand."""


def listen(host: str, port: int) -> socket.socket:
    """Take an address; port 0 is any that is free. Whoever comes now waits until it is served.

    Raise InvalidConfiguration where it cannot be had.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((str(address[0]), port), family=family, backlog=_CONNECTIONS)
    except socket.gaierror as error:
        why = (error.strerror or "no such host").lower()
    except UnicodeError:
        why = "no such host"
    except OSError as error:
        why = os.strerror(error.errno or errno.EIO).lower()  # its own text repeats the address
    message = f"{host}:{port} cannot be listened on: {why}"
    raise InvalidConfiguration(message, hint="give another --host or --port")


def is_here(listener: socket.socket) -> bool:
    """Whether it is on loopback, so that only this host comes in."""
    return is_loopback(listener.getsockname()[0])


class Server:
    """Serves one application on one address, once. Signals are the caller's business."""

    def __init__(self, app: Starlette, listener: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            http="h11",
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=_CONNECTIONS,
            h11_max_incomplete_event_size=_HEAD_BYTES,
            timeout_graceful_shutdown=_GRACE,
        )
        self._server = _Uvicorn(config)
        self._listener = listener
        self.here = is_here(listener)
        host, port = listener.getsockname()[:2]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def run(self, stopping: Callable[[], None] = lambda: None) -> None:
        """Serve until `stop`; then accept no more, and end what is in flight. The listener is closed then.

        `stopping` is called in between.
        """
        self._server.stopping = stopping
        with _silent(), _collecting():
            self._server.run([self._listener])

    def stop(self, *, at_once: bool = False) -> None:
        """Let it end, also before it has begun; from any thread, or a signal's handler."""
        self._server.should_exit = True
        self._server.force_exit |= at_once


class _Uvicorn(uvicorn.Server):
    stopping: Callable[[], None]
    _idle: Mapping[H11Protocol, object] = MappingProxyType({})

    async def on_tick(self, counter: int) -> bool:
        """End connections on which no request comes: uvicorn has time limits only for those who asked before."""
        if counter % _TICKS == 0:
            held = (found for found in self.server_state.connections if isinstance(found, H11Protocol))
            idle = {one: one.cycle for one in held if one.cycle is None or one.cycle.response_complete}
            for one, cycle in idle.items():
                if one in self._idle and self._idle[one] is cycle:
                    one.transport.close()
            self._idle = idle
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell that it ends, and end."""
        self.stopping()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone: its own handlers would raise each signal again at the end."""
        yield


@contextlib.contextmanager
def _collecting() -> Iterator[None]:
    """Collect garbage, which a short run never does: each connection leaves a cycle."""
    enabled = gc.isenabled()
    gc.enable()
    try:
        yield
    finally:
        if not enabled:
            gc.disable()


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Let the logs of libraries go nowhere."""
    nowhere = logging.NullHandler()
    loggers = {name: logging.getLogger(name) for name in _LOGS}
    before = {name: logger.propagate for name, logger in loggers.items()}
    for logger in loggers.values():
        logger.addHandler(nowhere)
        logger.propagate = False
    try:
        yield
    finally:
        for name, logger in loggers.items():
            logger.removeHandler(nowhere)
            logger.propagate = before[name]
