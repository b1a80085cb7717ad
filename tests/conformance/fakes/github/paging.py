"""Pages of lists, with the links to the others.

https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.fakes.forge import Call

T = TypeVar("T")

DEFAULT, MOST = 30, 100


def page(call: Call, url: str, found: Sequence[T]) -> tuple[Sequence[T], tuple[tuple[str, str], ...]]:
    """Give the part that a call asks for, and its headers."""
    size = min(int(call.query.get("per_page", DEFAULT)), MOST)
    number = int(call.query.get("page", 1))
    last = max(1, -(-len(found) // size))
    around = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
    if number <= 1:
        around = {"next": number + 1, "last": last}
    if number >= last:
        around = {name: at for name, at in around.items() if name in ("prev", "first")}
    links = ", ".join(
        f'<{url}{call.path}?{urlencode({**call.query, "page": at})}>; rel="{name}"' for name, at in around.items()
    )
    return found[(number - 1) * size : number * size], (("Link", links),) if links else ()
