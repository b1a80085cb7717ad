"""The platform's own side of a world: tokens, pull requests, runs and artifacts, kept by the fake GitHub."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.fakes.github.documents import number_of
from conformance.fakes.github.world import JOB

if TYPE_CHECKING:
    from pathlib import Path

    from actions.events import Event
    from actions.runner import JobRun
    from actions.world import Pull
    from conformance.fakes.github.fake import FakeGithub
    from conformance.fakes.github.world import Comment, Issue


@dataclass(slots=True, kw_only=True)
class Hub:
    """What a platform does beside running jobs."""

    github: FakeGithub
    rights: dict[str, dict[str, str]] = field(default_factory=dict)
    """What each token may."""
    _runs: Any = field(default_factory=lambda: itertools.count(100))

    @property
    def url(self) -> str:
        """Where the API is."""
        return self.github.url

    @property
    def subject(self) -> str:
        """How identity tokens begin in repositories that were made since July 2026."""
        owner, _, name = self.github.repository.partition("/")
        return f"repo:{owner}@{number_of(owner)}/{name}@{number_of(self.github.repository)}"

    def token(self, rights: dict[str, str]) -> str:
        """Make the token of a job."""
        token = self.github.token(rights)
        self.rights[token] = rights
        return token

    def may(self, user: str, token: str, level: str) -> bool:
        """Whether a token lets one `read` or `write` the repository, which is private."""
        right = self.rights.get(token, {}).get("contents")
        return user == "x-access-token" and right in ({"write"} if level == "write" else {"read", "write"})

    # Pull requests.

    def open_pull(self, pull: Pull) -> int:
        """Open one, and give its number."""
        return self.github.open_pull(pull.branch, sha=pull.sha, fork=pull.fork, user=pull.author).number

    def push_pull(self, pull: Pull) -> None:
        """Move its head."""
        self.github.push(self._issue(pull), pull.sha)

    def merge_pull(self, pull: Pull, sha: str) -> None:
        """Note that a commit on `main` has brought it there."""
        self.github.merge(self._issue(pull), sha=sha)

    def pull_payload(self, pull: Pull) -> dict[str, Any]:
        """Spell one as events do."""
        issue = self._issue(pull)
        assert issue.pull
        return self.github.documents.pull(issue, issue.pull)

    def _issue(self, pull: Pull) -> Issue:
        return self.github.all_issues[pull.number]

    def comments(self, pull: Pull) -> list[Comment]:
        """Give what jobs have commented on one."""
        return [one for one in self.github.comments(pull.number) if one.user and one.user.login == JOB]

    def open_issues(self) -> list[Issue]:
        """Give the issues that are open."""
        return [issue for issue in self.github.issues if issue.state == "open"]

    # Runs and what they leave.

    def start_run(self, event: Event) -> int:
        """Give a run its number; a push that no pull request has brought is known from then on."""
        if event.name == "push":
            self.github.commit(event.sha)
        return next(self._runs)

    def upload(self, run: JobRun, name: str, path: Path) -> int:
        """Keep a file as an artifact of a run."""
        files = {path.name: path.read_bytes()}
        home = self._home(run.event)
        branch = run.event.head_ref or run.event.branch
        made = self.github.upload_artifact(name, sha=run.event.head_sha, files=files, branch=branch, home=home)
        return made.number

    def run_payload(self, event: Event, number: int) -> dict[str, Any]:
        """Spell a run as the event of its end does; of a fork's run, no pull request is told."""
        return {
            "id": number,
            "event": event.name,
            "head_sha": event.head_sha,
            "head_branch": event.head_ref or event.branch,
            "head_repository": self.github.documents.repository(self._home(event)),
            "actor": {"login": event.actor},
            "pull_requests": [],
        }

    def repository_payload(self) -> dict[str, Any]:
        """Spell the repository as events do."""
        return self.github.documents.repository(self.github.repository)

    def _home(self, event: Event) -> str:
        pull = event.payload.get("pull_request")
        return str(pull["head"]["repo"]["full_name"]) if pull else self.github.repository
