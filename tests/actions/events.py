"""What happens on GitHub, and which workflows it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actions.documents import Workflow

PULL_REQUEST_TYPES = {"opened", "synchronize", "reopened"}
"""What `on: pull_request` means without `types`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event, as a workflow's run sees it."""

    name: str
    payload: dict[str, Any]
    ref: str
    """`refs/heads/main`, `refs/pull/1/merge`."""
    sha: str
    """The commit that the run is about; for a pull request, the merge of its branch into the target."""
    head_sha: str
    """The commit that GitHub shows the run at; for a pull request, the head of its branch."""
    base_ref: str = ""
    head_ref: str = ""
    actor: str = "dev"
    outside: bool = False
    """Made by a fork or by Dependabot, so that no secret is given."""
    inputs: dict[str, Any] = field(default_factory=dict)

    @property
    def branch(self) -> str:
        """The branch that filters are about; the target of a pull request."""
        return self.base_ref or self.ref.removeprefix("refs/heads/")


def starts(event: Event, workflow: Workflow) -> bool:
    """Say whether an event starts a workflow."""
    if event.name not in workflow.on:
        return False
    wanted = workflow.on[event.name]
    match event.name:
        case "pull_request":
            return event.payload["action"] in PULL_REQUEST_TYPES and _branch(event, wanted)
        case "push":
            return _branch(event, wanted)
        case "schedule":
            return event.payload["schedule"] in wanted["cron"]
        case "workflow_run":
            named = event.payload["workflow_run"]["name"] in wanted["workflows"]
            return named and event.payload["action"] in wanted["types"]
        case _:
            return True


def _branch(event: Event, wanted: dict[str, Any]) -> bool:
    return any(fnmatchcase(event.branch, glob) for glob in wanted.get("branches", ["*"]))
