"""What a run over Secrets Manager asks for: how often, with which rights, and what it believes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance.fakes.answers import INTERNAL_ERROR, THROTTLED, access_denied
from conformance.fakes.fault_proxy import FaultProxy, Reset, Rewrite, Rule
from support import House, actions, secret

from syncer.engine.prepare import Request
from syncer.errors import AccessDenied, BackendError
from syncer.model import Address, OnRemove
from syncer.plans import Calls
from syncer.testing.base import CANARY, assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.aws import Store

ONE = Address("payments", "prod/db")


def _all_but(*names: str) -> Callable[..., bool]:
    return lambda call: call.name not in names


def test_a_plan_that_finds_nothing_lists_and_does_nothing_else(house: House, proxy: FaultProxy) -> None:
    """A call for a hundred secrets, no value read, no other right needed; verifying reads twenty a call."""
    house.declare(*(secret(f"payments:key-{number}") for number in range(250)))
    house.parallelism = 8
    assert not house.apply().failed
    proxy.clear()
    proxy.set(Rule(fault=access_denied("secretsmanager:GetSecretValue"), calls=_all_but("ListSecrets")))
    plan = house.plan()
    assert (plan.changes, plan.drift, plan.calls["default"]) == ((), (), Calls(calls=3, values_read=0))
    assert [call.name for call in proxy.log] == ["ListSecrets"] * 3
    proxy.clear()
    plan = house.plan(Request(verify_values=True))
    assert (plan.changes, plan.calls["default"]) == ((), Calls(calls=16, values_read=250))
    assert len(proxy.calls("BatchGetSecretValue")) == 13


def test_a_listing_that_lags_is_not_believed(house: House, proxy: FaultProxy) -> None:
    """Our own create, rotation, disable and update a moment ago are not undone, nor made again."""
    house.declare(secret("payments:prod/db"), secret("payments:gone", on_remove=OnRemove.DELETE))
    house.plan()
    with proxy.lagging("ListSecrets"):
        house.apply()
        assert house.plan().changes == ()
    house.declare(secret("payments:prod/db", enabled=False, tags={"team": "a"}, description="d"))
    house.environ["VALUE"] = "v2"
    house.withdraw("payments:gone")
    house.plan()
    with proxy.lagging("ListSecrets"):
        assert not house.apply().failed
        plan = house.plan()
        assert (plan.changes, plan.drift) == ((), ())
    assert house.plan().changes == ()


def test_a_listing_is_believed_where_nobody_may_look(house: House, proxy: FaultProxy) -> None:
    """With the right to list alone, what the listing shows is drift."""
    house.declare(secret("payments:prod/db"))
    house.apply()
    house.plan()
    with proxy.lagging("ListSecrets"):
        house.environ["VALUE"] = "v2"
        house.apply()
        proxy.set(Rule(fault=access_denied("secretsmanager:DescribeSecret"), calls="DescribeSecret"))
        assert actions(house.plan().changes) == ["rotate(drifted)"]


def test_scopes_that_begin_alike_are_kept_apart(house: House, store: Store, proxy: FaultProxy) -> None:
    """The filter ends with the scope's slash, so what merely begins like it is not paged through."""
    for name in ("payments-old/x", "payments/prod/db", "pay/x"):
        store.client.create_secret(Name=f"{store.prefix}shop/{name}", SecretString="theirs")
    backend = store.open()
    assert [found.address for found in backend.observe(["payments"], [ONE])] == [ONE]
    (call,) = proxy.calls("ListSecrets")
    assert call.document == {
        "Filters": [{"Key": "name", "Values": [f"{store.prefix}shop/payments/"]}],
        "IncludePlannedDeletion": True,
        "MaxResults": 100,
    }
    assert [entry["Name"] for entry in call.answer.document["SecretList"]] == [f"{store.prefix}shop/payments/prod/db"]
    assert house.plan().changes == ()


def test_what_is_no_address_is_passed_over(store: Store) -> None:
    """Somebody's name that no ref spells is not ours to show."""
    store.client.create_secret(Name=f"{store.prefix}shop/payments/=x", SecretString="theirs")
    assert list(store.open().observe(["payments"], [ONE])) == []


def test_more_scopes_than_a_filter_takes(store: Store, proxy: FaultProxy) -> None:
    """Scopes that are not asked for may be listed, and are left out; a call is a page."""
    scopes = [f"team-{letter}{number}" for letter in "abc" for number in range(10)]
    for scope in [*scopes, "team-a-other"]:
        store.client.create_secret(Name=f"{store.prefix}shop/{scope}/x", SecretString="v")
    found = list(store.open().observe(scopes, []))
    assert sorted(entry.address.scope for entry in found) == scopes
    assert len(proxy.calls("ListSecrets")) == 1


def test_an_entry_that_comes_on_two_pages_is_given_once(store: Store, proxy: FaultProxy) -> None:
    """What is made while we list moves others to the next page."""
    for number in range(101):
        store.client.create_secret(Name=store.name(f"n-{number:03}"), SecretString="v")
    proxy.set(Rule(fault=_again(proxy), calls="ListSecrets", after=1))
    found = [entry.address for entry in store.open().observe(["payments"], [])]
    assert len(found) == len(set(found)) == 101


def _again(proxy: FaultProxy) -> Rewrite:
    def rewritten(page: dict[str, list[object]]) -> dict[str, list[object]]:
        first = proxy.calls("ListSecrets")[0].answer.document["SecretList"]
        return {**page, "SecretList": [first[-1], *page["SecretList"]]}

    return Rewrite(rewritten)


@pytest.mark.parametrize("fault", [THROTTLED, INTERNAL_ERROR, Reset(after_forward=True)])
def test_one_page_that_fails_is_asked_for_again(store: Store, proxy: FaultProxy, fault: object) -> None:
    """The pages before it are not, and the SDK tries nothing again by itself."""
    for number in range(101):
        store.client.create_secret(Name=store.name(f"n-{number:03}"), SecretString="v")
    proxy.set(Rule(fault=fault, calls="ListSecrets", after=1, times=2))
    assert len(list(store.open().observe(["payments"], []))) == 101
    assert len(proxy.calls("ListSecrets")) == 4


def test_a_page_that_keeps_failing_fails_for_good(store: Store, proxy: FaultProxy) -> None:
    """Six times in all: who asked does not ask six times more."""
    proxy.set(Rule(fault=INTERNAL_ERROR, calls="ListSecrets"))
    backend = store.open()
    with pytest.raises(BackendError, match="AWS failed at secretsmanager:ListSecrets") as caught:
        backend.context.retry.call(lambda: list(backend.observe(["payments"], [ONE])))
    assert type(caught.value) is BackendError
    assert len(proxy.log) == 6


def test_a_denied_listing_names_the_right(store: Store, proxy: FaultProxy) -> None:
    """The message names what was listed, the hint the action."""
    proxy.set(Rule(fault=access_denied("secretsmanager:ListSecrets"), calls="ListSecrets"))
    with pytest.raises(AccessDenied) as caught:
        list(store.open().observe(["payments", "global"], [ONE]))
    assert caught.value.message == f"{store.prefix}shop/payments/* and 1 more: AWS denied secretsmanager:ListSecrets"
    assert (
        caught.value.hint
        == 'the role needs "secretsmanager:ListSecrets" on "*", because IAM knows it for no single one'
    )


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_an_apply_comes_through_throttling(house: House, store: Store, proxy: FaultProxy, share: float) -> None:
    """Every secret once, however many calls were refused."""
    house.declare(*(secret(f"payments:key-{number}") for number in range(30)))
    house.environ["VALUE"] = CANARY.decode()
    proxy.set(Rule(fault=THROTTLED, share=share))
    house.wrap = lambda _memory: store.open()
    outcome = house.apply()
    assert not outcome.failed
    assert_no_leak(CANARY, outcome)
    proxy.set()
    plan = house.plan()
    assert (plan.changes, plan.calls["default"].calls) == ((), 1)
    listed = store.client.list_secrets(Filters=[{"Key": "name", "Values": [store.prefix]}])["SecretList"]
    assert len(listed) == 30
    assert all(len(entry["SecretVersionsToStages"]) == 1 for entry in listed)
