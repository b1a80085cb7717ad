"""Why no answer came, as the chain of an error's causes tells it."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# The first class that is found in the chain.
_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (ConnectionRefusedError, "connection refused"),
    (TimeoutError, "timed out"),
    (socket.gaierror, "unknown host"),
    (ConnectionError, "connection lost"),
    (ssl.SSLError, "TLS broke off"),
)


def chain(error: BaseException) -> Iterator[BaseException]:
    """Give an error, and what has caused it, and so on."""
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__ or one.__context__


def in_words(causes: Sequence[BaseException], *, otherwise: str) -> str:
    """Say why in a few words; `otherwise` where no cause of it is known here."""
    found = (words for kind, words in _REASONS if any(isinstance(cause, kind) for cause in causes))
    return next(found, otherwise)
