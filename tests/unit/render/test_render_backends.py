"""The table of backends."""

from __future__ import annotations

from plans_by_hand import check_golden

from syncer.backends.base import Capability
from syncer.render.backends import backends_table

EVERY = frozenset(Capability)
LEAST = frozenset[Capability]()


def test_the_table() -> None:
    """What each can do, in columns, the most first; what is missing and how to get it below."""
    known = {
        "bare": LEAST,
        "a-backend-with-a-long-name": EVERY - {Capability.DISABLE_ADVISORY},
        "middling": {Capability.DISABLE_ADVISORY, Capability.DELETE, Capability.READ},
    }
    check_golden("backends.txt", backends_table(known, {"acme": "in the repository of syncer: pip install '.[acme]'"}))


def test_nothing_is_installed() -> None:
    """The headings stand all the same."""
    assert backends_table({}, {"acme": "x"}).splitlines()[1:] == ["acme: not installed; x"]


def test_every_capability_shows() -> None:
    """A backend that can one thing more looks different from the least; none was forgotten."""
    least = backends_table({"x": LEAST}, {})
    assert [each for each in Capability if backends_table({"x": {each}}, {}) == least] == []
