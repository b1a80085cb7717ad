"""What may stand beside `type: kestra`: every fault is told, and nothing that stood there is repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support import secret

from syncer.backends.base import Capability
from syncer.backends.kestra.backend import Kestra
from syncer.errors import InvalidConfiguration
from syncer.model import OnRemove
from syncer.testing.base import assert_no_leak, context

if TYPE_CHECKING:
    from pathlib import Path

    from kestra_bench import Bench

URL = "https://kestra.test:8080"
TYPED = "typed-by-mistake"


def opened(folder: Path, **options: Any) -> Kestra:
    """Open one that is never used, so that it need not be closed."""
    return Kestra.open({"url": URL, **options}, context(folder, "shop", environ={}))


@pytest.mark.parametrize(
    ("options", "root"),
    [
        ({}, f"{URL}/api/v1/main"),
        ({"url": f"{URL}/"}, f"{URL}/api/v1/main"),
        ({"url": f"{URL}/behind/a/proxy"}, f"{URL}/behind/a/proxy/api/v1/main"),
        ({"tenant": "0_acme-2"}, f"{URL}/api/v1/0_acme-2"),
        ({"tenant": ""}, f"{URL}/api/v1"),
    ],
    ids=str,
)
def test_where_the_api_begins(tmp_path: Path, options: dict[str, str], root: str) -> None:
    """Below the tenant, which is `main` unless it is said; that is the place, too."""
    assert opened(tmp_path, **options).place == root


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"url": TYPED}, "option `url` must be an http or https URL"),
        ({"tenant": TYPED.upper()}, "option `tenant` is small letters, digits, `_` and `-`"),
        ({"tenant": f"a/{TYPED}"}, "option `tenant` is small letters"),
        ({"tenant": f"_{TYPED}"}, "option `tenant` is small letters"),
        ({"tenant": f"{TYPED}\n"}, "option `tenant` is small letters"),
        ({"tenant": None}, "option `tenant` must be a string"),
        ({"disable": TYPED}, "option `disable` must be refuse or delete"),
        ({"disable": True}, "option `disable` must be a string"),
        ({"tags": TYPED}, "option `tags` must be a mapping"),
        ({"tags": {TYPED: ""}}, "option `tags` must be names with texts, none of them empty"),
        ({"tags": {TYPED: 5}}, "option `tags` must be names with texts, none of them empty"),
        ({"tags": {TYPED: None}}, "option `tags` must be names with texts, none of them empty"),
        ({"tags": {"": TYPED}}, "option `tags` must be names with texts, none of them empty"),
        ({"tags": {5: TYPED}}, "option `tags` must be names with texts, none of them empty"),
        ({"tenants": TYPED}, "unknown option `tenants`, did you mean `tenant`"),
        ({"token": TYPED}, "option `token` must be a mapping"),
        ({"password": {"env": "P"}}, "option `username` goes with `password`"),
    ],
    ids=str,
)
def test_what_cannot_work(tmp_path: Path, options: dict[str, Any], why: str) -> None:
    """It is refused when the backend is opened."""
    with pytest.raises(InvalidConfiguration) as caught:
        opened(tmp_path, **options)
    assert why in caught.value.message
    assert_no_leak(TYPED.encode(), caught.value)


def test_opening_asks_nobody(bench: Bench) -> None:
    """The server is asked with the first call; a backend that made none can be closed."""
    bench.open(token={"env": "NOT_SET"}).close()
    assert bench.calls() == []


@pytest.mark.parametrize(("disable", "removes"), [("refuse", False), ("delete", True)])
def test_what_it_can(tmp_path: Path, disable: str, removes: bool) -> None:  # noqa: FBT001  # a row of the table
    """A disabled state it has none of; the option says whether what is disabled is taken out."""
    backend = opened(tmp_path, disable=disable)
    assert (Capability.DISABLE_REMOVES in backend.capabilities) is removes
    assert {Capability.TAGS, Capability.DESCRIPTION, Capability.DELETE} <= backend.capabilities
    assert Capability.DISABLE_REMOVES not in opened(tmp_path).capabilities
    assert backend.inherits


def test_tags_for_every_secret(bench: Bench) -> None:
    """Those of the manifest go before them; one that is taken out of the options goes from the secrets."""
    house = bench.house(tags={"team": "payments", "tier": "gold"})
    house.declare(secret("company.team:a", tags={"tier": "silver"}))
    house.apply()
    tags = bench.tags("A")
    assert (tags["team"], tags["tier"]) == ("payments", "silver")
    assert house.plan().changes == ()
    house = bench.house()
    house.declare(secret("company.team:a", tags={"tier": "silver"}))
    assert not house.apply().failed
    assert "team" not in bench.tags("A")
    assert house.plan().changes == ()


def test_paths_without_a_tenant(bench: Bench) -> None:
    """Of old servers: every kind of call goes there."""
    bench.serve(tenant="", version="1.2")
    house = bench.house()
    for facts in ({}, {"tags": {"a": "b"}}):
        house.declare(secret("company.team:a", on_remove=OnRemove.DELETE, **facts))
        assert not house.apply().failed
    house.withdraw("company.team:a")
    assert not house.apply().failed
    path = "/namespaces/company.team/secrets"
    assert bench.writes() == [f"PUT {path}", f"PATCH {path}/A", f"DELETE {path}/A"]


def test_nothing_is_declared_where_there_are_no_tags(tmp_path: Path) -> None:
    """The secret is the one that the manifest declares."""
    told = secret("company.team:a")
    assert opened(tmp_path).declare(told) is told
