"""Goes through what AWS gives page after page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from syncer.backends.aws.answers import optional
from syncer.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from syncer.backends.aws.api import Answer, Request

T = TypeVar("T")


class Page(NamedTuple, Generic[T]):
    """One page; it may be empty and not the last."""

    entries: list[T]
    token: str
    """Asks for the next one; empty where there is none."""


def page_of(answer: Answer, entries: Iterable[T]) -> Page[T]:
    """Put what was read of an answer together with its token. Raise TypeError for a token of another kind."""
    return Page(list(entries), optional(answer, "NextToken"))


def paged(ask: Callable[[Request], Page[T]], request: Request, what: str) -> Iterator[T]:
    """Give the entries of all pages.

    Raise BackendError, naming what was asked, where a token comes twice: the pages would never end.
    """
    told = set()
    while True:
        entries, token = ask(request)
        yield from entries
        if not token:
            return
        if token in told:
            message = f"{what} never ends: AWS gives the same page again and again"
            raise BackendError(message)
        told.add(token)
        request = {**request, "NextToken": token}
