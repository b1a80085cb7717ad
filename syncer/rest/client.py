"""Sends requests to one server and gives its answers; httpx does the work."""

from __future__ import annotations

import base64
from functools import cached_property
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from syncer.errors import InvalidConfiguration
from syncer.rest.connections import Connections
from syncer.rest.failures import cannot_ask, no_answer, told
from syncer.rest.messages import Answer, Server
from syncer.rest.options import is_here
from syncer.rest.tls import Tls
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    import ssl
    from collections.abc import Collection

    from syncer.backends.base import Backend
    from syncer.errors import SyncerError
    from syncer.rest.failures import Rule
    from syncer.rest.messages import Request
    from syncer.rest.options import RestOptions

_CONNECT_SECONDS = 10.0
_SPACE, _DELETE = 0x20, 0x7F
_TRIM = "a line break at its end? `trim: true` drops it"


class Client:
    """One server, as one user; safe to share between threads. Nothing is asked before the first call."""

    def __init__(self, backend: Backend, root: str, rules: tuple[Rule, ...] = ()) -> None:
        """Ask for a backend whose API begins at `root`, a URL; `rules` tell what its store means by a status."""
        options: RestOptions = backend.options
        self.server = Server(store=backend.type_name, url=root, credential=options.credential)
        self._options = options
        self._context = backend.context
        self._meter = backend.meter
        self._rules = rules
        self._connections = Connections(self._connect, backend.concurrency)

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
        """Ask once. Raise Transient where no whole answer came, InvalidConfiguration or AccessDenied for TLS.

        InvalidConfiguration also for what no request can hold.
        """
        with self._connections.lent() as http:
            found = self._exchange(http, request)
        if isinstance(found, Answer):
            return found
        raise found

    def close(self) -> None:
        """Let go of the connections."""
        self._connections.close()

    def _exchange(self, http: httpx.Client, request: Request) -> Answer | SyncerError:
        """Give the error and do not raise it here: one of httpx holds the request, and with it a value."""
        try:
            response = http.request(
                request.method, f"{self.server.url}{request.path}", params=request.query or None, json=request.body
            )
        except (httpx.InvalidURL, UnicodeError):
            return cannot_ask(request, self.server)
        except (httpx.HTTPError, httpx.StreamError) as error:
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

    def _connect(self) -> httpx.Client:
        server, seconds = urlsplit(self.server.url), self._options.seconds
        verify, headers = self._trust, self._headers
        try:
            return httpx.Client(
                verify=verify,
                headers=headers,
                timeout=httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS)),
                follow_redirects=False,  # a login page is no answer, and a value is not to go to another server
                event_hooks={"response": [_stay]},
                # A session that a server begins for us could outrank what lets us in, and end before it.
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
                trust_env=not is_here(server.hostname or ""),  # proxies, which never see what stays on this machine
            )
        except (httpx.InvalidURL, ValueError, ImportError):
            message = "the proxies that the environment names cannot be used"
        hint = "see HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY: http or https URLs, and names of hosts"
        raise InvalidConfiguration(message, hint=hint)

    @cached_property
    def _headers(self) -> dict[str, str]:
        return {"User-Agent": "syncer", "Accept": "application/json", **self._authorization()}

    @cached_property
    def _trust(self) -> ssl.SSLContext | bool:
        if urlsplit(self.server.url).scheme != "https":
            return False  # spares reading the system's certificates
        options, folder = self._options, self._context.folder
        return Tls(
            ca_cert=folder / options.ca_cert if options.ca_cert else None,
            client_cert=folder / options.client_cert if options.client_cert else None,
            client_key=folder / options.client_key if options.client_key else None,
        ).context()

    def _authorization(self) -> dict[str, str]:
        options = self._options
        if options.token is not None:
            token = self._credential("token", options.token)
            return {"Authorization": f"Bearer {_header(token, 'token')}"}
        if options.username is None or options.password is None:
            return {}
        user, password = (
            _part(self._credential(name, given), name)
            for name, given in (("username", options.username), ("password", options.password))
        )
        return {"Authorization": f"Basic {base64.b64encode(user + b':' + password).decode()}"}

    def _credential(self, option: str, given: str | dict[str, Any]) -> Sensitive:
        if isinstance(given, str):
            return Sensitive(given.encode(errors="surrogatepass"))  # as YAML can spell it
        return self._context.credential(option, given)


def _header(token: Sensitive, option: str) -> str:
    """Give the token as a header holds it. Raise InvalidConfiguration: httpx would quote it."""
    text = token.reveal().decode("ascii", "replace")
    if not text or not text.isprintable() or " " in text or "\ufffd" in text:
        message = f"option `{option}`: what its source yields is no token"
        raise InvalidConfiguration(message, hint=_TRIM)
    return text


def _part(found: Sensitive, option: str) -> bytes:
    """Give a user or a password as basic authentication takes it (RFC 7617, 2)."""
    raw = found.reveal()
    if any(byte < _SPACE or byte == _DELETE for byte in raw):
        message = f"option `{option}`: what its source yields holds a control character"
        raise InvalidConfiguration(message, hint=_TRIM)
    if option == "username" and b":" in raw:
        message = f"option `{option}`: no user of basic authentication has a colon in the name"
        raise InvalidConfiguration(message)
    return raw


def _stay(response: httpx.Response) -> None:
    """Take away where a redirection leads: httpx reads it though it does not go there, and fails on what is no URL."""
    response.headers.pop("Location", None)


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "timed out"
    if isinstance(error, httpx.ProxyError):
        return "a proxy refused"
    if isinstance(error, httpx.RemoteProtocolError | httpx.DecodingError):
        return "the answer was cut off, or is no HTTP"
    return "connection lost"
