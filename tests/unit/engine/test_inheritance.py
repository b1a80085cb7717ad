"""Where a store has a tree of namespaces, consumers of a child also find what its parents have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import House, secret

from syncer.consumers.collect import collect
from syncer.consumers.consume import chain, read_value
from syncer.errors import AccessDenied
from syncer.model import Address

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.backends.base import Backend


def tree(backend: Backend) -> Backend:
    """Make a store one with a tree of namespaces."""
    backend.inherits = True
    return backend


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Secrets on three levels, and a namespace in between that is not declared."""
    house = House(tmp_path, wrap=tree, environ={"VALUE": "above", "BELOW": "below"})
    house.declare(secret("a:x"), secret("a:y"), secret("a.b:x"), secret("a.b.c.d:z"), secret("ab:q"))
    house.apply()
    return house


def test_the_nearest_scope_above(house: House) -> None:
    """Level by level, over those that nobody declared; a name that only begins alike is no parent."""
    with house.session() as session:
        assert chain(session, "a.b.c.d") == ["a.b.c.d", "a.b", "a"]
        assert chain(session, "ab") == ["ab"]
        assert list(collect(session, "a.b.c.d")) == ["x", "y", "z"]


def test_a_disabled_one_hides_its_parent(house: House) -> None:
    """As with `fallback`."""
    house.declare(secret("a.b:x", enabled=False))
    house.apply()
    with house.session() as session:
        assert list(collect(session, "a.b.c.d")) == ["y", "z"]
        with pytest.raises(AccessDenied, match=r"a\.b:x is disabled"):
            read_value(session, Address("a.b.c.d", "x"))


def test_elsewhere_a_dot_means_nothing(house: House) -> None:
    """A store without such a tree falls back as declared, and no further."""
    house.wrap = lambda backend: backend
    with house.session() as session:
        assert chain(session, "a.b") == ["a.b"]
