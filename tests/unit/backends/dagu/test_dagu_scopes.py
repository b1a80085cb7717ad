"""Scopes in which nothing can be made: Dagu would take secrets for any name, and no run would find them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance.fakes.dagu.roles import Role
from conformance.fakes.loopback import Answer
from support import secret

from syncer.errors import AccessDenied, BackendError, InvalidConfiguration, Unsupported

if TYPE_CHECKING:
    from dagu_bench import Bench

HINT = "make it in Dagu first, or correct the scope's name"


@pytest.mark.parametrize(
    ("scope", "calls"),
    [
        ("global", []),
        ("payments", ["GET /workspaces"]),
        ("profile/blue", ["GET /profiles/blue"]),
        ("profile/_global", []),
        ("profile/_workspaces/payments", ["GET /workspaces"]),
    ],
)
def test_what_is_there(bench: Bench, scope: str, calls: list[str]) -> None:
    """One call at most."""
    bench.open().check_scope(scope)
    assert bench.calls() == calls


@pytest.mark.parametrize(
    ("scope", "what"),
    [
        ("billing", "workspace billing"),
        ("Payments", "workspace Payments"),
        ("profile/green", "runtime profile green"),
        ("profile/_workspaces/billing", "workspace billing"),
    ],
)
def test_what_is_not_there(bench: Bench, scope: str, what: str) -> None:
    """It is named, with what to do; a plan tells it of each secret, and nothing is made."""
    with pytest.raises(Unsupported) as caught:
        bench.open().check_scope(scope)
    message = f"dagu at {bench.proxy.url}/api/v1 has no {what}"
    assert (caught.value.message, caught.value.hint) == (message, HINT)
    house = bench.house()
    house.declare(secret(f"{scope}:a"), secret(f"{scope}:b"), secret("payments:a"))
    plan = house.plan()
    assert [(str(found.address), found.code, found.message) for found in plan.errors] == [
        (f"{scope}:a", "unsupported", message),
        (f"{scope}:b", "unsupported", message),
    ]
    assert bench.fake.secrets == {}


def test_secrets_that_outlive_their_workspace(bench: Bench) -> None:
    """They are still planned as they are; only what is to be created there is refused."""
    house = bench.house()
    house.declare(secret("payments:a"))
    house.apply()
    (workspace_id,) = bench.fake.workspaces
    bench.raw.ask(f"DELETE /workspaces/{workspace_id}")
    house.environ["VALUE"] = "v2"
    assert not house.apply().failed
    house.declare(secret("payments:b"))
    assert [str(found.address) for found in house.plan().errors] == ["payments:b"]


@pytest.mark.parametrize(
    "answer", [Answer(status=403), Answer(status=404, headers=(("Content-Type", "application/json"),))]
)
def test_who_may_not_list_workspaces(bench: Bench, answer: Answer) -> None:
    """What may not be known is taken to be there: to write the secret will tell."""
    bench.spoil("GET /api/v1/workspaces", answer)
    for scope in ("billing", "profile/_workspaces/billing"):
        bench.open().check_scope(scope)


def test_a_key_for_one_workspace(bench: Bench) -> None:
    """It lists its own workspace only, and needs no more."""
    house = bench.house(key=bench.fake.api_key(grants={"payments": Role.MANAGER}))
    house.declare(secret("payments:a"))
    assert not house.apply().failed
    assert house.plan().changes == ()
    house.declare(secret("billing:a"))
    with pytest.raises(AccessDenied) as caught:
        house.plan()
    assert caught.value.hint == "the token needs the role manager in workspace billing"


def test_a_profile_that_we_may_not_see(bench: Bench) -> None:
    """It is there for others, and denied to us."""
    bench.raw.ask("PATCH /profiles/blue", {"protected": True})
    with pytest.raises(AccessDenied):
        bench.open(key=bench.fake.api_key(Role.MANAGER)).check_scope("profile/blue")


@pytest.mark.parametrize("scope", ["payments", "profile/blue"])
def test_a_server_that_is_slow_to_answer(bench: Bench, scope: str) -> None:
    """It is asked again, and not for ever."""
    backend = bench.open()
    bench.spoil("GET *", Answer(status=503), times=1)
    backend.check_scope(scope)
    bench.spoil("GET *", Answer(status=503))
    with pytest.raises(BackendError) as caught:
        bench.open().check_scope(scope)
    assert type(caught.value) is BackendError


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"workspaces":[1]}', b'{"workspaces":[{}]}', b"x"])
def test_a_list_of_workspaces_that_is_none(bench: Bench, body: bytes) -> None:
    """It is not taken for an empty one; null is one."""
    bench.spoil("GET /api/v1/workspaces", Answer(body=body))
    with pytest.raises(BackendError, match="makes no sense"):
        bench.open().check_scope("payments")
    bench.spoil("GET /api/v1/workspaces", Answer(body=b'{"workspaces":null}'))
    with pytest.raises(Unsupported):
        bench.open().check_scope("payments")
    bench.spoil("GET /api/v1/workspaces", Answer(body=b"<html>"))
    with pytest.raises(InvalidConfiguration):
        bench.open().check_scope("payments")
