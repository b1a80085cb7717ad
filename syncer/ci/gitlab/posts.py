"""The notes of one merge request or issue, and the issues of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.ci.failures import Asked
from syncer.ci.sticky import Post, begins_with

if TYPE_CHECKING:
    from gitlab.base import RESTObject
    from gitlab.v4.objects import ProjectIssueNoteManager, ProjectMergeRequestNoteManager

    from syncer.ci.gitlab.api import Api

REPORTER = "the role Reporter"


class Notes:
    """Those of one marker."""

    def __init__(
        self,
        api: Api,
        notes: ProjectMergeRequestNoteManager | ProjectIssueNoteManager,
        place: str,
        marker: str,
        asked: Asked,
    ) -> None:
        self._api = api
        self._notes = notes
        self._place = place
        self._marker = marker
        self._asked = asked

    def ours(self) -> list[Post]:
        """Give those of the marker that we have written."""
        return self._api.ask(
            self._asked, lambda: [self._post(one) for one in self._notes.list(get_all=True) if self._is_ours(one)]
        )

    def _is_ours(self, note: RESTObject) -> bool:
        # A system note tells what somebody has done.
        return not note.system and begins_with(self._marker, note.body) and self._api.wrote(note.author)

    def make(self, body: str) -> Post:
        """Write one."""
        return self._api.ask(self._asked, lambda: self._post(self._notes.create({"body": body})))

    def change(self, post: Post, body: str) -> None:
        """Give one another body."""
        self._api.ask(self._asked, lambda: self._notes.update(post.number, {"body": body}))

    def drop(self, post: Post) -> None:
        """Delete one."""
        self._api.ask(self._asked, lambda: self._notes.delete(post.number))

    def _post(self, note: RESTObject) -> Post:
        return Post(number=note.id, url=f"{self._place}#note_{note.id}" if self._place else "")


def notes_of_pull(api: Api, number: int, marker: str) -> Notes:
    """Give those on a merge request."""
    asked = Asked(thing=f"the comment on merge request {number} of {api.name}", right=REPORTER)
    notes = api.project.mergerequests.get(number, lazy=True).notes
    return Notes(api, notes, api.web and f"{api.web}/-/merge_requests/{number}", marker, asked)


class Issues:
    """The open ones of one marker."""

    def __init__(self, api: Api, marker: str, title: str = "") -> None:
        self._api = api
        self._marker = marker
        self._title = title
        self._issues = api.project.issues
        self._asked = Asked(thing=f"the issues of {api.name}", right=REPORTER)

    def ours(self) -> list[Post]:
        """Give those of the marker that we have written."""
        return self._api.ask(
            self._asked,
            lambda: [_post(one) for one in self._issues.list(state="opened", get_all=True) if self._is_ours(one)],
        )

    def _is_ours(self, issue: RESTObject) -> bool:
        return begins_with(self._marker, issue.description) and self._api.wrote(issue.author)

    def make(self, body: str) -> Post:
        """Open one."""
        document = {"title": self._title, "description": body}
        return self._api.ask(self._asked, lambda: _post(self._issues.create(document)))

    def change(self, post: Post, body: str) -> None:
        """Give one another title and body."""
        document = {"title": self._title, "description": body}
        self._api.ask(self._asked, lambda: self._issues.update(post.number, document))

    def drop(self, post: Post) -> None:
        """Close one."""
        self._api.ask(self._asked, lambda: self._issues.update(post.number, {"state_event": "close"}))

    def comments(self, post: Post) -> Notes:
        """Give the notes on one."""
        notes = self._issues.get(post.number, lazy=True).notes
        return Notes(self._api, notes, post.url, self._marker, self._asked)


def _post(issue: RESTObject) -> Post:
    return Post(number=issue.iid, url=issue.web_url)
