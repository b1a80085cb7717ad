"""Moto as a server of its own, for one worker's tests or a benchmark."""

from __future__ import annotations

from contextlib import closing, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.fakes.child import child, listen

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENT = {"MOTO_DISABLE_GLOBAL_CORS": "1"}  # browsers' headers, on every answer


@contextmanager
def moto_server() -> Iterator[str]:
    """Give the base URL of a fresh moto; the first call, and the first of each service, wait for its imports."""
    with child("conformance.fakes.moto_server", environment=ENVIRONMENT) as url:
        yield url


def reset(url: str) -> None:
    """Forget everything that a moto holds."""
    with closing(HTTPConnection(urlsplit(url).netloc)) as connection:
        connection.request("POST", "/moto-api/reset")
        assert connection.getresponse().status == HTTPStatus.OK


if __name__ == "__main__":
    listener = listen()
    from conformance.fakes.moto_app import run

    run(listener)
