"""What a backend holds in a scope, for a manifest that is still to be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import House, secret

from syncer.engine.survey import Survey, survey
from syncer.errors import InvalidConfiguration, Throttled, Unsupported

if TYPE_CHECKING:
    from conftest import Watched


def seen(house: House, scope: str, backend: str | None = None) -> Survey:
    """Ask."""
    with house.session() as session:
        return survey(session, scope, backend)


def refs(found: Survey) -> list[str]:
    """Name what can be declared."""
    return [entry.address.ref for entry in found.found]


def test_what_is_there(house: Watched) -> None:
    """By ref, metadata only, unmarked ones and our own; the backend is asked once."""
    house.plant("s:b", b"v", owner=None, tags={"team": "x"})
    house.plant("s:a/x", b"v", enabled=False)
    house.plant("other:c", b"v")
    found = seen(house, "s")
    assert refs(found) == ["a/x", "b"]
    assert (found.scope, found.backend, found.declared_on, found.left_out) == ("s", "default", "default", ())
    assert [name for name, _ in house.opened[0].calls] == ["observe"]


def test_what_cannot_be_declared(house: Watched) -> None:
    """With the reason."""
    house.declare(secret("s:declared"))
    house.plant("s:declared", b"v")
    house.plant("s:theirs", b"v", owner="other")
    house.plant("s:gone", b"v", deleted=True)
    for ref in ("-odd", "a//b", "a b", "a\n", "x" * 513):
        house.plant(f"s:{ref}", b"v", owner=None)
    house.plant("s:" + "x" * 512, b"v", owner=None)
    found = seen(house, "s")
    assert refs(found) == ["x" * 512]
    no_ref = "no manifest may hold this ref"
    assert dict(found.left_out) == {
        "declared": "declared at syncer.yaml:7 already",
        "theirs": "belongs to project other",
        "gone": "pending deletion",
        **dict.fromkeys(("-odd", "a//b", "a b", "a\n", "x" * 513), no_ref),
    }


def test_the_backend_of_the_scope(house: Watched) -> None:
    """The one that its secrets are on, unless another is named."""
    house.declare(secret("s:a", backend="west"))
    house.plant("s:west", b"v", backend="west")
    house.plant("s:default", b"v")
    assert refs(seen(house, "s")) == ["west"]
    named = seen(house, "s", "default")
    assert (refs(named), named.backend, named.declared_on) == (["default"], "default", "west")
    assert refs(seen(house, "new", "west")) == []


def test_an_unknown_backend(house: Watched) -> None:
    """With the nearest right word, and all of them."""
    with pytest.raises(InvalidConfiguration, match="has no backend wset, did you mean `west`") as caught:
        seen(house, "s", "wset")
    assert caught.value.hint == "backends: default, west"


@pytest.mark.parametrize("scope", ["", "a:b", "-a", "a b", "..", "a\n", "x" * 513])
def test_what_no_scope_is_called(house: Watched, scope: str) -> None:
    """Is refused before anybody is asked."""
    with pytest.raises(InvalidConfiguration, match="a scope's name is made of"):
        seen(house, scope)
    assert house.opened == []


def test_it_is_tried_again(house: Watched) -> None:
    """As everywhere."""
    house.plant("s:a", b"v")
    house.fail(Throttled("busy"), "observe")
    assert refs(seen(house, "s")) == ["a"]
    assert len(house.slept) == 1


def test_scopes_with_slashes(house: Watched) -> None:
    """Where the backend can hold them; elsewhere the manifest would be refused as soon as it is used."""
    house.plant("s/x:a", b"v")
    assert refs(seen(house, "s/x")) == ["a"]
    house.backends["default"] = {"without": ["scope-paths"]}
    with pytest.raises(Unsupported, match="backend `default` cannot hold a scope with a slash"):
        seen(house, "s/x")
