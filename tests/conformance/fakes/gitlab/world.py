"""What there is in one project."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody, or the bot of an access token."""

    name: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What it lets one do."""

    user: User
    kind: str
    """`private` or `job`."""
    scope: str = "api"
    """`api` or `read_api`."""
    sees: bool = True
    """Whether its user is a member of the project."""


@dataclass(slots=True, kw_only=True)
class Note:
    """One on a merge request or an issue."""

    number: int
    place: tuple[str, int]
    """`merge_requests` or `issues`, and which of them."""
    author: User
    body: str
    created: str
    system: bool = False


@dataclass(slots=True, kw_only=True)
class Issue:
    """One issue."""

    number: int
    author: User
    title: str
    description: str | None
    created: str
    state: str = "opened"


@dataclass(slots=True, kw_only=True)
class Merge:
    """One merge request."""

    number: int
    source: str
    target: str
    sha: str
    home: int | None
    """The project of its branch; None once a fork is gone."""
    author: User
    title: str
    created: str
    state: str = "opened"
    merged: str | None = None
    commits: list[str] = field(default_factory=list)
    """Those that it brought to its target."""


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """One pipeline of a merge request."""

    number: int
    merge: int
    sha: str
    ref: str
    project: int


@dataclass(slots=True, kw_only=True)
class Job:
    """One job, and the artifacts that it has left."""

    number: int
    pipeline: int
    name: str
    artifacts: bytes | None
    filename: str
    expired: bool = False
