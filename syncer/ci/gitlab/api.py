"""GitLab's API as python-gitlab speaks it, one project; errors are told in our words."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from gitlab import Gitlab
from gitlab.exceptions import GitlabError
from requests import Response

from syncer.ci.archive import LIMIT, too_large
from syncer.ci.download import download
from syncer.ci.failures import Asked, Site, no_answer, unreadable
from syncer.ci.gitlab.failures import JOB_TOKEN, told
from syncer.ci.gitlab.session import Declined, Session
from syncer.ci.token import spelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gitlab.v4.objects import Project

    from syncer.ci.gitlab.context import Context
    from syncer.ci.token import Token
    from syncer.errors import SyncerError

T = TypeVar("T")

_SECONDS = 20
_PAGE = 100
_CHUNK = 65_536
_WHO = Asked(thing="who we are", right="the scope `api`")
# Besides the library's own, what comes of an answer without a member that it should have.
_UNREADABLE = (GitlabError, AttributeError, KeyError, TypeError, ValueError)
_REDIRECTS = range(300, 400)
API = "/api/v4"


class Api:
    """One project, as one token."""

    def __init__(self, gitlab: Gitlab, context: Context, site: Site) -> None:
        self._gitlab = gitlab
        self._site = site
        self._path = f"/projects/{context.project.replace('/', '%2F')}"
        self.name = context.run.repository
        self.web = context.web
        self.identity = context.project
        self.project: Project = gitlab.projects.get(context.project, lazy=True)

    def ask(self, asked: Asked, operation: Callable[[], T]) -> T:
        """Make calls. Raise what `failures` makes of an error."""
        problem: SyncerError
        try:
            return operation()
        except Declined as declined:
            problem = told(declined.answer, asked, self._site)
        except OSError as error:
            problem = no_answer(error, asked, self._site)
        except _UNREADABLE:
            problem = unreadable(asked, self._site)
        # Not while handling the library's own, which may hold the request, and with it the token.
        raise problem

    def wrote(self, author: Mapping[str, object] | None) -> bool:
        """Whether this user is us."""
        return author is not None and author.get("id") == self._me

    @cached_property
    def _me(self) -> object:
        found = self.ask(_WHO, lambda: self._gitlab.http_get("/user"))
        if isinstance(found, Response) or "id" not in found:
            raise unreadable(_WHO, self._site)
        return found["id"]

    def archive(self, job: int, name: str, asked: Asked) -> bytes:
        """Read the artifacts of a job, from GitLab or from where it sends us. Raise StalePlan for too many bytes."""
        try:
            return self.ask(asked, lambda: self._archive(job, name))
        except _Elsewhere as elsewhere:
            location = elsewhere.location
        return download(location, name, asked, self._site)

    def _archive(self, job: int, name: str) -> bytes:
        data = bytearray()
        try:
            response = self._gitlab.http_request("get", f"{self._path}/jobs/{job}/artifacts", streamed=True)
        except Declined as declined:
            if declined.answer.status not in _REDIRECTS:
                raise
            raise _Elsewhere(declined.answer.header("location")) from None
        with response:
            for chunk in response.iter_content(_CHUNK):
                data += chunk
                if len(data) > LIMIT:
                    raise too_large(name)
        return bytes(data)


class _Elsewhere(Exception):
    """What was asked for is at another address."""

    def __init__(self, location: str) -> None:
        super().__init__()
        self.location = location


@contextmanager
def opened(url: str, token: Token, context: Context) -> Iterator[Api]:
    """Give the API of a project for a while. Raise InvalidConfiguration for what is no token."""
    text = spelled(token)
    by_job = token.name == JOB_TOKEN
    with Gitlab(
        url.removesuffix(API),
        private_token=None if by_job else text,
        job_token=text if by_job else None,
        timeout=_SECONDS,
        per_page=_PAGE,
        user_agent="syncer",
        keep_base_url=True,  # the next page is where the first one was, and not where the server believes to be
        session=Session(),
    ) as gitlab:
        yield Api(gitlab, context, Site(name="gitlab", url=url, token=token.name))
