"""The fake Vault keeps the rules of the real one.

With SYNCER_TEST_VAULT_ADDR and SYNCER_TEST_VAULT_TOKEN the same tests run on a real server too.
"""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from conformance.fakes.vault.server import VaultServer
from conformance.vault_rules import listings, metadata, paths, values
from conformance.vault_rules.grounds import Client, FakeGround, Ground, RealGround
from conformance.vault_rules.steps import DENIED, MISSING, NOTHING, step

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS, TOKEN = os.environ.get("SYNCER_TEST_VAULT_ADDR"), os.environ.get("SYNCER_TEST_VAULT_TOKEN")
TABLES = values.TABLES | metadata.TABLES | listings.TABLES | paths.TABLES
UNKNOWN_TOKEN = {
    "vault": "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n",
    "openbao": "permission denied",
}

NO_NAMESPACE = {"vault": 'no handler for route "{path}". route entry not found.', "openbao": "namespace not found"}


@pytest.fixture(scope="module", params=["vault", "openbao", "real"])
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """A fake of either flavour, or the real server."""
    if request.param != "real":
        with VaultServer(request.param) as server, closing(FakeGround(server)) as fake:
            yield fake
    elif ADDRESS and TOKEN:
        with closing(RealGround(ADDRESS, TOKEN)) as real:
            yield real
    else:
        pytest.skip("no real server: set SYNCER_TEST_VAULT_ADDR and SYNCER_TEST_VAULT_TOKEN")


@pytest.mark.parametrize("table", TABLES)
def test_rules(ground: Ground, table: str) -> None:
    """A table's requests, in a mount of their own, get the replies that stand there."""
    *_, last = table.split()
    if last in {"vault", "openbao"} - {ground.flavour}:
        pytest.skip(f"only {last} does that")
    mount = ground.mount()
    for taken in TABLES[table]:
        ground.take(taken, mount)


def test_what_moves_the_time_of_update(ground: Ground) -> None:
    """A new value does, a deletion does not; metadata do in OpenBao, but not in Vault."""
    mount = ground.mount()
    ground.call("POST", f"{mount}/data/a", {"data": {}}).require(200)
    written = ground.call("GET", f"{mount}/metadata/a").part("data.updated_time")
    ground.call("POST", f"{mount}/metadata/a", {"custom_metadata": {"a": "b"}}).require(204)
    changed = ground.call("GET", f"{mount}/metadata/a").part("data.updated_time")
    assert (changed == written) is (ground.flavour == "vault")
    ground.call("DELETE", f"{mount}/data/a").require(204)
    ground.call("GET", f"{mount}/metadata/a").require(200, {"data.updated_time": changed})
    second = ground.call("POST", f"{mount}/data/a", {"data": {}}).part("data.created_time")
    ground.call("GET", f"{mount}/metadata/a").require(200, {"data.updated_time": second})


def test_who_wrote(ground: Ground) -> None:
    """Vault says who wrote and deleted a version, OpenBao does not."""
    mount = ground.mount()
    ground.call("POST", f"{mount}/data/a", {"data": {}}).require(200)
    ground.call("POST", f"{mount}/data/a", {"data": {}}).require(200)
    ground.call("DELETE", f"{mount}/data/a").require(204)
    known = ground.call("GET", f"{mount}/metadata/a").part("data")
    if ground.flavour == "openbao":
        assert set(known["versions"]["1"]) == {"created_time", "deletion_time", "destroyed"}
        assert "last_updated_by" not in known
        return
    first, second = known["versions"]["1"], known["versions"]["2"]
    said = [first["created_by"], second["created_by"], second["deleted_by"], known["last_updated_by"]]
    assert [one["operation"] for one in said] == ["create", "update", "delete", "delete"]
    assert first["deleted_by"] is None


def test_version_one(ground: Ground) -> None:
    """KV version 1 takes `data/a` for a name, and a write with options for a value."""
    mount = ground.mount(version=1)
    for taken in paths.VERSION_ONE:
        ground.take(taken, mount)
    described = ground.call("GET", f"sys/internal/ui/mounts/{mount}/data/a").require(200)
    assert described.part("data.options") == {"version": "1"}


def test_policies(ground: Ground) -> None:
    """Each operation needs its capability; creating is not updating, a listing's path ends in a slash."""
    mount = ground.mount()
    rules = {
        "data/app/*": ["create", "read", "update"],
        "data/app/denied": ["deny"],
        "metadata/app/*": ["list", "read"],
        "data/+/one": ["read"],
        "data/create": ["create"],
        "data/update": ["update"],
        "data/patch": ["patch"],
        "undelete/*": ["create"],
        "destroy/*": ["update"],
        "metadata/exact": ["list"],
    }
    token = ground.grant({f"{mount}/{path}": capabilities for path, capabilities in rules.items()})
    ground.call("POST", f"{mount}/data/patch", {"data": {}}).require(200)
    for taken in [
        step("GET data/top", 403, DENIED),
        step("GET data/app/x", 404, MISSING),
        step("POST data/app/x", 200, None, {"data": {}}),
        step("POST data/app/x", 200, None, {"data": {}}),
        step("DELETE data/app/x", 403, DENIED),
        step("PATCH data/app/x", 403, DENIED, {"data": {}}),
        step("GET data/app/denied", 403, DENIED),
        step("GET data/app", 403, DENIED),
        step("GET data/zz/one", 404, MISSING),
        step("GET data/zz/yy/one", 403, DENIED),
        step("LIST metadata/app", 200, {"data.keys": ["x"]}),
        step("GET metadata/app?list=true", 200, {"data.keys": ["x"]}),
        step("GET metadata/app", 403, DENIED),
        step("GET metadata/app/x", 200),
        step("LIST metadata", 403, DENIED),
        step("LIST metadata/exact", 404, MISSING),
        step("GET metadata/exact", 403, DENIED),
        step("POST data/create", 200, None, {"data": {}}),
        step("POST data/create", 403, DENIED, {"data": {}}),
        step("POST data/update", 403, DENIED, {"data": {}}),
        step("PATCH data/patch", 200, None, {"data": {}}),
        step("POST undelete/never", 403, DENIED, {"versions": [1]}),
        step("POST destroy/never", 204, NOTHING, {"versions": [1]}),
        step("GET config", 403, DENIED),
        step("POST foo", 403, DENIED, {}),
    ]:
        ground.take(taken, mount, token)
    ground.call("POST", f"{mount}/data/update", {"data": {}}).require(200)
    ground.call("POST", f"{mount}/data/update", {"data": {}}, token=token).require(200)


def test_the_most_specific_rule_decides(ground: Ground) -> None:
    """Not the one that grants most, nor the one that denies."""
    mount = ground.mount()
    rules = {"data/*": "read", "data/a*": "deny", "data/ab": "read", "data/+/z": "deny", "data/m/*": "read"}
    token = ground.grant({f"{mount}/{path}": [capability] for path, capability in rules.items()})
    found = {
        name: ground.call("GET", f"{mount}/data/{name}", token=token).status
        for name in ("x", "a", "ab", "abc", "k/z", "m/z", "m/y")
    }
    assert found == {"x": 404, "a": 403, "ab": 404, "abc": 403, "k/z": 403, "m/z": 404, "m/y": 404}


def test_which_rule_decides_about_a_listing(ground: Ground) -> None:
    """Vault asks for the folder without its slash first, so that the rule above decides; OpenBao does not."""
    mount = ground.mount()
    token = ground.grant({f"{mount}/metadata/*": ["read"], f"{mount}/metadata/app/*": ["list"]})
    found = ground.call("LIST", f"{mount}/metadata/app", token=token).status
    assert found == {"vault": 403, "openbao": 404}[ground.flavour]
    ground.call("LIST", f"{mount}/metadata/app/x", token=token).require(404)


def test_scanning_needs_its_own_capability(ground: Ground) -> None:
    """To list is not to scan."""
    if ground.flavour == "vault":
        pytest.skip("only openbao does that")
    mount = ground.mount()
    token = ground.grant({f"{mount}/metadata/*": ["list"], f"{mount}/detailed-metadata/*": ["scan"]})
    ground.call("POST", f"{mount}/data/a", {"data": {}}).require(200)
    ground.call("SCAN", f"{mount}/detailed-metadata", token=token).require(200, {"data.keys": ["a"]})
    ground.call("LIST", f"{mount}/detailed-metadata", token=token).require(403, DENIED)
    ground.call("SCAN", f"{mount}/metadata", token=token).require(403, DENIED)
    ground.call("LIST", f"{mount}/metadata", token=token).require(200, {"data.keys": ["a"]})


def test_a_mount_is_described_to_those_who_may_anything_in_it(ground: Ground) -> None:
    """Nobody else learns whether there is one."""
    mount, other = ground.mount(), ground.mount()
    token = ground.grant({f"{mount}/metadata/x": ["list"], f"{other}/*": ["deny"]})
    described = ground.call("GET", f"sys/internal/ui/mounts/{mount}", token=token)
    described.require(200, {"data.type": "kv", "data.options": {"version": "2"}, "data.path": f"{mount}/"})
    refusal = 'preflight capability check returned 403, please ensure client\'s policies grant access to path "{}/"'
    ground.call("GET", f"sys/internal/ui/mounts/{other}", token=token).require(403, refusal.format(other))
    ground.call("GET", "sys/internal/ui/mounts/never").require(403, refusal.format("never"))
    ground.call("GET", f"sys/internal/ui/mounts/{mount}", token="").require(403, "permission denied")


def test_an_unknown_mount(ground: Ground) -> None:
    """It is missing for the owner, and out of reach for everybody else."""
    unknown = 'no handler for route "never/data/a". route entry not found.'
    ground.call("GET", "never/data/a").require(404, unknown)
    ground.call("POST", "never/data/a", {"data": {}}).require(404, unknown)
    ground.call("GET", "never/data/a", token=ground.grant({"x": ["read"]})).require(403, DENIED)
    ground.call("GET", "never/data/a", token="").require(403, "permission denied")


def test_tokens(ground: Ground) -> None:
    """They stand in either header, say who they are, are renewed and revoked."""
    unknown = UNKNOWN_TOKEN[ground.flavour]
    ground.call("GET", "secret/data/a", token="").require(403, "permission denied")
    ground.call("GET", "secret/data/a", token="hvs.never").require(403, unknown)
    token = ground.grant({"x": ["read"]})
    bearer = {"Authorization": f"Bearer {token}"}
    looked_up = ground.call("GET", "auth/token/lookup-self", token="", headers=bearer).require(200)
    assert looked_up.part("data.renewable") is True
    assert looked_up.part("data.creation_ttl") == 3600
    assert looked_up.part("data.ttl") in range(3590, 3601)
    ground.call("POST", "auth/token/renew-self", {"increment": "2h"}, token=token).require(
        200, {"auth.client_token": token, "auth.lease_duration": 7200, "auth.renewable": True, "data": None}
    )
    ground.call("POST", "auth/token/renew-self", {"increment": "x"}, token=token).require(
        400, 'Field validation failed: error converting input for field "increment": time: invalid duration "x"'
    )
    ground.call("POST", "auth/token/renew-self", {"increment": "9999h"}, token=token).require(
        200,
        {"warnings": ['TTL of "9999h" exceeded the effective max_ttl of "768h"; TTL value is capped accordingly']},
    )
    ground.call("POST", "auth/token/renew-self", token=ground.token).require(400, "lease is not renewable")
    ground.call("POST", "auth/token/revoke-self", token=token).require(204, NOTHING)
    ground.call("GET", "auth/token/lookup-self", token=token).require(403, unknown)


def test_a_token_may_be_good_for_one_request(ground: Ground) -> None:
    """The second one does not know it any more."""
    mount = ground.mount()
    token = ground.grant({f"{mount}/*": ["read"]}, uses=1)
    ground.call("GET", f"{mount}/data/a", token=token).require(404)
    ground.call("GET", f"{mount}/data/a", token=token).require(403, UNKNOWN_TOKEN[ground.flavour])


def test_capabilities(ground: Ground) -> None:
    """A token may ask what it may do."""
    token = ground.grant({"kv/data/*": ["read", "create"], "kv/data/no": ["deny"]})
    asked = {"paths": ["kv/data/a", "kv/data/no", "other"]}
    granted = {"kv/data/a": ["create", "read"], "kv/data/no": ["deny"], "other": ["deny"]}
    ground.call("POST", "sys/capabilities-self", asked, token=token).require(200, {"data": granted, **granted})
    ground.call("POST", "sys/capabilities-self", {}, token=token).require(400, "paths must be supplied")


def test_userpass(ground: Ground) -> None:
    """A password gives a token; a wrong one is the client's fault, like a user nobody knows."""
    path = ground.user("pw")
    wrong = "invalid username or password"
    reply = ground.call("POST", path, {"password": "pw"}, token="")
    reply.require(200, {"data": None, "auth.policies": ["default"], "auth.lease_duration": 3600})
    assert reply.part("auth.metadata") == {"username": "ann"}
    ground.call("GET", "auth/token/lookup-self", token=reply.part("auth.client_token")).require(200)
    ground.call("POST", path, {"password": "no"}, token="").require(400, wrong)
    ground.call("POST", path.replace("ann", "ben"), {"password": "pw"}, token="").require(400, wrong)
    ground.call("GET", path, token="").require(405, "unsupported operation")
    missing = ground.call("POST", path, {}, token="")
    missing.require(500, "missing password") if ground.flavour == "openbao" else missing.require(
        400, "invalid credentials"
    )
    ground.call("POST", "auth/never/login/ann", {"password": "pw"}, token="").require(403, "permission denied")


def test_approle(ground: Ground) -> None:
    """Both ids give a token."""
    path, role_id, secret_id = ground.approle()
    reply = ground.call("POST", path, {"role_id": role_id, "secret_id": secret_id}, token="")
    reply.require(200, {"auth.renewable": True, "auth.lease_duration": 3600, "auth.token_type": "service"})
    for wrong in ({"role_id": role_id, "secret_id": "no"}, {"role_id": "no", "secret_id": secret_id}):
        ground.call("POST", path, wrong, token="").require(400, "invalid role or secret ID")
    ground.call("POST", path, {"role_id": role_id}, token="").require(400, "missing secret_id")
    ground.call("POST", path, {}, token="").require(500)


def test_namespaces(ground: Ground) -> None:
    """Each has a tree of its own, by header or by path; one that does not exist is missing."""
    if isinstance(ground, RealGround) and ground.flavour == "vault":
        pytest.skip("Vault has namespaces in its Enterprise edition only")
    team = ground.namespace()
    header = {"X-Vault-Namespace": team}
    mount = ground.mount()
    ground.call("GET", f"{mount}/data/a", headers=header).require(
        404, f'no handler for route "{mount}/data/a". route entry not found.'
    )
    inner = ground.mount(namespace=team)
    ground.call("POST", f"{team}/{inner}/data/a", {"data": {"in": "team"}}).require(200)
    reply = ground.call("GET", f"{inner}/data/a", headers=header).require(200, {"data.data": {"in": "team"}})
    assert reply.headers["X-Vault-Namespace"] == team
    token = ground.grant({f"{team}/{inner}/*": ["read"], f"{mount}/*": ["read"]})
    ground.call("GET", f"{inner}/data/a", headers=header, token=token).require(200)
    ground.call("GET", f"{inner}/data/a", token=token).require(403, DENIED)
    wrong = ground.call("GET", f"{inner}/data/a", headers={"X-Vault-Namespace": "never"})
    wrong.require(404, NO_NAMESPACE[ground.flavour].format(path=f"never/{inner}/data/a"))


def test_one_of_many_wins(ground: Ground) -> None:
    """Of those who write at once and expect the same version, one writes, and the others are told."""
    mount = ground.mount()

    def attempt(number: int) -> int:
        with closing(Client(ground.url, ground.token)) as client:
            body = {"data": {"by": number}, "options": {"cas": 0}}
            return client.call("POST", f"{mount}/data/a", body).status

    with ThreadPoolExecutor(8) as threads:
        assert Counter(threads.map(attempt, range(24))) == {200: 1, 400: 23}
    ground.call("GET", f"{mount}/metadata/a").require(200, {"data.current_version": 1})
