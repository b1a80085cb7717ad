"""Logins and renewals by hvac, which knows what each method wants to be sent, over our own wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, assert_never
from urllib.parse import quote, unquote

from hvac.api import auth_methods as hvac

from syncer.backends.vault.auth import AppRoleAuth, JwtAuth, KubernetesAuth, UserpassAuth
from syncer.errors import AccessDenied
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncer.backends.vault.options import Declared
    from syncer.backends.vault.wire import Json

    Login = UserpassAuth | AppRoleAuth | KubernetesAuth | JwtAuth


class Grant(NamedTuple):
    """A token, and how long it lives."""

    token: Sensitive
    seconds: float
    """From now; 0 for one that does not end."""
    renewable: bool


class Line:
    """Stands where hvac has `requests`: one pool, one proxy rule, one table of errors, one count of calls.

    Its adapters take the place of each other (hvac.adapters); this one has what logins and renewals use.
    """

    def __init__(self, send: Callable[[str, str, Json | None], Json]) -> None:
        self._send = send

    def get(self, *, url: str) -> Json:
        """Send what hvac made, and give the JSON of the answer."""
        return self._send("GET", unquote(url), None)

    def post(self, *, url: str, json: Json) -> Json:
        """Send what hvac made, and give the JSON of the answer."""
        return self._send("POST", unquote(url), json)

    def login(self, *, url: str, json: Json, use_token: bool) -> Json:
        """Send what hvac made; the token is kept elsewhere."""
        del use_token
        return self.post(url=url, json=json)


def log_in(auth: Login, text: Callable[[str, str | Declared], str], line: Line) -> Grant:
    """Log in; `text` gives the credential of a name. Raise AccessDenied, and what asking for credentials raises."""
    match auth:
        case UserpassAuth():
            user = quote(text("username", auth.username))  # hvac quotes all but this
            answer = hvac.Userpass(line).login(user, text("password", auth.password), mount_point=auth.mount)
        case AppRoleAuth():
            secret_id = None if auth.secret_id is None else text("secret_id", auth.secret_id)
            answer = hvac.AppRole(line).login(text("role_id", auth.role_id), secret_id, mount_point=auth.mount)
        case KubernetesAuth():
            role, jwt = text("role", auth.role), text("jwt", auth.jwt)
            answer = hvac.Kubernetes(line).login(role, jwt, mount_point=auth.mount)
        case JwtAuth():
            role = None if auth.role is None else text("role", auth.role)
            answer = hvac.JWT(line).jwt_login(role, text("jwt", auth.jwt), path=auth.mount)
        case _:
            assert_never(auth)
    return _grant(answer)


def renew(line: Line) -> Grant:
    """Make the token of the line live longer."""
    return _grant(hvac.Token(line).renew_self())


def look_up(line: Line) -> tuple[float, bool]:
    """Ask how many seconds the token of the line has left, 0 for no end, and whether it can be renewed."""
    data = hvac.Token(line).lookup_self()["data"]
    return float(data["ttl"]), bool(data["renewable"])


def _grant(answer: Json) -> Grant:
    auth = answer["auth"]
    if not auth["client_token"]:
        message = "vault wants a second factor at this login"
        raise AccessDenied(message, hint="let a machine log in by a method without one, such as approle")
    return Grant(Sensitive(auth["client_token"].encode()), float(auth["lease_duration"]), bool(auth["renewable"]))
