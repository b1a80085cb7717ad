"""What the Datadog Agent says to the executable of its `secret_backend_command`, and what it wants to hear.

One JSON object each way: comp/core/secrets/impl/fetch_secret.go of DataDog/datadog-agent.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.errors import SyncerError
from syncer.exchange.texts import is_text
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Iterable

REQUEST_BYTES = 16 << 20
"""The largest request that is read."""
OUTPUT_BYTES = 1 << 20
"""What an Agent reads at most of a reply, unless `secret_backend_output_max_size` says otherwise."""

_LONGEST = 3600.0
_HINT = "the Datadog Agent writes one, such as " + '{"version": "1.1", "secrets": ["scope:ref"]}'
_FULL = "no room in the reply"
"""Short, since it is what must fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What an Agent asks for."""

    handles: tuple[str, ...]
    """Each once, in the order in which it stands there first."""
    seconds: float | None = None
    """After which the Agent no longer waits, where it says so."""


def parse_request(raw: bytes) -> Request:
    """Read a request of version 1, whatever its minor version and whatever else it holds. Raise SyncerError."""
    found = _read(_parsed(raw))
    if isinstance(found, Request):
        return found
    message = f"the request on standard input {found}"
    raise SyncerError(message, hint=_HINT)


def _parsed(raw: bytes) -> object:
    with suppress(ValueError, RecursionError):
        return json.loads(raw) if len(raw) <= REQUEST_BYTES else None
    return None


def _read(document: object) -> Request | str:
    """Give the request, or say why it is none."""
    if not isinstance(document, dict):
        return f"is not one JSON object of at most {REQUEST_BYTES >> 20} MiB"
    version, handles = document.get("version"), document.get("secrets")
    if not isinstance(version, str):
        return "names no version"
    if version.partition(".")[0] != "1":
        return "is of another version than 1"
    if not (isinstance(handles, list) and handles and all(isinstance(handle, str) for handle in handles)):
        return "lists no handles"
    return Request(handles=tuple(dict.fromkeys(handles)), seconds=_seconds(document.get("secret_backend_timeout")))


def _seconds(given: object) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float) or not given > 0:
        return None
    return float(min(given, _LONGEST))


class Reply:
    """A reply while it is put together, never longer than the Agent reads.

    A place is kept for each handle, with an error for want of room, so long as there is any; the Agent says itself
    that it misses the others. What is given takes the place of that where there is room, whoever comes first.
    """

    def __init__(self, handles: Iterable[str], limit: int = OUTPUT_BYTES) -> None:
        self._left = limit - len("{}")
        self._entries: dict[str, bytes] = {}
        for handle in handles:
            self._put(handle, _entry(handle, error=_FULL))

    def give(self, handle: str, answer: Sensitive | SyncerError) -> None:
        """Put a value or an error in the place of a handle."""
        self._put(handle, _answered(handle, answer))

    def document(self) -> Sensitive:
        """Write it down."""
        return Sensitive(b"{%b}" % b",".join(filter(None, self._entries.values())))

    def _put(self, handle: str, entry: bytes) -> None:
        before = self._entries.setdefault(handle, b"")
        longer = len(entry) + len(",") - (len(before) + len(",") if before else 0)
        if longer <= self._left:
            self._entries[handle] = entry
            self._left -= longer


def fault(value: Sensitive) -> str | None:
    """Say why an Agent cannot take a value."""
    if value.empty:
        return "the value is empty"
    return None if is_text(value) else "the value is not UTF-8 text"


def spoken(error: SyncerError) -> str:
    """Put an error on one line."""
    return "; ".join(error.message.splitlines())


def _answered(handle: str, answer: Sensitive | SyncerError) -> bytes:
    if isinstance(answer, SyncerError):
        return _entry(handle, error=spoken(answer))
    why = fault(answer)
    return _entry(handle, error=why) if why else _entry(handle, value=answer)


def _entry(handle: str, *, value: Sensitive | None = None, error: str | None = None) -> bytes:
    text = None if value is None else value.reveal().decode()
    # All in ASCII: half a surrogate pair in a handle comes back as it came.
    told = json.dumps({"value": text, "error": error}, separators=(",", ":"))
    return f"{json.dumps(handle)}:{told}".encode()
