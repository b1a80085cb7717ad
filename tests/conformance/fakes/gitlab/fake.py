"""A GitLab of our own on loopback, with one project: what it answers, and what a test does behind its back.

```python
with FakeGitlab("acme/shop") as gitlab:
    merge = gitlab.open_merge("feature")
    environ = {"CI_API_V4_URL": gitlab.url, "GITLAB_TOKEN": gitlab.token(), **gitlab.variables(merge)}
```
"""

from __future__ import annotations

import secrets
from itertools import count
from typing import TYPE_CHECKING

from conformance.fakes.forge import PLAN_FILE, Forge, new_sha, zipped
from conformance.fakes.gitlab import refusals
from conformance.fakes.gitlab.documents import Documents
from conformance.fakes.gitlab.routes import route
from conformance.fakes.gitlab.world import Issue, Job, Merge, Note, Pipeline, Token, User

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.fakes.forge import Call
    from conformance.fakes.loopback import Answer
    from conformance.fakes.secured import Tls

BOT = "project_7_bot_5f1c"
"""Whose the access tokens of a project are."""


class FakeGitlab(Forge):
    """One project, with its issues, merge requests, notes, pipelines and jobs."""

    def __init__(self, path: str = "acme/shop", project: int = 7, *, tls: Tls | None = None) -> None:
        super().__init__(tls)
        self.path = path
        self.project = project
        self.web = f"{self.address.replace('127.0.0.1', 'localhost')}/{path}"
        self.documents = Documents(self.web, project)
        self.merges: dict[int, Merge] = {}
        self.all_issues: dict[int, Issue] = {}
        self.all_notes: dict[int, Note] = {}
        self.pipelines: list[Pipeline] = []
        self.jobs: list[Job] = []
        self.commits: dict[str, list[str]] = {}
        """Those that no merge request has brought, with their parents."""
        self.believed = self.address
        """Where the server believes to be, in links."""
        self.stores_elsewhere = True
        self.redirect = ""
        """Where a download leads, in the place of the storage."""
        self._tokens: dict[str, Token] = {}
        self._users: dict[str, User] = {}
        self._numbers = count(300)

    @property
    def url(self) -> str:
        """Where the API begins."""
        return f"{self.address}/api/v4"

    @property
    def now(self) -> str:
        """The time, as the API spells it."""
        return self.clock.now.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    @property
    def issues(self) -> list[Issue]:
        """Every issue, oldest first."""
        return list(self.all_issues.values())

    def token(self, *, user: str = BOT, kind: str = "private", scope: str = "api", sees: bool = True) -> str:
        """Make one."""
        text = f"glpat-{secrets.token_hex(10)}"
        self._tokens[text] = Token(user=self.user(user), kind=kind, scope=scope, sees=sees)
        return text

    def user(self, name: str) -> User:
        """Give somebody, whose number stays the same."""
        return self._users.setdefault(name, User(name=name, number=1000 + len(self._users)))

    def variables(self, merge: Merge | None = None, **more: str) -> dict[str, str]:
        """Give what a job's environment says: of a pipeline for a merge request, or of a push."""
        found = {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": self.url,
            "CI_PROJECT_ID": str(self.project),
            "CI_PROJECT_PATH": self.path,
            "CI_PROJECT_URL": self.web,
            "CI_JOB_URL": f"{self.web}/-/jobs/1",
        }
        if merge is None:
            return {**found, "CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main", **more}
        return {
            **found,
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "CI_COMMIT_SHA": merge.sha,
            "CI_MERGE_REQUEST_IID": str(merge.number),
            "CI_MERGE_REQUEST_PROJECT_ID": str(self.project),
            "CI_MERGE_REQUEST_PROJECT_PATH": self.path,
            "CI_MERGE_REQUEST_PROJECT_URL": self.web,
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "" if merge.home is None else str(merge.home),
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": merge.target,
            **more,
        }

    def open_merge(
        self, source: str = "feature", target: str = "main", *, sha: str = "", fork: int = 0, user: str = "dev"
    ) -> Merge:
        """Open a merge request; `fork` is the project of its branch where that is another one."""
        made = Merge(
            number=len(self.merges) + 1,
            source=source,
            target=target,
            sha=sha or new_sha(),
            home=fork or self.project,
            author=self.user(user),
            title="Change secrets",
            created=self.now,
        )
        self.merges[made.number] = made
        return made

    def merge(self, merge: Merge, *, squash: bool = False) -> str:
        """Merge it, and give the last commit that its target has from it."""
        made = new_sha()
        merge.commits = [made] if squash else [merge.sha, made]
        merge.state, merge.merged = "merged", self.now
        self.clock.advance(1)
        return made

    def commit(self, *parents: str, sha: str = "") -> str:
        """Make a commit that no merge request has brought."""
        made = sha or new_sha()
        self.commits[made] = list(parents)
        return made

    def open_issue(self, title: str, description: str | None, user: str = BOT) -> Issue:
        """Open an issue."""
        made = Issue(
            number=len(self.all_issues) + 1,
            author=self.user(user),
            title=title,
            description=description,
            created=self.now,
        )
        self.all_issues[made.number] = made
        return made

    def note(
        self, number: int, body: str, user: str = "dev", *, kind: str = "merge_requests", system: bool = False
    ) -> Note:
        """Write a note on a merge request or an issue."""
        made = Note(
            number=next(self._numbers),
            place=(kind, number),
            author=self.user(user),
            body=body,
            created=self.now,
            system=system,
        )
        self.all_notes[made.number] = made
        return made

    def comments(self, number: int, kind: str = "merge_requests") -> list[Note]:
        """Give the notes on a merge request or an issue, oldest first."""
        return [one for one in self.all_notes.values() if one.place == (kind, number)]

    def run_pipeline(self, merge: Merge, *, sha: str = "", ref: str = "head", project: int = 0) -> Pipeline:
        """Run a pipeline for a merge request; `ref` is `head`, or `merge` for its merged result."""
        made = Pipeline(
            number=next(self._numbers),
            merge=merge.number,
            sha=sha or merge.sha,
            ref=f"refs/merge-requests/{merge.number}/{ref}",
            project=project or self.project,
        )
        self.pipelines.append(made)
        return made

    def run_job(
        self,
        pipeline: Pipeline,
        artifact: str = "",
        plan: bytes = b"{}",
        *,
        files: Mapping[str, bytes] | None = None,
        archive: bytes | None = None,
    ) -> Job:
        """Run a job, which leaves artifacts where they are given a name."""
        packed = zipped(files or {PLAN_FILE: plan}) if archive is None else archive
        made = Job(
            number=next(self._numbers),
            pipeline=pipeline.number,
            name="plan",
            artifacts=packed if artifact else None,
            filename=f"{artifact}.zip",
        )
        self.jobs.append(made)
        return made

    def who(self, call: Call) -> str:
        """Give whose token it is."""
        token = self._token(call)
        return token.user.name if token else ""

    def _token(self, call: Call) -> Token | None:
        by_kind = {"private": call.headers.get("private-token", ""), "job": call.headers.get("job-token", "")}
        found = next((self._tokens[text] for text in by_kind.values() if text in self._tokens), None)
        return found if found and by_kind[found.kind] else None

    def reply(self, call: Call) -> Answer:
        """Carry a call out."""
        token = self._token(call)
        if token is None:
            raise refusals.UNAUTHORIZED
        return route(self, call, token)
