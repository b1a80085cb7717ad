"""What long-lived readers keep, and for how long."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from support import House, secret

from syncer.consumers.access import anybody
from syncer.consumers.cache import Cache
from syncer.consumers.reading import Reading
from syncer.errors import NotFound
from syncer.model import Address, CacheSpec

if TYPE_CHECKING:
    from pathlib import Path

ON = CacheSpec(enabled=True, maximum_size=2, expire_after_write=timedelta(hours=1))


class Source:
    """Counts how often it is read; its stamp is what a test sets."""

    def __init__(self) -> None:
        self.reads: list[str] = []
        self.moment: object = 0

    def stamp(self) -> object:
        """What moves with a write on this host."""
        return self.moment

    def read(self, key: str) -> str:
        """Read one."""
        self.reads.append(key)
        return key


def test_kept_and_dropped() -> None:
    """Once, until there is no more room, or an apply wrote."""
    source = Source()
    cache: Cache[str] = Cache(ON, source.stamp)
    for key in "aabacb":
        assert cache.through(key, lambda key=key: source.read(key)) == key
    assert source.reads == ["a", "b", "c", "b"]
    source.moment = 1
    cache.through("b", lambda: source.read("b"))
    assert source.reads[-1] == "b"
    assert len(source.reads) == 5


def test_off() -> None:
    """Read each time."""
    source = Source()
    cache: Cache[str] = Cache(CacheSpec(), source.stamp)
    cache.through("a", lambda: source.read("a"))
    cache.through("a", lambda: source.read("a"))
    assert source.reads == ["a", "a"]


def test_what_was_read_while_an_apply_wrote_is_not_kept() -> None:
    """It may be the value from before."""
    source = Source()
    cache: Cache[str] = Cache(ON, source.stamp)

    def overtaken() -> str:
        source.moment = 1
        return source.read("a")

    cache.through("a", overtaken)
    cache.through("a", lambda: source.read("a"))
    cache.through("a", lambda: source.read("a"))
    assert source.reads == ["a", "a"]


def test_errors_are_not_kept() -> None:
    """The next one asks again."""
    source = Source()
    cache: Cache[str] = Cache(ON, source.stamp)

    def missing() -> str:
        source.read("a")
        raise NotFound("gone")  # noqa: EM101  # a test

    for _ in range(2):
        with pytest.raises(NotFound):
            cache.through("a", missing)
    assert source.reads == ["a", "a"]


def test_a_rotation_on_this_host_shows_at_once(tmp_path: Path) -> None:
    """However long values are kept; and several threads read at the same time."""
    house = House(tmp_path)
    house.declare(secret("s:a"))
    house.apply()
    with house.session() as session:
        object.__setattr__(session.manifest, "cache", ON)
        reading = Reading(session)
        assert reading.value(Address("s", "a"), None, anybody).value.reveal() == b"v1"
        house.environ |= {"VALUE": "v2"}
        house.apply()
        found: list[bytes] = []
        threads = [
            threading.Thread(
                target=lambda: found.append(reading.value(Address("s", "a"), None, anybody).value.reveal())
            )
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [b"v2"] * 8
        assert {ref: found.value.reveal() for ref, found in reading.scope("s", anybody).items()} == {"a": b"v2"}
