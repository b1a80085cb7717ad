"""Fixtures of everything that needs an AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance.aws import Store, aws, moto, proxy, store
from support import House

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["aws", "moto", "proxy", "store"]


@pytest.fixture
def house(store: Store, tmp_path: Path) -> House:
    """A project whose runs go to Secrets Manager."""
    return House(tmp_path, wrap=lambda _memory: store.open())
