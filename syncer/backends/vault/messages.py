"""What is asked of a server, and what it answers."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncer.errors import Transient

if TYPE_CHECKING:
    from email.message import Message

Json = dict[str, Any]

REPEATABLE = frozenset({"GET", "LIST", "SCAN"})
"""Methods that change nothing."""
_RIGHTS = {"GET": "read", "LIST": "list", "SCAN": "scan", "POST": "update", "PATCH": "patch", "DELETE": "delete"}
_REFUSED = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to ask."""

    method: str
    mount: str
    """Such as `secret`, or `auth/approle`."""
    rest: str
    """What follows the mount, such as `metadata/shop/payments/db`; not quoted yet."""
    thing: str
    """What it is about, for errors: an address, a scope."""
    body: Json | None = field(default=None, repr=False)
    """It may hold a value."""
    creates: bool = False
    """Nothing is there yet, for which policies know a right of its own."""
    version: int | None = None
    """Of a secret, where it is not the newest that is wanted."""
    values_read: int = 0
    """How many values the answer will hold."""

    @property
    def path(self) -> str:
        """What stands after `/v1/`, as policies write it."""
        return f"{self.mount}/{self.rest}"

    @property
    def right(self) -> str:
        """What policies call the right to it."""
        return "create" if self.creates else _RIGHTS[self.method]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server at `server` said to a request."""

    request: Request
    server: str
    status: int
    headers: Message = field(repr=False)
    body: bytes = field(repr=False)
    """It may hold a value."""

    @property
    def ok(self) -> bool:
        """Whether it did what it was asked to."""
        return self.status < _REFUSED

    @property
    def document(self) -> Json:
        """The JSON object that it is; empty where it has no body. Raise Transient for anything else."""
        with suppress(ValueError, RecursionError):
            found = json.loads(self.body or b"{}")
            if isinstance(found, dict):
                return found
        raise garbled(self)


def garbled(answer: Answer) -> Transient:
    """Tell of an answer that is no JSON, or not the JSON that it should be."""
    return Transient(f"{answer.request.thing}: what vault at {answer.server} answered makes no sense")
