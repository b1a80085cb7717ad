"""What the server says, before it is spelled as bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from conformance.fakes.loopback import Answer

JSON = ("Content-Type", "application/json")
PROBLEM = ("Content-Type", "application/problem+json")
HTML = ("Content-Type", "text/html")

Document = dict[str, Any]
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A status, JSON or other text or nothing, and headers."""

    status: int = 200
    body: Document | list[Any] | str | None = None
    headers: Headers = (JSON,)

    def answer(self) -> Answer:
        """Spell it."""
        return Answer(status=self.status, headers=self.headers, body=encoded(self.body))


def encoded(body: Document | list[Any] | str | None) -> bytes:
    """Spell a body; half a surrogate pair becomes a question mark, as in Java."""
    if body is None:
        return b""
    text = body if isinstance(body, str) else json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "replace")


NOTHING = Reply(headers=())
PAGE = '<!DOCTYPE html>\n<html lang="en"><head><title>Kestra</title></head><body><div id="app"></div></body></html>\n'
"""The page where people log in."""
