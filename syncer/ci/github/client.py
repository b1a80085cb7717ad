"""What a run asks of GitHub; the one module by which PyGithub is imported."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from syncer.ci.github import pulls
from syncer.ci.github.api import Api, opened
from syncer.ci.github.posts import Comments, Issues, comments_of_pull

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncer.ci.github.context import Context
    from syncer.ci.platform import Pull
    from syncer.ci.token import Token


class GithubClient:
    """GitHub's API, for one run."""

    def __init__(self, api: Api, context: Context) -> None:
        self._api = api
        self._context = context

    def comments(self, pull: int, marker: str) -> Comments:
        """Give the comments of a marker on a pull request."""
        return comments_of_pull(self._api, pull, marker)

    def issues(self, marker: str, title: str = "") -> Issues:
        """Give the open issues of a marker."""
        return Issues(self._api, marker, title)

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
def connected(url: str, token: Token, context: Context) -> Iterator[GithubClient]:
    """Open the API for a while. Raise InvalidConfiguration for what is no token."""
    with opened(url, token, context.run.repository) as api:
        yield GithubClient(api, context)
