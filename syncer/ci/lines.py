"""What goes wrong between us and a platform, told in our words: never a text of its own, which may quote a request."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.errors import InvalidConfiguration, SyncerError, Throttled, Transient

if TYPE_CHECKING:
    from collections.abc import Iterator

MINUTE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked of a platform, for errors."""

    thing: str
    """`the comment on pull request 7`."""
    right: str
    """What one needs for it, in the platform's own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Whom we asked."""

    name: str
    """`github`."""
    url: str
    """Where its API begins."""
    token: str
    """The variable that held the token."""


# The first class that is found in the chain of an error's causes.
_LINES: tuple[tuple[type[BaseException], str], ...] = (
    (ConnectionRefusedError, "connection refused"),
    (TimeoutError, "timed out"),
    (socket.gaierror, "unknown host"),
    (ConnectionError, "connection lost"),
    (ssl.SSLError, "TLS broke off"),
)


def no_answer(error: OSError, asked: Asked, site: Site) -> SyncerError:
    """Turn what came instead of an answer into ours; every error of `requests` is an OSError."""
    causes = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = cause.verify_message.rstrip(".")
            message = f"{asked.thing}: the certificate of {site.name} at {site.url} is not trusted: {why}"
            return InvalidConfiguration(message, hint="its authority's certificate goes into REQUESTS_CA_BUNDLE")
    known = (reason for kind, reason in _LINES if any(isinstance(cause, kind) for cause in causes))
    reason = next(known, "timed out" if "timeout" in type(error).__name__.lower() else "the answer was cut off")
    return Transient(f"{asked.thing}: no answer from {site.name} at {site.url} ({reason})")


def _causes(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__ or one.__context__


def throttled(asked: Asked, site: Site, status: int, seconds: float) -> Throttled:
    """Tell of a limit that lets us through again after so many seconds."""
    message = f"{asked.thing}: {site.name} at {site.url} asks for fewer calls ({status}), for {seconds:.0f} s"
    return Throttled(message, hint="run it again later", retry_after=seconds)


def no_platform(asked: Asked, site: Site) -> InvalidConfiguration:
    """Tell of a server that does not answer as the platform does."""
    message = f"{asked.thing}: what answers at {site.url} is no {site.name}"
    return InvalidConfiguration(message, hint="check its address: http or https? a proxy may want a login of its own")
