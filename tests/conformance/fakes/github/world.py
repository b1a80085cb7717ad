"""What there is in one repository."""

from __future__ import annotations

from dataclasses import dataclass, field

JOB = "github-actions[bot]"
"""As whom the token of a job speaks."""
DEPENDABOT = "dependabot[bot]"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody, or something."""

    login: str
    number: int

    @property
    def kind(self) -> str:
        """Bot or User."""
        return "Bot" if self.login.endswith("[bot]") else "User"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What it lets one do, by the words that stand under `permissions`."""

    user: User
    rights: dict[str, str]
    sees: bool = True
    """Whether it reaches the repository at all."""

    def may(self, right: str, level: str) -> bool:
        """Whether it has a right; who may write may read."""
        return self.rights.get(right) in ({"write"} if level == "write" else {"read", "write"})


@dataclass(slots=True, kw_only=True)
class Comment:
    """One on an issue or a pull request."""

    number: int
    issue: int
    user: User | None
    """None once the user is gone."""
    body: str
    created: str
    updated: str


@dataclass(slots=True, kw_only=True)
class Issue:
    """One, or what a pull request is as one."""

    number: int
    user: User | None
    title: str
    body: str | None
    created: str
    updated: str
    state: str = "open"
    labels: list[str] = field(default_factory=list)
    locked: bool = False
    pull: Pull | None = None


@dataclass(slots=True, kw_only=True)
class Pull:
    """What a pull request is beside an issue."""

    head: str
    """A branch's name."""
    sha: str
    base: str
    home: str | None
    """The repository of the head; None once a fork is gone."""
    owner: str
    """Whose that is, or was."""
    merged: str | None = None
    """When."""
    merge_sha: str | None = None
    commits: list[str] = field(default_factory=list)
    """Those that it brought to its base."""


@dataclass(slots=True, kw_only=True)
class Artifact:
    """One of a run."""

    number: int
    name: str
    archive: bytes = field(repr=False)
    sha: str
    branch: str
    run: int
    home: str
    """The repository that the run's commit came from."""
    created: str
    expired: bool = False
    size: int | None = None
    """What the API says of it where that is not so."""
