"""Credentials: what a server takes for one in each of its modes, and whose it is."""

from __future__ import annotations

import base64
import binascii
import random
import string
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.fakes.clock import SECOND
from conformance.fakes.dagu.replies import Refused, Reply, empty, text
from conformance.fakes.dagu.roles import ANYBODY, Identity, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

MODES = ("builtin", "basic", "none")
USER = "admin"
PASSWORD = "admin-pass-1"
ADMIN_KEY = "dagu_" + "a" * 44
"""The spelling of the key that a server of ours has from the start; it may everything."""
REST = "rest_api"
COMMUNITY_KEYS = 2
SESSION = 24 * 3600
SYMBOLS = string.ascii_letters + string.digits
WRONG_SURFACE = text(403, "API key is not allowed for this surface")


@dataclass(slots=True, kw_only=True)
class ApiKey:
    """A key, and who it makes of its bearer."""

    spelling: str = field(repr=False)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    name: str
    description: str = ""
    role: Role
    grants: Mapping[str, Role] | None = None
    surfaces: list[str] = field(default_factory=lambda: [REST])
    attribution: str = "service_account"
    account: str = ""
    creator: str = ""
    created: int
    updated: int
    used: int | None = None

    @property
    def identity(self) -> Identity:
        """Who its bearer is."""
        return Identity(id=f"api_key:{self.id}", name=self.account or self.name, role=self.role, grants=self.grants)


@dataclass(slots=True, kw_only=True)
class Accounts:
    """Keys, users and sessions; in the modes other than `builtin` the keys mean nothing."""

    mode: str
    keys: dict[str, ApiKey] = field(default_factory=dict)
    """By spelling."""
    users: dict[str, str] = field(default_factory=lambda: {USER: PASSWORD})
    """Passwords; in mode `basic` of the one user, in mode `builtin` of administrators."""
    sessions: dict[str, tuple[Identity, int]] = field(default_factory=dict)
    """Those who logged in, by token, and until when."""
    key_limit: int | None = COMMUNITY_KEYS
    """How many keys the API makes; a licence would lift it."""

    def identify(self, headers: Mapping[str, str], now: int) -> Identity:
        """Tell who sends a request; must be refused without a body where the credential is none of this mode's."""
        given = headers.get("authorization", "").strip()
        if self.mode == "none":
            return ANYBODY
        found = self._basic(given) if self.mode == "basic" else self._bearer(given, now)
        if found is None:
            raise Refused(self._challenge())
        return found

    def authenticate(self, name: str, password: str) -> Identity | None:
        """Tell who a user is who knows the password."""
        known = self.users.get(name)
        return (
            Identity(id=str(uuid.uuid5(uuid.NAMESPACE_OID, name)), name=name)
            if known is not None and known == password
            else None
        )

    def open_session(self, identity: Identity, now: int) -> tuple[str, int]:
        """Give a token, and when it ends."""
        token = f"eyJ{spelled(24)}.eyJ{spelled(40)}.{spelled(43)}"
        ends = now + SESSION * SECOND
        self.sessions[token] = identity, ends
        return token, ends

    def add(self, key: ApiKey) -> ApiKey:
        """Let a key be known."""
        self.keys[key.spelling] = key
        return key

    def key(self, identifier: str) -> ApiKey | None:
        """Give the key with an id."""
        return next((key for key in self.keys.values() if key.id == identifier), None)

    def _bearer(self, given: str, now: int) -> Identity | None:
        token = given.removeprefix("Bearer ") if given.startswith("Bearer ") else ""
        identity, ends = self.sessions.get(token, (None, 0))
        if identity and now < ends:
            return identity
        key = self.keys.get(token)
        if key is None:
            return None
        if REST not in key.surfaces:
            raise Refused(WRONG_SURFACE)
        key.used = now
        return key.identity

    def _basic(self, given: str) -> Identity | None:
        scheme, _, code = given.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, colon, password = base64.b64decode(code, validate=True).decode("utf-8", "replace").partition(":")
        except binascii.Error:
            return None
        return self.authenticate(name, password) if colon else None

    def _challenge(self) -> Reply:
        scheme = "Basic" if self.mode == "basic" else "Bearer"
        return empty(401, ("Www-Authenticate", f'{scheme} realm="restricted"'))


def spelled(length: int) -> str:
    """Give random letters and digits."""
    return "".join(random.choices(SYMBOLS, k=length))  # noqa: S311  # it guards nothing
