"""What is said on GitHub, and asked there; the one module by which PyGithub is imported."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from syncer.ci import sticky
from syncer.ci.github import pulls
from syncer.ci.github.api import Api, opened
from syncer.ci.github.shelves import PULLS, Comments, Issues
from syncer.ci.lines import Asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncer.ci.github.context import Context
    from syncer.ci.platform import Pull
    from syncer.ci.token import Token


class GithubVoice:
    """GitHub's API, for one run."""

    def __init__(self, api: Api, context: Context) -> None:
        self._api = api
        self._context = context

    def comment(self, pull: int, marker: str, body: str, *, create: bool) -> str | None:
        """Put the comment of a marker on a pull request, or change the one there is."""
        asked = Asked(thing=f"the comment on pull request {pull} of {self._api.name}", right=PULLS)
        return sticky.put(Comments(self._api, pull, marker, asked), sticky.marked(marker, body), create=create)

    def open_issue(self, marker: str, title: str, body: str) -> str:
        """Open the issue of a marker, or change the one that is open."""
        return sticky.put(Issues(self._api, marker, title), sticky.marked(marker, body)) or ""

    def close_issue(self, marker: str, body: str) -> str | None:
        """Close every open issue of a marker, saying why in a comment."""
        issues = Issues(self._api, marker)
        return sticky.close(issues, issues.comments, sticky.marked(marker, body))

    def merged_pull(self, sha: str) -> Pull | None:
        """Find the merged pull request that brought a commit to the branch of the run."""
        return pulls.merged(self._api, sha, self._context.run.branch)

    def pull_of_run(self) -> Pull | None:
        """Find the open pull request whose head made the run that has set off this one."""
        trigger = self._context.trigger
        return None if trigger is None else pulls.of_run(self._api, trigger)

    def plan_artifact(self, pull: Pull, name: str) -> bytes | None:
        """Read the plan in the newest artifact of that name that was made for the head of a pull request."""
        return pulls.plan(self._api, pull, name)


@contextmanager
def speaking(url: str, token: Token, context: Context) -> Iterator[GithubVoice]:
    """Open the API for a while. Raise InvalidConfiguration for what is no token."""
    with opened(url, token, context.run.repository) as api:
        yield GithubVoice(api, context)
