"""Values read back: in batches, only where they can be, and where a version that others share has moved."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import pytest
from support import House, actions, secret

from syncer.backends.base import Capability
from syncer.engine.adopt import accept_drift, find_drift
from syncer.engine.prepare import Request
from syncer.errors import AccessDenied, NotFound
from syncer.model import Address
from syncer.plans import Selection, Values
from syncer.testing import Faulty

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from syncer.backends.base import Backend
    from syncer.plans import Plan
    from syncer.sensitive import Sensitive

VERIFY = Request(verify_values=True)


@dataclass
class Asked:
    """What was read, and whether it may be."""

    batches: list[list[str]] = field(default_factory=list)
    denied: bool = False


class Shared(Faulty):
    """Its version moves with what others keep beside the value; it gives three values a call."""

    batch: ClassVar[int] = 3
    version_is_shared: ClassVar[bool] = True

    def __init__(self, inner: Backend, asked: Asked) -> None:
        super().__init__(inner)
        self.asked = asked

    def read_many(self, addresses: Sequence[Address]) -> Iterable[tuple[Address, Sensitive]]:
        """Note the batch, and read."""
        self.asked.batches.append([address.ref for address in addresses])
        if self.asked.denied:
            message = "denied"
            raise AccessDenied(message)
        return list(super().read_many(addresses))


@pytest.fixture
def asked() -> Asked:
    """Nothing yet."""
    return Asked()


@pytest.fixture
def house(tmp_path: Path, asked: Asked) -> House:
    """Four secrets, applied."""
    house = House(tmp_path, wrap=lambda backend: Shared(backend, asked))
    house.declare(*(secret(f"s:{name}") for name in "abcd"))
    house.apply()
    asked.batches.clear()
    return house


def touch(house: House, name: str, *, value: bytes | None = None) -> None:
    """Let somebody else write there: beside our value, or over it."""
    store, address = house.store(), Address.parse(name)
    house.plant(name, value or store.values[address].reveal(), tags=store.entries[address].tags)


def drift(house: House) -> Plan:
    """Look for drift, without any right asked for."""
    with house.session() as session:
        return find_drift(session, Selection())


def test_values_are_read_in_batches(house: House, asked: Asked) -> None:
    """As many a call as the backend gives."""
    assert house.plan(VERIFY).changes == ()
    assert asked.batches == [["a", "b", "c"], ["d"]]


def test_nothing_is_read_where_versions_stand(house: House, asked: Asked) -> None:
    """A plan and a drift need no right to read."""
    assert (house.plan().changes, drift(house).drift, asked.batches) == ((), (), [])


def test_a_write_beside_the_value_is_no_drift(house: House, asked: Asked) -> None:
    """Only that one is read; the value is the same, so nothing is planned, and the next apply remembers the version."""
    touch(house, "s:b")
    assert house.plan().changes == ()
    assert drift(house).drift == ()
    assert asked.batches == [["b"], ["b"]]
    house.apply()
    asked.batches.clear()
    assert house.plan().changes == ()
    assert asked.batches == []


def test_a_write_over_the_value_is_drift(house: House) -> None:
    """Reading shows it."""
    touch(house, "s:b", value=b"theirs")
    assert actions(house.plan().changes) == ["rotate(drifted)"]
    report = drift(house)
    assert [(str(found.address), found.kind) for found in report.drift] == [("s:b", "value")]
    with house.session() as session, session.lock("drift"):
        accept_drift(session, report)
    assert drift(house).drift == ()


def test_without_the_right_to_read_a_moved_version_is_drift(house: House, asked: Asked) -> None:
    """To write the value once more does no harm; to miss a change does. Asked to read, the denial is an error."""
    touch(house, "s:b")
    asked.denied = True
    assert actions(house.plan().changes) == ["rotate(drifted)"]
    with pytest.raises(AccessDenied):
        house.plan(VERIFY)


def test_nothing_is_read_where_values_are_skipped(house: House, asked: Asked) -> None:
    """Nor where the backend is not asked at all."""
    touch(house, "s:b")
    assert actions(house.plan(Request(values=Values.SKIPPED)).changes) == ["rotate(drifted)"]
    house.plan(Request(refresh=False))
    assert asked.batches == []


def test_a_rotation_for_another_reason_stays(house: House) -> None:
    """A source that moved is written, whatever stands there."""
    touch(house, "s:b")
    house.environ["VALUE"] = "v2"
    assert actions(house.plan().changes) == ["rotate(source_changed)"] * 4


def test_disabled_values_are_read_only_where_they_can_be(tmp_path: Path) -> None:
    """A store that enforces it gives nothing back; the rest is verified."""
    for without, read in (([], ["a", "b"]), ([Capability.READ_DISABLED.value], ["b"])):
        asked, folder = Asked(), tmp_path / str(len(without))
        house = House(folder, wrap=lambda backend, asked=asked: Shared(backend, asked))
        house.backends["default"] = {"without": without}
        house.declare(secret("s:a", enabled=False), secret("s:b"))
        house.apply()
        asked.batches.clear()
        assert house.plan(VERIFY).changes == ()
        assert asked.batches == [read]


def test_a_value_that_was_never_known_is_not_compared(house: House, asked: Asked) -> None:
    """An interrupted rotation is rotated again, whatever stands there."""
    state = house.state()
    address = Address.parse("s:b")
    puts = {address: replace(state.records[address], fingerprint=None)}
    house.put_state(state.advance(puts, lineage=state.lineage or ""))
    touch(house, "s:b")
    assert actions(house.plan().changes) == ["rotate(unknown_value)"]
    assert asked.batches == []


def test_a_secret_without_a_value_is_left_to_its_version(house: House, asked: Asked) -> None:
    """The others of its batch are read one by one."""
    house.store().values.pop(Address.parse("s:b"))

    class Hollow(Shared):
        def read(self, address: Address) -> Sensitive:
            if address not in house.store().values:
                message = f"{address}: no value"
                raise NotFound(message)
            return super().read(address)

    house.wrap = lambda backend: Hollow(backend, asked)
    assert house.plan(VERIFY).changes == ()
    assert asked.batches == [["a", "b", "c"], ["a"], ["b"], ["c"], ["d"]]
