"""Observing: as few calls as the server allows, and nothing but what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from conformance.fakes.answers import VAULT_DENIED, vault_error
from conformance.fakes.fault_proxy import Rule
from conformance.fakes.vault.tokens import Grant
from vault_bench import DB

from syncer.backends.vault.listing import AT_ONCE
from syncer.errors import AccessDenied, BackendError, Refused, Transient
from syncer.model import Address

if TYPE_CHECKING:
    from collections.abc import Collection

    from conformance.fakes.loopback import Answer
    from vault_bench import Bench

    from syncer.backends.vault import Vault

OURS = {"syncer:project": "shop"}
BAO = pytest.mark.parametrize("flavour", ["openbao"])
BOTH = pytest.mark.parametrize("flavour", ["vault", "openbao"])
OTHERS = (
    "shop/other/a",
    "shop/payments-2/a",
    "shop/payments",
    "shopping/payments/a",
    "payments/a",
    "a",
    "other/payments/a",
)


def fill(bench: Bench, *paths: str) -> None:
    """Put secrets of ours at paths."""
    for path in paths:
        bench.server.put(path, {"value": "v"}, OURS)


def seen(backend: Vault, scopes: Collection[str] = ("payments",)) -> list[str]:
    """Name what is observed."""
    return sorted(str(found.address) for found in backend.observe(scopes, []))


@BOTH
def test_what_was_asked_for(bench: Bench) -> None:
    """Folders below folders, and secrets that are called as a folder is; neither other scopes nor other people's."""
    fill(bench, "shop/payments/a", "shop/payments/a/b", "shop/payments/a/b/c", "shop/payments/d", *OTHERS)
    assert seen(bench.open()) == ["payments:a", "payments:a/b", "payments:a/b/c", "payments:d"]
    assert seen(bench.open(), ["payments", "payments-2"])[-1] == "payments:d"
    assert seen(bench.open(), []) == []


@BOTH
@pytest.mark.parametrize(
    ("options", "paths"),
    [
        ({"path": "{scope}/{ref}"}, ["payments/a", "payments/b/c"]),
        ({"path": "{scope}/kv-{ref}"}, ["payments/kv-a", "payments/kv-b/c"]),
        ({"path": "x-{scope}/y/{ref}/z"}, ["x-payments/y/a/z", "x-payments/y/b/c/z"]),
        ({"path": "{scope}/{ref}", "prefix": "kestra/read-only"}, ["kestra/read-only/payments/a"]),
    ],
)
def test_other_layouts(bench: Bench, options: dict[str, str], paths: list[str]) -> None:
    """A name that no address has is nobody's."""
    fill(bench, *paths, "payments/kv", "payments/other", "x-payments/y/q", "x-payments/n/a/z", "kestra/payments/a")
    expected = {"payments:a", "payments:b/c"} if len(paths) == 2 else {"payments:a"}
    found = seen(bench.open(**options))
    assert expected <= set(found)
    assert len(found) == len(expected) + 2 * (options == {"path": "{scope}/{ref}"})


def test_calls_of_a_plan_on_vault(bench: Bench) -> None:
    """One to find out that it cannot scan, one for each folder, one for each secret; never above the scope."""
    fill(bench, "shop/payments/a", "shop/payments/b/c", "shop/other/d", *OTHERS)
    backend = bench.open(width=1)
    seen(backend, ["payments", "other"])
    assert bench.calls() == [
        "SCAN detailed-metadata/shop/",
        "LIST metadata/shop/other/",
        "LIST metadata/shop/payments/",
        "LIST metadata/shop/payments/b/",
        *(f"GET metadata/shop/{path}" for path in ("other/a", "other/d", "payments/a", "payments/b/c")),
    ]
    seen(backend)
    assert bench.calls() == [
        "LIST metadata/shop/payments/",
        "LIST metadata/shop/payments/b/",
        "GET metadata/shop/payments/a",
        "GET metadata/shop/payments/b/c",
    ]


@BAO
def test_calls_of_a_plan_on_openbao(bench: Bench) -> None:
    """One, however many scopes and secrets; where scopes have no folder in common, one for each of them."""
    fill(bench, "shop/payments/a", "shop/payments/b/c", "shop/other/d", "payments/x", "other/y")
    seen(bench.open(), ["payments", "other"])
    assert bench.calls() == ["SCAN detailed-metadata/shop/"]
    seen(bench.open())
    assert bench.calls() == ["SCAN detailed-metadata/shop/payments/"]
    assert seen(bench.open(path="{scope}/{ref}", width=1), ["payments", "other"]) == ["other:y", "payments:x"]
    assert bench.calls() == ["SCAN detailed-metadata/other/", "SCAN detailed-metadata/payments/"]


@BOTH
def test_both_ways_see_the_same(bench: Bench) -> None:
    """Whatever state a secret is in."""
    backend = bench.open()
    for name in ("live", "off", "deleted", "destroyed"):
        bench.create(backend, address=Address("payments", name), tags={"name": name}, description=name)
    backend.set_enabled(backend.look(Address("payments", "off")), enabled=False)  # type: ignore[arg-type]  # it is there
    backend.delete(backend.look(Address("payments", "deleted")))  # type: ignore[arg-type]  # it is there
    bench.raw.kv("POST", "destroy", "shop/payments/destroyed", {"versions": [1]})
    bench.raw.kv("POST", "metadata", "shop/payments/empty", {"custom_metadata": OURS})
    found = {each.address: each for each in backend.observe(["payments"], [])}
    assert len(found) == 4
    assert {address: backend.look(address) for address in found} == found
    bench.spoil("SCAN *", vault_error(405))
    assert {each.address: each for each in bench.open().observe(["payments"], [])} == found


@BAO
@pytest.mark.parametrize(
    "answer", [VAULT_DENIED, vault_error(404), vault_error(400), vault_error(405), vault_error(500)]
)
def test_a_scan_that_is_refused(bench: Bench, answer: Answer) -> None:
    """By a server that knows none, a policy that grants none, a name that breaks it: it is not asked for again."""
    fill(bench, "shop/payments/a")
    backend = bench.open()
    bench.spoil("SCAN *", answer)
    assert seen(backend) == seen(backend) == ["payments:a"]
    assert sum("SCAN" in name for name in bench.calls()) == 1


@BAO
def test_some_scans_are_refused(bench: Bench) -> None:
    """All is listed then."""
    fill(bench, "payments/x", "other/y")
    bench.server.policy("some", {"secret/metadata/*": ["list", "read"], "secret/detailed-metadata/other/*": ["scan"]})
    token = bench.server.token(Grant(policies=("some",)))
    backend = bench.open({"VAULT_TOKEN": token}, path="{scope}/{ref}")
    assert seen(backend, ["payments", "other"]) == ["other:y", "payments:x"]


@BOTH
def test_a_listing_that_is_denied(bench: Bench) -> None:
    """The folder and the right are told; nothing passes for empty."""
    bench.server.policy("none", {})
    backend = bench.open({"VAULT_TOKEN": bench.server.token(Grant(policies=("none",)))})
    with pytest.raises(AccessDenied) as caught:
        seen(backend)
    assert caught.value.message == "scope payments: vault denied list on secret/metadata/shop/payments/"


@BOTH
def test_a_sealed_server(bench: Bench) -> None:
    """It is told at once."""
    bench.server.seal()
    with pytest.raises(Refused, match="is sealed"):
        seen(bench.open())


@BOTH
def test_calls_that_fail_are_tried_again(bench: Bench) -> None:
    """Each by itself; in the end the error is no longer one that the engine would try again."""
    fill(bench, "shop/payments/a")
    backend = bench.open()
    bench.proxy.set(*(Rule(fault=vault_error(502), calls=f"{method} *", times=3) for method in ("SCAN", "LIST", "GET")))
    assert seen(backend) == ["payments:a"]
    bench.spoil("*", vault_error(502))
    with pytest.raises(BackendError) as caught:
        seen(backend)
    assert not isinstance(caught.value, Transient)


def test_a_secret_that_goes_away_meanwhile(bench: Bench) -> None:
    """It is left out."""
    fill(bench, "shop/payments/a", "shop/payments/b")
    bench.spoil("GET /v1/secret/metadata/shop/payments/a", vault_error(404))
    assert seen(bench.open()) == ["payments:b"]


@pytest.mark.parametrize("width", [1, 4])
def test_more_than_a_worker_looks_at_at_once(bench: Bench, width: int) -> None:
    """Each secret comes once."""
    number = 3 * AT_ONCE + 1
    fill(bench, *(f"shop/payments/n-{each}" for each in range(number)))
    backend = bench.open(width=width)
    assert len(seen(backend)) == len(set(seen(backend))) == number
    assert backend.meter.total.values_read == 0


def test_a_wide_run_does_not_strain_the_server(bench: Bench) -> None:
    """Sixteen calls at once, whatever the user allows."""
    assert bench.open(width=200)._listing._width == 16


@BOTH
def test_metadata_that_is_not_ours(bench: Bench) -> None:
    """Every key of theirs is a tag; without our mark, nobody owns it."""
    metadata: dict[str, Any] = {"team": "theirs", "syncer": "x"}
    bench.server.put("shop/payments/prod/db", {"any": 1}, metadata)
    (found,) = bench.open().observe(["payments"], [])
    assert (found.address, found.owner, found.tags, found.description) == (DB, None, metadata, "")
