"""What a run on a CI platform is about."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Event(StrEnum):
    """What set a run off."""

    PULL_REQUEST = "pull-request"
    """On GitLab, a merge request."""
    PUSH = "push"
    SCHEDULE = "schedule"
    WORKFLOW_RUN = "workflow-run"
    """Another workflow has ended; GitHub alone has it."""
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, as its platform tells of it."""

    platform: str
    """`github`, `gitlab` or `none`."""
    event: Event
    sha: str
    """Of a pull request, the head of its branch, never the merge commit; of a push, the pushed commit."""
    branch: str
    """Of a pull request, the one that it goes to; empty where there is none, as for a tag."""
    pull: int | None
    """The number of the pull request."""
    trusted: bool
    """False for what comes from a fork or from Dependabot: no credential and no key reaches such a run."""
    url: str
    """Where people read of the run, or of the one that has ended; empty where nobody knows."""
    repository: str
    """`owner/name`; on GitLab the project's path, or its id."""


NOWHERE = Run(platform="none", event=Event.OTHER, sha="", branch="", pull=None, trusted=True, url="", repository="")
"""On no platform."""
