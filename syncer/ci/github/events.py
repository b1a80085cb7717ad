"""What the file of an event tells: the payload of GitHub's webhooks.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from syncer.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "GITHUB_EVENT_PATH"
_HINT = "the runner writes it, and a container needs it mounted"


class Payload:
    """One object in an event, read member by member."""

    def __init__(self, members: Mapping[str, object], path: str = "") -> None:
        self._members = members
        self._path = path

    def inside(self, name: str) -> Payload:
        """Give the object under a name. Raise InvalidConfiguration where there is none."""
        found = self.maybe(name)
        if found is None:
            raise self._lacks(name)
        return found

    def maybe(self, name: str) -> Payload | None:
        """Give the object under a name; None where there is none."""
        found = self._members.get(name)
        return Payload(found, self._named(name)) if isinstance(found, dict) else None

    def text(self, name: str) -> str:
        """Give the text under a name. Raise InvalidConfiguration where there is none."""
        found = self._members.get(name)
        if not isinstance(found, str) or not found:
            raise self._lacks(name)
        return found

    def optional(self, name: str) -> str:
        """Give the text under a name; empty where there is none."""
        found = self._members.get(name)
        return found if isinstance(found, str) else ""

    def number(self, name: str) -> int:
        """Give the number under a name. Raise InvalidConfiguration where there is none."""
        found = self._members.get(name)
        if not isinstance(found, int) or isinstance(found, bool):
            raise self._lacks(name)
        return found

    def _named(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def _lacks(self, name: str) -> InvalidConfiguration:
        message = f"{VARIABLE}: the event has no `{self._named(name)}`"
        return InvalidConfiguration(message, hint=_HINT)


def login(payload: Payload, name: str) -> str:
    """Give the user's name under a name; empty where there is none."""
    user = payload.maybe(name)
    return "" if user is None else user.optional("login")


def read(environ: Mapping[str, str]) -> Payload:
    """Read the event of a run; an empty one outside of any. Raise InvalidConfiguration for one of no use."""
    path = environ.get(VARIABLE)
    if not path and environ.get("GITHUB_ACTIONS") != "true":
        return Payload({})
    if not path:
        message = f"{VARIABLE} is not set"
        raise InvalidConfiguration(message, hint=_HINT)
    return Payload(_document(path))


def _document(path: str) -> Mapping[str, object]:
    try:
        found = json.loads(Path(path).read_bytes())
    except OSError as error:
        message = f"{VARIABLE}: the file of the event cannot be read: {error.strerror}"
    except (ValueError, RecursionError):  # no UTF-8, no JSON, a path with NUL
        message = f"{VARIABLE}: the file of the event is no JSON"
    else:
        if isinstance(found, dict):
            return found
        message = f"{VARIABLE}: the file of the event holds no object"
    raise InvalidConfiguration(message, hint=_HINT)
