"""A remote for the state in a branch, and two clones of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from git_samples import Origin

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """An empty remote."""
    return Origin.made(tmp_path / "origin.git")


@pytest.fixture
def here(tmp_path: Path, origin: Origin) -> Path:
    """One clone of it."""
    return origin.clone(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path, origin: Origin) -> Path:
    """Another clone of it."""
    return origin.clone(tmp_path / "there")
