"""What an application may read, by the scope that it asks and the one in which a value is found."""

from __future__ import annotations

from syncer.consumers.access import Rights, readers
from syncer.model import Access, Address, Scope

ONLY_X = Access(default_allow=False, allowed=("x",))
NOT_Y = Access(denied=("y",))
A = Scope(name="a", readers={"bar": ONLY_X})
B = Scope(name="b", fallback="a")
C = Scope(name="c", fallback="b", readers={"bar": NOT_Y, "baz": NOT_Y})


def test_both_have_their_say() -> None:
    """What either denies is denied; a scope that does not name the application denies nothing, nor one in between."""
    bar = Rights.of("bar", [A, B, C])
    asked = ["a a:x", "a a:y", "b a:x", "b a:y", "b b:y", "c a:x", "c c:z", "c c:y"]
    allowed = [bar.allow(scope, Address.parse(found)) for scope, found in map(str.split, asked)]
    assert allowed == [True, False, True, False, True, True, True, False]
    assert Rights().allow("a", Address("a", "y"))


def test_for_those_who_know_one_scope() -> None:
    """An entry of its own stays as it is; what another scope says too is spelt out."""
    found = [Address("a", "x"), Address("a", "w"), Address("b", "z"), Address("c", "y")]
    assert readers([C, B, A], found) == {"bar": Access(default_allow=False, allowed=("x", "z")), "baz": NOT_Y}
    assert readers([B, A], found[:3]) == {"bar": Access(default_allow=False, allowed=("x", "z"))}
    assert readers([A], found) == {"bar": ONLY_X}
    assert readers([B], found) == {}
