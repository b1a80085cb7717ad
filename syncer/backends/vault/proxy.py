"""The way through a proxy, where the environment names one."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from syncer.errors import InvalidConfiguration
from syncer.rest.options import is_here

if TYPE_CHECKING:
    from urllib.parse import SplitResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxies:
    """URLs as the environment gives them. They may hold a password: never shown."""

    always: str | None = field(default=None, repr=False)
    """For whatever address; from the variable of Vault's own."""
    https: str | None = field(default=None, repr=False)
    http: str | None = field(default=None, repr=False)
    never: str = ""
    """Hosts that are reached without one, as NO_PROXY lists them."""

    def between(self, server: SplitResult) -> SplitResult | None:
        """Give the proxy before a server; None for none. Raise InvalidConfiguration.

        As the commands do it, this machine itself is reached without, unless the proxy is for `always`.
        """
        url = self.always or self._for(server)
        return _parsed(url) if url else None

    def _for(self, server: SplitResult) -> str | None:
        host = server.hostname or ""
        if is_here(host) or any(_fits(rule.strip().lower(), host, server.port) for rule in self.never.split(",")):
            return None
        return self.https if server.scheme == "https" else self.http


def _parsed(url: str) -> SplitResult:
    with suppress(ValueError):
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme == "http" and parts.hostname and parts.port != 0:
            return parts
    message = "the proxy that the environment names is no http URL"
    raise InvalidConfiguration(message, hint="see HTTPS_PROXY, HTTP_PROXY and VAULT_PROXY_ADDR")


def _fits(rule: str, host: str, port: int | None) -> bool:
    """Whether a part of NO_PROXY means a host: `*`, a domain, an address or a network, perhaps with a port."""
    with suppress(ValueError):
        return ipaddress.ip_address(host) in ipaddress.ip_network(rule)
    domain, colon, only = rule.removeprefix("*").removeprefix(".").partition(":")
    if colon and only != str(port):
        return False
    return rule == "*" or (bool(domain) and f".{host}".endswith(f".{domain}"))
