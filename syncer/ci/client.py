"""A platform that is spoken to by its API, with a token."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol, TypeVar

from syncer.ci.platform import Platform
from syncer.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from syncer.ci.patience import Patience
    from syncer.ci.platform import Pull
    from syncer.ci.run import Run

T = TypeVar("T")


class Voice(Protocol):
    """The API while it is open; each of these may be tried again whole."""

    def comment(self, pull: int, marker: str, body: str, *, create: bool) -> str | None:
        """See `Platform`."""

    def open_issue(self, marker: str, title: str, body: str) -> str:
        """See `Platform`."""

    def close_issue(self, marker: str, body: str) -> str | None:
        """See `Platform`."""

    def merged_pull(self, sha: str) -> Pull | None:
        """See `Platform`."""

    def pull_of_run(self) -> Pull | None:
        """See `Platform`."""

    def plan_artifact(self, pull: Pull, name: str) -> bytes | None:
        """See `Platform`."""


class SpokenPlatform(Platform):
    """One that is asked by patience: again where it did not answer, and not for ever."""

    def __init__(self, run: Run, patience: Patience) -> None:
        super().__init__(run)
        self._patience = patience

    @abstractmethod
    def voice(self) -> AbstractContextManager[Voice]:
        """Open the API. Raise ModuleNotFoundError without its library, InvalidConfiguration without a token."""

    def comment(self, pull: int, marker: str, body: str, *, create: bool = True) -> str | None:
        """Put the comment of a marker on a pull request, or change the one there is."""
        return self._speak(lambda voice: voice.comment(pull, marker, body, create=create))

    def open_issue(self, marker: str, title: str, body: str) -> str:
        """Open the issue of a marker, or change the one that is open."""
        return self._speak(lambda voice: voice.open_issue(marker, title, body))

    def close_issue(self, marker: str, body: str) -> str | None:
        """Close every open issue of a marker, saying why in a comment."""
        return self._speak(lambda voice: voice.close_issue(marker, body))

    def merged_pull(self, sha: str) -> Pull | None:
        """Find the merged pull request that brought a commit to the branch of the run."""
        if not (sha and self.run.branch):  # a tag, a machine on no platform
            return None
        return self._speak(lambda voice: voice.merged_pull(sha))

    def pull_of_run(self) -> Pull | None:
        """Find the open pull request whose head made the run that has set off this one."""
        return self._speak(lambda voice: voice.pull_of_run())

    def plan_artifact(self, pull: Pull, name: str) -> bytes | None:
        """Read the plan in the newest artifact of that name that was made for the head of a pull request."""
        return self._speak(lambda voice: voice.plan_artifact(pull, name))

    def _speak(self, operation: Callable[[Voice], T]) -> T:
        with self._opened() as voice:
            return self._patience.call(lambda: operation(voice))

    def _opened(self) -> AbstractContextManager[Voice]:
        try:
            return self.voice()
        except ModuleNotFoundError as error:
            message = f"{self.run.platform} needs the package `{error.name}`"
        raise InvalidConfiguration(message, hint="install syncer with its extra `ci`")
