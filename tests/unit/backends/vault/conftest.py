"""Fixtures of everything that needs a Vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance.fakes.fault_proxy import fault_proxy
from conformance.fakes.vault.server import VaultServer
from vault_bench import Bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def flavour() -> str:
    """The product; a test that is about another one, or both, says so by `parametrize`."""
    return "vault"


@pytest.fixture
def bench(tmp_path: Path, flavour: str) -> Iterator[Bench]:
    """A server in which nothing is."""
    with VaultServer(flavour) as server, fault_proxy(server.url) as proxy:
        made = Bench(tmp_path, server, proxy)
        with made.stack:
            yield made
