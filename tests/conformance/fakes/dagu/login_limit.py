"""The brake on guessing passwords: five failures of one address within a quarter of an hour."""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.fakes.clock import SECOND
from conformance.fakes.dagu.replies import JSON, Refused, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

FAILURES = 5
WINDOW = 900
LOOPBACK = "127.0.0.1"


@dataclass(slots=True)
class LoginLimit:
    """Counts failures by address; logins from this machine, where no proxy says whose they are, are free."""

    failures: dict[str, list[int]] = field(default_factory=dict)

    def check(self, headers: Mapping[str, str], now: int) -> None:
        """Refuse an address that has failed too often, be its password right this time."""
        recent = [time for time in self.failures.get(source(headers), ()) if time > now - WINDOW * SECOND]
        if len(recent) < FAILURES:
            return
        seconds = max(math.ceil((recent[0] - now) / SECOND + WINDOW), 1)
        message = "Too many login attempts. Please try again later."
        body = {"code": "rate_limited", "message": message}
        raise Refused(Reply(status=429, body=body, headers=(JSON, ("Retry-After", str(seconds)))))

    def failed(self, headers: Mapping[str, str], now: int) -> None:
        """Count a failure."""
        address = source(headers)
        if not _is_loopback(address):
            self.failures.setdefault(address, []).append(now)


def source(headers: Mapping[str, str]) -> str:
    """Give the address that a proxy on this machine names; all clients of the fake come through loopback."""
    for name in ("true-client-ip", "x-real-ip"):
        if headers.get(name):
            return headers[name].strip()
    return headers.get("x-forwarded-for", "").rpartition(",")[2].strip() or LOOPBACK


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
