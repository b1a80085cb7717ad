"""Who we are to the server: logs in when first asked, keeps the token alive, and logs in again where it was lost."""

from __future__ import annotations

import threading
import time
from math import inf
from typing import TYPE_CHECKING

from syncer.backends.vault import environment
from syncer.backends.vault.auth import TokenAuth, plain, text_of
from syncer.backends.vault.errors import told, turned_away
from syncer.backends.vault.wire import Request, parsed
from syncer.errors import AccessDenied, InvalidConfiguration, SyncerError, Transient
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from syncer.backends.base import BackendContext
    from syncer.backends.vault.auth import Auth
    from syncer.backends.vault.logins import Line
    from syncer.backends.vault.wire import Json, Wire

DUE = 2 / 3
"""The part of a token's life after which it is renewed."""
SOON = 10.0
"""Seconds until a renewal that got no answer is tried again."""


class Session:
    """The token of one backend; safe to share between threads, of which one logs in for all."""

    def __init__(
        self, auth: Auth, context: BackendContext, wire: Wire, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._auth = auth
        self._context = context
        self._wire = wire
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Sensitive | None = None
        self._renewal: float | None = None
        """When it is due; None where that is not known yet."""

    def token(self) -> Sensitive:
        """Give the token, logging in if there is none yet. Raise AccessDenied, InvalidConfiguration, Transient."""
        with self._lock:
            return self._held()

    def replaced(self, refused: Sensitive) -> bool:
        """Whether there is another token than one that the server does not know: logs in again to have one."""
        with self._lock:
            if self._token is refused:
                self._token = None
            return self._held().reveal() != refused.reveal()

    def freshen(self) -> None:
        """Renew the token if that is due; to be called before a write. That it cannot be renewed is no error."""
        with self._lock:
            line = self._line(self._held())
            if self._renewal is None:
                self._renewal = self._quietly(lambda: self._due(*_logins().look_up(line)))
            elif self._clock() >= self._renewal:
                self._renewal = self._quietly(lambda: self._due(*_logins().renew(line)[1:]))

    def _held(self) -> Sensitive:
        if self._token is None:
            self._token = self._at_hand() if isinstance(self._auth, TokenAuth) else self._logged_in(self._auth)
        return self._token

    def _at_hand(self) -> Sensitive:
        self._renewal = None
        given = self._auth.token if isinstance(self._auth, TokenAuth) else None
        found = environment.token(self._context.environ) if given is None else text_of(self._context.credential, "token", given)
        if found is None:
            message = f"there is no token for vault at {self._wire.home}"
            raise AccessDenied(message, hint="set VAULT_TOKEN, run `vault login`, or name a way to log in under `auth`")
        return Sensitive(plain(Sensitive(found.encode()), "the token").encode())

    def _logged_in(self, auth: Login) -> Sensitive:
        ask = self._context.credential
        grant = _logins().log_in(auth, lambda name, given: text_of(ask, name, given), self._line(None))
        self._renewal = self._due(grant.seconds, grant.renewable)
        return grant.token
