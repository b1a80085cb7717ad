"""Ways to log in, as the option `auth` declares them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncer.backends.vault import environment
from syncer.backends.vault.options import check_folders
from syncer.errors import InvalidConfiguration
from syncer.options import did_you_mean, parse_options
from syncer.rest.options import Declared
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.backends.base import BackendContext

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount/token"
"""Where Kubernetes puts the token of a pod."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAuth:
    """A token that is at hand."""

    token: Declared | None = None
    """Without it, the token of the environment, or the token file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserpassAuth:
    """A user name and a password."""

    username: str | Declared
    password: Declared
    mount: str = "userpass"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRoleAuth:
    """A role, and a secret ID where the role wants one."""

    role_id: str | Declared
    secret_id: Declared | None = None
    mount: str = "approle"


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesAuth:
    """The service account of the pod that we run in."""

    role: str | Declared
    jwt: Declared = field(default_factory=lambda: Declared(file=SERVICE_ACCOUNT))
    mount: str = "kubernetes"


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtAuth:
    """A token of an identity provider, such as a CI system's."""

    jwt: Declared
    role: str | Declared | None = None
    """Without it, the default role of the mount."""
    mount: str = "jwt"


Auth = TokenAuth | UserpassAuth | AppRoleAuth | KubernetesAuth | JwtAuth

METHODS: Mapping[str, type[Auth]] = {
    "token": TokenAuth,
    "userpass": UserpassAuth,
    "approle": AppRoleAuth,
    "kubernetes": KubernetesAuth,
    "jwt": JwtAuth,
}


def parse_auth(given: Declared | None) -> Auth:
    """Read the option. Raise InvalidConfiguration, which never repeats what stood there."""
    keys = {"method": "token"} if given is None else dict(given)
    method = keys.pop("method", None)
    if not isinstance(method, str) or method not in METHODS:
        meant = did_you_mean(method, METHODS) if isinstance(method, str) else ""
        message = f"option `auth.method` must be one of {', '.join(METHODS)}{meant}"
        raise InvalidConfiguration(message)
    try:
        check_folders("mount", keys.get("mount"))
        return parse_options(METHODS[method], keys)
    except InvalidConfiguration as error:
        hint = "a credential is a source, such as {env: NAME} or {file: PATH}: it never stands in the manifest itself"
        message = f"option `auth`, method {method}: {error.message}"
        raise InvalidConfiguration(message, hint=hint) from None


@dataclass(frozen=True, slots=True)
class Credentials:
    """Asks the sources that `auth` declares."""

    context: BackendContext

    def text(self, name: str, given: str | Declared) -> str:
        """Give what stands there, or what the source yields, less one newline at its end.

        Raise InvalidConfiguration for what is no line of text, SourceError for a source that yields nothing.
        """
        if isinstance(given, str):
            return given
        return _line(self.context.credential(f"auth.{name}", given), f"what the source of option `auth.{name}` yields")

    def token(self, auth: TokenAuth) -> Sensitive | None:
        """Give the token that is at hand; None where there is none. Raise as above."""
        if auth.token is not None:
            return Sensitive(self.text("token", auth.token).encode())
        found = environment.token(self.context.environ)
        if found is None:
            return None
        return Sensitive(_line(Sensitive(found.encode()), "the token of the environment").encode())


def _line(value: Sensitive, what: str) -> str:
    text = value.reveal().decode("ascii", "replace").removesuffix("\n").removesuffix("\r")
    if not text or not text.isprintable() or "\ufffd" in text:
        message = f"{what} is no line of ASCII"
        raise InvalidConfiguration(message)
    return text
