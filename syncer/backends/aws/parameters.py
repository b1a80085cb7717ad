"""What DescribeParameters says of parameters: everything but values and tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from syncer.backends.aws.answers import number, optional, text
from syncer.backends.aws.paging import page_of

if TYPE_CHECKING:
    from syncer.backends.aws.api import Answer, Request
    from syncer.backends.aws.paging import Page

MOST_PATHS = 50
"""Folders of one filter."""

_PAGE = 50
# An overwrite that does not name the key goes back to the account's own; of the rest AWS does not say.
_KEPT = ("KeyId", "Description", "AllowedPattern")


class Parameter(NamedTuple):
    """One parameter."""

    name: str
    arn: str
    """Unlike any other; empty where the answer has none."""
    number: int
    """Of its current version."""
    tier: str
    kept: dict[str, str]
    """What a request for a new version must name again, so that it stays."""


def named(name: str) -> Request:
    """Ask for one by its name."""
    return _asked({"Key": "Name", "Option": "Equals", "Values": [name]})


def below(paths: list[str]) -> Request:
    """Ask for everything in some folders, however deep."""
    return _asked({"Key": "Path", "Option": "Recursive", "Values": paths})


def described(answer: Answer) -> Page[Parameter]:
    """Read a page. Raise LookupError or TypeError for one of another shape."""
    return page_of(answer, map(_parameter, answer["Parameters"]))


def _asked(condition: Request) -> Request:
    return {"ParameterFilters": [condition], "MaxResults": _PAGE}


def _parameter(found: Answer) -> Parameter:
    kept = {name: text(found, name) for name in _KEPT if name in found}
    return Parameter(
        text(found, "Name"), optional(found, "ARN"), number(found, "Version"), optional(found, "Tier"), kept
    )
