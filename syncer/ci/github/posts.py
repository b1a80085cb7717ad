"""The comments of one issue or pull request, and the issues of a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.ci.failures import Asked
from syncer.ci.sticky import Post, begins_with

if TYPE_CHECKING:
    from github.Issue import Issue
    from github.IssueComment import IssueComment

    from syncer.ci.github.api import Api

_PULLS = "permissions: pull-requests: write"
_ISSUES = "permissions: issues: write"


class Comments:
    """Those of one marker on one issue; to GitHub a pull request is one too."""

    def __init__(self, api: Api, number: int, marker: str, asked: Asked) -> None:
        self._api = api
        self._issue = api.repository.get_issue(number)
        self._marker = marker
        self._asked = asked

    def ours(self) -> list[Post]:
        """Give those of the marker that we have written."""
        return self._api.ask(
            self._asked, lambda: [_comment(one) for one in self._issue.get_comments() if self._is_ours(one)]
        )

    def _is_ours(self, comment: IssueComment) -> bool:
        return begins_with(self._marker, comment.body) and self._api.wrote(comment.user)

    def make(self, body: str) -> Post:
        """Write one."""
        return self._api.ask(self._asked, lambda: _comment(self._issue.create_comment(body)))

    def change(self, post: Post, body: str) -> None:
        """Give one another body."""
        self._api.ask(self._asked, lambda: self._issue.get_comment(post.number).edit(body))

    def drop(self, post: Post) -> None:
        """Delete one."""
        self._api.ask(self._asked, lambda: self._issue.get_comment(post.number).delete())


def comments_of_pull(api: Api, number: int, marker: str) -> Comments:
    """Give those on a pull request."""
    asked = Asked(thing=f"the comment on pull request {number} of {api.name}", right=_PULLS)
    return Comments(api, number, marker, asked)


def _comment(found: IssueComment) -> Post:
    return Post(number=found.id, url=found.html_url)


class Issues:
    """The open ones of one marker."""

    def __init__(self, api: Api, marker: str, title: str = "") -> None:
        self._api = api
        self._marker = marker
        self._title = title
        self._asked = Asked(thing=f"the issues of {api.name}", right=_ISSUES)

    def ours(self) -> list[Post]:
        """Give those of the marker that we have written."""
        listed = self._api.repository.get_issues(state="open", sort="created", direction="asc")
        return self._api.ask(self._asked, lambda: [_issue(one) for one in listed if self._is_ours(one)])

    def _is_ours(self, issue: Issue) -> bool:
        # Pull requests are listed too. To ask for `pull_request` would be a call for each issue that is none.
        plain = issue.html_url.rpartition("/")[0].endswith("/issues")
        return plain and begins_with(self._marker, issue.body) and self._api.wrote(issue.user)

    def make(self, body: str) -> Post:
        """Open one."""
        return self._api.ask(
            self._asked, lambda: _issue(self._api.repository.create_issue(title=self._title, body=body))
        )

    def change(self, post: Post, body: str) -> None:
        """Give one another title and body."""
        self._api.ask(self._asked, lambda: self._get(post).edit(title=self._title, body=body))

    def drop(self, post: Post) -> None:
        """Close one."""
        self._api.ask(self._asked, lambda: self._get(post).edit(state="closed"))

    def comments(self, post: Post) -> Comments:
        """Give the comments on one."""
        return Comments(self._api, post.number, self._marker, self._asked)

    def _get(self, post: Post) -> Issue:
        return self._api.repository.get_issue(post.number)


def _issue(found: Issue) -> Post:
    return Post(number=found.number, url=found.html_url)
