"""What DescribeParameters says of parameters, page by page: everything but values and tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MOST_PATHS = 50
"""Folders of one filter."""

_PAGE = 50
# An overwrite that does not name the key goes back to the account's own; of the rest AWS does not say.
_KEPT = ("KeyId", "Description", "AllowedPattern")


class Parameter(NamedTuple):
    """One parameter."""

    name: str
    number: int
    """Of its current version."""
    tier: str
    kept: dict[str, str]
    """What a request for a new version must name again, so that it stays."""


def named(name: str) -> dict[str, object]:
    """Give the filter for one name."""
    return {"Key": "Name", "Option": "Equals", "Values": [name]}


def below(paths: list[str]) -> dict[str, object]:
    """Give the filter for everything in some folders, however deep."""
    return {"Key": "Path", "Option": "Recursive", "Values": paths}


def described(
    call: Callable[[Mapping[str, object]], dict[str, Any]], condition: Mapping[str, object]
) -> Iterator[Parameter]:
    """Make the calls for all that a filter lets through. A page may be empty and not the last."""
    request: dict[str, object] = {"ParameterFilters": [condition], "MaxResults": _PAGE}
    while True:
        answer = call(request)
        for found in answer["Parameters"]:
            kept = {name: found[name] for name in _KEPT if name in found}
            yield Parameter(found["Name"], found["Version"], found.get("Tier", ""), kept)
        if not answer.get("NextToken"):
            return
        request = {**request, "NextToken": answer["NextToken"]}
