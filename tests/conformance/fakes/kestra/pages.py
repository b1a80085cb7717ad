"""Which part of a list is asked for, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.fakes.kestra.errors import INTERNAL, INVALID_ARGUMENT, UNKNOWN_HERE, Refused

if TYPE_CHECKING:
    from conformance.fakes.kestra.records import Secret
    from conformance.fakes.kestra.requests import Request

    Entry = tuple[str, str, Secret]

SIZE = 10
COLUMNS = frozenset({"namespace", "key"})


def page(request: Request, entries: list[Entry]) -> list[Entry]:
    """Cut a page out of secrets with namespace and key; the first is number one, and behind the last all are empty.

    Who asks for no order gets another one from page to page, as a database is free to do.
    """
    number, size = _bounds(request)
    ordered = _ordered(request, entries, number)
    return ordered[(number - 1) * size : number * size]


def _bounds(request: Request) -> tuple[int, int]:
    number, size = request.number("page", 1), request.number("size", SIZE)
    if size == 0:
        raise Refused(INVALID_ARGUMENT, "Size cannot be 0")
    if size < 0:
        raise Refused(UNKNOWN_HERE, "negative sizes")
    if number < 0:
        raise Refused(INVALID_ARGUMENT, "Page index cannot be negative")
    if number == 0:
        raise Refused(INTERNAL, f"fromIndex = {-size}")
    return number, size


def _ordered(request: Request, entries: list[Entry], number: int) -> list[Entry]:
    sorts = [one for name, value in request.parameters if name == "sort" for one in value.split(",")]
    if not sorts:
        return entries if number % 2 else entries[::-1]
    found = entries
    for sort in reversed(sorts):
        column, descending = _sort(sort)
        found = sorted(found, key=lambda entry: _text(entry, column), reverse=descending)
    return found


def _sort(sort: str) -> tuple[str, bool]:
    column, colon, direction = sort.partition(":")
    if not colon or ":" in direction:
        raise Refused(INVALID_ARGUMENT, "Invalid sort parameter")
    if column not in COLUMNS:
        raise Refused(UNKNOWN_HERE, f"sorting by {column}")
    return column, direction.lower() != "asc"


def _text(entry: Entry, column: str) -> str:
    return entry[0] if column == "namespace" else entry[1]
