"""What the server says, before it is spelled as bytes."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from conformance.fakes.loopback import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable

JSON = ("Content-Type", "application/json")

Document = dict[str, Any]
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A status, a JSON document or other text or nothing, and headers."""

    status: int = 200
    body: Document | str | None = None
    headers: Headers = (JSON,)

    def warned(self, warnings: Iterable[str]) -> Reply:
        """Add warnings to an envelope; other replies have no place for them and stay as they are."""
        added = [*warnings]
        if not added or not isinstance(self.body, dict) or "warnings" not in self.body:
            return self
        return replace(self, body=self.body | {"warnings": [*(self.body["warnings"] or ()), *added]})

    def answer(self) -> Answer:
        """Spell it."""
        return Answer(status=self.status, headers=self.headers, body=encoded(self.body))


def encoded(body: Document | str | None) -> bytes:
    """Spell a body; Go's encoder ends a document with a newline."""
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


class Refused(Exception):
    """Ends a request with a reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def errors(status: int, *messages: str) -> Reply:
    """Reply with messages; with none at all where a thing is missing."""
    return Reply(status=status, body={"errors": [*messages]})


def counted_error(status: int, *messages: str) -> Reply:
    """Reply with messages as Go's multierror prints them, into one string."""
    head = "1 error occurred" if len(messages) == 1 else f"{len(messages)} errors occurred"
    return errors(status, "".join([f"{head}:", *(f"\n\t* {message}" for message in messages), "\n\n"]))


NO_CONTENT = Reply(status=204)
MISSING = errors(404)
DENIED = counted_error(403, "permission denied")
UNSUPPORTED = counted_error(405, "unsupported operation")
SLASH_WRITTEN = errors(400, "cannot write to a path ending in '/'")


def ignoring(parameters: list[str]) -> list[str]:
    """Give the warnings about parameters that mean nothing."""
    return [f"Endpoint ignored these unrecognized parameters: [{' '.join(parameters)}]"] if parameters else []


def no_route(path: str) -> Reply:
    """Reply to a path below no mount."""
    return errors(404, f'no handler for route "{path}". route entry not found.')


def redirect(location: str) -> Reply:
    """Send the client elsewhere, with no body, as a standby does."""
    return Reply(status=307, headers=(("Location", location),))


def envelope(
    data: Document | None,
    *,
    status: int = 200,
    auth: Document | None = None,
    lease: int = 0,
    mount_type: str = "kv",
) -> Reply:
    """Reply with what nearly every document is wrapped into; `lease` in seconds."""
    body = {
        "request_id": str(uuid.uuid4()),
        "lease_id": "",
        "renewable": False,
        "lease_duration": lease,
        "data": data,
        "wrap_info": None,
        "warnings": None,
        "auth": auth,
        "mount_type": mount_type,
    }
    return Reply(status=status, body=body)


def unknown_here(what: str) -> Reply:
    """Reply to what a real server may know and this one does not: loudly, so that no test builds on it."""
    return errors(501, f"this fake does not know {what}")
