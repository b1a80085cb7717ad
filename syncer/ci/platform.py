"""What a CI platform can do for us: show things to people, keep a plan, tell of a pull request."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.ci.run import Run

Level = Literal["error", "warning", "notice"]

PLAN_FILE = "syncer-plan.json"
"""The one file in an artifact that holds a plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A pull request, or a merge request."""

    number: int
    sha: str
    """The head of its branch."""
    url: str
    trusted: bool
    """Whether its branch is in the repository that it goes to."""


class Platform(ABC):
    """One platform, as one run there sees it.

    What needs a token raises InvalidConfiguration without one or without the platform's library, AccessDenied where the
    token does not reach, NotFound, Throttled and Transient once patience is at an end, and BackendError for the rest.
    """

    def __init__(self, run: Run) -> None:
        self.run = run

    @abstractmethod
    def annotate(self, level: Level, message: str, *, file: str = "", line: int = 0, column: int = 0) -> str:
        """Give what to print, on a line of its own, for a mark at a file's line; empty where there is no such thing.

        `file` is relative to the root of the repository; 0 is no line. No text in it can start a command of its own.
        """

    @abstractmethod
    def summarize(self, markdown: str) -> None:
        """Add to the summary of the job. Raise InvalidConfiguration where its file cannot be written."""

    @abstractmethod
    def outputs(self, values: Mapping[str, str]) -> None:
        """Hand values by name to the steps that follow. Raise InvalidConfiguration where the file cannot be written."""

    @abstractmethod
    def comment(self, pull: int, marker: str, body: str, *, create: bool = True) -> str | None:
        """Put the comment of a marker on a pull request, or change the one there is, and give its URL.

        The marker goes before the body. Without `create`, only change; None where there was nothing to change.
        """

    @abstractmethod
    def open_issue(self, marker: str, title: str, body: str) -> str:
        """Open the issue of a marker, or change the one that is open, and give its URL; a closed one stays closed."""

    @abstractmethod
    def close_issue(self, marker: str, body: str) -> str | None:
        """Close every open issue of a marker, saying why in a comment; the oldest one's URL, None without any."""

    @abstractmethod
    def merged_pull(self, sha: str) -> Pull | None:
        """Find the merged pull request that brought a commit to the branch of the run; the newest of several."""

    @abstractmethod
    def pull_of_run(self) -> Pull | None:
        """Find the open pull request whose head made the run that has set off this one."""

    @abstractmethod
    def plan_artifact(self, pull: Pull, name: str) -> bytes | None:
        """Read the plan in the newest artifact of that name that was made for the head of a pull request.

        None where there is none any more. Raise StalePlan for one that holds no plan, or too large a one.
        """
