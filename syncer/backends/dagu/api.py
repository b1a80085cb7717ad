"""The calls of Dagu's REST API, each by its name.

dagucloud/dagu `api/v1/api.yaml`; what it leaves out was seen on a server of version 2.15.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from syncer.backends.dagu.places import GLOBAL, is_layer, workspace
from syncer.backends.dagu.rows import Row, row
from syncer.errors import AccessDenied, AlreadyExists, InvalidConfiguration
from syncer.rest.client import Client
from syncer.rest.failures import NOT_FOUND, Rule
from syncer.rest.messages import Request, garbled

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from syncer.backends.base import Backend
    from syncer.backends.dagu.places import Layer
    from syncer.model import Address
    from syncer.rest.messages import Answer, Json
    from syncer.sensitive import Sensitive

PAGE = 500
"""Secrets a page: the server gives no more at once, whatever it is asked for."""
_MANAGED = "dagu-managed"
_NO_RIGHT = (403, NOT_FOUND)

_RULES = (Rule((409,), AlreadyExists, "{thing}: already in dagu"),)


class About(NamedTuple):
    """What a call is about."""

    thing: str
    """For errors: an address, a scope."""
    scope: str


def of(address: Address) -> About:
    """Say that a call is about one address."""
    return About(str(address), address.scope)


def all_of(scope: str) -> About:
    """Say that a call is about all of a scope."""
    return About(f"scope {scope}", scope)


class Api:
    """One server; safe to share between threads. Every method is one call, unless it says otherwise."""

    def __init__(self, backend: Backend, root: str) -> None:
        self._client = Client(backend, root, _RULES)

    @property
    def where(self) -> str:
        """The URL of the API."""
        return self._client.server.url

    def page(self, scope: str, offset: int) -> tuple[list[Row], int]:
        """Give a page of the secrets of Global or of a workspace, by ref, and how many there are in all."""
        query = {"limit": str(PAGE), "offset": str(offset)}
        query |= {} if scope == GLOBAL else {"workspace": scope}
        answer = self._ask("GET", "/secrets", all_of(scope), query=query, accept=(NOT_FOUND,))
        if not answer.ok:
            raise _hidden(answer)
        with suppress(LookupError, TypeError, ValueError, ArithmeticError):
            document = answer.document
            # Past the end there is null instead of an empty list.
            return [Row.of(entry) for entry in document["secrets"] or ()], int(document["total"])
        raise garbled(answer)

    def get(self, secret_id: str, address: Address) -> Row | None:
        """Give a secret; None where there is none, or none that we may see. No id, no call."""
        if not secret_id:
            return None
        answer = self._ask("GET", f"/secrets/{secret_id}", of(address), accept=(NOT_FOUND,))
        return row(answer) if answer.ok else None

    def make(self, address: Address, scope: str, ref: str, description: str, value: Sensitive | None) -> Row:
        """Make a secret, with its first value where one is given. AlreadyExists where there is one."""
        body = {"ref": ref, "providerType": _MANAGED, "description": description}
        where = workspace(scope)
        body |= {} if where is None else {"workspace": where}
        body |= {} if value is None else {"value": value.reveal().decode()}
        answer = self._ask("POST", "/secrets", of(address), body=body, accept=(NOT_FOUND,))
        if not answer.ok:
            raise _hidden(answer)
        return row(answer)

    def write(self, secret_id: str, address: Address, value: Sensitive) -> Row:
        """Write a new version of the value."""
        body = {"value": value.reveal().decode()}
        return row(self._ask("POST", f"/secrets/{secret_id}/versions", of(address), body=body))

    def describe(self, secret_id: str, address: Address, description: str) -> Row:
        """Set the description."""
        body = {"description": description}
        return row(self._ask("PATCH", f"/secrets/{secret_id}", of(address), body=body))

    def switch(self, secret_id: str, address: Address, *, enabled: bool) -> Row:
        """Enable or disable."""
        verb = "enable" if enabled else "disable"
        return row(self._ask("POST", f"/secrets/{secret_id}/{verb}", of(address)))

    def drop(self, secret_id: str, address: Address) -> None:
        """Delete for good, with all versions."""
        self._ask("DELETE", f"/secrets/{secret_id}", of(address))

    def entries(self, found: Layer, about: About) -> dict[str, str] | None:
        """Give the entries of a layer: by key the id of the secret, empty for a variable. None for no such profile."""
        answer = self._ask("GET", found.path, about, accept=(NOT_FOUND,))
        return _entries(answer) if answer.ok else None

    def put_entry(self, found: Layer, address: Address, value: Sensitive) -> dict[str, str]:
        """Write the value of an entry, making it where there is none. Give all entries."""
        body = {"value": value.reveal().decode()}
        path = f"{found.path}/secrets/{address.ref}"
        return _entries(self._ask("PUT", path, of(address), body=body))

    def drop_entry(self, found: Layer, address: Address) -> None:
        """Take an entry out; the secret behind it stays."""
        self._ask("DELETE", f"{found.path}/entries/{address.ref}", of(address))

    def workspaces(self, scope: str) -> frozenset[str] | None:
        """Name the workspaces; None where we may not know."""
        answer = self._ask("GET", "/workspaces", all_of(scope), accept=_NO_RIGHT)
        if not answer.ok:
            return None
        with suppress(LookupError, TypeError):
            return frozenset(str(entry["name"]) for entry in answer.document["workspaces"] or ())
        raise garbled(answer)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _ask(
        self,
        method: str,
        path: str,
        about: About,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        request = Request(
            method=method, path=path, thing=about.thing, right=_right(about.scope), query=query or {}, body=body
        )
        answer = self._client.send(request)
        if answer.status == NOT_FOUND and not _knows_the_path(answer):
            raise _elsewhere(answer)
        return self._client.done(answer, accept=accept)


def _entries(answer: Answer) -> dict[str, str]:
    with suppress(LookupError, TypeError):
        return {str(entry["key"]): str(entry.get("secretId", "")) for entry in answer.document["entries"] or ()}
    raise garbled(answer)


def _right(scope: str) -> str:
    """Name what one needs for a scope: internal/auth/role.go and api/v1/secrets.go."""
    if is_layer(scope):
        return "the role manager for all workspaces, and admin for what is protected"
    if scope == GLOBAL:
        return "the role manager or admin for all workspaces"
    return f"the role manager in workspace {scope}"


def _knows_the_path(answer: Answer) -> bool:
    """Whether it is the API that found nothing; for a path that is none of its own, it answers with plain text."""
    return answer.headers.get("content-type", "").startswith("application/json")


def _elsewhere(answer: Answer) -> InvalidConfiguration:
    server, request = answer.server, answer.request
    message = f"{request.thing}: there is no API of dagu at {server.url} ({request.call}, 404)"
    return InvalidConfiguration(message, hint="check `url`, and `base_path` and `api_base_path` of the server")


def _hidden(answer: Answer) -> AccessDenied:
    """Tell of what is not there for us: Dagu's way to deny Global, and other workspaces, to who manages single ones."""
    server, request = answer.server, answer.request
    message = f"{request.thing}: dagu at {server.url} denied {request.call} (404)"
    return AccessDenied(message, hint=f"{server.credential} needs {request.right}")
