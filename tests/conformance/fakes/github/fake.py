"""A GitHub of our own on loopback, with one repository: what it answers, and what a test sees and does behind its back.

```python
with FakeGithub("acme/shop") as github:
    pull = github.open_pull("feature")
    environ["GITHUB_API_URL"], environ["GITHUB_TOKEN"] = github.url, github.token()
```
"""

from __future__ import annotations

import secrets
from itertools import count
from typing import TYPE_CHECKING, Any

from conformance.fakes.forge import PLAN_FILE, Forge, new_sha, zipped
from conformance.fakes.github import refusals
from conformance.fakes.github.documents import Documents
from conformance.fakes.github.routes import route
from conformance.fakes.github.world import JOB, Artifact, Comment, Issue, Pull, Token, User
from conformance.fakes.loopback import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.fakes.forge import Call
    from conformance.fakes.secured import Tls

ALL = {"actions": "read", "contents": "write", "issues": "write", "pull-requests": "write"}


class FakeGithub(Forge):
    """One repository, with its issues, pull requests, comments, runs and artifacts."""

    def __init__(self, repository: str = "acme/shop", *, tls: Tls | None = None) -> None:
        super().__init__(tls)
        self.repository = repository
        self.documents = Documents(self.url, repository)
        self.all_issues: dict[int, Issue] = {}
        """Pull requests too, by number."""
        self.all_comments: dict[int, Comment] = {}
        self.artifacts: list[Artifact] = []
        self.commits: set[str] = set()
        """Those that no pull request has brought."""
        self.archived = False
        self.has_issues = True
        self.redirect = ""
        """Where a download leads, in the place of the storage."""
        self._tokens: dict[str, Token] = {}
        self._users: dict[str, User] = {}
        self._last = 0
        self._comment_numbers = count(7000)

    @property
    def url(self) -> str:
        """Where the API begins."""
        return self.address

    @property
    def now(self) -> str:
        """The time, as the API spells it."""
        return self.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def issues(self) -> list[Issue]:
        """Every issue that is no pull request, oldest first."""
        return [one for one in self.all_issues.values() if one.pull is None]

    def token(self, rights: Mapping[str, str] | None = None, *, user: str = JOB, sees: bool = True) -> str:
        """Make one; without `rights` it may do all that a job of ours does."""
        text = f"ghs_{secrets.token_hex(18)}"
        self._tokens[text] = Token(user=self.user(user), rights=dict(ALL if rights is None else rights), sees=sees)
        return text

    def user(self, login: str) -> User:
        """Give somebody, whose number stays the same."""
        return self._users.setdefault(login, User(login, 1000 + len(self._users)))

    def open_pull(  # noqa: PLR0913  # what a pull request is made of
        self,
        head: str = "feature",
        base: str = "main",
        *,
        sha: str = "",
        fork: str = "",
        user: str = "dev",
        title: str = "Change secrets",
        body: str | None = None,
    ) -> Issue:
        """Open a pull request; `fork` names the repository of its head where that is another one."""
        home = fork or self.repository
        pull = Pull(head=head, sha=sha or new_sha(), base=base, home=home, owner=home.partition("/")[0])
        return self._opened(title, body, user, pull)

    def push(self, issue: Issue, sha: str = "") -> str:
        """Add a commit to the branch of a pull request."""
        assert issue.pull
        issue.pull.sha = sha or new_sha()
        return issue.pull.sha

    def merge(self, issue: Issue, method: str = "merge", *, sha: str = "") -> str:
        """Merge it by `merge`, `squash` or `rebase`, and give the last commit that its base has from it."""
        assert issue.pull
        made = sha or new_sha()
        issue.pull.commits = [issue.pull.sha, made] if method == "merge" else [made]
        if method == "rebase":
            issue.pull.commits = [new_sha(), made]
        issue.pull.merge_sha, issue.pull.merged, issue.state = made, self.now, "closed"
        self.clock.advance(1)
        return made

    def close(self, issue: Issue) -> None:
        """Close an issue or a pull request."""
        issue.state = "closed"

    def commit(self, sha: str = "") -> str:
        """Push a commit without a pull request."""
        made = sha or new_sha()
        self.commits.add(made)
        return made

    def open_issue(self, title: str, body: str | None, user: str = JOB) -> Issue:
        """Open an issue."""
        return self._opened(title, body, user, None)

    def _opened(self, title: str, body: str | None, user: str, pull: Pull | None) -> Issue:
        self._last += 1
        made = Issue(
            number=self._last,
            user=self.user(user),
            title=title,
            body=body,
            created=self.now,
            updated=self.now,
            pull=pull,
        )
        self.all_issues[made.number] = made
        return made

    def comment(self, number: int, body: str, user: str | None = "dev") -> Comment:
        """Comment on an issue or a pull request; None is a user who is gone."""
        made = Comment(
            number=next(self._comment_numbers),
            issue=number,
            user=None if user is None else self.user(user),
            body=body,
            created=self.now,
            updated=self.now,
        )
        self.all_comments[made.number] = made
        return made

    def comments(self, number: int) -> list[Comment]:
        """Give the comments on an issue or a pull request, oldest first."""
        return [one for one in self.all_comments.values() if one.issue == number]

    def upload_artifact(  # noqa: PLR0913  # what an artifact is made of
        self,
        name: str,
        plan: bytes = b"{}",
        *,
        sha: str,
        files: Mapping[str, bytes] | None = None,
        archive: bytes | None = None,
        branch: str = "feature",
        home: str = "",
        expired: bool = False,
        size: int | None = None,
    ) -> Artifact:
        """Keep a plan, other files or any bytes as what a run for a commit has left."""
        packed = zipped(files or {PLAN_FILE: plan}) if archive is None else archive
        made = Artifact(
            number=5000 + len(self.artifacts),
            name=name,
            archive=packed,
            sha=sha,
            branch=branch,
            run=9000 + len(self.artifacts),
            home=home or self.repository,
            created=self.now,
            expired=expired,
            size=size,
        )
        self.artifacts.append(made)
        return made

    def spelled(self, issue: Issue) -> dict[str, Any]:
        """Spell an issue as the API does."""
        return self.documents.issue(issue, len(self.comments(issue.number)))

    def reset_in(self, seconds: int) -> int:
        """Give the time at which a limit is lifted, for `refusals.primary_limit`."""
        return int(self.clock.now.timestamp()) + seconds

    def who(self, call: Call) -> str:
        """Give whose token it is."""
        token = self._token(call)
        return token.user.login if token else ""

    def _token(self, call: Call) -> Token | None:
        scheme, _, text = call.headers.get("authorization", "").partition(" ")
        return self._tokens.get(text) if scheme.lower() in ("bearer", "token") else None

    def reply(self, call: Call) -> Answer:
        """Carry a call out."""
        if "authorization" not in call.headers:
            raise refusals.REQUIRES_AUTHENTICATION
        token = self._token(call)
        if token is None:
            raise refusals.BAD_CREDENTIALS
        found = route(self, call, token)
        limits = (("X-RateLimit-Limit", "1000"), ("X-RateLimit-Remaining", "999"), ("X-RateLimit-Used", "1"))
        return Answer(status=found.status, headers=(*found.headers, *limits), body=found.body)
