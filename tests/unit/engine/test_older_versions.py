"""An older value, as a consumer reads it, and some of the values of a scope."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support import House, env, secret

from syncer.backends.base import Capability
from syncer.consumers.access import anybody
from syncer.consumers.collect import collect
from syncer.consumers.consume import read_value
from syncer.consumers.reading import Reading
from syncer.errors import AccessDenied, InvalidConfiguration, NotFound, Transient, Unsupported
from syncer.model import Address, Scope
from syncer.testing import Fault, Faulty

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.backends.base import Backend
    from syncer.engine.session import Session

KEY, BEHIND = Address("s", "key"), Address("t", "key")
SCOPES = (Scope(name="s", fallback="t"), Scope(name="t"))


def linked(session: Session) -> Session:
    """Let the scope `s` fall back to `t`."""
    session.manifest = replace(session.manifest, scopes={scope.name: scope for scope in SCOPES})
    return session


def fill(house: House, *names: str) -> dict[str, list[str]]:
    """Apply secrets, twice; give the versions of each."""
    house.declare(*(secret(name, env("V")) for name in names))
    versions: dict[str, list[str]] = {name: [] for name in names}
    for value in ("one", "two"):
        house.environ["V"] = value
        house.apply()
        for name in names:
            versions[name].append(str(house.state().records[Address.parse(name)].version))
    return versions


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An empty project."""
    return House(tmp_path)


def test_each_version(house: House) -> None:
    """By the name that its write gave; without one, the current value."""
    first, second = fill(house, "s:key")["s:key"]
    with house.session() as session:
        values = [read_value(session, KEY, version).reveal() for version in (first, second, None)]
        assert values == [b"one", b"two", b"two"]
        with pytest.raises(NotFound, match="no version 77 in memory"):
            read_value(session, KEY, "77")


def test_the_first_scope_that_has_the_secret(house: House) -> None:
    """Is asked alone, though the next one has such a version; a secret that is missing falls back."""
    versions = fill(house, "s:key", "t:key", "t:mid")
    with house.session() as session:
        linked(session)
        assert read_value(session, Address("s", "mid"), versions["t:mid"][0]).reveal() == b"one"
        with pytest.raises(NotFound):
            read_value(session, KEY, versions["t:key"][0])


def test_of_what_is_disabled_no_version_is_read(house: House) -> None:
    """Neither here nor in a scope to fall back to."""
    versions = fill(house, "s:key", "t:key")
    house.declare(secret("s:key", env("V"), enabled=False))
    house.apply()
    with house.session() as session:
        linked(session)
        for version in (*versions["s:key"], *versions["t:key"]):
            with pytest.raises(AccessDenied, match="s:key is disabled"):
                read_value(session, KEY, version)
            with pytest.raises(AccessDenied, match="s:key is disabled"):
                Reading(session).value(KEY, version, anybody)


@pytest.mark.parametrize("missing", [Capability.READ_VERSION, Capability.READ])
def test_a_store_that_gives_none_back(tmp_path: Path, missing: Capability) -> None:
    """Says so before it is asked."""

    def without(backend: Backend) -> Backend:
        backend.capabilities = backend.capabilities - {missing}
        return backend

    house = House(tmp_path, wrap=without)
    first, _ = fill(house, "s:key")["s:key"]
    with house.session() as session, pytest.raises(Unsupported, match="does not give"):
        read_value(session, KEY, first)


def test_a_read_is_tried_again(tmp_path: Path) -> None:
    """As often as the session allows."""
    faults = [Fault(error=Transient("reset"), method="read_version", times=2)]
    house = House(tmp_path, wrap=lambda backend: Faulty(backend, faults))
    first, _ = fill(house, "s:key")["s:key"]
    with house.session() as session:
        assert read_value(session, KEY, first).reveal() == b"one"


def test_versions_are_kept_apart(house: House) -> None:
    """A reader that lives long never takes one for another, nor for the current one."""
    first, second = fill(house, "s:key")["s:key"]
    with house.session() as session:
        reading = Reading(session)
        for _ in range(2):
            values = [reading.value(KEY, version, anybody).value.reveal() for version in (None, first, second)]
            assert values == [b"two", b"one", b"two"]


def test_some_of_a_scope(house: House) -> None:
    """Only those are read; the rest may be nowhere."""
    fill(house, "s:own", "t:key", "t:mid")
    house.declare(secret("s:new", env("V")))
    with house.session() as session:
        linked(session)
        found = collect(session, "s", ["mid", "own", "own"])
        assert {ref: value.reveal() for ref, value in found.items()} == {"mid": b"two", "own": b"two"}
        assert session.calls()["default"].values_read == 2
        with pytest.raises(NotFound, match="neither there nor in a scope to fall back to: s:new"):
            collect(session, "s", ["new", "own"])


@pytest.mark.parametrize(
    ("only", "kind", "told"),
    [
        (["owm", "x"], InvalidConfiguration, "for consumers of s that is called owm, did you mean `own`?"),
        (["own", "off", "gone"], AccessDenied, "s:gone is disabled\ns:off is disabled"),
    ],
)
def test_what_was_asked_for_by_name(house: House, only: list[str], kind: type[Exception], told: str) -> None:
    """Is given or refused, all at once; never left out in silence."""
    fill(house, "s:own", "s:off", "t:gone")
    house.declare(secret("s:off", env("V"), enabled=False), secret("t:gone", env("V"), enabled=False))
    house.apply()
    with house.session() as session:
        linked(session)
        with pytest.raises(kind) as caught:
            collect(session, "s", only)
    assert told in str(caught.value)
