"""What is asked of a server, and what it answers."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncer.errors import InvalidConfiguration, Transient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.errors import SyncerError

Json = dict[str, Any]

_REFUSED = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Whom we ask."""

    store: str
    """What kind of server it is, in a word: `dagu`."""
    url: str
    """Where its API begins, without a slash at its end."""
    credential: str
    """What we show of ourselves, for errors: `the token`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to ask."""

    method: str
    path: str
    """Below the API's beginning, quoted."""
    thing: str
    """What it is about, for errors: an address, a scope."""
    right: str
    """What one needs for it, in the server's own words: `the role manager in workspace payments`."""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Json | None = field(default=None, repr=False)
    """It may hold a value."""

    @property
    def call(self) -> str:
        """The call, for errors."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server said to a request."""

    request: Request
    server: Server
    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Their names as they came; look them up in any case."""
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether it did what it was asked to."""
        return self.status < _REFUSED

    @property
    def document(self) -> Any:
        """The JSON that it is. Raise InvalidConfiguration for a web page, Transient for anything else."""
        with suppress(ValueError, RecursionError):
            return json.loads(self.body)
        raise garbled(self)


def garbled(answer: Answer) -> SyncerError:
    """Tell of an answer that is no JSON, or not the JSON that it should be."""
    request, server = answer.request, answer.server
    if is_page(answer):
        message = f"{request.thing}: {server.url} answers {request.call} with a web page, not as {server.store}'s API"
        return InvalidConfiguration(message, hint="check `url` and its path; a proxy may want a login of its own")
    return Transient(f"{request.thing}: what {server.store} at {server.url} answered to {request.call} makes no sense")


def is_page(answer: Answer) -> bool:
    """Whether it is HTML: the user interface, or the page of a proxy."""
    return answer.headers.get("content-type", "").lower().startswith("text/html") or answer.body.lstrip()[:1] == b"<"
