"""Sends requests to one server and gives its answers; httpx does the work."""

from __future__ import annotations

import base64
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx

from syncer.errors import InvalidConfiguration
from syncer.rest.failures import no_answer, told
from syncer.rest.messages import Answer, Server
from syncer.rest.tls import Tls
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Collection

    from syncer.backends.base import Backend
    from syncer.errors import SyncerError
    from syncer.rest.failures import Rule
    from syncer.rest.messages import Request
    from syncer.rest.options import RestOptions

_CONNECT_SECONDS = 10.0


class Client:
    """One server, as one user; safe to share between threads. Nothing is asked before the first call."""

    def __init__(self, backend: Backend, root: str, rules: tuple[Rule, ...] = ()) -> None:
        """Ask for a backend whose API begins at `root`, a URL; `rules` tell what its store means by a status."""
        options: RestOptions = backend.options
        self.server = Server(store=backend.type_name, url=root, credential=options.credential)
        self._options = options
        self._context = backend.context
        self._meter = backend.meter
        self._connections = backend.concurrency
        self._rules = rules
        self._lock = threading.Lock()

    def call(self, request: Request, *, accept: Collection[int] = ()) -> Answer:
        """Ask once and give what `done` gives."""
        return self.done(self.send(request), accept=accept)

    def done(self, answer: Answer, *, accept: Collection[int] = ()) -> Answer:
        """Give an answer to what was done, or that has one of the statuses in `accept`.

        Raise what `failures` makes of any other.
        """
        if answer.ok or answer.status in accept:
            return answer
        raise told(answer, self._rules)

    def send(self, request: Request) -> Answer:
        """Ask once. Raise Transient where no whole answer came, InvalidConfiguration or AccessDenied for TLS."""
        with self._lock:
            http = self._http
        found = self._exchange(http, request)
        if isinstance(found, Answer):
            return found
        raise found

    def close(self) -> None:
        """Let go of the connections."""
        if "_http" in vars(self):
            self._http.close()

    def _exchange(self, http: httpx.Client, request: Request) -> Answer | SyncerError:
        """Give the error and do not raise it here: one of httpx holds the request, and with it a value."""
        try:
            response = http.request(
                request.method, f"{self.server.url}{request.path}", params=request.query or None, json=request.body
            )
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            return no_answer(error, request, self.server, otherwise=_reason(error))
        finally:
            self._meter.call()
        return Answer(
            request=request,
            server=self.server,
            status=response.status_code,
            headers=response.headers,
            body=response.content,
        )

    @cached_property
    def _http(self) -> httpx.Client:
        options, folder = self._options, self._context.folder
        tls = Tls(
            ca_cert=folder / options.ca_cert if options.ca_cert else None,
            client_cert=folder / options.client_cert if options.client_cert else None,
            client_key=folder / options.client_key if options.client_key else None,
        )
        return httpx.Client(
            verify=tls.context() if self.server.url.startswith("https:") else False,
            headers={"User-Agent": "syncer", "Accept": "application/json", **self._authorization()},
            timeout=httpx.Timeout(options.seconds, connect=min(options.seconds, _CONNECT_SECONDS)),
            limits=httpx.Limits(max_connections=self._connections, max_keepalive_connections=self._connections),
            follow_redirects=False,  # a login page is no answer, and a value is not to go to another server
        )

    def _authorization(self) -> dict[str, str]:
        options = self._options
        if options.token is not None:
            token = self._credential("token", options.token)
            return {"Authorization": f"Bearer {_header(token, 'token')}"}
        if options.username is None or options.password is None:
            return {}
        user, password = (
            self._credential(name, given).reveal()
            for name, given in (("username", options.username), ("password", options.password))
        )
        return {"Authorization": f"Basic {base64.b64encode(user + b':' + password).decode()}"}

    def _credential(self, option: str, given: str | dict[str, Any]) -> Sensitive:
        return Sensitive(given.encode()) if isinstance(given, str) else self._context.credential(option, given)


def _header(token: Sensitive, option: str) -> str:
    """Give the token as a header holds it. Raise InvalidConfiguration: httpx would quote it."""
    text = token.reveal().decode("ascii", "replace")
    if not text or not text.isprintable() or " " in text or "\ufffd" in text:
        message = f"option `{option}`: what its source yields is no token"
        raise InvalidConfiguration(message, hint="a line break at its end? `trim: true` drops it")
    return text


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "timed out"
    if isinstance(error, httpx.ProxyError):
        return "a proxy refused"
    if isinstance(error, httpx.RemoteProtocolError | httpx.DecodingError):
        return "the answer was cut off, or is no HTTP"
    return "connection lost"
