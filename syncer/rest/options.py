"""Where a server is and as whom to go there: the options that all stores with a REST API share."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from syncer.errors import InvalidConfiguration
from syncer.options import duration

if TYPE_CHECKING:
    from syncer.backends.base import BackendContext

NOBODY = "no credential"
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")

Declared = dict[str, Any]
"""A source as the manifest declares it, such as `{env: DAGU_TOKEN}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestOptions:
    """Options of a server, and of what lets us in there: a token, or a user with a password, or nothing."""

    url: str | Declared = field(repr=False)
    """Such as `https://dagu.example.com`, without the path of the API; or a source of it."""
    token: Declared | None = field(default=None, repr=False)
    """An API token, as a source."""
    username: str | Declared | None = field(default=None, repr=False)
    password: Declared | None = field(default=None, repr=False)
    """For basic authentication, as a source."""
    ca_cert: str | None = None
    """A file of certificates to trust instead of the system's; relative paths start in the manifest's folder."""
    client_cert: str | None = None
    client_key: str | None = None
    timeout: str = "30s"
    """How long the server may take to answer, or to send the next part of its answer."""

    def __post_init__(self) -> None:
        """Raise InvalidConfiguration for what cannot be used, never repeating it."""
        if isinstance(self.url, str):
            check_url("option `url`", self.url)
        if self.token is not None and (self.username is not None or self.password is not None):
            refuse("token", "goes without `username` and `password`: give one or the other")
        if (self.username is None) != (self.password is None):
            refuse("username", "goes with `password`")
        if self.client_key is not None and self.client_cert is None:
            refuse("client_key", "needs `client_cert`")
        try:
            duration(self.timeout)
        except InvalidConfiguration as error:
            refuse("timeout", f"is no duration: {error.message}")

    def at(self, context: BackendContext) -> str:
        """Give the URL without a slash at its end. Raise InvalidConfiguration, SourceError."""
        given = self.url
        url = given if isinstance(given, str) else context.credential("url", given).reveal().decode(errors="replace")
        check_url("option `url`", url)
        return url.rstrip("/")

    @property
    def url_at_run_time(self) -> bool:
        """Whether a source tells the URL."""
        return not isinstance(self.url, str)

    @property
    def seconds(self) -> float:
        """The timeout."""
        return duration(self.timeout).total_seconds()

    @property
    def credential(self) -> str:
        """What we show of ourselves, for errors."""
        if self.token is not None:
            return "the token"
        return NOBODY if self.username is None else "user and password"


def check_url(what: str, url: str) -> None:
    """Raise InvalidConfiguration, naming `what`, for what is no URL of a server."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and _is_host(parts.hostname or "") and parts.port != 0
        plain = "@" not in parts.netloc and url.isascii() and url.isprintable()
    except ValueError:
        fits = plain = False
    # Not what `urlsplit` found: to it an empty query is none, and yet it would swallow the path that we append.
    if not (fits and plain) or any(mark in url for mark in " ?#\\"):
        message = f"{what} must be an http or https URL of a server and nothing more"
        raise InvalidConfiguration(message, hint="for instance https://secrets.example.com:8080")


def _is_host(name: str) -> bool:
    with suppress(ValueError):
        return bool(ip_address(name))
    return all(_LABEL.fullmatch(label) for label in name.removesuffix(".").split("."))


def is_here(host: str) -> bool:
    """Whether a host is this one."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def is_private(url: str) -> bool:
    """Whether nobody on the way can read what goes to a URL: over TLS, or to this very host."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_here(parts.hostname or ""))


def refuse(option: str, rule: str, hint: str | None = None) -> None:
    """Raise InvalidConfiguration: what stands there is not told, for it may be a value."""
    message = f"option `{option}` {rule}"
    raise InvalidConfiguration(message, hint=hint)
