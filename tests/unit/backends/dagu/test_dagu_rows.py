"""What Dagu says of a secret, and what that means."""

from __future__ import annotations

from typing import Any

import pytest

from syncer.backends.dagu.marks import Mark, together
from syncer.backends.dagu.rows import Row, no_secret
from syncer.model import Address, Observed

ADDRESS = Address("payments", "prod/db")
SECRET = {
    "id": "85b64590",
    "workspace": "payments",
    "ref": "prod/db",
    "currentVersion": 2,
    "status": "active",
    "lastRotatedAt": "2030-01-01T00:00:00.273245312Z",
    "description": together("by hand", Mark("shop", ADDRESS, {"tier": "gold"})),
}


def test_all_of_it() -> None:
    """Owner and tags are in the description, the version is number and time of the value."""
    assert Row.of(SECRET | {"updatedAt": "2030-01-01T00:00:01Z"}).observed(ADDRESS) == Observed(
        address=ADDRESS,
        version="2@2030-01-01T00:00:00.273245312Z",
        tags={"tier": "gold"},
        enabled=True,
        description="by hand",
        owner="shop",
        remote_id="85b64590",
    )


def test_what_is_left_out_where_it_is_empty() -> None:
    """A secret in Global without a value and without a description."""
    seen = Row.of({"id": "x", "ref": "a", "currentVersion": 0, "status": "disabled"})
    assert seen == Row(id="x", address=Address("global", "a"), number=0, rotated="", enabled=False, description="")
    assert seen.observed(seen.address).owner is None
    assert no_secret(ADDRESS).version == seen.version == "0@"


@pytest.mark.parametrize(
    "changed",
    [
        {"lastResolvedAt": "2031-01-01T00:00:00Z", "updatedAt": "2031-01-01T00:00:00Z"},
        {"lastCheckedAt": "2031-01-01T00:00:00Z"},
        {"status": "disabled"},
        {"description": "other"},
    ],
)
def test_what_does_not_move_the_version(changed: dict[str, Any]) -> None:
    """Only a value does: runs that read it, and people who describe or disable it, do not."""
    assert Row.of(SECRET | changed).version == Row.of(SECRET).version


@pytest.mark.parametrize("changed", [{"currentVersion": 3}, {"lastRotatedAt": "2030-01-01T00:00:00.273245313Z"}])
def test_what_moves_the_version(changed: dict[str, Any]) -> None:
    """A number given twice is told apart by its time, and two values of one moment by their number."""
    assert Row.of(SECRET | changed).version != Row.of(SECRET).version


@pytest.mark.parametrize("missing", ["id", "ref", "currentVersion", "status"])
def test_what_is_no_secret(missing: str) -> None:
    """There is nothing to be made of it."""
    with pytest.raises(LookupError):
        Row.of({name: given for name, given in SECRET.items() if name != missing})


@pytest.mark.parametrize("document", [None, [], "x", 5, {**SECRET, "currentVersion": "two"}])
def test_what_is_no_document(document: Any) -> None:
    """Nor of that."""
    with pytest.raises((TypeError, ValueError)):
        Row.of(document)
