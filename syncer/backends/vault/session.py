"""Who we are to the server: logs in when first asked, keeps the token alive, and logs in again where it was lost."""

from __future__ import annotations

import re
import threading
import time
from math import inf
from typing import TYPE_CHECKING

from syncer.backends.vault import logins
from syncer.backends.vault.auth import Credentials, TokenAuth
from syncer.backends.vault.errors import told, turned_down
from syncer.backends.vault.logins import Line
from syncer.backends.vault.messages import Request
from syncer.errors import AccessDenied, SyncerError, Transient

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncer.backends.base import BackendContext
    from syncer.backends.vault.auth import Auth
    from syncer.backends.vault.logins import Life, Login
    from syncer.backends.vault.messages import Json
    from syncer.backends.vault.wire import Wire
    from syncer.sensitive import Sensitive

DUE = 2 / 3
"""The part of a token's life after which it is renewed."""
SOON = 10.0
"""Seconds until the server is asked again where it gave no answer."""

_AFTER_MOUNT = re.compile(r"/(login|lookup-self|renew-self)(/.*)?$")


class Session:
    """The token of one backend; safe to share between threads, one of which logs in for all."""

    def __init__(self, auth: Auth, context: BackendContext, wire: Wire) -> None:
        self._auth = auth
        self._credentials = Credentials(context)
        self._wire = wire
        self._lock = threading.Lock()
        self._token: Sensitive | None = None
        self._due: float | None = None
        """When it is to be renewed; None where that is not known yet."""
        self._turned_down: SyncerError | None = None
        """Why there will be no token in this run: asked again for each address, a server locks the user out."""

    def token(self) -> Sensitive:
        """Give the token, logging in if there is none yet. Raise AccessDenied, InvalidConfiguration, SourceError."""
        with self._lock:
            return self._held()

    def replaced(self, refused: Sensitive) -> bool:
        """Log in again in place of a token that the server does not know; whether there is another one now."""
        with self._lock:
            if self._token is refused:
                self._token = None
            return self._held().reveal() != refused.reveal()

    def freshen(self) -> None:
        """Renew the token if that is due; to be called before a write. That it cannot be renewed is no error."""
        with self._lock:
            self._held()
            if self._due is None:
                self._due = self._learnt(logins.look_up)
            elif time.monotonic() >= self._due:
                self._due = self._learnt(logins.renew)

    def _held(self) -> Sensitive:
        if self._token is None:
            self._token = self._at_hand(self._auth) if isinstance(self._auth, TokenAuth) else self._log_in(self._auth)
        return self._token

    def _at_hand(self, auth: TokenAuth) -> Sensitive:
        found = self._credentials.token(auth)
        if found is None:
            message = f"there is no token for vault at {self._wire.home}"
            raise AccessDenied(message, hint="set VAULT_TOKEN, run `vault login`, or say under `auth` how to log in")
        self._due = None
        return found

    def _log_in(self, auth: Login) -> Sensitive:
        if self._turned_down is not None:
            raise type(self._turned_down)(self._turned_down.message, hint=self._turned_down.hint)
        try:
            grant = logins.log_in(auth, self._credentials.text, Line(self._send))
        except Transient:
            raise
        except SyncerError as error:
            self._turned_down = error
            raise
        self._due = self._after(grant.life)
        return grant.token

    def _learnt(self, ask: Callable[[Line], Life]) -> float:
        """Give when the token is due after what the server says of it."""
        try:
            return self._after(ask(Line(self._send)))
        except Transient:
            return time.monotonic() + SOON
        except SyncerError:
            return inf

    def _after(self, life: Life) -> float:
        return time.monotonic() + life.seconds * DUE if life.renewable and life.seconds > 0 else inf

    def _send(self, method: str, url: str, body: Json | None) -> Json:
        """Send a call of hvac's, as the one whom the token belongs to where there is one yet."""
        path = url.removeprefix("/v1/")
        mount = _AFTER_MOUNT.sub("", path)
        request = Request(method=method, mount=mount, rest=path[len(mount) + 1 :], thing="vault login", body=body)
        token = None if self._token is None else self._token.reveal().decode()
        answer = self._wire.send(request, token)
        if answer.ok:
            return answer.document
        raise turned_down(answer) if token is None else told(answer)
