"""The fake Dagu keeps the rules of the real one for profiles, default layers, workspaces, keys and roles.

With SYNCER_TEST_DAGU_URL and SYNCER_TEST_DAGU_TOKEN the same tests run on a real server too.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from conformance.dagu_ground import SERVERS, Ground, hexed, served
from conformance.raw_dagu import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.raw_dagu import Document, RawDagu

BAD_WORKSPACE = "Workspace name must contain only letters, numbers, underscores, and hyphens"
EMPTY = "value must not be empty"
FORBIDDEN = "Insufficient permissions"
HIDDEN = "Resource not found"
MISSING = "Runtime profile not found"
NO_WORKSPACE = "Workspace not found"


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[RawDagu]:
    """A fake, or the real server."""
    with served(request.param) as raw:
        yield raw


@pytest.fixture
def ground(server: RawDagu) -> Iterator[Ground]:
    """Names on it for one test, and what stands under them, which is removed."""
    ground = Ground(raw=server)
    yield ground
    ground.close()


def entries(document: Document) -> dict[str, Document]:
    """Give the entries of a profile or a layer by key."""
    return {entry["key"]: entry for entry in document["entries"]}


def test_a_new_profile(ground: Ground) -> None:
    """Its name is trimmed, and free until then; there is one list of all."""
    name = ground.prefix
    made = ground.go("POST /profiles", 201, None, {"name": f" {name} ", "description": "d"}).document
    path = f"/profiles/{name}"
    assert made == {
        "id": made["id"],
        "name": name,
        "description": "d",
        "status": "active",
        "protected": False,
        "entries": [],
        "createdAt": made["createdAt"],
        "updatedAt": made["createdAt"],
    }
    ground.go("POST /profiles", 409, "Runtime profile already exists", {"name": name})
    assert made in ground.get("/profiles")["profiles"]
    assert ground.get(path) == made
    ground.go(f"DELETE {path}", 204, NOTHING)
    for call in (f"GET {path}", f"DELETE {path}", f"DELETE {path}/entries/A"):
        ground.go(call, 404, MISSING)


@pytest.mark.parametrize("name", ["Bad", "_global", "", "-a", "a b", "a" * 129, 'a"b'])
def test_what_is_no_name_of_a_profile(ground: Ground, name: str) -> None:
    """It is refused where one is made, and missing where one is read."""
    refused = ground.go("POST /profiles", 400, None, {"name": name}).document["message"]
    assert refused.startswith('invalid profile name: "')
    ground.raw.send("POST /profiles", raw=b"null").require(400, 'invalid profile name: ""')
    for call in ("GET /profiles/BAD", "DELETE /profiles/BAD", "GET /profiles/_workspaces", "DELETE /profiles/_global"):
        ground.go(call, 404, MISSING)
    for call in ("PATCH /profiles/BAD", "PUT /profiles/BAD/secrets/A", "DELETE /profiles/BAD/entries/A"):
        ground.go(call, 400, 'invalid profile name: "BAD"', {"value": "v"})


def test_changes_of_a_profile(ground: Ground) -> None:
    """What is absent stays; an empty description is none."""
    path = ground.profile(description="d")
    steps: list[tuple[Document, Document]] = [
        ({}, {"description": "d", "status": "active"}),
        ({"status": "disabled"}, {"description": "d", "status": "disabled"}),
        ({"description": ""}, {"description": None, "status": "disabled"}),
        ({"status": "active", "protected": True}, {"status": "active", "protected": True}),
        ({"protected": False}, {"protected": False}),
    ]
    for given, expected in steps:
        ground.go(f"PATCH {path}", 200, expected, given)
    ground.go(f"PATCH {path}", 400, "invalid profile status", {"status": "x"})
    ground.raw.send(f"PATCH {path}", raw=b"{bad").require(500, NOTHING)


def test_variables(ground: Ground) -> None:
    """They may be empty, which looks as if there were no value; entries are sorted by key."""
    path = ground.profile()
    ground.go(f"PUT {path}/variables/LEVEL", 200, None, {"value": "debug"})
    ground.go(f"PUT {path}/variables/EMPTY", 200, None, {})
    found = ground.go(f"PUT {path}/variables/HOST", 200, None, {"value": "h"}).document
    assert [entry["key"] for entry in found["entries"]] == ["EMPTY", "HOST", "LEVEL"]
    level = entries(found)["LEVEL"]
    expected = {"key": "LEVEL", "kind": "variable", "value": "debug"}
    assert level == expected | {"createdAt": level["createdAt"], "updatedAt": level["createdAt"]}
    assert "value" not in entries(found)["EMPTY"]
    again = entries(ground.go(f"PUT {path}/variables/LEVEL", 200, None, {"value": "info"}).document)["LEVEL"]
    assert (again["value"], again["createdAt"]) == ("info", level["createdAt"])
    assert again["updatedAt"] > level["updatedAt"]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("1A", 'invalid profile key: "1A"'),
        ("A-B", 'invalid profile key: "A-B"'),
        ("A%0A", 'invalid profile key: "A\\n"'),
        ("DAGU_A", 'profile key is reserved: "DAGU_A"'),
    ],
)
def test_what_is_no_key(ground: Ground, key: str, message: str) -> None:
    """In profiles and in layers."""
    for owner in (ground.profile(), "/profiles/_global"):
        for call in (f"PUT {owner}/variables/{key}", f"PUT {owner}/secrets/{key}", f"DELETE {owner}/entries/{key}"):
            ground.go(call, 400, message, {"value": "v"})


@pytest.mark.parametrize("key", ["PATH", "_", "dagu_a", "K" * 300])
def test_what_is_a_key(ground: Ground, key: str) -> None:
    """No length is too much."""
    path = ground.profile()
    found = ground.go(f"PUT {path}/variables/{key}", 200, None, {"value": "v"}).document
    assert [*entries(found)] == [key]


def test_secrets_of_a_profile(ground: Ground) -> None:
    """They stand in Global; to rotate one moves no time of its entry."""
    path = ground.profile()
    ref = f"runtime-profiles/{ground.prefix}/key-{hexed('TOKEN')}"
    first = ground.go(f"PUT {path}/secrets/TOKEN", 200, None, {"value": "one"}).document
    owned = ground.owned(ref)
    entry = entries(first)["TOKEN"]
    assert (entry["kind"], entry["secretId"]) == ("secret", owned["id"])
    assert "value" not in entry
    assert owned["description"] == f"Runtime profile {ground.prefix} secret TOKEN"
    assert ground.go(f"PUT {path}/secrets/TOKEN", 200, None, {"value": "two"}).document == first
    assert ground.owned(ref)["currentVersion"] == 2
    ground.go(f"PATCH /secrets/{owned['id']}", 200, None, {"description": "mine"})
    ground.go(f"POST /secrets/{owned['id']}/disable", 200)
    ground.go(f"PUT {path}/secrets/TOKEN", 200, None, {"value": "three"})
    kept = ground.owned(ref)
    assert (kept["currentVersion"], kept["description"], kept["status"]) == (3, "mine", "disabled")


def test_what_a_deleted_entry_leaves(ground: Ground) -> None:
    """Its secret, which the next entry of that key takes up, in another profile of that name too."""
    path = ground.profile()
    ref = f"runtime-profiles/{ground.prefix}/key-{hexed('TOKEN')}"
    ground.go(f"PUT {path}/secrets/TOKEN", 200, None, {"value": "one"})
    left = ground.owned(ref)
    ground.go(f"DELETE {path}/entries/TOKEN", 204, NOTHING)
    ground.go(f"DELETE {path}/entries/TOKEN", 404, MISSING)
    assert ground.get(path)["entries"] == []
    assert ground.owned(ref) == left
    ground.go(f"DELETE {path}", 204)
    found = ground.go(f"PUT {ground.profile()}/secrets/TOKEN", 200, None, {"value": "two"}).document
    assert entries(found)["TOKEN"]["secretId"] == left["id"]
    assert ground.owned(ref)["currentVersion"] == 2


def test_what_a_deleted_secret_leaves(ground: Ground) -> None:
    """An entry that means nothing until it is written again."""
    path = ground.profile()
    first = ground.go(f"PUT {path}/secrets/TOKEN", 200, None, {"value": "one"}).document
    secret = entries(first)["TOKEN"]["secretId"]
    ground.go(f"DELETE /secrets/{secret}", 204)
    assert ground.get(path) == first
    healed = entries(ground.go(f"PUT {path}/secrets/TOKEN", 200, None, {"value": "two"}).document)["TOKEN"]
    assert healed["secretId"] != secret
    assert healed["createdAt"] == entries(first)["TOKEN"]["createdAt"]


def test_a_secret_that_looks_like_a_profiles(ground: Ground) -> None:
    """Anybody may make one, and the profile takes it up."""
    ref = f"runtime-profiles/{ground.prefix}/key-{hexed('TOKEN')}"
    made = ground.create("", 201, None, ref=ref, workspace="", description="by hand").document
    found = ground.go(f"PUT {ground.profile()}/secrets/TOKEN", 200, None, {"value": "v"}).document
    assert entries(found)["TOKEN"]["secretId"] == made["id"]
    assert ground.owned(ref)["description"] == "by hand"


def test_an_entry_is_a_variable_or_a_secret(ground: Ground) -> None:
    """Neither takes the other's place, and no secret is made on the way."""
    path = ground.profile()
    ground.go(f"PUT {path}/variables/HOST", 200, None, {"value": "h"})
    ground.go(f"PUT {path}/secrets/TOKEN", 200, None, {"value": "t"})
    ground.go(f"PUT {path}/secrets/HOST", 400, "profile key already exists: HOST", {"value": "s"})
    ground.go(f"PUT {path}/variables/TOKEN", 400, "profile key already exists: TOKEN", {"value": "v"})
    mine = [one["ref"] for one in ground.raw.secrets() if f"/{ground.prefix}/" in one["ref"]]
    assert mine == [f"runtime-profiles/{ground.prefix}/key-{hexed('TOKEN')}"]


def test_secrets_that_are_none(ground: Ground) -> None:
    """Empty values are refused, and so is every secret of a profile whose name is no part of a ref."""
    path = ground.profile()
    for given in ({"value": ""}, {"value": None}, {}):
        ground.go(f"PUT {path}/secrets/A", 400, EMPTY, given)
    ground.go(f"PUT {path}/secrets/1A", 400, EMPTY, {})
    refusal = "invalid secret ref: must be a slash-separated lowercase slug ref"
    for suffix in (".b", "_b"):
        odd = ground.profile(suffix)
        ground.go(f"PUT {odd}/secrets/A", 400, refusal, {"value": "v"})
        ground.go(f"PUT {odd}/variables/A", 200, None, {"value": "v"})


def test_the_global_layer(ground: Ground) -> None:
    """It is there before it is made; it has neither status nor default profile of its own."""
    layer, key = "/profiles/_global", ground.variable
    fixed = {"name": "_global", "protected": True, "scope": "global", "status": "active", "workspace": None}
    ground.go(f"GET {layer}", 200, fixed)
    written = ground.go(f"PUT {layer}/secrets/{key}", 200, fixed, {"value": "v"}).document
    owned = ground.owned(f"runtime-profile-defaults/global/key-{hexed(key)}")
    assert entries(written)[key]["secretId"] == owned["id"]
    assert owned["description"] == f"Runtime profile _global secret {key}"
    ground.go(f"PATCH {layer}", 200, fixed, {"status": "disabled", "protected": False})
    refusal = "defaultProfile is only supported for workspace defaults"
    ground.go(f"PATCH {layer}", 400, refusal, {"defaultProfile": ""})
    ground.go(f"PUT {layer}/secrets/{key}", 400, EMPTY, {"value": ""})
    ground.go(f"DELETE {layer}/entries/{key}", 204, NOTHING)
    ground.go(f"DELETE {layer}/entries/{key}", 404, MISSING)


def test_the_layer_of_a_workspace(ground: Ground) -> None:
    """It has no id until the first write; its secrets stand in Global, and stay when all else goes."""
    identifier, name = ground.workspace(), ground.prefix
    layer = f"/profiles/_workspaces/{name}"
    fixed = {"name": f"_workspaces/{name}", "protected": True, "scope": "workspace", "status": "active"}
    assert ground.get(layer) == fixed | {"entries": [], "workspace": name}
    ground.go(f"DELETE {layer}/entries/A", 404, MISSING)
    written = ground.go(f"PUT {layer}/secrets/A", 200, fixed, {"value": "v"}).document
    ground.go(f"PUT {layer}/variables/B", 200, {"id": written["id"], "createdAt": written["createdAt"]}, {"value": "w"})
    owned = ground.owned(f"runtime-profile-defaults/workspaces/{hexed(name)}/key-{hexed('A')}")
    assert entries(written)["A"]["secretId"] == owned["id"]
    assert owned["description"] == f"Runtime profile _workspace.{hexed(name)} secret A"
    assert written["id"] not in [one["id"] for one in ground.get("/profiles")["profiles"]]
    ground.go(f"DELETE /workspaces/{identifier}", 204)
    ground.go(f"GET {layer}", 404, HIDDEN)
    assert ground.get(f"/secrets/{owned['id']}") == owned


def test_the_default_profile_of_a_workspace(ground: Ground) -> None:
    """It must be there and enabled; an empty one is none."""
    ground.workspace()
    layer, profile = f"/profiles/_workspaces/{ground.prefix}", ground.profile()
    name = profile.rpartition("/")[2]
    ground.go(f"PATCH {layer}", 200, {"defaultProfile": name}, {"defaultProfile": name})
    ground.go(f"PATCH {layer}", 200, {"defaultProfile": name, "description": "d"}, {"description": "d"})
    ground.go(f"PATCH {layer}", 404, "runtime profile never not found", {"defaultProfile": "never"})
    ground.go(f"PATCH {layer}", 400, 'invalid profile name: "No"', {"defaultProfile": "No"})
    ground.go(f"PATCH {profile}", 200, None, {"status": "disabled"})
    ground.go(f"PATCH {layer}", 400, f"runtime profile {name} is disabled", {"defaultProfile": name})
    ground.go(f"PATCH {layer}", 200, {"defaultProfile": None, "description": "d"}, {"defaultProfile": ""})


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("never", 404, HIDDEN),
        ("global", 400, "invalid workspace name: all, default, and global are reserved names"),
        ("a.b", 400, "invalid workspace name: must contain only letters, numbers, underscores, and hyphens"),
    ],
)
def test_layers_of_no_workspace(ground: Ground, name: str, status: int, message: str) -> None:
    """Here it matters whether the workspace is there."""
    for call in ("GET {}", "PATCH {}", "PUT {}/secrets/A", "PUT {}/variables/A", "DELETE {}/entries/A"):
        ground.go(call.format(f"/profiles/_workspaces/{name}"), status, message, {"value": "v"})


def test_workspaces(ground: Ground) -> None:
    """Made, described, renamed and deleted by id; the one that was written last is the last of the list."""
    name = ground.prefix
    made = ground.raw.ask("POST /workspaces", {"name": name, "description": "d"})
    path = f"/workspaces/{made['id']}"
    created = made["createdAt"]
    assert made == {"id": made["id"], "name": name, "description": "d", "createdAt": created, "updatedAt": created}
    ground.go("POST /workspaces", 409, "Workspace with this name already exists", {"name": name})
    other = ground.workspace("-b")
    ground.go(f"PATCH {path}", 200, {"description": "d"}, {})
    listed = [one["name"] for one in ground.get("/workspaces")["workspaces"] if one["name"].startswith(name)]
    assert listed == [f"{name}-b", name]
    ground.go(f"PATCH {path}", 200, {"description": None}, {"description": ""})
    ground.go(f"PATCH {path}", 409, "Workspace with this name already exists", {"name": f"{name}-b"})
    ground.go(f"PATCH {path}", 200, {"name": f"{name}-c"}, {"name": f"{name}-c"})
    ground.go(f"GET {path}", 200, {"name": f"{name}-c", "createdAt": created})
    ground.go(f"DELETE {path}", 204, NOTHING)
    for call in (f"GET {path}", f"PATCH {path}", f"DELETE {path}", f"GET /workspaces/{name}-b"):
        ground.go(call, 404, NO_WORKSPACE, {})
    ground.go(f"GET /workspaces/{other}", 200)


def test_what_is_no_workspace(ground: Ground) -> None:
    """Names are checked, their length is not."""
    path = f"/workspaces/{ground.workspace()}"
    for name in ("a b", "Global", "all", "é", "a.b"):
        ground.go("POST /workspaces", 400, BAD_WORKSPACE, {"name": name})
        ground.go(f"PATCH {path}", 400, BAD_WORKSPACE, {"name": name})
    for raw in (b"{}", b"null", b'{"name":""}'):
        ground.raw.send("POST /workspaces", raw=raw).require(400, "Name is required")
    ground.raw.send("POST /workspaces", raw=b'{"name":5}').require(500, NOTHING)
    ground.workspace("-" + "a" * 65)


def test_secrets_outlive_their_workspace(ground: Ground) -> None:
    """They stay under the old name, whatever becomes of it."""
    identifier = ground.workspace()
    path = ground.secret()
    before = ground.get(path)
    ground.go(f"PATCH /workspaces/{identifier}", 200, None, {"name": f"{ground.prefix}-new"})
    assert ground.get(f"/secrets?workspace={ground.prefix}-new")["total"] == 0
    ground.go(f"DELETE /workspaces/{identifier}", 204)
    assert ground.get(f"/secrets?workspace={ground.prefix}")["secrets"] == [before]


@pytest.mark.parametrize("role", ["manager", "developer", "operator", "viewer"])
def test_roles_for_secrets(ground: Ground, role: str) -> None:
    """Only managers do anything with them; others learn no more than which ids are there."""
    path = ground.secret()
    who = ground.key(role)

    def go(call: str, status: int, message: str | None = None, body: Any = None) -> None:
        expected = (status, message) if role == "manager" else (403, FORBIDDEN)
        ground.raw.send(call, body, authorization=who).require(*expected)

    go("GET /secrets", 200)
    go("GET /secrets?limit=0", 400, "limit must be greater than zero")
    go(f"GET /secrets?workspace={ground.prefix}", 200)
    go(f"GET {path}", 200)
    go("POST /secrets", 400, 'invalid secret provider type: ""', {"ref": "BAD"})
    go(f"POST {path}/versions", 400, EMPTY, {"value": ""})
    go(f"PATCH {path}", 200, None, {})
    go(f"POST {path}/disable", 200)
    go(f"DELETE {path}", 204)
    for call, status, message in [
        ("GET /secrets?workspace=all", 400, "workspace cannot be all"),
        ("GET /secrets/never", 404, "Secret not found"),
    ]:
        ground.raw.send(call, authorization=who).require(status, message)
    ground.raw.send("POST /secrets", raw=b"{bad", authorization=who).require(500, NOTHING)


def test_a_manager_of_some_workspaces(ground: Ground) -> None:
    """What is elsewhere is missing for them, Global too; where they have another role it is forbidden."""
    mine, other = ground.prefix, f"{ground.prefix}-b"
    ground.workspace()
    ground.workspace("-b")
    paths = {where: ground.secret("x", workspace=where) for where in (mine, other, "global", f"{mine}-c")}
    who = ground.key("viewer", **{mine: "manager", other: "developer"})

    def go(call: str, status: int, expected: Any = None, body: Any = None) -> Any:
        return ground.raw.send(call, body, authorization=who).require(status, expected)

    go(f"GET /secrets?workspace={mine}", 200, {"total": 1})
    go(f"GET /secrets?workspace={other}", 403, FORBIDDEN)
    for query in ("", "?workspace=global", "?workspace=never", f"?workspace={mine}-c", "?limit=0"):
        go(f"GET /secrets{query}", 404, HIDDEN)
    for call, body in [("GET {}", None), ("PATCH {}", {}), ("POST {}/versions", {"value": ""}), ("DELETE {}", None)]:
        go(call.format(paths["global"]), 404, "Secret not found", body)
        go(call.format(paths[f"{mine}-c"]), 404, "Secret not found", body)
        go(call.format(paths[other]), 403, FORBIDDEN, body)
    go(f"PATCH {paths[mine]}", 200, {"description": "d"}, {"description": "d"})
    new = {"ref": "y", "providerType": "dagu-managed"}
    go("POST /secrets", 404, HIDDEN, new)
    go("POST /secrets", 403, FORBIDDEN, new | {"workspace": other})
    go("POST /secrets", 201, None, new | {"workspace": mine})
    listed = go("GET /workspaces", 200).document["workspaces"]
    assert [one["name"] for one in listed] == [mine, other]
    go("POST /workspaces", 403, FORBIDDEN, {"name": "z"})
    go("GET /profiles", 403, FORBIDDEN)
    go("GET /profiles/_global", 403, FORBIDDEN)
    go("GET /profiles/_workspaces/never", 404, HIDDEN)
    for where in (mine, other):
        written = go(f"PUT /profiles/_workspaces/{where}/secrets/A", 200, None, {"value": "v"}).document
        go(f"GET /secrets/{entries(written)['A']['secretId']}", 404, "Secret not found")


def test_roles_for_profiles(ground: Ground) -> None:
    """Managers write to them; protected ones and the global layer are for administrators, to read them too."""
    free, guarded = ground.profile(), ground.profile("-b", protected=True)
    ground.workspace()
    manager = ground.key("manager")

    def go(call: str, status: int, message: str | None = None, body: Any = None) -> Any:
        return ground.raw.send(call, body, authorization=manager).require(status, message)

    go(f"PUT {free}/secrets/A", 200, None, {"value": "v"})
    go(f"PATCH {free}", 403, FORBIDDEN, {"protected": True})
    go("POST /profiles", 403, FORBIDDEN, {"name": f"{ground.prefix}-c", "protected": True})
    for call in ("GET {}", "PATCH {}", "PUT {}/secrets/A", "DELETE {}/entries/A", "DELETE {}"):
        go(call.format(guarded), 403, FORBIDDEN, {"value": "v"})
    go("GET /profiles/_global", 403, FORBIDDEN)
    go(f"PUT /profiles/_workspaces/{ground.prefix}/secrets/A", 200, None, {"value": "v"})
    names = [one["name"] for one in go("GET /profiles", 200).document["profiles"]]
    assert free.rpartition("/")[2] in names
    assert guarded.rpartition("/")[2] not in names


def test_lesser_roles(ground: Ground) -> None:
    """Developers write to workspaces and their layers, viewers see the workspaces."""
    path = f"/workspaces/{ground.workspace()}"
    layer = f"/profiles/_workspaces/{ground.prefix}"
    who = ground.key("developer")
    ground.raw.send(f"PATCH {path}", {}, authorization=who).require(200)
    ground.raw.send(f"GET {layer}", authorization=who).require(200)
    ground.raw.send("GET /profiles", authorization=who).require(403, FORBIDDEN)
    ground.raw.send("GET /api-keys", authorization=who).require(403, FORBIDDEN)
    (mine,) = [key for key in ground.get("/api-keys")["apiKeys"] if key["name"].startswith(ground.prefix)]
    ground.go(f"PATCH /api-keys/{mine['id']}", 200, None, {"role": "viewer"})
    ground.raw.send(f"GET {path}", authorization=who).require(200)
    for call in (f"PATCH {path}", f"DELETE {path}", f"GET {layer}", "POST /workspaces"):
        ground.raw.send(call, {}, authorization=who).require(403, FORBIDDEN)


def test_keys(ground: Ground) -> None:
    """They are good until they are deleted; there are two at most, and some are not for this API."""
    bare = {"allowedSurfaces": ["mcp"], "attributionClass": "service_account"}
    made = ground.raw.ask("POST /api-keys", {"name": f"{ground.prefix}-mcp", "role": "admin", **bare})
    path = f"/api-keys/{made['apiKey']['id']}"
    who = f"Bearer {made['key']}"
    assert made["key"].startswith(made["apiKey"]["keyPrefix"])
    refusal = "Community edition supports up to 2 API keys. "
    refusal += "Delete an existing key or configure a license to create more."
    ground.go("POST /api-keys", 403, refusal, {"name": "third", "role": "viewer", **bare})
    ground.raw.send("GET /secrets", authorization=who).require(403, "API key is not allowed for this surface")
    ground.go(f"GET {path}", 200, {"apiKey": made["apiKey"] | {"lastUsedAt": ground.get(path)["apiKey"]["lastUsedAt"]}})
    ground.go(f"DELETE {path}", 204, NOTHING)
    ground.raw.send("GET /secrets", authorization=who).require(401, NOTHING)
    for method in ("GET", "PATCH", "DELETE"):
        ground.go(f"{method} {path}", 404, "API key not found", {})


@pytest.mark.parametrize(
    ("role", "access", "fault"),
    [
        ("viewer", {"all": False, "grants": []}, "scoped workspace access requires at least one workspace grant"),
        ("viewer", {"all": False, "grants": ["viewer"]}, 'workspace "never" does not exist'),
        ("viewer", {"all": False, "grants": ["admin"]}, "admin cannot be scoped to a workspace"),
        ("viewer", {"all": True, "grants": ["viewer"]}, "all-workspaces access cannot include workspace grants"),
        ("manager", {"all": False, "grants": ["manager"]}, "scoped workspace access requires global role viewer"),
    ],
)
def test_access_that_no_key_gets(ground: Ground, role: str, access: Document, fault: str) -> None:
    """Grants are for viewers, and for workspaces that are there."""
    granted = access | {"grants": [{"workspace": "never", "role": one} for one in access["grants"]]}
    fields = {"name": "x", "role": role, "allowedSurfaces": ["rest_api"], "attributionClass": "service_account"}
    ground.go("POST /api-keys", 400, f"invalid workspace access: {fault}", fields | {"workspaceAccess": granted})


def test_what_else_makes_no_key(ground: Ground) -> None:
    """The first fault is told."""
    fields = {"name": "x", "role": "viewer", "allowedSurfaces": ["rest_api"], "attributionClass": "service_account"}
    faults: dict[str, Document] = {
        "Invalid role": {"role": "x"},
        "Invalid API key surface": {"allowedSurfaces": []},
        "Invalid API key attribution": {"attributionClass": ""},
        "Invalid API key name": {"name": ""},
    }
    for message, fault in faults.items():
        ground.go("POST /api-keys", 400, message, fields | fault)


def test_failing_to_log_in(ground: Ground) -> None:
    """It costs nothing from this machine; an address that a proxy names is let try five times."""
    wrong = {"username": "never", "password": "wrong-password"}
    refusal = "Invalid username or password"
    for _ in range(7):
        ground.raw.send("POST /auth/login", wrong, authorization="").require(401, refusal)
    address = ".".join(str(random.randrange(1, 255)) for _ in range(4))  # noqa: S311  # nobody else's
    proxied = {"X-Forwarded-For": f"198.51.100.1, {address}"}
    for _ in range(5):
        ground.raw.send("POST /auth/login", wrong, authorization="", headers=proxied).require(401, refusal)
    for headers in (proxied, {"X-Real-IP": address}, {"True-Client-IP": address, "X-Real-IP": "198.51.100.2"}):
        refused = ground.raw.send("POST /auth/login", wrong, authorization="", headers=headers)
        refused.require(429, "Too many login attempts. Please try again later.")
        assert refused.document["code"] == "rate_limited"
        assert 0 < int(refused.headers["Retry-After"]) <= 900
    ground.raw.send("POST /auth/login", raw=b"null", authorization="").require(401, refusal)
    ground.raw.send("POST /auth/login", raw=b"{bad", authorization="").require(500, NOTHING)
    ground.raw.send("GET /auth/login", authorization="").require(405, NOTHING)
