"""What a backend's author tests with: the conformance suite and fault injection. Needs pytest.

class TestAcme(BackendConformance):
    type_name = "acme"

    def open_backend(self, folder, project): ...
    def plant(self, backend, address, value, owner): ...
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("syncer.testing.suite", "syncer.testing.capabilities")

from syncer.testing.faults import Fault, Faulty  # noqa: E402  # the suite's asserts are rewritten before its import
from syncer.testing.suite import BackendConformance  # noqa: E402

__all__ = ["BackendConformance", "Fault", "Faulty"]
