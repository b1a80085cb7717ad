"""Connections to a server that are kept alive and lent out, one at a time to each thread."""

from __future__ import annotations

import base64
import select
import threading
from collections import deque
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    import ssl
    from urllib.parse import SplitResult

    from syncer.backends.vault.environment import Server

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0
"""What a server may take to answer, or to send the next part of its answer; the command's own default."""


class Connection(HTTPConnection):
    """One connection, through TLS and a proxy where they are wanted."""

    debuglevel = 0  # where somebody raises Python's own, requests are printed, and with them values

    def __init__(self, base: str, server: Server, context: ssl.SSLContext | None) -> None:
        parts = urlsplit(base)
        proxy = server.proxies.between(parts)
        host, port = parts.hostname or "", parts.port or (443 if context else 80)
        first, at = (host, port) if proxy is None else (proxy.hostname or "", proxy.port or 80)
        super().__init__(first, at, timeout=CONNECT_SECONDS)
        self.base = base
        self.prefix = parts.path if proxy is None or context else base
        """What stands before a path on the wire: a proxy that looks into requests wants all of the URL."""
        self.extra = {} if proxy is None else _authorization(proxy)
        """Headers for such a proxy."""
        self.ended = False
        """Whether it broke off when it was asked."""
        self._tls = context
        self._name = server.tls.server_name or host
        if proxy is not None and context is not None:
            self.set_tunnel(host, port, self.extra)
            self.extra = {}

    def connect(self) -> None:
        """Connect, and wrap it in TLS under the name that the certificate is to bear. Raise OSError."""
        super().connect()
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)
        self.sock.settimeout(ANSWER_SECONDS)

    @property
    def dropped(self) -> bool:
        """Whether the other side ended it while nobody used it: there is something to read, if only the end."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return bool(poll.poll(0))


class Connections:
    """Those to one server; safe to share between threads."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._idle: deque[Connection] = deque()
        self._context: ssl.SSLContext | None = None
        self._lock = threading.Lock()

    def take(self, base: str) -> Connection | None:
        """Give one to `base` that was used before and nobody uses now; None where there is none."""
        with self._lock:
            while self._idle:
                found = self._idle.pop()
                if found.base == base and not found.dropped:
                    return found
                found.close()
        return None

    def make(self, base: str) -> Connection:
        """Give one that will connect when it is used. Raise InvalidConfiguration for TLS files of no use."""
        with self._lock:
            if self._context is None and base.lower().startswith("https:"):
                self._context = self._server.tls.context()
        return Connection(base, self._server, self._context if base.lower().startswith("https:") else None)

    def put_back(self, connection: Connection) -> None:
        """Keep one for the next that asks."""
        with self._lock:
            self._idle.append(connection)

    def close(self) -> None:
        """End those that nobody uses."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()


def _authorization(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    user = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(user.encode()).decode()}"}
