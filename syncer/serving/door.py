"""Who is let in: those who show the token, or, where there is none, those who ask for this host by its own name."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.datastructures import Headers

    from syncer.sensitive import Sensitive

HEADER = "dapr-api-token"


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
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""
