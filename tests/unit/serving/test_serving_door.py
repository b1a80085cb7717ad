"""Who is let in: by the name that a request has for us."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from syncer.serving.door import Door, is_loopback


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:10.0.0.1", False),
        ("10.0.0.1", False),
        ("example.com", False),
        ("", False),
    ],
)
def test_loopback(host: str, here: bool) -> None:  # noqa: FBT001
    """An address of version 4 that is written as one of version 6 is the same address."""
    assert is_loopback(host) is here


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1/evil",
        "[::1]evil.com",
        "evil@127.0.0.1",
        "localhost:80:80",
        "localhost:x",
        "[::1",
        "::1",
        "local host",
    ],
)
def test_what_is_more_than_a_host_and_a_port(host: str) -> None:
    """It is no name of ours, whatever it begins or ends with."""
    assert Door(token=None, here=True).refusal(Headers({"host": host})) is not None
