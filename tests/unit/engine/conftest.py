"""A house on memory backends whose every call is noted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from support import House

from syncer.testing import Fault, Faulty

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.backends.base import Backend


@dataclass
class Watched(House):
    """A house whose backends fail where a test says so, and note what was asked of them."""

    faults: list[Fault] = field(default_factory=list)
    opened: list[Faulty] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.wrap = self._watch

    def fail(self, error: BaseException, method: str, **more: object) -> None:
        """Let the next run fail there."""
        self.faults = [Fault(error=error, method=method, **more)]  # type: ignore[arg-type]

    @property
    def writes(self) -> list[str]:
        """Every write that was tried, as `method ref`, in order."""
        return [f"{name} {address.ref}" for each in self.opened for name, address in each.writes if address]

    @property
    def reads(self) -> list[str]:
        """Every value that was read."""
        return [address.ref for each in self.opened for name, address in each.calls if name == "read" and address]

    def forget_calls(self) -> None:
        """Start to note anew, without faults."""
        self.opened.clear()
        self.faults = []

    def _watch(self, backend: Backend) -> Backend:
        self.opened.append(Faulty(backend, self.faults))
        return self.opened[-1]


@pytest.fixture
def house(tmp_path: Path) -> Watched:
    """An empty project."""
    return Watched(tmp_path)
