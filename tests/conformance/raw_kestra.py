"""A Kestra asked by hand, so that what the backend wrote is seen from outside."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPMessage, HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

Document = dict[str, Any]
PAGE = 50
OF_OLD = frozenset({401, 403, 404})
"""What servers say that have no list of the tenant's secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came back."""

    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def document(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawKestra:
    """A server, and the `Authorization` of somebody who may everything there."""

    address: str
    authorization: str = field(repr=False)
    tenant: str = "main"
    """Empty for servers whose paths name none."""
    context: ssl.SSLContext | None = None

    @property
    def root(self) -> str:
        """The path that everything of the tenant stands below."""
        return f"/api/v1/{self.tenant}" if self.tenant else "/api/v1"

    def send(  # what a request has
        self,
        call: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        authorization: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send `METHOD /path below the root` with a document or bytes, perhaps as somebody else; empty is nobody."""
        method, _, path = call.partition(" ")
        parts = urlsplit(self.address)
        who = self.authorization if authorization is None else authorization
        data = raw if body is None else json.dumps(body).encode()
        media = {} if data is None else {"Content-Type": "application/json"}
        sent = media | ({"Authorization": who} if who else {}) | dict(headers or {})
        with closing(self._connection()) as connection:
            connection.request(method, parts.path + self.root + path, data, sent)
            answer = connection.getresponse()
            return Response(status=answer.status, headers=answer.headers, body=answer.read())

    def ask(self, call: str, body: Any = None) -> Any:
        """Send a request, which must be done; give the document, None where there is none."""
        response = self.send(call, body)
        assert response.status < 300, (call, response.status, response.body)
        return response.document if response.body else None

    def secrets(self, namespace: str | None = None) -> list[Document]:
        """List what is known of a namespace's secrets, or of the tenant's, all pages, in the order of keys.

        Old servers have lists of namespaces only.
        """
        found: list[Document] = []
        while True:
            page = self._page(namespace, len(found) // PAGE + 1)
            found += page["results"]
            if len(found) >= page["total"] or not page["results"]:
                return found

    def find(self, namespace: str, key: str) -> Document | None:
        """Give what is known of a secret."""
        return next((one for one in self.secrets(namespace) if one["key"] == key), None)

    def tags(self, namespace: str, key: str) -> dict[str, str]:
        """Give the tags of a secret, which must be there."""
        known = self.find(namespace, key)
        assert known, (namespace, key)
        return {tag["key"]: tag["value"] for tag in known["tags"]}

    def put(
        self, namespace: str, key: str, value: str, description: str = "", tags: Mapping[str, str] | None = None
    ) -> None:
        """Make a secret, or replace the one there is, all of it."""
        body = {"key": key, "value": value, "description": description, "tags": spelled(tags or {})}
        self.ask(f"PUT {at(namespace)}", body)

    def retag(self, namespace: str, key: str, tags: Mapping[str, str], description: str = "") -> None:
        """Replace the tags and the description of a secret, which must be there."""
        self.ask(f"PATCH {at(namespace, key)}", {"key": key, "description": description, "tags": spelled(tags)})

    def remove(self, namespace: str, key: str) -> None:
        """Delete a secret, if it is there."""
        if self.find(namespace, key):
            self.ask(f"DELETE {at(namespace, key)}")

    def clear(self, namespace: str) -> None:
        """Delete all that is in a namespace."""
        for known in self.secrets(namespace):
            self.ask(f"DELETE {at(namespace, known['key'])}")

    def _page(self, namespace: str | None, number: int) -> Document:
        asked = {"page": number, "size": PAGE, "sort": "key:asc"}
        condition = {} if namespace is None else {"filters[namespace][EQUALS]": namespace}
        response = self.send(f"GET /secrets?{urlencode(asked | condition)}")
        if response.status in OF_OLD and namespace is not None:
            response = self.send(f"GET {at(namespace)}?{urlencode(asked)}")
        assert response.status == 200, (response.status, response.body)
        found: Document = response.document
        return found

    def _connection(self) -> HTTPConnection:
        parts = urlsplit(self.address)
        if parts.scheme == "https":
            return HTTPSConnection(parts.netloc, timeout=30, context=self.context)
        return HTTPConnection(parts.netloc, timeout=30)


def at(namespace: str, key: str | None = None) -> str:
    """Spell the path of a namespace's secrets, or of one of them."""
    path = f"/namespaces/{quote(namespace, safe='')}/secrets"
    return path if key is None else f"{path}/{quote(key, safe='')}"


def spelled(tags: Mapping[str, str]) -> list[Document]:
    """Spell tags as the API does."""
    return [{"key": key, "value": value} for key, value in tags.items()]
