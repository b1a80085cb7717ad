"""What a job on GitLab knows of itself, from its environment.

https://docs.gitlab.com/ci/variables/predefined_variables/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.ci.run import Event, Run
from syncer.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping

PLATFORM = "gitlab"
_EVENTS = {"push": Event.PUSH, "schedule": Event.SCHEDULE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A run, and the project that it is about."""

    run: Run
    project: str
    """Its id, or its path where nobody tells the id."""
    web: str
    """Where people look at it; empty where nobody knows."""


def context(environ: Mapping[str, str]) -> Context:
    """Tell which run this is. Raise InvalidConfiguration for what does not say it."""
    number = environ.get("CI_MERGE_REQUEST_IID", "")
    prefix = "CI_MERGE_REQUEST_PROJECT" if number else "CI_PROJECT"
    identity, path = environ.get(f"{prefix}_ID", ""), environ.get(f"{prefix}_PATH", "")
    if not (identity or path):
        message = f"{prefix}_ID is not set"
        raise InvalidConfiguration(message, hint="GitLab sets it in every job")
    about = _merge_request(environ, number) if number else _other(environ)
    return Context(
        run=Run(
            platform=PLATFORM,
            event=about.event,
            sha=about.sha,
            branch=about.branch,
            pull=about.pull,
            trusted=about.trusted,
            url=environ.get("CI_JOB_URL") or environ.get("CI_PIPELINE_URL", ""),
            repository=path or identity,
        ),
        project=identity or path,
        web=environ.get(f"{prefix}_URL", ""),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _About:
    """What a run is about."""

    event: Event
    sha: str
    branch: str
    pull: int | None = None
    trusted: bool = True


def _merge_request(environ: Mapping[str, str], number: str) -> _About:
    """Tell of a pipeline for a merge request, be it one that a member has let run in the parent project."""
    if not number.isdecimal():
        message = "CI_MERGE_REQUEST_IID is no number"
        raise InvalidConfiguration(message)
    source, target = (environ.get(f"CI_MERGE_REQUEST_{side}PROJECT_ID", "") for side in ("SOURCE_", ""))
    return _About(
        event=Event.PULL_REQUEST,
        # In a pipeline for merged results, CI_COMMIT_SHA is a merge that nobody has made yet.
        sha=environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environ.get("CI_COMMIT_SHA", ""),
        branch=environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", ""),
        pull=int(number),
        trusted=bool(source) and source == target == environ.get("CI_PROJECT_ID", target),
    )


def _other(environ: Mapping[str, str]) -> _About:
    event = _EVENTS.get(environ.get("CI_PIPELINE_SOURCE", ""), Event.OTHER)
    return _About(event=event, sha=environ.get("CI_COMMIT_SHA", ""), branch=environ.get("CI_COMMIT_BRANCH", ""))
