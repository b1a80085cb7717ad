"""A request as it came in, and what is in its query and body."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import parse_qsl, unquote

from conformance.fakes.kestra.errors import (
    BAD_PARAMETER,
    INVALID_BODY,
    INVALID_JSON,
    MEDIA_TYPE,
    Refused,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.fakes.kestra.replies import Document

NUMBER = re.compile(r"[+-]?[0-9]{1,9}")
MEDIA = "application/json"


@dataclass(frozen=True, kw_only=True)
class Request:
    """Method, target as on the wire, headers with names in lower case, body."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The target without the query."""
        return self.target.partition("?")[0]

    @property
    def name(self) -> str:
        """How rules and logs call it."""
        return f"{self.method} {self.path}"

    @cached_property
    def segments(self) -> list[str]:
        """The parts of the path, decoded: an escaped slash does not part."""
        return [unquote(part) for part in self.path.removeprefix("/").split("/")]

    @cached_property
    def parameters(self) -> list[tuple[str, str]]:
        """The query, decoded; brackets may be escaped or not."""
        return parse_qsl(self.target.partition("?")[2], keep_blank_values=True)

    def number(self, name: str, default: int) -> int:
        """Give a parameter that is a number, the first of several."""
        text = next((value for given, value in self.parameters if given == name), None)
        if text is None:
            return default
        if not NUMBER.fullmatch(text):
            raise Refused(BAD_PARAMETER, f'Failed to convert argument [{name}] for value [{text}] due to: "{text}"')
        return int(text)

    def document(self) -> Document:
        """Read the body, which must say that it is JSON."""
        media = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media != MEDIA:
            raise Refused(MEDIA_TYPE, f"Content Type [{media}] not allowed. Allowed types: [{MEDIA}]")
        try:
            found = json.loads(self.body.decode(), parse_constant=_refuse)
        except ValueError:
            raise Refused(INVALID_JSON, "the body is no JSON") from None
        if not isinstance(found, dict):
            raise Refused(INVALID_BODY, "the body is no object")
        return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
