"""Single secrets among many: each with its value or its own error, in few calls."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import pytest
from support import House, env, secret

from syncer.backends.base import Capability
from syncer.consumers.deadline import Deadline
from syncer.consumers.lookup import Lookup
from syncer.errors import (
    AccessDenied,
    BackendError,
    Corrupt,
    InvalidConfiguration,
    NotFound,
    SyncerError,
    Transient,
    Unsupported,
)
from syncer.model import Address, Scope
from syncer.sensitive import Sensitive
from syncer.testing import Faulty

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from syncer.backends.base import Backend
    from syncer.model import Observed

CHAIN = {
    "s": Scope(name="s", fallback="t"),
    "t": Scope(name="t", backend="west"),
    "other": Scope(name="other"),
    "a.b": Scope(name="a.b"),
}


@dataclass
class Calls:
    """What was asked of the backends, and what they raise for it."""

    observed: list[list[str]] = field(default_factory=list)
    looked: list[str] = field(default_factory=list)
    batches: list[list[str]] = field(default_factory=list)
    listing: dict[str, SyncerError] = field(default_factory=dict)
    """By backend."""
    looking: dict[str, SyncerError] = field(default_factory=dict)
    """By address."""
    reading: dict[str, SyncerError] = field(default_factory=dict)


class Counted(Faulty):
    """Gives three values a call; notes what it is asked."""

    batch: ClassVar[int] = 3

    def __init__(self, inner: Backend, seen: Calls) -> None:
        super().__init__(inner, [])
        self.seen = seen

    def observe(self, scopes: Collection[str], addresses: Collection[Address]) -> Iterable[Observed]:
        """Note the scopes."""
        self.seen.observed.append(sorted(scopes))
        _raise(self.seen.listing.get(self.inner.options.name))
        return super().observe(scopes, addresses)

    def look(self, address: Address) -> Observed | None:
        """Note the address."""
        self.seen.looked.append(str(address))
        _raise(self.seen.looking.get(str(address)))
        return self.inner.look(address)

    def read(self, address: Address) -> Sensitive:
        """Fail for what is to fail."""
        _raise(self.seen.reading.get(str(address)))
        return super().read(address)

    def read_many(self, addresses: Sequence[Address]) -> Iterable[tuple[Address, Sensitive]]:
        """Note the batch; fail all of it for one."""
        self.seen.batches.append([str(address) for address in addresses])
        for address in addresses:
            _raise(self.seen.reading.get(str(address)))
        return list(super().read_many(addresses))


def _raise(error: SyncerError | None) -> None:
    if error is not None:
        raise error


@pytest.fixture
def calls() -> Calls:
    """Nothing yet."""
    return Calls()


@pytest.fixture
def house(tmp_path: Path, calls: Calls) -> House:
    """A project whose scope `s` falls back to `t`, which is on another backend."""
    house = House(tmp_path, wrap=lambda backend: Counted(backend, calls))
    house.environ |= {"T": "from t"}
    house.declare(secret("s:own"), secret("s:both"), secret("s:off", enabled=False), secret("other:far"))
    house.declare(secret("t:both", env("T"), backend="west"), secret("t:mid", env("T"), backend="west"))
    house.apply()
    for noted in (calls.observed, calls.looked, calls.batches):
        noted.clear()
    return house


def ask(house: House, *names: str, seconds: float = 30.0) -> tuple[dict[str, bytes | str], SyncerError | None]:
    """Give values, and the messages of errors, by name; and why a whole store could not be asked."""
    wanted = [Address.parse(name) for name in names]
    with house.session() as session:
        scopes = {name: scope for name, scope in CHAIN.items() if scope.backend in session.manifest.backends}
        session.manifest = replace(session.manifest, scopes=scopes)
        lookup = Lookup(session, wanted, Deadline(seconds))
        found = lookup.values(wanted)
        assert set(found) == set(wanted)
        told = {str(a): v.reveal() if isinstance(v, Sensitive) else v.message for a, v in found.items()}
        return told, lookup.broken


def test_values_and_errors_side_by_side(house: House, calls: Calls) -> None:
    """Nearest first; each store is asked once what is there, and values come in batches."""
    house.plant("s:theirs", b"x", owner="other")
    house.declare(secret("s:theirs"), secret("s:later"))
    found, broken = ask(house, "s:own", "s:both", "s:mid", "s:off", "s:theirs", "s:later", "s:no", "other:far", "x:a")
    assert broken is None
    assert found == {
        "s:own": b"v1",
        "s:both": b"v1",
        "s:mid": b"from t",
        "other:far": b"v1",
        "s:off": "s:off is disabled",
        "s:theirs": "s:theirs belongs to project other",
        "s:later": "s:later is neither there nor in a scope it falls back to",
        "s:no": "s:no is neither there nor in a scope it falls back to",
        "x:a": "the manifest has no scope x",
    }
    assert sorted(calls.observed) == [["other", "s"], ["t"]]
    assert sorted(calls.batches) == [["other:far", "s:both", "s:own"], ["t:mid"]]
    assert calls.looked == []


def test_nothing_is_asked_for_nothing(house: House, calls: Calls) -> None:
    """Unknown names touch no store."""
    found, broken = ask(house, "x:a", "s:nothing")
    assert (set(map(type, found.values())), broken) == ({str}, None)
    assert (calls.observed, calls.batches) == ([], [])


def test_close_words_are_looked_for_a_few_times_only(house: House) -> None:
    """It takes its time."""
    found, _ = ask(house, *(f"othe{number:03d}:a" for number in range(50)))
    assert sum("did you mean" in str(told) for told in found.values()) == 10


def test_a_secret_that_is_pending_deletion_is_not_there(house: House) -> None:
    """It falls back."""
    store = house.store()
    address = Address.parse("s:both")
    store.entries[address] = replace(store.entries[address], deleted=True)
    assert ask(house, "s:both")[0] == {"s:both": b"from t"}


def test_one_that_cannot_be_read_keeps_the_others(house: House, calls: Calls) -> None:
    """Denied, damaged, of another shape, or nothing that the store gets right: the others are read without it."""
    denied, hollow = AccessDenied("denied"), NotFound("hollow")
    for error in (denied, Corrupt("damaged"), Unsupported("no text"), hollow, Transient("500"), BackendError("odd")):
        calls.reading = {"s:own": error}
        found, broken = ask(house, "s:own", "s:both", "other:far", "s:mid")
        assert found == {"s:own": error.message, "s:both": b"v1", "other:far": b"v1", "s:mid": b"from t"}
        assert broken is None


def test_a_store_that_fails_while_reading(house: House, calls: Calls) -> None:
    """All of it fails, and it is not asked again for more; the other goes on."""
    for error in (Transient("down"), InvalidConfiguration("no key"), BackendError("worn out")):
        calls.reading = {"s:own": error, "s:both": error}
        found, broken = ask(house, "s:own", "s:both", "s:mid")
        assert found == {"s:own": error.message, "s:both": error.message, "s:mid": b"from t"}
        assert broken is error


def test_what_failed_once_is_not_asked_again(house: House, calls: Calls) -> None:
    """Ten thousand values come in several turns."""
    calls.reading = {"s:own": BackendError("worn out")}
    wanted = [Address("s", "own"), Address("s", "both")]
    with house.session() as session:
        lookup = Lookup(session, wanted, Deadline(30))
        assert isinstance(lookup.values(wanted[:1])[wanted[0]], BackendError)
        calls.batches.clear()
        assert isinstance(lookup.values(wanted[1:])[wanted[1]], BackendError)
    assert calls.batches == []


def test_a_store_that_cannot_say_what_it_holds(house: House, calls: Calls) -> None:
    """What may be in it is not known, also where it would fall back to another."""
    calls.listing = {"default": Corrupt("of another key")}
    found, broken = ask(house, "s:own", "s:mid", "s:both")
    assert found == {"s:own": "of another key", "s:both": "of another key", "s:mid": b"from t"}
    assert isinstance(broken, Corrupt)
    calls.listing = {"west": Corrupt("of another key")}
    assert ask(house, "s:own", "s:mid", "s:both")[0] == {"s:own": b"v1", "s:both": b"v1", "s:mid": "of another key"}


def test_no_right_to_list(house: House, calls: Calls) -> None:
    """Each is looked at by itself; the right to read those few is enough."""
    calls.listing = {"default": AccessDenied("no list for you")}
    calls.looking = {"s:own": AccessDenied("nor this")}
    found, broken = ask(house, "s:own", "s:both", "s:off", "other:far")
    assert found == {"s:own": "nor this", "s:both": b"v1", "s:off": "s:off is disabled", "other:far": b"v1"}
    assert broken is None
    assert calls.looked == ["other:far", "s:both", "s:off", "s:own"]


def test_no_right_at_all(house: House, calls: Calls) -> None:
    """Where every look is denied too, the store is closed to us."""
    denied = AccessDenied("no list for you")
    calls.listing = {"default": denied}
    calls.looking = {name: AccessDenied("no") for name in ("s:own", "s:both")}
    found, broken = ask(house, "s:own", "s:both")
    assert (set(found.values()), broken) == ({"no list for you"}, denied)


def test_a_look_that_finds_nothing_or_a_deletion(house: House, calls: Calls) -> None:
    """It falls back, as after a listing."""
    house.declare(secret("s:mid"))
    store = house.store()
    address = Address.parse("s:both")
    store.entries[address] = replace(store.entries[address], deleted=True)
    calls.listing = {"default": NotFound("no such place")}
    assert ask(house, "s:mid", "s:both")[0] == {"s:mid": b"from t", "s:both": b"from t"}


def test_a_store_that_gives_nothing_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of its secrets says so."""
    from conformance.memory import MemoryBackend

    monkeypatch.setattr(MemoryBackend, "capabilities", MemoryBackend.capabilities - {Capability.READ})
    found, broken = ask(house, "s:own")
    assert (found, broken) == ({"s:own": "s:own: backend `default` does not give values back"}, None)


def test_a_store_that_disables_by_taking_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not there because it is disabled does not fall back."""
    from conformance.memory import MemoryBackend

    can = MemoryBackend.capabilities - {Capability.DISABLE_ENFORCED, Capability.DISABLE_ADVISORY}
    monkeypatch.setattr(MemoryBackend, "capabilities", can | {Capability.DISABLE_REMOVES})
    house.declare(secret("s:mid", enabled=False))
    assert ask(house, "s:mid")[0] == {"s:mid": "s:mid is disabled"}


def test_a_backend_that_cannot_be_opened(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its secrets have that error; the others come."""
    opened = House.open

    def open_other(self: House, name: str) -> Backend:
        if name == "west":
            message = "no SDK"
            raise InvalidConfiguration(message)
        return opened(self, name)

    monkeypatch.setattr(House, "open", open_other)
    found, broken = ask(house, "s:own", "s:mid")
    assert found == {"s:own": b"v1", "s:mid": "no SDK"}
    assert isinstance(broken, InvalidConfiguration)


def test_a_scope_above_is_asked_for_at_a_backend_that_cannot_be_opened(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether there is a tree of namespaces is for the backend to say."""

    def no_open(_self: House, _name: str) -> Backend:
        message = "no SDK"
        raise InvalidConfiguration(message)

    monkeypatch.setattr(House, "open", no_open)
    assert ask(house, "a.b:c")[0] == {"a.b:c": "no SDK"}


def test_out_of_time(house: House) -> None:
    """What has not come is an error, and nothing hangs."""
    found, broken = ask(house, "s:own", seconds=0)
    assert found["s:own"] in (b"v1", "no answer within 0.0 seconds")
    assert broken is None or isinstance(broken, Transient)
