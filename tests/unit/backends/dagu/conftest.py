"""Fixtures of everything that needs a Dagu."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance.fakes.dagu.dagu import Dagu
from conformance.fakes.dagu.server import HttpServer
from conformance.fakes.fault_proxy import FaultProxy, fault_proxy
from conformance.fakes.loopback import running
from dagu_bench import Bench, Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Line = tuple[HttpServer, FaultProxy]


@pytest.fixture(scope="session")
def line() -> Iterator[Line]:
    """A socket and a proxy before it, for all tests: to open them takes longer than most tests do."""
    http = HttpServer(Dagu())
    with running(http) as url, fault_proxy(url) as proxy:
        yield http, proxy


@pytest.fixture
def bench(tmp_path: Path, line: Line) -> Iterator[Bench]:
    """A server in which nothing is but a workspace and a profile."""
    http, proxy = line
    proxy.clear()
    made = Bench(tmp_path, Served(http), proxy)
    made.fake.workspace("payments")
    made.raw.ask("POST /profiles", {"name": "blue"})
    with made.stack:
        yield made
