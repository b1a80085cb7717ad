"""A request as it came in, and what its query says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

from conformance.fakes.dagu.names import quoted
from conformance.fakes.dagu.replies import Refused, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.fakes.dagu.replies import Reply

NUMBER = re.compile(r"[+-]?[0-9]+")
LARGEST = 2**63
UNREADABLE = re.compile(";|%(?![0-9A-Fa-f]{2})")
"""What makes Go pass over a pair of a query."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """Method, path below the API's root, query, headers with names in lower case, body."""

    method: str
    path: str
    """As on the wire, without the query."""
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def name(self) -> str:
        """How rules and logs call it."""
        return f"{self.method} {self.path}"

    @cached_property
    def segments(self) -> list[str]:
        """The parts of the path, decoded: an escaped slash does not part."""
        return [unquote(part) for part in self.path.removeprefix("/").split("/")]

    @cached_property
    def _asked(self) -> dict[str, list[str]]:
        pairs = [pair for pair in self.query.split("&") if not UNREADABLE.search(pair)]
        return parse_qs("&".join(pairs), keep_blank_values=True)

    def parameter(self, name: str) -> str | None:
        """Give a parameter of the query, which must not be there twice."""
        values = self._asked.get(name)
        if values is None:
            return None
        if len(values) > 1:
            raise Refused(_unbound(name, f"multiple values for single value parameter '{name}'"))
        return values[0]

    def number(self, name: str) -> int | None:
        """Give a parameter that is a number."""
        value = self.parameter(name)
        if value is None:
            return None
        fault = _fault(value)
        if fault:
            parsing = f"strconv.ParseInt: parsing {quoted(value)}: {fault}"
            raise Refused(_unbound(name, f"error binding string parameter: {parsing}"))
        return int(value)


def _fault(value: str) -> str:
    if not NUMBER.fullmatch(value):
        return "invalid syntax"
    return "" if -LARGEST <= int(value) < LARGEST else "value out of range"


def _unbound(name: str, why: str) -> Reply:
    return text(400, f"Invalid format for parameter {name}: {why}")
