"""What the commands of OpenBao and Vault take from their environment: where to go, and as whom."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit
from urllib.request import proxy_bypass_environment

from syncer.backends.vault.options import check_address
from syncer.backends.vault.tls import Tls
from syncer.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.backends.vault.options import VaultOptions

_YES = frozenset({"1", "t", "true"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where the server is and how to get there: the options, and for what they leave out the environment."""

    address: str
    """Without a slash at its end."""
    namespace: str | None
    tls: Tls
    proxy: SplitResult | None
    """It may hold a password: never shown."""

    @classmethod
    def find(cls, options: VaultOptions, environ: Mapping[str, str], folder: Path) -> Server:
        """Put them together. Raise InvalidConfiguration."""
        address = (options.address or _address(environ)).rstrip("/")
        namespace = options.namespace if options.namespace is not None else variable(environ, "NAMESPACE")
        return cls(
            address=address,
            namespace=(namespace or "").strip("/") or None,
            tls=_tls(options, environ, folder),
            proxy=_proxy(environ, urlsplit(address)),
        )


def variable(environ: Mapping[str, str], name: str) -> str | None:
    """Give `BAO_<name>` where it is set, be it to nothing, else `VAULT_<name>`; None for nothing."""
    return environ.get(f"BAO_{name}", environ.get(f"VAULT_{name}")) or None


def token(environ: Mapping[str, str]) -> str | None:
    """Give the token of the environment, else that of the file in which `login` leaves it; None without any."""
    found = variable(environ, "TOKEN")
    if found is not None:
        return found
    path = variable(environ, "TOKEN_PATH") or _at_home(environ)
    if path is None:
        return None
    with suppress(FileNotFoundError, NotADirectoryError):
        try:
            return Path(path).read_text(encoding="utf-8").strip() or None
        except (PermissionError, IsADirectoryError, UnicodeDecodeError):
            pass
        message = f"the token file {path} cannot be read"
        raise InvalidConfiguration(message)
    return None


def _at_home(environ: Mapping[str, str]) -> str | None:
    home = environ.get("HOME")
    return f"{home}/.vault-token" if home else None


def _address(environ: Mapping[str, str]) -> str:
    found = variable(environ, "ADDR")
    if found is None:
        message = "option `address` is missing, and neither VAULT_ADDR nor BAO_ADDR is set"
        raise InvalidConfiguration(message, hint="for instance https://vault.example.com:8200")
    check_address("VAULT_ADDR (or BAO_ADDR)", found)
    return found


def _tls(options: VaultOptions, environ: Mapping[str, str], folder: Path) -> Tls:
    def place(option: str | None, name: str) -> Path | None:
        given = folder / option if option else variable(environ, name)
        return Path(given) if given else None

    return Tls(
        ca_cert=place(options.ca_cert, "CACERT"),
        ca_folder=None if options.ca_cert else place(None, "CAPATH"),
        client_cert=place(options.client_cert, "CLIENT_CERT"),
        client_key=place(options.client_key, "CLIENT_KEY"),
        server_name=options.tls_server_name or variable(environ, "TLS_SERVER_NAME"),
        verify=(variable(environ, "SKIP_VERIFY") or "").lower() not in _YES,
    )


def _proxy(environ: Mapping[str, str], address: SplitResult) -> SplitResult | None:
    """Give the proxy to go through: never to this machine itself, as the commands do it."""
    host = address.hostname or ""
    own = variable(environ, "PROXY_ADDR") or variable(environ, "HTTP_PROXY")
    url = own or _either(environ, f"{address.scheme}_proxy")
    if not url or (own is None and (_loopback(host) or _bypassed(environ, address.netloc))):
        return None
    return _parsed(url)


def _parsed(url: str) -> SplitResult:
    with suppress(ValueError):
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme == "http" and parts.hostname and (parts.port or 1) > 0:
            return parts
    # It is not shown: it may hold a password.
    message = "the proxy that the environment names is no http URL"
    raise InvalidConfiguration(message, hint="see HTTPS_PROXY, HTTP_PROXY and VAULT_PROXY_ADDR")


def _bypassed(environ: Mapping[str, str], netloc: str) -> bool:
    return bool(proxy_bypass_environment(netloc, {"no": _either(environ, "no_proxy") or ""}))


def _either(environ: Mapping[str, str], name: str) -> str | None:
    return environ.get(name) or environ.get(name.upper())


def _loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
