"""A platform that is asked by its API, with a token."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol, TypeVar

from syncer.ci import sticky
from syncer.ci.platform import Platform
from syncer.errors import InvalidConfiguration
from syncer.extras import how_to_install

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from syncer.ci.patience import Patience
    from syncer.ci.platform import Pull
    from syncer.ci.run import Run

T = TypeVar("T")


class Client(Protocol):
    """The API while it is open; what is asked of it may be asked once more, and as a whole."""

    def comments(self, pull: int, marker: str) -> sticky.Posts:
        """Give the comments of a marker on a pull request."""

    def issues(self, marker: str, title: str = "") -> sticky.Issues:
        """Give the open issues of a marker; the title is for one that is made or changed."""

    def merged_pull(self, sha: str) -> Pull | None:
        """See `Platform`."""

    def pull_of_run(self) -> Pull | None:
        """See `Platform`."""

    def plan_artifact(self, pull: Pull, name: str) -> bytes | None:
        """See `Platform`."""


class ApiPlatform(Platform):
    """One that is asked by patience: again where it did not answer, and not for ever."""

    def __init__(self, run: Run, patience: Patience) -> None:
        super().__init__(run)
        self._patience = patience

    @abstractmethod
    def client(self) -> AbstractContextManager[Client]:
        """Open the API. Raise ModuleNotFoundError without its library, InvalidConfiguration without a token."""

    def comment(self, pull: int, marker: str, body: str, *, create: bool = True) -> str | None:
        """Put the comment of a marker on a pull request, or change the one there is."""
        text = sticky.marked(marker, body)
        return self._ask(lambda client: sticky.put(client.comments(pull, marker), text, create=create))

    def open_issue(self, marker: str, title: str, body: str) -> str:
        """Open the issue of a marker, or change the one that is open."""
        text = sticky.marked(marker, body)
        return self._ask(lambda client: sticky.put(client.issues(marker, title), text)) or ""

    def close_issue(self, marker: str, body: str) -> str | None:
        """Close every open issue of a marker, saying why in a comment."""
        text = sticky.marked(marker, body)
        return self._ask(lambda client: sticky.close(client.issues(marker), text))

    def merged_pull(self, sha: str) -> Pull | None:
        """Find the merged pull request that brought a commit to the branch of the run."""
        if not (sha and self.run.branch):  # a tag, a machine on no platform
            return None
        return self._ask(lambda client: client.merged_pull(sha))

    def pull_of_run(self) -> Pull | None:
        """Find the open pull request whose head made the run that has set off this one."""
        return self._ask(lambda client: client.pull_of_run())

    def plan_artifact(self, pull: Pull, name: str) -> bytes | None:
        """Read the plan in the newest artifact of that name that was made for the head of a pull request."""
        return self._ask(lambda client: client.plan_artifact(pull, name))

    def _ask(self, operation: Callable[[Client], T]) -> T:
        with self._opened() as client:
            return self._patience.call(lambda: operation(client))

    def _opened(self) -> AbstractContextManager[Client]:
        try:
            return self.client()
        except ModuleNotFoundError as error:
            message = f"{self.run.platform} needs the package `{error.name}`"
        raise InvalidConfiguration(message, hint=how_to_install("ci"))
