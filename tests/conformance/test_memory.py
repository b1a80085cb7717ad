"""The in-memory backend of the tests passes the suite, with everything and with nothing that is optional."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

import pytest
from conformance.memory import MemoryBackend

from syncer.backends.base import Capability
from syncer.errors import InvalidConfiguration
from syncer.model import Observed
from syncer.testing import BackendConformance
from syncer.testing.base import context

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncer.backends.base import Backend
    from syncer.model import Address
    from syncer.sensitive import Sensitive


class TestMemory(BackendConformance):
    """With every capability."""

    type_name = "memory"
    without: ClassVar[list[str]] = []
    removes: ClassVar[bool] = False

    def open_backend(self, folder: Path, project: str) -> Backend:
        """Open it on the dictionary of this folder."""
        options = {"without": self.without, "removes": self.removes}
        return MemoryBackend.open(options, context(folder, project))

    def plant(self, backend: Backend, address: Address, value: Sensitive, owner: str | None) -> None:
        """Put an entry into the dictionary."""
        described = "" if Capability.DESCRIPTION in backend.capabilities else None
        entry = Observed(address=address, version="", tags={}, enabled=True, description=described, owner=owner)
        backend.store.put(entry, value)

    def stored(self, backend: Backend, address: Address) -> Sensitive:
        """Look into the dictionary."""
        return backend.store.values[address]

    @contextmanager
    def busy(self, backend: Backend) -> Iterator[None]:
        """Throttle every call."""
        backend.store.busy = True
        yield
        backend.store.busy = False


class TestMemoryHardDelete(TestMemory):
    """With deletions that are final, and text only."""

    without = ["soft-delete", "binary", "move"]  # noqa: RUF012  # a constant of the class


class TestMemoryRemoves(TestMemory):
    """With no way to disable a secret but to take it out."""

    without = ["soft-delete", "read", "version-in-list"]  # noqa: RUF012  # a constant of the class
    removes = True


class TestMemoryBare(TestMemory):
    """With create, rotate and observe, and nothing else."""

    without = [c.value for c in MemoryBackend.capabilities]  # noqa: RUF012  # a constant of the class


def test_soft_delete_needs_delete(tmp_path: Path) -> None:
    """A store that cannot delete cannot delete softly."""
    with pytest.raises(InvalidConfiguration):
        MemoryBackend.open({"without": ["delete"]}, context(tmp_path, "p"))
