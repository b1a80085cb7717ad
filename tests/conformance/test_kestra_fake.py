"""The fake Kestra keeps what is known of the real one's rules, and has its faults where a test asks for them."""

from __future__ import annotations

import base64
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from conformance.fakes.certificates import Authority
from conformance.fakes.fault_proxy import Rule, fault_proxy
from conformance.fakes.kestra.accounts import Right, basic, bearer
from conformance.fakes.kestra.kestra import TOKEN
from conformance.fakes.kestra.quirks import Blanks, Denials, Quirks
from conformance.fakes.kestra.records import Secret
from conformance.fakes.kestra.releases import RELEASES
from conformance.fakes.kestra.server import KestraServer
from conformance.fakes.kestra.standalone import Seed, kestra_process
from conformance.fakes.kestra.store import Unresolved
from conformance.fakes.logged import Logged
from conformance.fakes.secured import Tls
from conformance.raw_kestra import RawKestra, at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conformance.raw_kestra import Response

    Start = Callable[..., tuple[KestraServer, RawKestra]]

NAMESPACE = "company.team"
PATH = f"/api/v1/main/namespaces/{NAMESPACE}/secrets"
CANARY = "canary-3f9a"
PROBLEMS = "https://kestra.io/docs/api-reference/problems/"


@pytest.fixture
def start() -> Iterator[Start]:
    """Start servers, each with a client who may everything."""
    with ExitStack() as stack:

        def started(*arguments: str, **options: Any) -> tuple[KestraServer, RawKestra]:
            server = stack.enter_context(KestraServer(*arguments, **options))
            return server, raw(server)

        yield started


@pytest.fixture
def server(start: Start) -> KestraServer:
    """A server of the newest release, nothing strange about it."""
    return start()[0]


@pytest.fixture
def client(server: KestraServer) -> RawKestra:
    """Its owner."""
    return raw(server)


def raw(server: KestraServer) -> RawKestra:
    """Ask a server as its owner."""
    return RawKestra(address=server.url, authorization=server.authorization, tenant=server.tenant)


def body(key: Any = "KEY", value: Any = "v", **more: Any) -> dict[str, Any]:
    """Spell what a PUT brings."""
    return {"key": key, "value": value, **more}


def keys(client: RawKestra, query: str = "sort=key:asc", **options: Any) -> list[str]:
    """List keys as a query asks for them."""
    response = client.send(f"GET /secrets?{query}", **options)
    assert response.status == 200, response.body
    return [one["key"] for one in response.document["results"]]


def slug(response: Response) -> str:
    """Give what a problem is called."""
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.document["status"] == response.status
    return str(response.document["type"]).removeprefix(PROBLEMS)


def test_a_put_creates_and_replaces_all_of_it(server: KestraServer, client: RawKestra) -> None:
    """What the second one leaves out is gone; only the test sees values."""
    tags = [{"key": "a", "value": "1"}, {"key": "b"}]
    written = client.send(f"PUT {at(NAMESPACE)}", body(value=CANARY, description="said", tags=tags))
    expected = {
        "key": "KEY",
        "namespace": NAMESPACE,
        "description": "said",
        "tags": [{"key": "a", "value": "1"}, {"key": "b", "value": ""}],
    }
    assert (written.status, written.document) == (200, [expected])
    assert client.ask("GET /secrets") == {"readOnly": False, "results": [expected], "total": 1}
    assert server.secret(NAMESPACE, "KEY") == Secret(value=CANARY, description="said", tags=(("a", "1"), ("b", "")))
    client.ask(f"PUT {at(NAMESPACE)}", body(value="new"))
    assert server.secrets == {("main", NAMESPACE): {"KEY": Secret(value="new")}}
    assert client.find(NAMESPACE, "KEY") == {"key": "KEY", "namespace": NAMESPACE, "tags": []}
    assert CANARY not in repr(Secret(value=CANARY))


def test_a_patch_leaves_the_value(server: KestraServer, client: RawKestra) -> None:
    """Tags are replaced as a whole, and so is the description unless the switch says otherwise."""
    server.plant(NAMESPACE, "KEY", "v", "said", {"a": "1"})
    client.ask(f"PATCH {at(NAMESPACE, 'KEY')}", {"key": "KEY", "namespace": "other", "tags": []})
    assert server.secret(NAMESPACE, "KEY") == Secret(value="v")
    client.retag(NAMESPACE, "KEY", {"b": "2"}, "again")
    assert server.secret(NAMESPACE, "KEY") == Secret(value="v", description="again", tags=(("b", "2"),))
    server.quirks.patch_keeps_description = True
    client.ask(f"PATCH {at(NAMESPACE, 'KEY')}", {"key": "KEY", "tags": [{"key": "c", "value": "3"}]})
    assert server.secret(NAMESPACE, "KEY") == Secret(value="v", description="again", tags=(("c", "3"),))
    assert slug(client.send(f"PATCH {at(NAMESPACE, 'NO')}", {"key": "NO", "tags": []})) == "not-found"
    missing = client.send(f"PATCH {at(NAMESPACE, 'KEY')}", {"key": "KEY"})
    assert missing.document["errors"] == [{"detail": "must not be null", "pointer": "/tags", "path": "tags"}]


def test_a_delete_is_final(server: KestraServer, client: RawKestra) -> None:
    """There is no body; what is not there is missing, or whatever the switch says."""
    server.plant(NAMESPACE, "KEY", "v")
    deleted = client.send(f"DELETE {at(NAMESPACE, 'KEY')}")
    assert (deleted.status, deleted.body, deleted.headers["Content-Type"]) == (200, b"", None)
    assert server.keys(NAMESPACE) == []
    again = client.send(f"DELETE {at(NAMESPACE, 'KEY')}")
    assert (again.status, slug(again)) == (404, "not-found")
    for status in (200, 500):
        server.quirks.missing_deletes = status
        assert client.send(f"DELETE {at(NAMESPACE, 'KEY')}").status == status


def test_keys_are_compared_exactly(server: KestraServer, client: RawKestra) -> None:
    """Case counts, and a key may be any text, escaped in paths."""
    odd = ["KEY", "key", "a/b c%", "é+", ".."]
    for key in odd:
        client.put(NAMESPACE, key, f"value of {key}")
    assert server.keys(NAMESPACE) == sorted(odd)
    client.remove(NAMESPACE, "KEY")
    client.remove(NAMESPACE, "a/b c%")
    assert server.keys(NAMESPACE) == ["..", "key", "é+"]
    assert server.calls("DELETE *")[-1].path == f"{PATH}/a%2Fb%20c%25"
    client.clear(NAMESPACE)
    assert client.secrets(NAMESPACE) == []


@pytest.mark.parametrize("value", ["line\n", "\r\n", " ", "\0", "pä🔑", "{{ x }}", "v" * 100_000])
def test_values_are_kept_byte_for_byte(server: KestraServer, client: RawKestra, value: str) -> None:
    """Whatever they are made of."""
    client.put(NAMESPACE, "KEY", value)
    assert server.resolve(NAMESPACE, "KEY") == value


@pytest.mark.parametrize(
    ("given", "kind", "paths"),
    [
        (body(value=""), "validation-failed", ["value"]),
        (body(key=""), "validation-failed", ["key"]),
        ({}, "validation-failed", ["key", "value"]),
        (body(value=None), "validation-failed", ["value"]),
        (body(value=12), "invalid-request-body", ["value"]),
        (body(description=["x"]), "invalid-request-body", ["description"]),
        (body(tags={"a": "1"}), "invalid-request-body", ["tags"]),
        (body(tags=[{"value": "1"}]), "invalid-request-body", ["tags"]),
        (body(tags=[{"key": "a", "value": 1}]), "invalid-request-body", ["tags"]),
        ([], "invalid-request-body", []),
    ],
)
def test_bodies_that_are_refused(
    server: KestraServer, client: RawKestra, given: Any, kind: str, paths: list[str]
) -> None:
    """The answer says which members are wrong, and nothing is written."""
    refused = client.send(f"PUT {at(NAMESPACE)}", given)
    assert (refused.status, slug(refused)) == (422, kind)
    assert [one["path"] for one in refused.document.get("errors", [])] == paths
    assert server.secrets == {}


def test_bodies_that_are_no_json(client: RawKestra) -> None:
    """Or do not say that they are."""
    for broken in (b"{", b"", b'{"key": NaN}', b"\xff"):
        refused = client.send(f"PUT {at(NAMESPACE)}", raw=broken)
        assert (refused.status, slug(refused)) == (422, "invalid-json")
    refused = client.send(f"PUT {at(NAMESPACE)}", body(), headers={"Content-Type": "text/plain"})
    assert (refused.status, slug(refused)) == (415, "unsupported-media-type")


def test_what_it_does_not_know_it_refuses_loudly(server: KestraServer, client: RawKestra) -> None:
    """No test builds on a guess."""
    server.plant(NAMESPACE, "KEY", "v")
    for call, given in [
        (f"PUT {at(NAMESPACE)}", body(tags=[{"key": ""}])),
        (f"PUT {at(NAMESPACE)}", body(tags=[{"key": "a"}, {"key": "a"}])),
        (f"PATCH {at(NAMESPACE, 'KEY')}", {"key": "OTHER", "tags": []}),
        ("GET /secrets?filters[namespace][REGEX]=x", None),
        ("GET /secrets?filters[and][0]=x", None),
        ("GET /secrets?size=-1", None),
        ("GET /secrets?sort=description:asc", None),
    ]:
        assert client.send(call, given).status == 501, call


def test_problems(client: RawKestra) -> None:
    """Since 2.0 errors are problem documents, which name the path without its query."""
    refused = client.send(f"PUT {at(NAMESPACE)}?x=1", body(value=""))
    assert refused.document == {
        "type": f"{PROBLEMS}validation-failed",
        "title": "Validation failed",
        "status": 422,
        "detail": "value: must not be empty",
        "instance": PATH,
        "errors": [{"detail": "must not be empty", "pointer": "/value", "path": "value"}],
    }
    broken = client.send("GET /secrets?page=0").document
    assert "errors" not in broken
    assert (broken["detail"], len(broken["traceId"])) == ("An internal error occurred.", 32)


def test_errors_of_older_releases(start: Start) -> None:
    """They are Micronaut's, with a message, and the target as it was asked for."""
    server, client = start(version="1.3")
    refused = client.send(f"PUT {at(NAMESPACE)}?x=1", body(value=""))
    assert (refused.status, refused.headers["Content-Type"]) == (422, "application/json")
    assert refused.document == {
        "message": "Invalid entity: value: must not be empty",
        "_links": {"self": {"href": f"{PATH}?x=1", "templated": False}},
        "_embedded": {"errors": [{"message": "must not be empty", "path": "value"}]},
    }
    missing = client.send(f"DELETE {at(NAMESPACE, 'NO')}")
    assert missing.document["message"] == "Not Found: Cannot find secret for key 'NO'."
    assert "_embedded" not in missing.document
    server.quirks.read_only, server.quirks.read_only_status = True, 409
    refused = client.send(f"PUT {at(NAMESPACE)}", body())
    assert (refused.status, refused.document["message"]) == (409, "Illegal state: The secret manager is read-only")


@pytest.mark.parametrize("version", ["1.3", "2.0"])
def test_errors_may_quote_what_they_refuse(start: Start, version: str) -> None:
    """Value and all, if the switch says so."""
    server, client = start(version=version)
    assert CANARY.encode() not in client.send(f"PUT {at(NAMESPACE)}", body(key="", value=CANARY)).body
    server.quirks.echo_bodies = True
    assert CANARY.encode() in client.send(f"PUT {at(NAMESPACE)}", body(key="", value=CANARY)).body


@pytest.mark.parametrize("version", RELEASES)
def test_lists_of_releases(start: Start, version: str) -> None:
    """The oldest have a list for each namespace, the newest one for the tenant, those between have both."""
    server, client = start(version=version)
    server.plant(NAMESPACE, "KEY", "v", "said")
    server.plant("company", "OTHER", "v")
    tenant, namespace = client.send("GET /secrets").status, client.send(f"GET {at(NAMESPACE)}").status
    assert (tenant, namespace) == {"1.0": (401, 200), "2.0": (200, 403)}.get(version, (200, 200))
    (found,) = client.secrets(NAMESPACE)
    assert found.get("namespace") == (None if version == "1.0" else NAMESPACE)
    (other,) = client.secrets("company")
    assert other.get("description", "absent") == (None if version in {"1.0", "1.2"} else "absent")


def test_the_oldest_release_wants_all_of_a_put(start: Start) -> None:
    """Description and tags too, empty or not; and a deletion lists keys."""
    server, client = start(version="1.0")
    assert client.send(f"PUT {at(NAMESPACE)}", body()).status == 422
    client.put(NAMESPACE, "KEY", "v")
    assert server.keys(NAMESPACE) == ["KEY"]
    assert client.ask(f"DELETE {at(NAMESPACE, 'KEY')}") == ["KEY"]


@pytest.mark.parametrize("blanks", Blanks)
def test_blank_descriptions(start: Start, blanks: Blanks) -> None:
    """An empty one and none at all may be told apart in a list, or not."""
    server, client = start(quirks=Quirks(blank_descriptions=blanks))
    server.plant(NAMESPACE, "EMPTY", "v", "")
    server.plant(NAMESPACE, "NONE", "v")
    found = [one.get("description", "absent") for one in client.secrets(NAMESPACE)]
    assert found == {"kept": ["", "absent"], "null": [None, None], "absent": ["absent", "absent"]}[blanks]


def test_filters_by_namespace(server: KestraServer, client: RawKestra) -> None:
    """Children are not equal to their parent; brackets may be escaped, operations in any case."""
    for namespace in ("company", "company.team", "companyx", "other"):
        server.plant(namespace, namespace, "v")
    for query, found in {
        "filters[namespace][EQUALS]=company": ["company"],
        "filters%5Bnamespace%5D%5BEQUALS%5D=company": ["company"],
        "filters[namespace][equals]=company": ["company"],
        "filters[namespace][NOT_EQUALS]=company": ["company.team", "companyx", "other"],
        "filters[namespace][PREFIX]=company": ["company", "company.team"],
        "filters[namespace][STARTS_WITH]=company": ["company", "company.team", "companyx"],
        "filters[namespace][ENDS_WITH]=team": ["company.team"],
        "filters[namespace][CONTAINS]=ther": ["other"],
        "filters%5Bnamespace%5D%5BIN%5D=company%2Cother": ["company", "other"],
        "filters[namespace][NOT_IN]=[company,other]": ["company.team", "companyx"],
        "filters[namespace][PREFIX]=company&filters[q][EQUALS]=TEAM": ["company.team"],
        "filters[q][NOT_EQUALS]=company": ["other"],
        "namespace=company&unknown=1": ["company", "company.team", "companyx", "other"],
    }.items():
        assert keys(client, f"sort=key:asc&{query}") == found, query


def test_a_query_is_contained_in_keys(server: KestraServer, client: RawKestra) -> None:
    """Though it is spelled as if it was equal."""
    for key in ("DB_PASSWORD", "password", "TOKEN", "A B&C"):
        server.plant(NAMESPACE, key, "v")
    assert keys(client, "sort=key:asc&filters[q][EQUALS]=Pass") == ["DB_PASSWORD", "password"]
    assert keys(client, "filters%5Bq%5D%5BEQUALS%5D=a+b%26c") == ["A B&C"]


@pytest.mark.parametrize(
    "condition",
    [
        "filters[flowId][EQUALS]=x",
        "filters[namespace][LIKE]=x",
        "filters[q][PREFIX]=x",
        "filters[namespace][EQUALS][x]=x",
        "filters[namespace]=x",
    ],
)
@pytest.mark.parametrize("version", ["1.3", "2.0"])
def test_filters_that_are_refused(start: Start, condition: str, version: str) -> None:
    """By 400, unlike bodies."""
    _, client = start(version=version)
    refused = client.send(f"GET /secrets?{condition}")
    assert refused.status == 400
    problem = version == "2.0"
    assert refused.document["type" if problem else "message"].startswith(
        f"{PROBLEMS}invalid-query-filters" if problem else "Invalid query filters: Provided query filters are invalid: "
    )


def test_the_fields_that_filters_know(client: RawKestra) -> None:
    """Are told to those who name another."""
    refused = client.send("GET /secrets?filters[flowId][EQUALS]=x").document["detail"]
    assert refused == (
        "Provided query filters are invalid: Field FLOW_ID is not supported for resource SECRET_METADATA. "
        "Supported fields are QUERY, NAMESPACE"
    )


def test_pages(server: KestraServer, client: RawKestra) -> None:
    """They begin with one and have ten entries unless more are asked for; behind the last there is nothing."""
    names = [f"KEY_{number:03}" for number in range(205)]
    for name in names:
        server.plant(NAMESPACE, name, "v")
    assert keys(client) == names[:10]
    assert keys(client, "sort=key:asc&page=21") == names[200:]
    assert keys(client, "sort=key:asc&size=100&page=3") == names[200:]
    assert keys(client, "sort=key:asc&size=1000") == names
    assert client.ask("GET /secrets?page=22") == {"readOnly": False, "results": [], "total": 205}
    assert [one["key"] for one in client.secrets()] == names
    assert len(server.calls("GET */secrets")) == 10


def test_orders(server: KestraServer, client: RawKestra) -> None:
    """Several columns may be named, one by one or together; without any, pages do not fit together."""
    for namespace, key in [("b", "X"), ("a", "X"), ("a", "Y")]:
        server.plant(namespace, key, namespace + key)

    def order(query: str) -> list[str]:
        found = client.ask(f"GET /secrets?{query}")["results"]
        return [one["namespace"] + one["key"] for one in found]

    assert order("sort=key:asc&sort=namespace:desc") == ["bX", "aX", "aY"]
    assert order("sort=key%3Aasc%2Cnamespace%3Aasc") == ["aX", "bX", "aY"]
    assert order("sort=namespace:desc,key:DESC") == ["bX", "aY", "aX"]
    assert order("size=2&page=1") + order("size=2&page=2") == ["bX", "aX", "bX"]


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ("size=0", 422, "invalid-argument"),
        ("page=-1", 422, "invalid-argument"),
        ("page=0", 500, "internal-error"),
        ("sort=key", 422, "invalid-argument"),
        ("page=x", 400, "invalid-query-parameter"),
    ],
)
def test_pages_that_there_cannot_be(client: RawKestra, query: str, status: int, kind: str) -> None:
    """Each is refused in its way."""
    refused = client.send(f"GET /secrets?{query}")
    assert (refused.status, slug(refused)) == (status, kind)


def test_inheritance(server: KestraServer, client: RawKestra) -> None:
    """A run looks in its namespace and then in the parents, the nearest first, and last in the environment."""
    server.plant("company", "A", "far")
    server.plant("company", "B", "far")
    server.plant("company.team", "A", "near")
    server.plant("company.team.sub", "C", "below")
    expected = {"company.team": ["A"], "company": ["A", "B"]}
    assert server.inherited("company.team") == expected
    assert list(server.inherited("company.team")) == list(expected)
    assert client.ask("GET /namespaces/company.team/inherited-secrets") == expected
    assert server.inherited("companyx") == {"companyx": []}
    assert [server.resolve("company.team.other", key) for key in "AB"] == ["near", "far"]
    for namespace, key in [("company.team", "C"), ("companyx", "A"), ("company", "a")]:
        with pytest.raises(Unresolved, match=f"Cannot find secret for key '{key}'"):
            server.resolve(namespace, key)
    server.environment["A"] = "of the process"
    server.remove("company.team", "A")
    server.remove("company", "A")
    assert server.resolve("company.team", "a") == "of the process"


def test_credentials(start: Start) -> None:
    """A token or a password lets somebody in, in no server both."""
    server, client = start("token")
    for wrong in ("", "Bearer no", TOKEN, basic("ann", "pw")):
        refused = client.send("GET /secrets", authorization=wrong)
        assert (refused.status, slug(refused)) == (401, "unauthenticated")
    token = bearer(server.token())
    assert keys(client, authorization=token) == []
    server.revoke(token)
    assert client.send("GET /secrets", authorization=token).status == 401
    server, client = start("basic")
    assert keys(client) == []
    server.user("ann", "pä:ss")
    header = "Basic " + base64.b64encode("ann:pä:ss".encode()).decode()
    assert keys(client, authorization=header) == []
    assert client.send("GET /secrets", authorization=bearer(TOKEN)).status == 401
    assert [logged.who for logged in server.log] == ["owner", "ann", ""]


def test_rights(server: KestraServer, client: RawKestra) -> None:
    """They are granted by namespace and hold below it; who may update may create."""
    who = bearer(server.token({"company": [Right.LIST], "company.team": [Right.UPDATE]}))
    server.plant("company.team", "KEY", "v")
    server.plant("companyx", "OTHER", "v")
    for call, given, status in [
        (f"PUT {at('company.team.sub')}", body(), 200),
        (f"PUT {at('company')}", body(), 403),
        (f"PUT {at('companyx')}", body(value=""), 403),
        (f"PATCH {at('company.team', 'KEY')}", {"key": "KEY", "tags": []}, 200),
        (f"DELETE {at('company.team', 'KEY')}", None, 403),
        ("GET /namespaces/company.team/inherited-secrets", None, 200),
        ("GET /namespaces/companyx/inherited-secrets", None, 403),
    ]:
        assert client.send(call, given, authorization=who).status == status, call
    assert keys(client, "sort=key:asc&filters[q][EQUALS]=K", authorization=who) == ["KEY", "KEY"]


def test_a_list_without_rights_is_empty(server: KestraServer, client: RawKestra) -> None:
    """As if there was nothing, or denied where the switch says so."""
    server.plant(NAMESPACE, "KEY", "v")
    other = bearer(server.token({"other": [*Right]}))
    nobody = bearer(server.token({}))
    asked = f"GET /secrets?filters[namespace][EQUALS]={NAMESPACE}"
    for who in (other, nobody):
        found = client.send(asked, authorization=who)
        assert (found.status, found.document) == (200, {"readOnly": False, "results": [], "total": 0})
    server.quirks.deny_lists = True
    for who in (other, nobody):
        assert slug(client.send(asked, authorization=who)) == "forbidden"
    assert client.send("GET /secrets", authorization=nobody).status == 403
    assert keys(client, authorization=other) == []


@pytest.mark.parametrize(("version", "status"), [("1.3", 401), ("2.0", 403)])
def test_what_is_not_there_is_denied(start: Start, version: str, status: int) -> None:
    """Paths, methods and tenants alike, to those who may everything."""
    server, client = start(version=version)
    for call in ("GET /never", "POST /secrets", f"POST {at(NAMESPACE)}", f"DELETE {at(NAMESPACE)}/", "GET /secrets/"):
        assert client.send(call, body()).status == status, call
    assert server.answer("GET", "/", {"authorization": server.authorization}, b"").status == status
    elsewhere = RawKestra(address=server.url, authorization=server.authorization, tenant="other")
    assert elsewhere.send("GET /secrets").status == status
    assert elsewhere.send("GET /secrets", authorization="").status == 401
    server.tenants.add("other")
    elsewhere.put(NAMESPACE, "KEY", "v")
    assert (server.keys(NAMESPACE), server.keys(NAMESPACE, tenant="other")) == ([], ["KEY"])
    assert client.secrets() == []


@pytest.mark.parametrize("version", ["1.3", "2.0"])
def test_bodies_of_denials(start: Start, version: str) -> None:
    """They may be empty, or the page where people log in; other errors stay what they are."""
    server, client = start(version=version)
    server.quirks.denials = Denials.EMPTY
    empty = client.send("GET /secrets", authorization="")
    assert (empty.status, empty.body) == (401, b"")
    server.quirks.denials = Denials.HTML
    page = client.send("GET /never")
    assert (page.headers["Content-Type"], page.body[:9]) == ("text/html", b"<!DOCTYPE")
    assert client.send(f"PUT {at(NAMESPACE)}", body(value="")).document


def test_paths_without_a_tenant(start: Start) -> None:
    """Old servers have one tenant, which no path names."""
    server, client = start(tenant="", version="1.0")
    client.put(NAMESPACE, "KEY", "v")
    assert server.log[-1].path == f"/api/v1/namespaces/{NAMESPACE}/secrets"
    assert [one["key"] for one in client.secrets(NAMESPACE)] == ["KEY"]
    client.retag(NAMESPACE, "KEY", {"a": "1"})
    assert client.tags(NAMESPACE, "KEY") == {"a": "1"}
    client.remove(NAMESPACE, "KEY")
    named = RawKestra(address=server.url, authorization=server.authorization)
    assert named.send(f"PUT {at(NAMESPACE)}", body()).status == 401
    server, client = start()
    unnamed = RawKestra(address=server.url, authorization=server.authorization, tenant="")
    assert unnamed.send(f"PUT {at(NAMESPACE)}", body()).status == 403


def test_a_store_for_reading_only(server: KestraServer, client: RawKestra) -> None:
    """Lists say so, and no write is carried out; one namespace may be so, with all below it."""
    server.plant(NAMESPACE, "KEY", "v")
    server.quirks.read_only_namespaces.add("company")
    assert client.ask("GET /secrets?filters[namespace][EQUALS]=company.team")["readOnly"] is True
    assert client.ask("GET /secrets?filters[namespace][EQUALS]=other")["readOnly"] is False
    assert client.ask("GET /secrets")["readOnly"] is False
    assert client.send(f"PUT {at('other')}", body()).status == 200
    assert client.send(f"PUT {at(NAMESPACE)}", body()).status == 403
    server.quirks.read_only, server.quirks.read_only_status = True, 409
    assert client.ask("GET /secrets")["readOnly"] is True
    for call, given in [
        (f"PUT {at('other')}", body()),
        (f"PATCH {at(NAMESPACE, 'KEY')}", {"key": "KEY", "tags": [{"key": "a"}]}),
        (f"DELETE {at(NAMESPACE, 'KEY')}", None),
    ]:
        refused = client.send(call, given)
        assert (refused.status, slug(refused)) == (409, "conflict")
    assert server.secret(NAMESPACE, "KEY") == Secret(value="v")


@pytest.mark.parametrize("status", [404, 422, 403])
def test_namespaces_that_nobody_made(start: Start, status: int) -> None:
    """They come into being by a write, or are refused where the switches say so."""
    server, client = start(quirks=Quirks(unknown_namespaces=status, unknown_lists=404))
    server.namespace("made")
    server.plant("planted", "KEY", "v")
    asked = "GET /secrets?filters[namespace][EQUALS]="
    for namespace, written, listed in [("made", 200, 200), ("planted", 200, 200), ("never", status, 404)]:
        assert client.send(asked + namespace).status == listed
        assert client.send(f"PUT {at(namespace)}", body()).status == written
    assert client.send(f"DELETE {at('never', 'KEY')}").status == status


def test_tags_of_the_server(start: Start) -> None:
    """Lists may tell of them, and nobody else sets them."""
    server, client = start(quirks=Quirks(system_tags=True))
    client.put(NAMESPACE, "KEY", "v", tags={"a": "1", "namespace": "mine"})
    own = {"namespace": NAMESPACE, "key": "KEY", "prefix": "kestra", "tenant": "main"}
    assert client.tags(NAMESPACE, "KEY") == {"a": "1"} | own
    server.quirks.system_tags = False
    assert client.tags(NAMESPACE, "KEY") == {"a": "1", "namespace": "mine"}


def test_answers_to_writes(server: KestraServer, client: RawKestra) -> None:
    """They tell of what was written, or of all of the namespace."""
    server.plant(NAMESPACE, "A", "v")
    assert [one["key"] for one in client.ask(f"PUT {at(NAMESPACE)}", body("B"))] == ["B"]
    server.quirks.whole_answers = True
    assert [one["key"] for one in client.ask(f"PUT {at(NAMESPACE)}", body("C"))] == ["A", "B", "C"]


def test_a_write_in_the_middle_of_another_is_lost(server: KestraServer, client: RawKestra) -> None:
    """Though it was answered with 200; only where the switch says so, and only in the same namespace."""
    server.quirks.lose_concurrent = True
    server.meanwhile(lambda: client.put(NAMESPACE, "LOST", "v"), f"PUT *{at(NAMESPACE)}")
    client.put(NAMESPACE, "FIRST", "v")
    assert [logged.status for logged in server.log] == [200, 200]
    assert server.keys(NAMESPACE) == ["FIRST"]
    server.meanwhile(lambda: client.put("other", "KEPT", "v"))
    client.remove(NAMESPACE, "FIRST")
    assert (server.keys(NAMESPACE), server.keys("other")) == ([], ["KEPT"])
    server.quirks.lose_concurrent = False
    server.meanwhile(lambda: client.put(NAMESPACE, "SECOND", "v"))
    client.put(NAMESPACE, "THIRD", "v")
    assert server.keys(NAMESPACE) == ["SECOND", "THIRD"]
    assert (server.busiest(NAMESPACE), server.busiest("other"), server.busiest("never")) == (2, 1, 0)


def test_a_test_holds_a_write(server: KestraServer, client: RawKestra) -> None:
    """Until it lets it go, and what was written since then is lost."""
    server.quirks.lose_concurrent = True
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        assert release.wait(30)

    server.meanwhile(hold, "PUT *")
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(client.put, NAMESPACE, "SLOW", "v")
        assert held.wait(30)
        client.put(NAMESPACE, "FAST", "v")
        assert server.keys(NAMESPACE) == ["FAST"]
        release.set()
        slow.result(30)
    assert server.keys(NAMESPACE) == ["SLOW"]


@pytest.mark.parametrize("loses", [True, False])
def test_writes_wait_for_each_other(start: Start, loses: bool) -> None:  # noqa: FBT001  # a row of the table
    """So that those who write side by side always lose one, and always are seen to."""
    server, client = start(quirks=Quirks(lose_concurrent=loses, linger=30))
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda key: client.put(NAMESPACE, key, "v"), ["A", "B"]))
    assert len(server.keys(NAMESPACE)) == (1 if loses else 2)
    assert server.busiest(NAMESPACE) == 2


def test_writes_one_by_one_lose_nothing(start: Start) -> None:
    """Nor do they overlap."""
    server, client = start(quirks=Quirks(lose_concurrent=True, linger=0.001))
    for key in ("A", "B", "C"):
        client.put(NAMESPACE, key, "v")
    assert server.keys(NAMESPACE) == ["A", "B", "C"]
    assert server.busiest(NAMESPACE) == 1


def test_the_log(server: KestraServer, client: RawKestra) -> None:
    """Method, path as on the wire, query, status, who; never a body."""
    client.send(f"PUT {at(NAMESPACE)}", body(value=""))
    client.send("GET /secrets?page=1", authorization="")
    assert server.log == [
        Logged(method="PUT", path=PATH, query="", status=422, who="owner"),
        Logged(method="GET", path="/api/v1/main/secrets", query="page=1", status=401),
    ]
    assert server.calls("GET *") == server.log[1:]


@pytest.mark.parametrize("version", ["1.3", "2.0"])
def test_its_errors_are_there_for_a_proxy(start: Start, version: str) -> None:
    """Which answers with them in its place."""
    server, client = start(version=version)
    with fault_proxy(server.url) as proxy:
        behind = RawKestra(address=proxy.url, authorization=server.authorization)
        proxy.set(Rule(fault=server.error(503), calls="PUT *", times=1))
        refused = behind.send(f"PUT {at(NAMESPACE)}", body())
        assert (refused.status, bool(refused.document)) == (503, True)
        behind.put(NAMESPACE, "KEY", "v")
    assert [one["key"] for one in client.secrets()] == ["KEY"]
    assert (
        client.send("GET /never").document
        == server.error(server.state.release.lost, target="/api/v1/main/never").document
    )


def test_tls(tmp_path: Path) -> None:
    """The server shows a certificate."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1")
    with KestraServer(tls=Tls(certificate=certificate, key=key)) as server:
        assert server.url.startswith("https://127.0.0.1:")
        context = ssl.create_default_context(cafile=authority.certificate)
        client = RawKestra(address=server.url, authorization=server.authorization, context=context)
        client.put(NAMESPACE, "KEY", "v")
        assert server.keys(NAMESPACE) == ["KEY"]


def test_a_child_process_holds_what_it_is_seeded_with() -> None:
    """Secrets by the number, of a tenant that may have no name."""
    seed = Seed(secrets=12, tags={"a": "1"})
    with kestra_process(seed, tenant="", version="1.3") as url:
        client = RawKestra(address=url, authorization=bearer(TOKEN), tenant="")
        assert len(client.secrets(NAMESPACE)) == 12
        assert client.tags(NAMESPACE, "KEY_11") == {"a": "1"}
