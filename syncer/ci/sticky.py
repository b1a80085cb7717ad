"""One post for each marker: found again, changed in its place, made once.

The same for comments and for issues, on every platform.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from syncer.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOOKS = 3
"""How often what was found may be gone again before we believe that it cannot be changed at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A comment or an issue."""

    number: int
    """Grows with time."""
    url: str


class Posts(Protocol):
    """Those of one marker, in one place."""

    def ours(self) -> Sequence[Post]:
        """Give the open ones that begin with the marker and that we have written."""

    def make(self, body: str) -> Post:
        """Add one."""

    def change(self, post: Post, body: str) -> None:
        """Give it another body. Raise NotFound where it is gone."""

    def drop(self, post: Post) -> None:
        """Delete one that was made in vain; an issue can only be closed."""


class Issues(Posts, Protocol):
    """The open ones of one marker."""

    def comments(self, post: Post) -> Posts:
        """Give the comments of the marker on one."""


def marked(marker: str, body: str) -> str:
    """Put the marker before a body."""
    return f"{marker}\n{body}"


def begins_with(marker: str, body: str | None) -> bool:
    """Whether a body is one of the marker; on some platforms its lines end otherwise than we have sent them."""
    return body is not None and body.partition("\n")[0].rstrip("\r") == marker


def put(posts: Posts, body: str, *, create: bool = True) -> str | None:
    """Change the oldest post, or add one, and give its URL; None where there is none to change and `create` is False.

    May be tried again whole, at any point: it looks before it adds, and so finds what was added by a call whose answer
    was lost.
    """
    for _ in range(_LOOKS):
        oldest = _oldest(posts)
        if oldest is None:
            return _added(posts, body) if create else None
        with suppress(NotFound):  # somebody has deleted it
            return _changed(posts, oldest, body)
    message = "what was found to be changed is gone each time"
    raise NotFound(message)


def close(issues: Issues, body: str) -> str | None:
    """Close every issue after a comment on it; the oldest one's URL, None where there is none."""
    found = sorted(issues.ours(), key=lambda post: post.number)
    for post in found:
        put(issues.comments(post), body)
        issues.drop(post)
    return found[0].url if found else None


def _oldest(posts: Posts) -> Post | None:
    return min(posts.ours(), key=lambda post: post.number, default=None)


def _changed(posts: Posts, post: Post, body: str) -> str:
    posts.change(post, body)
    return post.url


def _added(posts: Posts, body: str) -> str:
    """Add one, and look again: of two runs that both saw none, both then see the same oldest one, and keep that."""
    made = posts.make(body)
    oldest = _oldest(posts)
    if oldest is None or oldest.number >= made.number:
        return made.url
    with suppress(NotFound):
        url = _changed(posts, oldest, body)
        posts.drop(made)
        return url
    return made.url
