"""What is said on GitLab, and asked there; the one module by which python-gitlab is imported."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from syncer.ci import sticky
from syncer.ci.gitlab import pulls
from syncer.ci.gitlab.api import Api, opened
from syncer.ci.gitlab.shelves import Issues, notes_of_pull

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncer.ci.gitlab.context import Context
    from syncer.ci.platform import Pull
    from syncer.ci.token import Token


class GitlabVoice:
    """GitLab's API, for one run."""

    def __init__(self, api: Api, context: Context) -> None:
        self._api = api
        self._context = context

    def comment(self, pull: int, marker: str, body: str, *, create: bool) -> str | None:
        """Put the note of a marker on a merge request, or change the one there is."""
        return sticky.put(notes_of_pull(self._api, pull, marker), sticky.marked(marker, body), create=create)

    def open_issue(self, marker: str, title: str, body: str) -> str:
        """Open the issue of a marker, or change the one that is open."""
        return sticky.put(Issues(self._api, marker, title), sticky.marked(marker, body)) or ""

    def close_issue(self, marker: str, body: str) -> str | None:
        """Close every open issue of a marker, saying why in a note."""
        issues = Issues(self._api, marker)
        return sticky.close(issues, issues.comments, sticky.marked(marker, body))

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
def speaking(url: str, token: Token, context: Context) -> Iterator[GitlabVoice]:
    """Open the API for a while. Raise InvalidConfiguration for what is no token."""
    with opened(url, token, context) as api:
        yield GitlabVoice(api, context)
