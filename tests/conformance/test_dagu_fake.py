"""The fake Dagu keeps the rules of the real one for secrets.

With SYNCER_TEST_DAGU_URL and SYNCER_TEST_DAGU_TOKEN the same tests run on a real server too.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from conformance.dagu_ground import NO_SERVER, SERVERS, Ground, served
from conformance.raw_dagu import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.raw_dagu import Document, RawDagu

UNKNOWN = "00000000-0000-4000-8000-000000000000"
BAD_REF = "invalid secret ref: must be a slash-separated lowercase slug ref"
BAD_WORKSPACE = "invalid workspace name: must contain only letters, numbers, underscores, and hyphens"
RESERVED = "invalid workspace name: all, default, and global are reserved names"
EMPTY = "value must not be empty"
MISSING = "Secret not found"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z")


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


def test_there_is_a_real_server() -> None:
    """Else all that follows is about the fake alone."""
    if "real" not in SERVERS:
        pytest.skip(NO_SERVER)
    with served("real") as raw:
        raw.send("GET /secrets").require(200)


def test_a_new_secret(ground: Ground) -> None:
    """It has its first version, and three times that are one."""
    made = ground.create("prod/db-password", description="syncer:v1", value="s3cret-1").document
    created = made["createdAt"]
    assert TIME.fullmatch(created)
    assert made == {
        "createdAt": created,
        "currentVersion": 1,
        "description": "syncer:v1",
        "hasValue": True,
        "id": made["id"],
        "lastRotatedAt": created,
        "providerType": "dagu-managed",
        "ref": ground.ref("prod/db-password"),
        "status": "active",
        "updatedAt": created,
        "workspace": ground.prefix,
    }
    assert ground.get(f"/secrets/{made['id']}") == made
    assert ground.get(f"/secrets?workspace={ground.prefix}") == {"secrets": [made], "total": 1}


def test_members_stand_in_the_order_of_their_names(ground: Ground) -> None:
    """A newline ends the document, and some signs are escaped."""
    reply = ground.create("x", description="a<b>&\u2028é🔑")
    assert reply.body.endswith(b"}\n")
    assert r"a\u003cb\u003e\u0026\u2028é🔑".encode() in reply.body
    assert [*reply.document] == sorted(reply.document)
    assert reply.headers["Content-Type"] == "application/json"


def test_a_secret_without_a_value(ground: Ground) -> None:
    """It has no version, and was never rotated; null is no value either."""
    for number, fields in enumerate([{}, {"value": None}]):
        made = ground.create(f"x{number}", 201, {"currentVersion": 0, "hasValue": False}, **fields).document
        assert "lastRotatedAt" not in made
        ground.go(f"POST /secrets/{made['id']}/versions", 200, {"currentVersion": 1, "hasValue": True}, {"value": "v"})


def test_a_ref_is_unique_in_its_scope(ground: Ground) -> None:
    """Also while it is disabled; after a deletion it is another secret, whose versions begin anew."""
    path = ground.secret("x")
    ground.create("x", 409, "Secret with this workspace and ref already exists")
    ground.create("x", 201, {"workspace": "global"}, workspace="global")
    ground.go(f"POST {path}/versions", 200, {"currentVersion": 2}, {"value": "w"})
    ground.go(f"POST {path}/disable", 200)
    ground.create("x", 409, "Secret with this workspace and ref already exists", value="w")
    ground.go(f"DELETE {path}", 204, NOTHING)
    assert ground.secret("x") != path
    ground.go(f"GET {path}", 404, MISSING)


@pytest.mark.parametrize("ref", ["-a", "a/", "/a", "a//b", "a_b", "a.b", "A", "é", "a\n", " a", "a ", "", "Prod/DB"])
def test_what_is_no_ref(ground: Ground, ref: str) -> None:
    """Only slugs of lower case are, joined by single slashes; a newline at the end is seen."""
    ground.go("POST /secrets", 400, BAD_REF, {"ref": ref, "providerType": "dagu-managed", "workspace": ground.prefix})


@pytest.mark.parametrize("ref", ["a", "a-", "1", "a/b/c", "a--b", "a" * 4000])
def test_what_is_a_ref(ground: Ground, ref: str) -> None:
    """No length is too much."""
    ground.create(ref, 201, {"ref": ground.ref(ref)})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"providerType": ""}, 'invalid secret provider type: ""'),
        ({"providerType": None}, 'invalid secret provider type: ""'),
        ({"providerType": "zzz"}, 'invalid secret provider type: "zzz"'),
        ({"providerType": "vault"}, "external secret providers are request-based; contact https://dagu.sh/contact"),
        ({"providerType": "aws"}, "external secret providers are request-based; contact https://dagu.sh/contact"),
        ({"ref": None}, BAD_REF),
        ({"value": ""}, EMPTY),
        ({"workspace": "all"}, "bad_request: workspace cannot be all"),
        ({"workspace": "default"}, "bad_request: workspace cannot be default for secrets; use global"),
        ({"workspace": "GLOBAL"}, f"bad_request: {RESERVED}"),
        ({"workspace": "a b"}, f"bad_request: {BAD_WORKSPACE}"),
        ({"workspace": ".global"}, f"bad_request: {BAD_WORKSPACE}"),
        ({"workspace": "all", "providerType": "zzz", "ref": "A"}, "bad_request: workspace cannot be all"),
        ({"providerType": "zzz", "ref": "A"}, 'invalid secret provider type: "zzz"'),
        ({"ref": "A", "value": ""}, BAD_REF),
    ],
)
def test_what_makes_no_secret(ground: Ground, fields: Document, message: str) -> None:
    """The first fault is told: of the workspace, then of the type, of the ref, of the value."""
    assert ground.create("x", 400, message, **fields).document["code"] == "bad_request"


@pytest.mark.parametrize("value", [" ", "\n", "00123", "a\0b", "🔑", "x" * 1_000_000, "\ud800"])
def test_every_text_but_the_empty_one_is_a_value(ground: Ground, value: str) -> None:
    """Of any length."""
    path = ground.secret("x", value=value)
    ground.go(f"POST {path}/versions", 200, {"currentVersion": 2}, {"value": value})


def test_fields_that_it_does_not_know(ground: Ground) -> None:
    """They are ignored, and those that it knows may be written in any case."""
    ground.create("x", 201, None, tags={"a": "b"}, providerRef="a", value="v", id="mine")
    raw = json.dumps({"REF": ground.ref("y"), "PROVIDERTYPE": "dagu-managed", "Workspace": ground.prefix})
    ground.raw.send("POST /secrets", raw=raw.encode() + b" and so on").require(201, {"ref": ground.ref("y")})


@pytest.mark.parametrize("raw", [b"", b"{bad", b"[]", b'"x"', b"1", b"\xef\xbb\xbf{}", b'{"value":NaN}', b"nul"])
def test_what_is_no_document(ground: Ground, raw: bytes) -> None:
    """It breaks the server, which says nothing and looks at neither path nor content type."""
    path = ground.secret("x")
    for call in ("POST /secrets", f"POST {path}/versions", f"PATCH {path}", f"PATCH /secrets/{UNKNOWN}"):
        ground.raw.send(call, raw=raw, headers={"Content-Type": "text/plain"}).require(500, NOTHING)


@pytest.mark.parametrize(
    ("call", "fields"),
    [
        ("POST /secrets", {"ref": 5}),
        ("POST /secrets", {"value": True}),
        ("POST /secrets", {"description": {}}),
        ("POST /secrets", {"workspace": 1}),
        ("POST {}/versions", {"value": 5}),
        ("PATCH {}", {"description": []}),
    ],
)
def test_fields_of_another_type(ground: Ground, call: str, fields: Document) -> None:
    """They break it too."""
    ground.go(call.format(ground.secret("x")), 500, NOTHING, fields)


def test_null_is_an_empty_document(ground: Ground) -> None:
    """Nothing is given in it."""
    path = ground.secret("x")
    ground.raw.send("POST /secrets", raw=b"null").require(400, 'invalid secret provider type: ""')
    ground.raw.send(f"POST {path}/versions", raw=b"null").require(400, EMPTY)
    ground.raw.send(f"PATCH {path}", raw=b"null").require(200)


def test_bytes_that_are_no_text(ground: Ground) -> None:
    """They become U+FFFD, as half of a surrogate pair does."""
    start = f'{{"ref":"{ground.ref("x")}","providerType":"dagu-managed","workspace":"{ground.prefix}","description":"'
    made = ground.raw.send("POST /secrets", raw=start.encode() + b'\xff\xfe\\ud800z"}').require(201)
    assert made.document["description"] == "\ufffd\ufffd\ufffdz"


def test_rotations(ground: Ground) -> None:
    """Each is a version, be its value the same; the description is not touched."""
    path = ground.secret("x", description="d")
    for number in (2, 3):
        expected = {"currentVersion": number, "description": "d"}
        written = ground.go(f"POST {path}/versions", 200, expected, {"value": "same", "description": "e"}).document
        assert written["updatedAt"] == written["lastRotatedAt"] > written["createdAt"]
    for given in ({"value": ""}, {"value": None}, {}):
        ground.go(f"POST {path}/versions", 400, EMPTY, given)


@pytest.mark.parametrize(
    ("given", "description"),
    [
        ({}, "first"),
        ({"description": None}, "first"),
        ({"description": "second"}, "second"),
        ({"description": "first"}, "first"),
        ({"description": ""}, None),
        ({"ref": "other", "workspace": "other", "status": "disabled", "value": "other"}, "first"),
        ({"providerRef": "", "providerConnectionId": ""}, "first"),
    ],
)
def test_changes(ground: Ground, given: Document, description: str | None) -> None:
    """Only the description changes, if it is there; the time of update always moves."""
    path = ground.secret("x", description="first")
    before = ground.get(path)
    changed = ground.go(f"PATCH {path}", 200, {"description": description}, given).document
    assert changed.pop("updatedAt") > before.pop("updatedAt")
    assert changed.pop("description", None) == description
    before.pop("description")
    assert changed == before


@pytest.mark.parametrize("name", ["providerRef", "providerConnectionId"])
def test_what_belongs_to_other_providers(ground: Ground, name: str) -> None:
    """It is refused here, though a new secret bears it."""
    refusal = "dagu-managed secrets must not set provider connection or provider ref"
    ground.go(f"PATCH {ground.secret('x')}", 400, refusal, {name: "x"})


def test_a_description_is_any_text(ground: Ground) -> None:
    """Of any length, and verbatim."""
    for number, text in enumerate(["   ", "  a  ", 'a\nb\t"', "d" * 100_000]):
        ground.create(f"x{number}", 201, {"description": text}, description=text)


def test_disabling_and_enabling(ground: Ground) -> None:
    """Twice is as good as once; neither touches the version, and no body is looked at."""
    path = ground.secret("x")
    rotated = ground.get(path)["lastRotatedAt"]
    times = []
    for verb, status in [("disable", "disabled"), ("disable", "disabled"), ("enable", "active"), ("enable", "active")]:
        response = ground.raw.send(f"POST {path}/{verb}", raw=b"{bad")
        response.require(200, {"status": status, "currentVersion": 1, "lastRotatedAt": rotated})
        times.append(response.document["updatedAt"])
    assert sorted({*times}) == times


def test_writes_to_a_disabled_secret(ground: Ground) -> None:
    """They are done, and it stays disabled."""
    path = ground.secret("x")
    ground.go(f"POST {path}/disable", 200)
    ground.go(f"POST {path}/versions", 200, {"currentVersion": 2, "status": "disabled"}, {"value": "w"})
    ground.go(f"PATCH {path}", 200, {"description": "e", "status": "disabled"}, {"description": "e"})


SECRET_CALLS: list[tuple[str, Any]] = [
    ("GET /secrets/{}", None),
    ("PATCH /secrets/{}", {"description": "d"}),
    ("POST /secrets/{}/versions", {"value": ""}),
    ("POST /secrets/{}/disable", None),
    ("POST /secrets/{}/enable", None),
    ("DELETE /secrets/{}", None),
]


@pytest.mark.parametrize(("call", "body"), SECRET_CALLS)
@pytest.mark.parametrize("identifier", [UNKNOWN, "nope", "a%2Fb", "%2E", "%22", "GONE", "UPPER"])
def test_what_is_not_there(ground: Ground, call: str, body: Any, identifier: str) -> None:
    """Nothing is done to it, and no form of an id is required."""
    path = ground.secret("x")
    identifier = path.rpartition("/")[2].upper() if identifier == "UPPER" else identifier
    if identifier == "GONE":
        ground.go(f"DELETE {path}", 204)
        identifier = path.rpartition("/")[2]
    assert ground.go(call.format(identifier), 404, MISSING, body).document["code"] == "not_found"


@pytest.mark.parametrize(("call", "body"), SECRET_CALLS)
@pytest.mark.parametrize("identifier", ["..%2Fx", "a" * 300])
def test_ids_that_are_no_names_of_files(ground: Ground, call: str, body: Any, identifier: str) -> None:
    """They break the server."""
    refused = ground.go(call.format(identifier), 500, "An unexpected error occurred", body)
    assert refused.document["code"] == "internal_error"


def test_pages(ground: Ground) -> None:
    """In the order of refs, byte by byte; behind the end there is null, at the end an empty list."""
    names = ["a", "a-", "a-b", "a/b", "a0", "ab", "b"]
    for name in reversed(names):
        ground.create(name)

    def page(query: str) -> Any:
        listed = ground.go(f"GET /secrets?workspace={ground.prefix}{query}", 200, {"total": 7}).document["secrets"]
        return listed if listed is None else [one["ref"].removeprefix(f"{ground.prefix}/") for one in listed]

    assert page("") == page("&limit=501") == page("&limit=7&offset=0") == page("&limit=%2B7") == names
    assert page("&limit=3") == names[:3]
    assert page("&limit=3&offset=3") == names[3:6]
    assert page("&limit=3&offset=6") == names[6:]
    assert page("&offset=7") == []
    assert page("&offset=8") is None


def test_the_largest_page(ground: Ground) -> None:
    """Holds five hundred, one without a limit a hundred."""
    for number in range(501):
        ground.create(f"{number:03}")
    for limit, expected in [("", 100), ("&limit=500", 500), ("&limit=501", 500), ("&limit=100000", 500)]:
        listed = ground.get(f"/secrets?workspace={ground.prefix}{limit}")
        assert (len(listed["secrets"]), listed["total"]) == (expected, 501)
    assert len(ground.raw.secrets(ground.prefix)) == 501


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=0", "limit must be greater than zero"),
        ("limit=-1&offset=-1", "limit must be greater than zero"),
        ("offset=-1", "offset must not be negative"),
        ("workspace=all", "workspace cannot be all"),
        ("workspace=all&limit=0", "workspace cannot be all"),
        ("workspace=default", "workspace cannot be default for secrets; use global"),
        ("workspace=Global", RESERVED),
        ("workspace=a.b", BAD_WORKSPACE),
        ("workspace=a%20b", BAD_WORKSPACE),
        ("remoteNode=nope", "remote node nope not found"),
    ],
)
def test_what_lists_nothing(ground: Ground, query: str, message: str) -> None:
    """It is told in JSON what is wrong."""
    ground.go(f"GET /secrets?{query}", 400, message)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("limit=abc", 'strconv.ParseInt: parsing "abc": invalid syntax'),
        ("limit=", 'strconv.ParseInt: parsing "": invalid syntax'),
        ("offset=1.0", 'strconv.ParseInt: parsing "1.0": invalid syntax'),
        ("offset=99999999999999999999", 'strconv.ParseInt: parsing "99999999999999999999": value out of range'),
    ],
)
def test_numbers_that_are_none(ground: Ground, query: str, why: str) -> None:
    """They are refused in plain text."""
    name = query.partition("=")[0]
    message = f"Invalid format for parameter {name}: error binding string parameter: {why}"
    assert ground.go(f"GET /secrets?{query}", 400, message).headers["Content-Type"] == "text/plain; charset=utf-8"
    twice = f"Invalid format for parameter {name}: multiple values for single value parameter '{name}'"
    ground.go(f"GET /secrets?{name}=1&{name}=2", 400, twice)


def test_scopes(ground: Ground) -> None:
    """One at a time is listed; what no workspace has for a name lists empty, and may be written to all the same."""
    where = ground.prefix
    ground.go(f"GET /secrets?workspace={where}", 200, {"secrets": [], "total": 0})
    ground.create("x", 201, {"workspace": where}, workspace=f"  {where} ")
    ground.create("x", 201, {"workspace": "global"}, workspace="")
    ground.create("y", 201, {"workspace": "global"}, workspace=None)
    ground.go(f"GET /secrets?workspace=%20{where}%20", 200, {"total": 1})
    ground.go(f"GET /secrets?workspace={where.upper()}", 200, {"total": 0})
    for query in ("", "?workspace=", "?workspace=global", "?remoteNode=local", "?unknown=1"):
        listed = ground.get(f"/secrets{query}&limit=500" if query else "/secrets?limit=500")["secrets"]
        assert [one["ref"] for one in listed if one["ref"].startswith(where)] == [ground.ref("x"), ground.ref("y")]


def test_what_moves_which_time(ground: Ground) -> None:
    """Each write moves the time of update, only a value the time of rotation, a read neither."""
    path = ground.secret("x")
    seen = [ground.get(path)]
    for call, body in [
        (f"PATCH {path}", {}),
        (f"POST {path}/disable", None),
        (f"POST {path}/enable", None),
        (f"POST {path}/versions", {"value": "w"}),
    ]:
        seen.append(ground.go(call, 200, None, body).document)
        assert ground.get(path) == seen[-1]
    updated = [one["updatedAt"] for one in seen]
    assert sorted({*updated}) == updated
    assert len({one["lastRotatedAt"] for one in seen[:4]}) == 1
    assert seen[4]["lastRotatedAt"] == updated[4]


@pytest.mark.parametrize(
    ("call", "allowed"),
    [
        ("PUT /secrets/{}", {"GET", "PATCH", "DELETE"}),
        ("HEAD /secrets/{}", {"GET", "PATCH", "DELETE"}),
        ("DELETE /secrets", {"GET", "POST"}),
        ("OPTIONS /secrets", {"GET", "POST"}),
        ("GET /secrets/{}/versions", {"POST"}),
        ("GET /secrets/{}/disable", {"POST"}),
    ],
)
def test_methods_that_a_path_does_not_know(ground: Ground, call: str, allowed: set[str]) -> None:
    """Each that it does know has a header of its own."""
    refused = ground.go(call.format(UNKNOWN), 405, NOTHING)
    assert {*(refused.headers.get_all("Allow") or ())} == allowed


def test_paths_that_mean_nothing(ground: Ground) -> None:
    """Below the API they are missing, in plain text; elsewhere stands the user interface."""
    for path in ("/nope", f"/secrets/{UNKNOWN}/rotate", "//secrets", ""):
        ground.go(f"GET {path}", 404, "404 page not found")
    for path in ("/nope", "/api/v2/secrets", "/api/secrets"):
        page = ground.raw.send(f"GET {path}", root="", authorization="").require(200)
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    ground.raw.send("POST /nope", root="", authorization="").require(405, NOTHING)


def test_a_slash_at_the_end(ground: Ground) -> None:
    """It is dropped by a redirection, which asks nobody who they are."""
    page = ground.raw.send("GET /secrets/?limit=3", authorization="").require(301)
    assert page.headers["Location"].endswith("/api/v1/secrets?limit=3")
    ground.raw.send("POST /secrets/", authorization="").require(301, NOTHING)


def test_credentials_that_are_none(ground: Ground) -> None:
    """Whatever is asked, the answer is empty; only the health is for everybody."""
    token = ground.raw.authorization.removeprefix("Bearer ")
    for who in ("", "Bearer dagu_nope", "Bearer a.b.c", f"bearer {token}", f"Bearer  {token}", "Basic YTpi"):
        for call in ("GET /secrets", "POST /secrets", "GET /nope", "GET /secrets?limit=abc", f"GET /secrets/{UNKNOWN}"):
            refused = ground.raw.send(call, raw=b"{bad", authorization=who).require(401, NOTHING)
            assert refused.headers["WWW-Authenticate"] == 'Bearer realm="restricted"'
    ground.raw.send(f"GET /secrets?token={token}", authorization="").require(401, NOTHING)
    ground.raw.send("GET /health", authorization="").require(200, {"status": "healthy"})


def test_writes_side_by_side(ground: Ground) -> None:
    """Of those who make one secret one succeeds, and each rotation gets a number of its own."""
    with ThreadPoolExecutor(8) as pool:
        fields = {"ref": ground.ref("x"), "providerType": "dagu-managed", "workspace": ground.prefix, "value": "v"}
        made = [*pool.map(lambda _: ground.raw.send("POST /secrets", fields), range(8))]
        assert sorted(response.status for response in made) == [201, *[409] * 7]
        (path,) = [f"/secrets/{response.document['id']}" for response in made if response.status == 201]
        rotated = pool.map(lambda number: ground.raw.ask(f"POST {path}/versions", {"value": str(number)}), range(16))
        assert sorted(one["currentVersion"] for one in rotated) == [*range(2, 18)]
