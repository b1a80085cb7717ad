"""Every value that a consumer of a scope sees: the same as one by one, in few calls."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import pytest
from support import GENERATE, House, env, secret

from syncer.backends.base import Capability
from syncer.consumers.collect import collect, present
from syncer.consumers.consume import read_value
from syncer.errors import AccessDenied, InvalidConfiguration, NotFound, SyncerError, Throttled, Unsupported
from syncer.model import Address, Observed, Scope
from syncer.testing import Fault, Faulty

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from syncer.backends.base import Backend
    from syncer.engine.session import Session
    from syncer.sensitive import Sensitive

CHAIN = (Scope(name="s", fallback="t"), Scope(name="t", fallback="u"), Scope(name="u"), Scope(name="other"))


@dataclass
class Calls:
    """What was asked of the backends, and what they refuse."""

    observed: list[list[str]] = field(default_factory=list)
    looked: list[str] = field(default_factory=list)
    batches: list[list[str]] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)
    hollow: set[str] = field(default_factory=set)
    lags: bool = False
    listing: list[Observed] | None = None
    """What the listing shows, whatever is there."""
    faults: list[Fault] = field(default_factory=list)


class Counted(Faulty):
    """Gives two values a call; notes what it is asked."""

    batch: ClassVar[int] = 2

    def __init__(self, inner: Backend, seen: Calls) -> None:
        super().__init__(inner, seen.faults)
        self.seen = seen
        self.listing_lags = seen.lags  # type: ignore[misc]  # one class for both kinds

    def observe(self, scopes: Collection[str], addresses: Collection[Address]) -> Iterable[Observed]:
        """Note the scopes; show the old picture, if there is one."""
        self.seen.observed.append(sorted(scopes))
        there = super().observe(scopes, addresses)
        return there if self.seen.listing is None else self.seen.listing

    def look(self, address: Address) -> Observed | None:
        """Note the address; ask the store itself."""
        self.seen.looked.append(str(address))
        return self.inner.look(address)

    def read_many(self, addresses: Sequence[Address]) -> Iterable[tuple[Address, Sensitive]]:
        """Note the batch; refuse it all for one that is refused."""
        self.seen.batches.append([str(address) for address in addresses])
        for address in addresses:
            if str(address) in self.seen.denied:
                message = f"{address}: no read for you"
                raise AccessDenied(message, hint="ask for the right")
            if str(address) in self.seen.hollow:
                message = "nothing in it"
                raise NotFound(message)
        return list(super().read_many(addresses))


@pytest.fixture
def calls() -> Calls:
    """Nothing yet."""
    return Calls()


@pytest.fixture
def house(tmp_path: Path, calls: Calls) -> House:
    """A project whose scope `s` falls back to `t`, and that to `u`."""
    house = House(tmp_path, wrap=lambda backend: Counted(backend, calls))
    house.environ |= {"T": "from t", "U": "from u"}
    return house


def fill(house: House, calls: Calls) -> None:
    """Declare secrets at several depths, apply, and forget what that took."""
    house.declare(secret("s:own"), secret("s:both"), secret("t:both", env("T")), secret("t:mid", env("T")))
    house.declare(secret("u:deep", env("U")), secret("u:mid", env("U")), secret("other:not-ours"))
    house.apply()
    forget(calls)


def forget(calls: Calls) -> None:
    """Start to note anew."""
    for noted in (calls.observed, calls.looked, calls.batches):
        noted.clear()


def linked(session: Session) -> Session:
    """Let the scopes of a session fall back as `CHAIN` says."""
    session.manifest = replace(session.manifest, scopes={scope.name: scope for scope in CHAIN})
    return session


def got(house: House, scope: str = "s") -> dict[str, bytes]:
    """Collect, and unwrap."""
    with house.session() as session:
        return {ref: value.reveal() for ref, value in collect(linked(session), scope).items()}


def refused(house: House, kind: type[SyncerError], scope: str = "s") -> SyncerError:
    """Collect in vain."""
    with house.session() as session, pytest.raises(kind) as caught:
        collect(linked(session), scope)
    assert caught.value.__context__ is None
    return caught.value


def test_own_ones_first_then_those_of_the_fallback(house: House, calls: Calls) -> None:
    """Nearest first, by ref; other scopes are not asked for."""
    fill(house, calls)
    assert got(house) == {"both": b"v1", "deep": b"from u", "mid": b"from t", "own": b"v1"}
    assert list(got(house)) == ["both", "deep", "mid", "own"]
    assert got(house, "u") == {"deep": b"from u", "mid": b"from u"}
    assert got(house, "other") == {"not-ours": b"v1"}


def test_the_same_as_one_by_one(house: House, calls: Calls) -> None:
    """What `get` prints."""
    fill(house, calls)
    with house.session() as session:
        linked(session)
        for ref, value in collect(session, "s").items():
            assert read_value(session, Address("s", ref)).reveal() == value.reveal()


def test_few_calls(house: House, calls: Calls) -> None:
    """One listing for each backend, and values in batches."""
    fill(house, calls)
    house.declare(secret("u:west", env("U"), backend="west"))
    house.apply()
    forget(calls)
    assert len(got(house)) == 5
    assert sorted(calls.observed) == [["s", "t", "u"], ["u"]]
    assert calls.batches == [["s:both", "s:own"], ["t:mid", "u:deep"], ["u:west"]]
    assert calls.looked == []


def test_side_by_side(house: House, calls: Calls) -> None:
    """At any width the result is the same, and in the same order."""
    house.parallelism = 8
    house.declare(*(secret(f"s:{number:03}") for number in range(50)))
    house.apply()
    assert list(got(house)) == [f"{number:03}" for number in range(50)]
    assert len(calls.batches) == 25


def test_a_missing_one_falls_back(house: House, calls: Calls) -> None:
    """What is declared and not there, and what is pending deletion."""
    fill(house, calls)
    both = Address.parse("s:both")
    house.store().entries[both] = replace(house.store().entries[both], deleted=True)
    assert got(house)["both"] == b"from t"
    del house.store().entries[both]
    assert got(house)["both"] == b"from t"


def test_a_disabled_one_is_left_out(house: House, calls: Calls) -> None:
    """It does not fall back, and is not read."""
    fill(house, calls)
    house.declare(secret("s:both", enabled=False), secret("u:deep", env("U"), enabled=False))
    house.apply()
    forget(calls)
    assert got(house) == {"mid": b"from t", "own": b"v1"}
    assert calls.batches == [["s:own", "t:mid"]]


def test_a_disabled_one_that_was_never_applied_is_left_out(house: House, calls: Calls) -> None:
    """Nobody is to get it, so nobody misses it; an enabled one is missed whatever its fallback is."""
    fill(house, calls)
    house.declare(secret("s:new", enabled=False))
    assert got(house) == {"both": b"v1", "deep": b"from u", "mid": b"from t", "own": b"v1"}
    house.declare(secret("s:late"), secret("t:late", enabled=False))
    assert refused(house, NotFound).message == "neither there nor in a scope to fall back to: s:late"


def test_one_that_is_disabled_by_taking_it_out_does_not_fall_back(house: House, calls: Calls) -> None:
    """Where the store knows no other way, the manifest says that it is no missing one."""
    fill(house, calls)
    house.declare(secret("s:both", enabled=False), secret("s:new", enabled=False))
    del house.store().entries[Address.parse("s:both")]
    house.wrap = lambda backend: _removing(Counted(backend, calls))
    assert got(house) == {"deep": b"from u", "mid": b"from t", "own": b"v1"}
    with house.session() as session, pytest.raises(AccessDenied, match="s:both is disabled"):
        read_value(linked(session), Address.parse("s:both"))


def _removing(backend: Backend) -> Backend:
    backend.capabilities = backend.capabilities | {Capability.DISABLE_REMOVES}
    return backend


def test_all_that_is_nowhere_is_named_at_once(house: House, calls: Calls) -> None:
    """By the address nearest to the scope; nothing is read."""
    fill(house, calls)
    house.declare(secret("s:x"), secret("t:x"), secret("u:y"), secret("other:z"))
    error = refused(house, NotFound)
    assert error.message == "neither there nor in a scope to fall back to: s:x, u:y"
    assert error.hint == "`syncer plan` shows what is missing"
    assert calls.batches == []


def test_another_project_keeps_its_own(house: House, calls: Calls) -> None:
    """A scope with one of theirs in it is not handed out, not even where that one is disabled."""
    fill(house, calls)
    house.declare(secret("s:theirs"))
    house.plant("s:theirs", b"theirs", owner="other", enabled=False)
    assert refused(house, AccessDenied).message == "s:theirs belongs to project other"
    assert calls.batches == []


def test_what_nobody_marked_is_handed_out(house: House) -> None:
    """As `get` does."""
    house.declare(secret("s:a"))
    house.plant("s:a", b"unmarked", owner=None)
    assert got(house) == {"a": b"unmarked"}


def test_a_backend_that_gives_nothing_back(house: House, calls: Calls) -> None:
    """Is named; one that holds nothing of it, or only what is disabled, is not asked to."""
    house.backends |= {"default": {"without": ["read"]}, "west": {"without": ["read"]}}
    fill(house, calls)
    house.declare(secret("s:own", backend="west"))
    house.apply()
    told = refused(house, Unsupported).message
    assert told == "backend `default` does not give values back\nbackend `west` does not give values back"
    house.secrets.clear()
    house.declare(secret("s:own", backend="west", enabled=False))
    house.apply()
    assert got(house) == {}


def test_an_unknown_scope(house: House, calls: Calls) -> None:
    """With the nearest right word, and all of them."""
    fill(house, calls)
    error = refused(house, InvalidConfiguration, "othr")
    assert error.message == "the manifest has no scope othr, did you mean `other`?"
    assert error.hint == "scopes: s, t, u, other"


def test_an_empty_scope(house: House, calls: Calls) -> None:
    """Sees nothing; no backend is asked."""
    house.declare(secret("t:a", GENERATE))
    assert got(house, "other") == {}
    assert calls.observed == []


def test_all_that_is_denied_is_named_at_once(house: House, calls: Calls) -> None:
    """Each by its address, once; what holds no value among them."""
    fill(house, calls)
    calls.denied |= {"s:own", "u:deep"}
    calls.hollow |= {"t:mid"}
    error = refused(house, AccessDenied)
    assert error.message == "s:own: no read for you\nt:mid: nothing in it\nu:deep: no read for you"
    assert error.hint == "ask for the right"


def test_one_without_a_value_is_an_error(house: House, calls: Calls) -> None:
    """It is there, so it does not fall back."""
    fill(house, calls)
    calls.hollow |= {"s:both"}
    assert refused(house, NotFound).message == "s:both: nothing in it"


@pytest.mark.parametrize("method", ["observe", "read"])
def test_what_fails_for_a_moment_is_tried_again(house: House, calls: Calls, method: str) -> None:
    """As everywhere."""
    fill(house, calls)
    calls.faults = [Fault(error=Throttled("busy"), method=method, times=3)]
    assert len(got(house)) == 4
    assert len(house.slept) == 3


def test_a_listing_that_lags(house: House, calls: Calls) -> None:
    """What it does not show yet is looked at, also without a state that could tell; what it shows is asked once."""
    fill(house, calls)
    calls.lags = True
    calls.listing = [seen for seen in house.store().entries.values() if seen.address.scope != "s"]
    assert got(house) == {"both": b"v1", "deep": b"from u", "mid": b"from t", "own": b"v1"}
    assert set(calls.looked) == {"s:both", "s:own"}
    (house.folder / ".syncer/state.json").unlink()
    forget(calls)
    assert got(house)["both"] == b"v1"
    assert {"s:both", "s:own"} <= set(calls.looked)


def test_a_listing_that_shows_what_we_disabled_as_enabled(house: House, calls: Calls) -> None:
    """The state knows better, so it is looked at."""
    fill(house, calls)
    before = list(house.store().entries.values())
    house.declare(secret("s:own", enabled=False))
    house.apply()
    calls.lags, calls.listing = True, before
    assert "own" not in got(house)


def test_a_consumer_needs_neither_state_nor_key(house: House, calls: Calls) -> None:
    """Where no listing lags, neither is read."""
    fill(house, calls)
    (house.folder / ".syncer/state.json").write_text("damaged")
    assert len(got(house)) == 4


def test_present(house: House, calls: Calls) -> None:
    """What is there of the declared secrets, and not what is pending deletion."""
    fill(house, calls)
    house.declare(secret("s:none"))
    own = Address.parse("s:own")
    house.store().entries[own] = replace(house.store().entries[own], deleted=True)
    with house.session() as session:
        there = present(session, session.manifest.secrets.values())
    assert own not in there
    assert {str(address) for address in there} == {"other:not-ours", "s:both", "t:both", "t:mid", "u:deep", "u:mid"}
