"""An AWS on loopback for tests: one server for each worker, and the environment in which the SDK goes there."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from conformance.fakes.moto_server import moto_server
from stores import AWS

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = AWS["AWS_REGION"]
_URL = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def moto(pytestconfig: pytest.Config) -> str:
    """The URL of a moto that lives as long as the session, whichever folders ask for it; it is never reset."""
    if _URL not in pytestconfig.stash:
        stack = ExitStack()
        pytestconfig.add_cleanup(stack.close)
        pytestconfig.stash[_URL] = stack.enter_context(moto_server())
    return pytestconfig.stash[_URL]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An environment with made-up credentials, and nothing else that the SDK would find."""
    ...
