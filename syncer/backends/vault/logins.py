"""Logins and renewals by hvac, which knows what each method wants to be sent, over our own wire."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, assert_never
from urllib.parse import quote, unquote

from syncer.backends.vault.auth import AppRoleAuth, JwtAuth, KubernetesAuth, UserpassAuth
from syncer.errors import AccessDenied, BackendError, InvalidConfiguration
from syncer.extras import how_to_install
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from syncer.backends.vault.messages import Json
    from syncer.rest.options import Declared

Login = UserpassAuth | AppRoleAuth | KubernetesAuth | JwtAuth


class Life(NamedTuple):
    """How long a token lives."""

    seconds: float
    """From now; 0 for one that does not end."""
    renewable: bool


class Grant(NamedTuple):
    """What a login gives."""

    token: Sensitive
    life: Life


class Line:
    """Stands where hvac has `requests`: one pool, one proxy rule, one table of errors, one count of calls.

    Its adapters can be exchanged (hvac.adapters.Adapter); this one has what logins and renewals use. What else hvac
    passes on, it leaves empty there.
    """

    def __init__(self, send: Callable[[str, str, Json | None], Json]) -> None:
        self._send = send

    def get(self, *, url: str, **_empty: object) -> Json:
        """Send what hvac made, and give the JSON of the answer."""
        return self._send("GET", unquote(url), None)

    def post(self, *, url: str, json: Json, **_empty: object) -> Json:
        """Send what hvac made, and give the JSON of the answer."""
        return self._send("POST", unquote(url), json)

    def login(self, *, url: str, json: Json, **_use_token: object) -> Json:
        """Send what hvac made; whoever asked keeps the token."""
        return self.post(url=url, json=json)


def log_in(auth: Login, text: Callable[[str, str | Declared], str], line: Line) -> Grant:
    """Log in; `text` gives the credential of a name. Raise what it and the line raise, AccessDenied, BackendError."""
    hvac = _methods()
    match auth:
        case UserpassAuth():
            user = quote(text("username", auth.username))  # the one thing that hvac does not quote
            answer = hvac.Userpass(line).login(user, text("password", auth.password), mount_point=auth.mount)
        case AppRoleAuth():
            secret_id = None if auth.secret_id is None else text("secret_id", auth.secret_id)
            answer = hvac.AppRole(line).login(text("role_id", auth.role_id), secret_id, mount_point=auth.mount)
        case KubernetesAuth():
            role, jwt = text("role", auth.role), text("jwt", auth.jwt)
            answer = hvac.Kubernetes(line).login(role, jwt, mount_point=auth.mount)
        case JwtAuth():
            role = "" if auth.role is None else text("role", auth.role)
            answer = hvac.JWT(line).jwt_login(role, text("jwt", auth.jwt), path=auth.mount)
        case _:
            assert_never(auth)
    return Grant(_token(answer), _life(answer))


def renew(line: Line) -> Life:
    """Make the token that the line sends live longer."""
    return _life(_methods().Token(line).renew_self())


def look_up(line: Line) -> Life:
    """Ask how long the token that the line sends lives."""
    answer = _methods().Token(line).lookup_self()
    with suppress(KeyError, TypeError, ValueError):
        return Life(float(answer["data"]["ttl"]), bool(answer["data"]["renewable"]))
    raise _odd()


def _token(answer: Json) -> Sensitive:
    with suppress(KeyError, TypeError, AttributeError):
        token = Sensitive(answer["auth"]["client_token"].encode())
        if token.empty:
            message = "vault wants a second factor at this login"
            raise AccessDenied(message, hint="let a machine log in by a method without one, such as approle")
        return token
    raise _odd()


def _life(answer: Json) -> Life:
    with suppress(KeyError, TypeError, ValueError):
        return Life(float(answer["auth"]["lease_duration"]), bool(answer["auth"]["renewable"]))
    raise _odd()


def _odd() -> BackendError:
    return BackendError("vault answered a login with something else than a token")


def _methods() -> ModuleType:
    """Give what hvac knows of logins."""
    try:
        from hvac.api import auth_methods  # noqa: PLC0415  # 0.1 s that a plan with a token at hand need not pay
    except ModuleNotFoundError as error:
        message = f"logging in to vault needs the package `{error.name}`"
        raise InvalidConfiguration(message, hint=how_to_install("vault")) from None
    found: ModuleType = auth_methods  # Any to the type checker
    return found
