"""Who is let in: those who show the token, or, where there is none, those who ask for this host by its own name."""

from __future__ import annotations

import hmac
import ipaddress
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.datastructures import Headers

    from syncer.sensitive import Sensitive

HEADER = "dapr-api-token"

_HOST = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9.-]+))(?::[0-9]{0,5})?")
"""RFC 9110, section 7.2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Says who may ask for secrets."""

    token: Sensitive | None = None
    here: bool = True
    """Whether we listen on loopback only."""

    def refusal(self, headers: Headers) -> HTTPStatus | None:
        """Say with what status a request with these headers is refused; None where it is let in."""
        if self.token is not None:
            # In a time that tells nothing of the token.
            shown = hmac.compare_digest(headers.get(HEADER, "").encode("latin-1"), self.token.reveal())
            return None if shown else HTTPStatus.UNAUTHORIZED
        # A page in a browser can have its own name lead to 127.0.0.1, and then read what is answered there.
        ours = not self.here or is_loopback(_host(headers.get("host", "")))
        return None if ours else HTTPStatus.MISDIRECTED_REQUEST


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is that of this host for itself."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _host(header: str) -> str:
    """Take the port off; what is more than a host and a port is no host of ours."""
    found = _HOST.fullmatch(header)
    return (found["six"] or found["name"]).lower() if found else ""
