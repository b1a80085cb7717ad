"""Faulty hands calls on, and fails exactly where it is told to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance.memory import MemoryBackend

from syncer.backends.base import Capability
from syncer.errors import NotFound, Throttled, Transient, Unsupported
from syncer.model import Address
from syncer.sensitive import Sensitive
from syncer.testing import Fault, Faulty
from syncer.testing.base import context, declared, same

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = Address("s", "one"), Address("s", "two")
LOST = Transient("connection reset")


@pytest.fixture
def inner(tmp_path: Path) -> MemoryBackend:
    """A backend that does not fail by itself."""
    return MemoryBackend.open({}, context(tmp_path, "shop"))


def test_without_faults_it_is_the_backend_inside(inner: MemoryBackend) -> None:
    """Every method reaches the backend inside, and is noted."""
    faulty = Faulty(inner)
    made = faulty.create(declared(ONE), Sensitive(b"v1"))
    turned = faulty.rotate(declared(ONE), Sensitive(b"v2"), made)
    assert same(faulty.read(ONE), Sensitive(b"v2"))
    updated = faulty.update(declared(ONE, tags={"a": "b"}), turned, ())
    off = faulty.set_enabled(updated, enabled=False)
    faulty.delete(off)
    restored = faulty.restore(off)
    moved = faulty.move(declared(TWO), restored)
    assert list(faulty.observe(["s"], [])) == [moved]
    faulty.check(declared(ONE))
    faulty.close()
    names = ["create", "rotate", "read", "update", "set_enabled", "delete", "restore", "move", "observe"]
    assert [name for name, _ in faulty.calls] == names
    assert [name for name, _ in faulty.writes] == [n for n in names if n not in {"read", "observe"}]
    assert (faulty.capabilities, faulty.concurrency, faulty.type_name) == (inner.capabilities, 8, "memory")
    assert faulty.meter.total == inner.meter.total


def test_what_cannot_be_held_is_asked_inside(tmp_path: Path) -> None:
    """Checks while planning are those of the backend inside."""
    text_only = MemoryBackend.open({"without": [Capability.BINARY.value]}, context(tmp_path, "shop"))
    with pytest.raises(Unsupported):
        Faulty(text_only).check_value(declared(ONE), Sensitive(b"\xff"))


def test_fault_before_the_call(inner: MemoryBackend) -> None:
    """The write does not happen."""
    faulty = Faulty(inner, [Fault(error=Throttled("slow down"), method="create")])
    with pytest.raises(Throttled):
        faulty.create(declared(ONE), Sensitive(b"v"))
    assert list(inner.observe(["s"], [])) == []


def test_fault_after_the_call(inner: MemoryBackend) -> None:
    """The write happens and its answer is lost."""
    faulty = Faulty(inner, [Fault(error=LOST, method="create", after=True)])
    with pytest.raises(Transient):
        faulty.create(declared(ONE), Sensitive(b"v"))
    assert [entry.address for entry in inner.observe(["s"], [])] == [ONE]


def test_fault_by_number(inner: MemoryBackend) -> None:
    """Only the counted calls fail."""
    faulty = Faulty(inner, [Fault(error=LOST, method="observe", call=2, times=2)])
    came = []
    for _ in range(4):
        try:
            came.append(list(faulty.observe(["s"], [])))
        except Transient:
            came.append("failed")
    assert came == [[], "failed", "failed", []]


def test_fault_by_address(inner: MemoryBackend) -> None:
    """Only the named address fails, and other methods do not count."""
    faulty = Faulty(inner, [Fault(error=LOST, address=TWO)])
    faulty.observe(["s"], [])
    faulty.create(declared(ONE), Sensitive(b"v"))
    with pytest.raises(Transient):
        faulty.create(declared(TWO), Sensitive(b"v"))


def test_first_of_two_faults(inner: MemoryBackend) -> None:
    """Where two faults are due, the first in the list is raised; the crash of a process can be one."""
    faulty = Faulty(inner, [Fault(error=NotFound("gone")), Fault(error=KeyboardInterrupt(), times=2)])
    with pytest.raises(NotFound):
        faulty.observe(["s"], [])
    with pytest.raises(KeyboardInterrupt):
        faulty.observe(["s"], [])
