"""What a run on GitHub knows of itself, from its environment and its event.

https://docs.github.com/en/actions/reference/variables-reference
https://docs.github.com/en/actions/reference/events-that-trigger-workflows
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from syncer.ci.github import events
from syncer.ci.run import Event, Run
from syncer.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.ci.github.events import Payload

PLATFORM = "github"
DEPENDABOT = "dependabot[bot]"
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_BRANCHES = "refs/heads/"
_SERVER = "https://github.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """The run that has set off this one, by having ended."""

    head: str
    """`owner:branch`, as the API asks for the heads of pull requests."""
    sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A run, and the one before it."""

    run: Run
    trigger: Trigger | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """What the environment says of any run."""

    event: str
    repository: str
    sha: str
    branch: str
    runs: str
    """Where people read of runs, each under its number."""
    number: str
    actor: str

    @property
    def url(self) -> str:
        """Where people read of this run."""
        return f"{self.runs}/{self.number}" if self.number else ""


def context(environ: Mapping[str, str]) -> Context:
    """Tell which run this is. Raise InvalidConfiguration for what does not say it, and for `pull_request_target`."""
    given = _given(environ)
    if given.event == "pull_request_target":
        message = "a plan under pull_request_target would run a stranger's manifest with your credentials"
        raise InvalidConfiguration(
            message, hint="plan under `pull_request`; for a comment on a fork's pull request, use `workflow_run`"
        )
    payload = events.read(environ)
    if given.event.startswith("pull_request"):
        return Context(run=_pull_request(given, payload))
    if given.event == "workflow_run":
        return _workflow_run(given, payload)
    if given.event == "merge_group":
        return Context(run=_merge_group(given, payload))
    known = {"push": Event.PUSH, "schedule": Event.SCHEDULE}
    ours = DEPENDABOT not in (given.actor, events.login(payload, "sender"))
    return Context(run=_run(given, known.get(given.event, Event.OTHER), trusted=ours))


def _given(environ: Mapping[str, str]) -> _Given:
    repository = environ.get("GITHUB_REPOSITORY", "")
    if not _REPOSITORY.fullmatch(repository):
        message = "GITHUB_REPOSITORY must be owner/name"
        raise InvalidConfiguration(message, hint="the runner sets it")
    reference = environ.get("GITHUB_REF", "")
    server = environ.get("GITHUB_SERVER_URL") or _SERVER
    return _Given(
        event=environ.get("GITHUB_EVENT_NAME", ""),
        repository=repository,
        sha=environ.get("GITHUB_SHA", ""),
        branch=reference.removeprefix(_BRANCHES) if reference.startswith(_BRANCHES) else "",
        runs=f"{server}/{repository}/actions/runs",
        number=environ.get("GITHUB_RUN_ID", ""),
        actor=environ.get("GITHUB_ACTOR", ""),
    )


def _run(
    given: _Given, event: Event, *, trusted: bool, sha: str = "", branch: str = "", pull: int | None = None
) -> Run:
    return Run(
        platform=PLATFORM,
        event=event,
        sha=sha or given.sha,
        branch=branch or given.branch,
        pull=pull,
        trusted=trusted,
        url=given.url,
        repository=given.repository,
    )


def _pull_request(given: _Given, payload: Payload) -> Run:
    """Secrets reach neither a fork's run nor Dependabot's; whoever else asks for the run again is not its actor."""
    pull = payload.inside("pull_request")
    head, base = pull.inside("head"), pull.inside("base")
    home = head.maybe("repo")  # null once the fork is gone
    same = home is not None and home.text("full_name").lower() == base.inside("repo").text("full_name").lower()
    people = (given.actor, events.login(payload, "sender"), events.login(pull, "user"))
    return _run(
        given,
        Event.PULL_REQUEST,
        trusted=same and DEPENDABOT not in people,
        sha=head.text("sha"),  # GITHUB_SHA is a merge that nobody has made yet
        branch=base.text("ref"),
        pull=pull.number("number"),
    )


def _workflow_run(given: _Given, payload: Payload) -> Context:
    ended = payload.inside("workflow_run")
    home = ended.maybe("head_repository")
    same = home is not None and home.text("full_name").lower() == given.repository.lower()
    sha = ended.text("head_sha")
    trusted = same and DEPENDABOT not in (given.actor, events.login(ended, "actor"))
    # What this run shows is the other's: its plan, its log.
    given = replace(given, number=str(ended.number("id")))
    run = _run(given, Event.WORKFLOW_RUN, trusted=trusted, sha=sha)
    branch = ended.optional("head_branch")
    if home is None or not branch:
        return Context(run=run)
    head = f"{home.inside('owner').text('login')}:{branch}"
    return Context(run=run, trigger=Trigger(head=head, sha=sha))


def _merge_group(given: _Given, payload: Payload) -> Run:
    group = payload.inside("merge_group")
    branch = group.text("base_ref").removeprefix(_BRANCHES)
    return _run(given, Event.OTHER, trusted=True, sha=group.text("head_sha"), branch=branch)
