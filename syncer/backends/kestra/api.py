"""The calls of Kestra's REST API, each by its name.

kestra-io/client-sdk, `kestra-ee.yml`. That a listing names all of a tenant's secrets came with Kestra 1.1.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from syncer.backends.kestra.rows import Row
from syncer.errors import AccessDenied, Refused
from syncer.rest.client import Client
from syncer.rest.failures import NOT_FOUND, Rule
from syncer.rest.messages import Request, garbled

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from syncer.backends.base import Backend
    from syncer.model import Address
    from syncer.rest.messages import Answer, Json
    from syncer.sensitive import Sensitive

PAGE = 100
_RULES = (
    # Before 2.0 it also means that there is no such path, and in 2.0 that is 403.
    Rule(
        (401,),
        AccessDenied,
        "{thing}: {store} at {url} does not let us in with {credential} ({call}, 401)",
        "it needs {right}; is it expired, and are `url` and `tenant` right?",
    ),
    Rule(
        (403,),
        AccessDenied,
        "{thing}: {store} at {url} denied {call} (403)",
        "{credential} needs {right}; is `tenant` right?",
    ),
    Rule((409, 423), Refused, "{thing}: {store} at {url} did not take {call}, something else is at it ({status})"),
)


class Page(NamedTuple):
    """A part of a listing."""

    rows: list[Row]
    """In order; of other namespaces too, should a server not heed the filter."""
    total: int | None
    """None from a server that does not tell."""
    read_only: bool
    """Whether Kestra only reads the store behind it."""


class Api:
    """One server; safe to share between threads. Every method is one call."""

    def __init__(self, backend: Backend, root: str) -> None:
        self._client = Client(backend, root, _RULES)

    @property
    def where(self) -> str:
        """The URL of the API."""
        return self._client.server.url

    def page(self, namespace: str, number: int) -> Page:
        """Give a page, counted from 1, of what is in one namespace and not in those below it."""
        query = {"filters[namespace][EQUALS]": namespace, "page": str(number), "size": str(PAGE), "sort": "key:asc"}
        request = Request(
            method="GET",
            path="/secrets",
            thing=f"scope {namespace}",
            right=f"to list SECRET in namespace {namespace}",
            query=query,
        )
        answer = self._client.call(request, accept=(NOT_FOUND,))
        if not answer.ok and _is_problem(answer):
            return Page([], 0, read_only=False)  # nobody has used the namespace yet
        with suppress(LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
            document = answer.document
            rows = [Row.of(entry, namespace) for entry in document["results"]]
            total = document.get("total")
            return Page(rows, None if total is None else int(total), document.get("readOnly") is True)
        raise garbled(answer)

    def put(self, address: Address, key: str, value: Sensitive, row: Row) -> None:
        """Write value, description and tags, whether there is such a key or not. Refused for no such namespace."""
        body = {**_metadata(address, row), "key": key, "value": value.reveal().decode()}
        answer = self._write("PUT", address, "", "UPDATE", body, accept=(NOT_FOUND,))
        if not answer.ok:
            message = f"{address}: {answer.server.store} at {self.where} has no namespace {address.scope}"
            raise Refused(message, hint="make it in Kestra first, or correct the scope's name; is `tenant` right?")

    def patch(self, address: Address, row: Row) -> None:
        """Write description and tags, the value untouched."""
        self._write("PATCH", address, row.key, "UPDATE", {**_metadata(address, row), "key": row.key})

    def delete(self, address: Address, key: str) -> None:
        """Delete for good. NotFound where there is none."""
        self._write("DELETE", address, key, "DELETE")

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _write(
        self,
        method: str,
        address: Address,
        key: str,
        right: str,
        body: Json | None = None,
        *,
        accept: Collection[int] = (),
    ) -> Answer:
        request = Request(
            method=method,
            path="/".join(filter(None, [f"/namespaces/{quote(address.scope, safe='')}/secrets", quote(key, safe="")])),
            thing=str(address),
            right=f"{right} on SECRET in namespace {address.scope}",
            body=body,
        )
        answer = self._client.call(request, accept=accept)
        if answer.ok and answer.body:
            _ = answer.document  # raises for the page of a proxy, which says that all is well, too
        return answer


def _metadata(address: Address, row: Row) -> Json:
    # Older servers want all of them, always.
    return {"namespace": address.scope, "description": row.description, "tags": _pairs(row.tags)}


def _pairs(tags: Mapping[str, str]) -> list[Json]:
    return [{"key": name, "value": text} for name, text in tags.items()]


def _is_problem(answer: Answer) -> bool:
    """Whether it is the API that says so, and not a server without one."""
    kind = answer.headers.get("content-type", "")
    return kind.startswith(("application/json", "application/problem+json"))
