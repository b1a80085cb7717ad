"""Fixtures of everything that needs a Vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance.fakes.fault_proxy import FaultProxy, fault_proxy
from conformance.fakes.loopback import running
from conformance.fakes.vault.server import HttpServer
from conformance.fakes.vault.vault import Vault
from vault_bench import Bench, Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Line = tuple[HttpServer, FaultProxy]


@pytest.fixture(scope="session")
def line() -> Iterator[Line]:
    """A socket and a proxy before it, for all tests: to open them takes longer than most tests do."""
    http = HttpServer(Vault())
    with running(http) as url, fault_proxy(url) as proxy:
        yield http, proxy


@pytest.fixture
def flavour() -> str:
    """The product; a test that is about another one, or both, says so by `parametrize`."""
    return "vault"


@pytest.fixture
def bench(tmp_path: Path, flavour: str, line: Line) -> Iterator[Bench]:
    """A server in which nothing is."""
    http, proxy = line
    proxy.clear()
    made = Bench(tmp_path, Served(flavour, http), proxy)
    with made.stack:
        yield made
