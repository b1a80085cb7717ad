"""GitHub's API as PyGithub speaks it, one repository; errors are told in our words.

The library waits and tries again by itself unless it is told not to: it is told, and `Patience` does it.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from github import Auth, BadAttributeException, Github, GithubException, IncompletableObject

from syncer.ci.failures import Answer, Asked, Site, no_answer, unreadable
from syncer.ci.github.failures import told
from syncer.ci.quiet import keep_quiet
from syncer.ci.token import spelled
from syncer.errors import AccessDenied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from github.NamedUser import NamedUser
    from github.Organization import Organization
    from github.Repository import Repository

    from syncer.ci.token import Token
    from syncer.errors import SyncerError

T = TypeVar("T")

_SECONDS = 20
_PAGE = 100
_BOT = "Bot"
_WHO = Asked(thing="who we are", right="any right at all")
# What the library raises for JSON that breaks off, a redirection to another host, a member of another type.
_UNREADABLE = (
    AssertionError,
    AttributeError,
    RuntimeError,
    TypeError,
    ValueError,
    BadAttributeException,
    IncompletableObject,
)


keep_quiet()


class Api:
    """One repository, as one token."""

    def __init__(self, github: Github, name: str, site: Site) -> None:
        self._github = github
        self.site = site
        self.name = name
        self.repository: Repository = github.get_repo(name)

    def ask(self, asked: Asked, operation: Callable[[], T]) -> T:
        """Make calls. Raise what `failures` makes of an error."""
        problem: SyncerError
        try:
            return operation()
        except _UNREADABLE:
            problem = unreadable(asked, self.site)
        except GithubException as error:
            problem = told(Answer(status=error.status, headers=error.headers or {}, data=error.data), asked, self.site)
        except OSError as error:
            problem = no_answer(error, asked, self.site)
        # Not while handling the library's own, which may hold the request, and with it the token.
        raise problem

    def wrote(self, user: NamedUser | Organization | None) -> bool:
        """Whether this user is us; any bot where GitHub does not say who we are, as to the token of a job."""
        if user is None:  # deleted since
            return False
        return user.login == self._me if self._me else user.type == _BOT

    @cached_property
    def _me(self) -> str:
        try:
            return self.ask(_WHO, lambda: self._github.get_user().login)
        except AccessDenied:
            return ""

    def signed(self, path: str, asked: Asked) -> str:
        """Give the URL to which GitHub sends whoever asks for something below the repository."""
        headers, _ = self.ask(
            asked, lambda: self._github.requester.requestJsonAndCheck("GET", f"{self.repository.url}/{path}")
        )
        location = headers.get("location")
        if not isinstance(location, str):
            raise unreadable(asked, self.site)
        return location


@contextmanager
def opened(url: str, token: Token, repository: str) -> Iterator[Api]:
    """Give the API of a repository for a while. Raise InvalidConfiguration for what is no token."""
    github = Github(
        auth=Auth.Token(spelled(token)),
        base_url=url,
        timeout=_SECONDS,
        user_agent="syncer",
        per_page=_PAGE,
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
        lazy=True,
    )
    with github:
        yield Api(github, repository, Site(name="github", url=url, token=token.name))
