"""Moto as a server of its own, for one worker's tests or a benchmark."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.fakes.child import child, listen

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENT = {"MOTO_DISABLE_GLOBAL_CORS": "1"}  # browsers' headers, on every answer
SELDOM = 200_000
"""Allocations between two garbage collections; the default of 700 doubles the time that importing takes."""


@contextmanager
def moto_server() -> Iterator[str]:
    """Give the base URL of a fresh moto; the first call waits for its imports, a service's first call for that service's."""
    with child("conformance.fakes.moto_server", environment=ENVIRONMENT) as url:
        yield url


def reset(url: str) -> None:
    """Forget everything that a moto holds."""
    connection = HTTPConnection(urlsplit(url).netloc)
    try:
        connection.request("POST", "/moto-api/reset")
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
    finally:
        connection.close()


if __name__ == "__main__":
    gc.set_threshold(SELDOM)
    listener = listen()
    from conformance.fakes.moto_app import run

    run(listener)
