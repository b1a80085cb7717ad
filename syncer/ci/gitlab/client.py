"""What a run asks of GitLab; the one module by which python-gitlab is imported."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from syncer.ci.gitlab import pulls
from syncer.ci.gitlab.api import Api, opened
from syncer.ci.gitlab.posts import Issues, Notes, notes_of_pull

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncer.ci.gitlab.context import Context
    from syncer.ci.platform import Pull
    from syncer.ci.token import Token


class GitlabClient:
    """GitLab's API, for one run."""

    def __init__(self, api: Api, context: Context) -> None:
        self._api = api
        self._context = context

    def comments(self, pull: int, marker: str) -> Notes:
        """Give the notes of a marker on a merge request."""
        return notes_of_pull(self._api, pull, marker)

    def issues(self, marker: str, title: str = "") -> Issues:
        """Give the open issues of a marker."""
        return Issues(self._api, marker, title)

    def merged_pull(self, sha: str) -> Pull | None:
        """Find the merged merge request that brought a commit to the branch of the run."""
        return pulls.merged(self._api, sha, self._context.run.branch)

    def pull_of_run(self) -> Pull | None:
        """Find nothing: on GitLab no run sets off another by its end."""
        return None

    def plan_artifact(self, pull: Pull, name: str) -> bytes | None:
        """Read the plan in the newest artifacts of that name that were made for the head of a merge request."""
        return pulls.plan(self._api, pull, name)


@contextmanager
def connected(url: str, token: Token, context: Context) -> Iterator[GitlabClient]:
    """Open the API for a while. Raise InvalidConfiguration for what is no token."""
    with opened(url, token, context) as api:
        yield GitlabClient(api, context)
