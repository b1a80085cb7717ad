"""Sends requests to a server, lean enough for ten thousand of them in one plan."""

from __future__ import annotations

import json
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.parse import quote

from syncer.backends.vault.connections import Connections
from syncer.backends.vault.errors import downgraded, failed, told
from syncer.backends.vault.messages import REPEATABLE, Answer
from syncer.rest.options import check_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.backends.base import Meter
    from syncer.backends.vault.connections import Connection
    from syncer.backends.vault.environment import Server
    from syncer.backends.vault.messages import Request
    from syncer.errors import SyncerError

_ELSEWHERE = frozenset({301, 302, 307, 308})


class Wire:
    """Sends requests to one server, wherever a standby says that it is now; safe to share between threads."""

    def __init__(self, server: Server, meter: Meter) -> None:
        self.home = self._base = server.address
        self._meter = meter
        self._connections = Connections(server)
        self._headers = {"X-Vault-Request": "true", "User-Agent": "syncer"}
        if server.namespace is not None:
            self._headers["X-Vault-Namespace"] = server.namespace

    def send(self, request: Request, token: str | None) -> Answer:
        """Ask once, as the one whom the token belongs to. A standby may send us to the active node, once.

        Raise Transient where no whole answer came, InvalidConfiguration or AccessDenied where TLS cannot be.
        """
        headers = self._headers | ({} if token is None else {"X-Vault-Token": token})
        if request.body is not None:
            patch = request.method == "PATCH"
            headers["Content-Type"] = "application/merge-patch+json" if patch else "application/json"
        answer = self._ask(self._base, request, headers)
        if answer.status in _ELSEWHERE:
            self._base = _active(answer)
            answer = self._ask(self._base, request, headers)
        return answer

    def close(self) -> None:
        """Let go of the connections."""
        self._connections.close()

    def _ask(self, base: str, request: Request, headers: Mapping[str, str]) -> Answer:
        used = self._connections.take(base)
        found = self._exchange(used or self._connections.make(base), request, headers)
        if used is not None and used.ended and request.method in REPEATABLE:
            # The other side ended it just when we took it, as servers do with what was idle for long.
            found = self._exchange(self._connections.make(base), request, headers)
        if isinstance(found, Answer):
            return found
        self._base = self.home  # the node that was active may be gone
        raise found

    def _exchange(self, connection: Connection, request: Request, headers: Mapping[str, str]) -> Answer | SyncerError:
        query = "" if request.version is None else f"?version={request.version}"
        target = f"{connection.prefix}/v1/{quote(request.path)}{query}"
        # Vault counts a text as it is written: escaped to ASCII, it might be too long.
        text = json.dumps(request.body, separators=(",", ":"), ensure_ascii=False)
        body = None if request.body is None else text.encode()
        kept, read = False, 0
        try:
            connection.request(request.method, target, body, {**headers, **connection.extra})
            response = connection.getresponse()
            given, content = response.headers, response.read()
            kept = not response.will_close
            read = request.values_read if response.status == HTTPStatus.OK else 0
        except (OSError, HTTPException) as error:
            connection.ended = isinstance(error, ConnectionError)
            return failed(error, request, connection.base)
        finally:
            self._meter.call(values_read=read)
            if kept:
                self._connections.put_back(connection)
            else:
                connection.close()
        return Answer(request=request, server=connection.base, status=response.status, headers=given, body=content)


def _active(answer: Answer) -> str:
    """Give the address of the node that a standby names. Raise what says so where we would not go there."""
    base, found, _ = answer.headers.get("Location", "").partition("/v1/")
    scheme, colon, host = base.partition("://")
    if not found or scheme not in ("http", "https") or not colon or not host or base == answer.server:
        raise told(answer)
    check_url("the address that a standby of vault names", base)
    if scheme == "http" and answer.server.lower().startswith("https:"):
        raise downgraded(answer)
    return base
