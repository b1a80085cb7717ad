"""Fixtures of everything that speaks with a server over REST."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance.fakes.certificates import Authority
from conformance.fakes.loopback import running
from rest_bench import Bench, Scripted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def served() -> Iterator[Scripted]:
    """A socket for all tests: to open one takes longer than most tests do."""
    server = Scripted()
    with running(server):
        yield server


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine is behind."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def bench(tmp_path: Path, served: Scripted) -> Iterator[Bench]:
    """A server that nobody has spoken with; at the end, nobody may still be connected."""
    served.clear()
    made = Bench(tmp_path, served)
    with made.stack:
        yield made
        served.over.set()
    assert served.deserted()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Somebody whom the system does not trust."""
    return Authority(tmp_path)
