"""Which addresses Dagu can hold, and what it calls what is behind an entry of a profile."""

from __future__ import annotations

import pytest
from conformance.fakes.dagu.profile_store import Profile
from dagu_bench import BLUE, DB, Bench
from hypothesis import given
from hypothesis import strategies as st
from support import secret

from syncer.backends.dagu import places
from syncer.backends.dagu.places import Layer
from syncer.errors import Unsupported
from syncer.model import Address

A_WORKSPACE = "a workspace has 1 to 64 letters, digits, `_` and `-`, and is not all, default or global"
A_REF = "a ref in dagu is small letters, digits and `-`, in parts joined by `/`"
OF_A_LAYER = "such refs in Global belong to runtime profiles; use a scope `profile/<name>`"
A_PROFILE = (
    "a runtime profile's name is small letters, digits and `-` where it is to hold secrets; "
    "or _global, or _workspaces/<name>"
)
A_KEY = "in a runtime profile, a ref is the name of a variable, at most 255 long and not DAGU_..."


@pytest.mark.parametrize(
    ("scope", "ref"),
    [
        ("global", "a"),
        ("global", "prod/db-password"),
        ("payments", "runtime-profiles/blue/key-41"),
        ("Payments_2-x", "0/1-/a--b"),
        ("_", "runtime-profile"),
        ("w" * 64, "r" * 512),
        ("profile/blue", "DB"),
        ("profile/0-blue-", "_x1"),
        ("profile/" + "p" * 128, "K" * 255),
        ("profile/_global", "Dagu_X"),
        ("profile/_workspaces/payments", "dagu_x"),
        ("profile/_workspaces/Payments_2", "PATH"),
        ("profile", "a"),
        ("profiles", "a"),
    ],
)
def test_what_it_holds(scope: str, ref: str) -> None:
    """Secrets of Global and of workspaces by ref, those of profiles by variable."""
    places.check(Address(scope, ref))


@pytest.mark.parametrize(
    ("scope", "ref", "rule"),
    [
        ("Global", "a", A_WORKSPACE),
        ("all", "a", A_WORKSPACE),
        ("Default", "a", A_WORKSPACE),
        ("a.b", "a", A_WORKSPACE),
        ("a/b", "a", A_WORKSPACE),
        ("caf\u00e9", "a", A_WORKSPACE),
        ("payments\n", "a", A_WORKSPACE),
        ("w" * 65, "a", A_WORKSPACE),
        ("payments", "DB", A_REF),
        ("payments", "a_b", A_REF),
        ("payments", "a.b", A_REF),
        ("payments", "a//b", A_REF),
        ("payments", "/a", A_REF),
        ("payments", "a/", A_REF),
        ("payments", "-a", A_REF),
        ("payments", "a/-b", A_REF),
        ("payments", "a\n", A_REF),
        ("payments", "\u0661", A_REF),
        ("global", "runtime-profiles/blue/key-41", OF_A_LAYER),
        ("global", "runtime-profiles/x", OF_A_LAYER),
        ("global", "runtime-profile-defaults/global/key-41", OF_A_LAYER),
        ("profile/", "DB", A_PROFILE),
        ("profile/Blue", "DB", A_PROFILE),
        ("profile/blue.green", "DB", A_PROFILE),
        ("profile/blue_green", "DB", A_PROFILE),
        ("profile/blue/green", "DB", A_PROFILE),
        ("profile/-blue", "DB", A_PROFILE),
        ("profile/blue\n", "DB", A_PROFILE),
        ("profile/" + "p" * 129, "DB", A_PROFILE),
        ("profile/_globals", "DB", A_PROFILE),
        ("profile/_workspaces", "DB", A_PROFILE),
        ("profile/_workspaces/", "DB", A_PROFILE),
        ("profile/_workspaces/all", "DB", A_PROFILE),
        ("profile/_workspaces/a.b", "DB", A_PROFILE),
        ("profile/_workspaces/a/b", "DB", A_PROFILE),
        ("profile/blue", "prod/db", A_KEY),
        ("profile/blue", "a-b", A_KEY),
        ("profile/blue", "1A", A_KEY),
        ("profile/blue", "A\n", A_KEY),
        ("profile/blue", "DAGU_X", A_KEY),
        ("profile/_global", "DAGU_", A_KEY),
        ("profile/blue", "K" * 256, A_KEY),
    ],
)
def test_what_it_does_not_hold(scope: str, ref: str, rule: str) -> None:
    """The address and the rule are told."""
    with pytest.raises(Unsupported) as caught:
        places.check(Address(scope, ref))
    assert caught.value.message == f"{scope}:{ref}: {rule}"


def test_it_is_told_while_planning(bench: Bench) -> None:
    """With all that is wrong, and before anybody writes."""
    house = bench.house()
    house.declare(secret("payments:DB"), secret("profile/blue:prod/db"), secret("payments:prod/db"))
    errors = [(str(found.address), found.code, found.message) for found in house.plan().errors]
    assert errors == [
        ("payments:DB", "unsupported", f"payments:DB: {A_REF}"),
        ("profile/blue:prod/db", "unsupported", f"profile/blue:prod/db: {A_KEY}"),
    ]


@pytest.mark.parametrize("scope", ["Global", "all", "a.b", "profile/Blue", "profile/_workspaces/all", "profile/"])
def test_what_can_be_no_scope_is_not_asked_for(bench: Bench, scope: str) -> None:
    """The server would refuse it, and with it all that is planned; others are listed."""
    backend = bench.open()
    assert list(backend.observe([scope], [])) == []
    assert bench.calls() == []
    bench.fake.plant("a", "x", "payments")
    assert [entry.address.scope for entry in backend.observe([scope, "payments"], [])] == ["payments"]
    assert bench.calls() == ["GET /secrets"]


@pytest.mark.parametrize(
    ("scope", "path", "ref"),
    [
        ("profile/blue", "/profiles/blue", BLUE),
        ("profile/_global", "/profiles/_global", "runtime-profile-defaults/global/key-4442"),
        (
            "profile/_workspaces/payments",
            "/profiles/_workspaces/payments",
            "runtime-profile-defaults/workspaces/7061796d656e7473/key-4442",
        ),
    ],
)
def test_where_a_layer_is(scope: str, path: str, ref: str) -> None:
    """In the API, and in Global."""
    layer = Layer.of(scope)
    assert (layer.path, layer.ref("DB")) == (path, ref)


@given(
    name=st.one_of(
        st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True),
        st.just("_global"),
        st.from_regex(r"_workspaces/[A-Za-z0-9_-]{1,20}", fullmatch=True),
    ),
    key=st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,30}", fullmatch=True),
)
def test_refs_are_what_the_server_makes_of_entries(name: str, key: str) -> None:
    """Whatever they are called; all of them are hidden from Global."""
    ref = Layer.of(f"profile/{name}").ref(key)
    assert ref == Profile(name=name, created=0, updated=0).ref(key)
    assert ref.startswith(places.OF_PROFILES)


def test_scopes() -> None:
    """Global has no workspace; only what stands below `profile/` is a layer."""
    assert [places.workspace("global"), places.workspace("payments")] == [None, "payments"]
    assert [places.is_layer(scope) for scope in ("profile/blue", "profile", "global", DB.scope)] == [
        True,
        False,
        False,
        False,
    ]
