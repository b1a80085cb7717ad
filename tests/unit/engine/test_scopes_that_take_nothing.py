"""A plan says while it is made that nothing can be created in a scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from facts_by_hand import codes, found, wanted, without
from support import House, secret

from syncer.backends.base import Capability
from syncer.engine.prepare import Request
from syncer.errors import Transient, Unsupported
from syncer.testing import Faulty

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.backends.base import Backend


class Closed(Faulty):
    """A store without a scope `gone`, which notes what it is asked and may be slow to answer."""

    asked: list[str]
    busy: int = 0

    def check_scope(self, scope: str) -> None:
        """Refuse one."""
        self.asked.append(scope)
        if self.busy:
            self.busy -= 1
            message = "not now"
            raise Transient(message)
        if scope == "gone":
            message = "there is no scope gone"
            raise Unsupported(message, hint="make it first")


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A project on such a store."""
    made: list[Any] = []

    def wrap(backend: Backend) -> Backend:
        closed = Closed(backend)
        closed.asked = asked
        made.append(closed)
        return closed

    asked: list[str] = []
    house = House(tmp_path, wrap=wrap)
    house.asked = asked  # type: ignore[attr-defined]
    return house


def test_each_secret_of_it_is_named(house: House) -> None:
    """With the reason, the hint and where it stands; other scopes are planned, and the scope is asked for once."""
    house.declare(secret("gone:a"), secret("gone:b"), secret("here:a"))
    made = house.plan()
    assert [(str(e.address), e.code, e.message, e.hint) for e in made.errors] == [
        ("gone:a", "unsupported", "there is no scope gone", "make it first"),
        ("gone:b", "unsupported", "there is no scope gone", "make it first"),
    ]
    assert made.errors[0].origin is not None
    assert sorted(house.asked) == ["gone", "here"]  # type: ignore[attr-defined]


def test_nothing_is_asked_where_nothing_is_created(house: House) -> None:
    """A plan with nothing to do makes no further call; one that looks nowhere makes none at all."""
    house.declare(secret("here:a"))
    house.apply()
    house.asked.clear()  # type: ignore[attr-defined]
    assert house.plan().changes == ()
    house.declare(secret("gone:a"))
    house.plan(Request(refresh=False))
    assert house.asked == []  # type: ignore[attr-defined]


def test_a_scope_with_a_slash_where_none_can_be() -> None:
    """It is an error of the plan, and nothing is planned for it."""
    declared = [wanted(secret("profile/blue:a"))]
    findings = found(declared, capabilities=without(Capability.SCOPE_PATHS))
    assert (findings.changes, codes(findings)) == ([], ["unsupported"])
    assert len(found(declared).changes) == 1


def test_what_can_never_be_verified(tmp_path: Path) -> None:
    """`--verify-values` says of a store that gives no values back that nothing was verified."""
    house = House(tmp_path, backends={"default": {"without": ["read"]}})
    house.declare(secret("s:a"))
    house.apply()
    assert [d.code for d in house.plan().diagnostics] == []
    (warning,) = house.plan(Request(verify_values=True)).diagnostics
    assert (warning.code, warning.severity, warning.address) == ("not_verified", "warning", None)
