"""What the commands of OpenBao and Vault take from their environment: where to go, and as whom."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syncer.backends.vault.proxy import Proxies
from syncer.errors import InvalidConfiguration
from syncer.rest.options import check_url
from syncer.rest.tls import Tls

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
    proxies: Proxies

    @property
    def place(self) -> str:
        """The address and the namespace: what tells its mounts from those of others."""
        return "/".join(filter(None, [self.address, (self.namespace or "").strip("/")]))

    @classmethod
    def find(cls, options: VaultOptions, environ: Mapping[str, str], folder: Path) -> Server:
        """Put them together. Raise InvalidConfiguration."""
        return cls(
            address=(options.address or _address(environ)).rstrip("/"),
            namespace=_namespace(options, environ),
            tls=_tls(options, environ, folder),
            proxies=_proxies(environ),
        )


def variable(environ: Mapping[str, str], name: str) -> str | None:
    """Give `BAO_<name>` where it is set, be it to nothing, else `VAULT_<name>`; None for nothing."""
    return environ.get(f"BAO_{name}", environ.get(f"VAULT_{name}")) or None


def token(environ: Mapping[str, str]) -> str | None:
    """Give the token of the environment, else that of the file in which `login` leaves it; None without any."""
    found = variable(environ, "TOKEN")
    home = environ.get("HOME")
    path = variable(environ, "TOKEN_PATH") or (f"{home}/.vault-token" if home else None)
    return found if found or path is None else _read(Path(path))


def _read(path: Path) -> str | None:
    with suppress(FileNotFoundError, NotADirectoryError):
        with suppress(PermissionError, IsADirectoryError, UnicodeDecodeError):
            return path.read_text(encoding="utf-8").strip() or None
        message = f"the token file {path} cannot be read"
        raise InvalidConfiguration(message)
    return None


def _address(environ: Mapping[str, str]) -> str:
    found = variable(environ, "ADDR")
    if found is None:
        message = "option `address` is missing, and neither VAULT_ADDR nor BAO_ADDR is set"
        raise InvalidConfiguration(message, hint="for instance https://vault.example.com:8200")
    check_url("VAULT_ADDR (or BAO_ADDR)", found)
    return found


def _namespace(options: VaultOptions, environ: Mapping[str, str]) -> str | None:
    """Give what goes into the header; None for the root."""
    given = options.namespace if options.namespace is not None else variable(environ, "NAMESPACE")
    found = (given or "").strip("/")
    if not (found.isascii() and found.isprintable()) or " " in found:
        message = "option `namespace`, or VAULT_NAMESPACE: it must be ASCII without spaces"
        raise InvalidConfiguration(message)
    return found or None


def _tls(options: VaultOptions, environ: Mapping[str, str], folder: Path) -> Tls:
    def place(option: str | None, name: str, *, chosen: str | None = None) -> Path | None:
        """Give the option, or the variable unless the option that it belongs to was chosen."""
        given = None if chosen else variable(environ, name)
        return folder / option if option else Path(given) if given else None

    return Tls(
        ca_cert=place(options.ca_cert, "CACERT"),
        ca_folder=place(None, "CAPATH", chosen=options.ca_cert),
        client_cert=place(options.client_cert, "CLIENT_CERT"),
        client_key=place(options.client_key, "CLIENT_KEY", chosen=options.client_cert),
        server_name=options.tls_server_name or variable(environ, "TLS_SERVER_NAME"),
        verify=(variable(environ, "SKIP_VERIFY") or "").lower() not in _YES,
        trust="`ca_cert`, or VAULT_CACERT or VAULT_CAPATH",
        show="`client_cert` and `client_key`, or VAULT_CLIENT_CERT and VAULT_CLIENT_KEY",
    )


def _proxies(environ: Mapping[str, str]) -> Proxies:
    def either(name: str) -> str | None:
        return environ.get(name) or environ.get(name.upper()) or None

    return Proxies(
        always=variable(environ, "PROXY_ADDR") or variable(environ, "HTTP_PROXY"),
        https=either("https_proxy"),
        http=either("http_proxy"),
        never=either("no_proxy") or "",
    )
