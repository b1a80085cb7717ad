"""How a long list is split: chains of about equal length, no more pages than it takes."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from conformance.fakes.secrets_listing import calls, entries, secrets_listing

from syncer.backends.aws.secret_listing import CHAINS, LONG, MOST_VALUES, chains
from syncer.model import Address
from syncer.naming import Template
from syncer.testing.base import error_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.aws import Store

OURS = Template("name", "{project}/{scope}/{ref}", "shop")
SHARED = Template("name", "prod/{scope}/{ref}", "shop")
"""Other projects may have names like these."""


def _split(sizes: Mapping[str, int], names: Template = OURS) -> list[list[str]]:
    addresses = [Address(scope, f"n{number}") for scope, size in sizes.items() for number in range(size)]
    found = chains(names, sizes.keys(), addresses)
    assert all(0 < len(chain) <= MOST_VALUES for chain in found)
    every = [beginning for chain in found for beginning in chain]
    assert not any(one.startswith(other) or other.startswith(one) for one, other in combinations(every, 2))
    assert all(sum(names.prefix(scope).startswith(beginning) for beginning in every) == 1 for scope in sizes)
    return found


def test_a_short_list_is_one_chain() -> None:
    """However many scopes there are; a few are named in full."""
    assert _split({}) == []
    assert _split({"a": 1}) == [["shop/a/"]]
    assert _split({"pay": 3, "payments": 1, "none": 0}) == [["shop/pay/", "shop/payments/", "shop/none/"]]
    assert len(_split({f"s{number}": LONG // 100 for number in range(100)})) == 1


def test_what_many_scopes_begin_with() -> None:
    """It is as long as the filter allows, so that little else of the project is listed."""
    (chain,) = _split({f"team-{letter}{number}": 1 for letter in "abc" for number in range(10)})
    assert sorted(chain) == ["shop/team-a", "shop/team-b", "shop/team-c"]
    (chain,) = _split({f"{letter}x": 1 for letter in "abcdefghijklmno"})
    assert chain == ["shop/"]


def test_a_long_list_is_split() -> None:
    """Into four chains of about equal length, or as many as there are scopes; one scope stays together."""
    assert _split({"a": LONG + 1}) == [["shop/a/"]]
    assert sorted(_split({"a": LONG, "b": 1})) == [["shop/a/"], ["shop/b/"]]
    sizes = {"a": 3000, "b": 2000, "c": 2000, "d": 1000, "e": 1000, "f": 1000}
    found = _split(sizes)
    loads = sorted(sum(sizes[beginning.split("/")[1]] for beginning in chain) for chain in found)
    assert loads == [2000, 2000, 3000, 3000]


@pytest.mark.parametrize("scopes", [40, 41, 400])
def test_a_long_list_of_many_scopes(scopes: int) -> None:
    """Never more than four chains, each a page more at most."""
    found = _split({f"s{number:03}": 10_000 // scopes for number in range(scopes)})
    assert 1 <= len(found) <= CHAINS


def test_where_other_projects_may_be_near() -> None:
    """No beginning is cut there: as many chains as it takes to name every scope."""
    found = _split({f"s{number}": 1 for number in range(25)}, SHARED)
    assert sorted(beginning for chain in found for beginning in chain) == sorted(f"prod/s{n}/" for n in range(25))
    assert len(found) == 3
    assert len(_split({f"s{number}": 200 for number in range(25)}, SHARED)) == CHAINS
    assert _split({"a": 1, "b": 1}, Template("name", "{scope}/{ref}", "shop")) == [["a/", "b/"]]
    assert (
        len(_split({f"s{number}": 1 for number in range(25)}, Template("name", "{project}-{scope}/{ref}", "shop"))) == 3
    )


def test_pages_of_a_long_list(store: Store) -> None:
    """Four chains at once over ten scopes: at most three pages more than in one; every secret once."""
    scopes = [f"scope{number}" for number in range(10)]
    with secrets_listing(entries("shop", scopes, 250)) as url:
        backend = store.open(prefix="", endpoint_url=url)
        wanted = [Address(scope, f"app/key-{index:05}") for scope in scopes for index in range(250)]
        found = [entry.address for entry in backend.observe(scopes, wanted)]
        assert sorted(found) == wanted
        assert backend.meter.total.calls == calls(url) <= 25 + CHAINS - 1
        assert not isinstance(error_of(lambda: list(backend.observe(scopes[:1], wanted[:250]))), Exception)
        assert calls(url) <= 25 + CHAINS - 1 + 3
