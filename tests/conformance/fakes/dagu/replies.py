"""What the server says, before it is spelled as bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from conformance.fakes.loopback import Answer

JSON = ("Content-Type", "application/json")
TEXT = ("Content-Type", "text/plain; charset=utf-8")
HTML = ("Content-Type", "text/html; charset=utf-8")
ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""What Go's encoder does not write into a text as it is."""

Document = dict[str, Any]
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A status, a JSON document or other text or nothing, and headers."""

    status: int = 200
    body: Document | str | None = None
    headers: Headers = (JSON,)

    def answer(self) -> Answer:
        """Spell it."""
        return Answer(status=self.status, headers=self.headers, body=encoded(self.body))


def encoded(body: Document | str | None) -> bytes:
    """Spell a body; a document's members are in the order of their names, and a newline ends it."""
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    for plain, escape in ESCAPED.items():
        text = text.replace(plain, escape)
    return text.encode() + b"\n"


class Refused(Exception):
    """Ends a request with a reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def error(status: int, code: str, message: str) -> Reply:
    """Reply with the one shape that errors have, where they have any."""
    return Reply(status=status, body={"code": code, "message": message})


def bad(message: str) -> Reply:
    """Reply that the request is wrong."""
    return error(400, "bad_request", message)


def missing(what: str) -> Reply:
    """Reply that a thing is not there, or not for this client."""
    return error(404, "not_found", f"{what} not found")


def taken(message: str) -> Reply:
    """Reply that a thing is there already."""
    return error(409, "already_exists", message)


def text(status: int, message: str) -> Reply:
    """Reply in plain text, as the layers before the handlers do."""
    return Reply(status=status, body=f"{message}\n", headers=(TEXT,))


def empty(status: int, *headers: tuple[str, str]) -> Reply:
    """Reply without a body."""
    return Reply(status=status, headers=headers)


NO_CONTENT = empty(204)
MALFORMED = empty(500)
"""To what is no JSON, or of another type than the field."""
FORBIDDEN = error(403, "forbidden", "Insufficient permissions")
HIDDEN = missing("Resource")
"""To those who may nothing in a workspace."""
BROKEN = error(500, "internal_error", "An unexpected error occurred")
NO_STORE = error(503, "internal_error", "Secret store not configured")
NO_PAGE = text(404, "404 page not found")


def without_nothing(members: Document) -> Document:
    """Leave out what is empty, as Go's `omitempty` does."""
    return {name: value for name, value in members.items() if value is not None and value != ""}
