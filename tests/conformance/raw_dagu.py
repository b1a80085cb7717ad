"""A Dagu asked by hand, so that what the backend wrote is seen from outside."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPMessage, HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

Document = dict[str, Any]
API = "/api/v1"
NOTHING = ""
"""An empty body."""
PAGE = 500
PROFILE_REFS = ("runtime-profiles/", "runtime-profile-defaults/")
"""How the refs of secrets begin that belong to profiles, all in Global."""


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

    def require(self, status: int, expected: Document | str | None = None) -> Self:
        """Compare with what must come back: members of a document, the message of an error, a text, or nothing."""
        assert self.status == status, self.body
        match expected:
            case dict():
                assert {name: self.document.get(name) for name in expected} == expected
            case str() if (self.headers["Content-Type"] or "").startswith("application/json"):
                assert self.document["message"] == expected
            case str():
                assert self.body.decode().rstrip("\n") == expected
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class RawDagu:
    """A server, and the `Authorization` of somebody who may everything there."""

    address: str
    """What everything stands below: the API begins at `/api/v1` there."""
    authorization: str = field(repr=False)

    def send(  # what a request has
        self,
        call: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        authorization: str | None = None,
        headers: Mapping[str, str] | None = None,
        root: str = API,
    ) -> Response:
        """Send `METHOD /path` with a document or with bytes, perhaps as somebody else; empty is nobody."""
        method, _, path = call.partition(" ")
        parts = urlsplit(self.address)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        who = self.authorization if authorization is None else authorization
        sent = {"Content-Type": "application/json", **({"Authorization": who} if who else {}), **(headers or {})}
        data = raw if body is None else json.dumps(body).encode()
        with closing(kind(parts.netloc, timeout=30)) as connection:
            connection.request(method, f"{parts.path}{root}{path}", data, sent)
            answer = connection.getresponse()
            return Response(status=answer.status, headers=answer.headers, body=answer.read())

    def ask(self, call: str, body: Any = None) -> Document:
        """Send a request, which must be done; give the document, empty where there is none."""
        response = self.send(call, body)
        assert response.status < 300, (call, response.status, response.body)
        return response.document if response.body else {}

    def secrets(self, workspace: str = "global") -> list[Document]:
        """List a scope, all pages of it."""
        found: list[Document] = []
        while True:
            query = urlencode({"workspace": workspace, "limit": PAGE, "offset": len(found)})
            page = self.ask(f"GET /secrets?{query}")
            found += page["secrets"] or []
            if len(found) >= page["total"] or not page["secrets"]:
                return found

    def find(self, ref: str, workspace: str = "global") -> Document | None:
        """Give the secret with a ref."""
        return next((one for one in self.secrets(workspace) if one["ref"] == ref), None)

    def put(self, ref: str, value: str, workspace: str = "global", description: str = "") -> Document:
        """Make a secret, or write a version and the description of the one there is."""
        known = self.find(ref, workspace)
        if known is None:
            fields = {"ref": ref, "workspace": workspace, "description": description, "value": value}
            return self.ask("POST /secrets", fields | {"providerType": "dagu-managed"})
        self.ask(f"POST /secrets/{known['id']}/versions", {"value": value})
        return self.ask(f"PATCH /secrets/{known['id']}", {"description": description})

    def switch(self, ref: str, workspace: str = "global", *, enabled: bool) -> Document:
        """Enable or disable a secret, which must be there."""
        known = self.find(ref, workspace)
        assert known
        return self.ask(f"POST /secrets/{known['id']}/{'enable' if enabled else 'disable'}")

    def remove(self, ref: str, workspace: str = "global") -> None:
        """Delete a secret, if it is there."""
        known = self.find(ref, workspace)
        if known:
            self.ask(f"DELETE /secrets/{known['id']}")

    def clear(self, workspace: str) -> None:
        """Delete all that is in a scope."""
        for known in self.secrets(workspace):
            self.ask(f"DELETE /secrets/{known['id']}")

    def workspace(self, name: str) -> str:
        """Make a workspace, and give its id."""
        identifier: str = self.ask("POST /workspaces", {"name": name})["id"]
        return identifier
