"""What can be called, by method and path, and the right that it takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from conformance.fakes.forge import answer
from conformance.fakes.github import refusals
from conformance.fakes.github.paging import page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.fakes.forge import Call
    from conformance.fakes.github.fake import FakeGithub
    from conformance.fakes.github.world import Comment, Issue, Token
    from conformance.fakes.loopback import Answer

LONGEST = 65_536


class Asking:
    """One call under way, by somebody who has shown a token."""

    def __init__(self, github: FakeGithub, call: Call, token: Token, parts: tuple[str, ...]) -> None:
        self.github = github
        self.call = call
        self.token = token
        self.parts = parts

    @property
    def number(self) -> int:
        """The number in the path."""
        return int(self.parts[0])

    def need(self, level: str, *rights: str) -> None:
        """Refuse those who have none of these rights."""
        if not any(self.token.may(right, level) for right in rights):
            job = self.token.user.kind == "Bot"
            raise refusals.NOT_ACCESSIBLE if job else refusals.NOT_ACCESSIBLE_PAT
        if level == "write" and self.github.archived:
            raise refusals.ARCHIVED

    def listed(self, found: Sequence[Any], **around: object) -> Answer:
        """Answer with a page, in an object where there is something around it."""
        some, headers = page(self.call, self.github.url, found)
        return answer(200, {"total_count": len(found), **around, "artifacts": some} if around else some, *headers)

    def body(self, resource: str, name: str = "body", *, required: bool = True) -> str | None:
        """Read a text that was sent."""
        text = self.call.document.get(name)
        if text is None and not required:
            return None
        if not isinstance(text, str) or not text.strip():
            raise refusals.missing(resource, name)
        if len(text) > LONGEST:
            raise refusals.too_long(resource)
        return text

    def issue(self) -> Issue:
        """Give the issue, or the pull request, of the path."""
        found = self.github.all_issues.get(self.number)
        if found is None:
            raise refusals.NOT_FOUND
        return found

    def comment(self) -> Comment:
        """Give the comment of the path."""
        found = self.github.all_comments.get(self.number)
        if found is None:
            raise refusals.NOT_FOUND
        return found

    def spelled(self, comment: Comment) -> dict[str, Any]:
        """Spell a comment."""
        pull = self.github.all_issues[comment.issue].pull is not None
        return self.github.documents.comment(comment, pull=pull)


def rights_of(issue: Issue) -> tuple[str, ...]:
    """Give the rights one of which lets somebody speak there."""
    return ("issues", "pull-requests") if issue.pull else ("issues",)


def _user(asking: Asking) -> Answer:
    if asking.token.user.kind == "Bot":
        raise refusals.NOT_ACCESSIBLE
    return answer(200, {**(asking.github.documents.user(asking.token.user) or {}), "name": None, "email": None})


def _list_comments(asking: Asking) -> Answer:
    issue = asking.issue()
    asking.need("read", *rights_of(issue))
    return asking.listed([asking.spelled(one) for one in asking.github.comments(issue.number)])


def _create_comment(asking: Asking) -> Answer:
    issue = asking.issue()
    asking.need("write", *rights_of(issue))
    if issue.locked:
        raise refusals.LOCKED
    text = asking.body("IssueComment")
    made = asking.github.comment(issue.number, text or "", asking.token.user.login)
    return answer(201, asking.spelled(made))


def _edit_comment(asking: Asking) -> Answer:
    comment = asking.comment()
    asking.need("write", *rights_of(asking.github.all_issues[comment.issue]))
    comment.body = asking.body("IssueComment") or ""
    comment.updated = asking.github.now
    return answer(200, asking.spelled(comment))


def _delete_comment(asking: Asking) -> Answer:
    comment = asking.comment()
    asking.need("write", *rights_of(asking.github.all_issues[comment.issue]))
    del asking.github.all_comments[comment.number]
    return answer(204, None)


def _list_issues(asking: Asking) -> Answer:
    asking.need("read", "issues")
    if not asking.github.has_issues:
        raise refusals.ISSUES_OFF
    state = asking.call.query.get("state", "open")
    found = [one for one in asking.github.all_issues.values() if state in (one.state, "all")]
    label = asking.call.query.get("labels")
    creator = asking.call.query.get("creator")
    found = [one for one in found if not label or set(label.split(",")) <= set(one.labels)]
    found = [one for one in found if not creator or (one.user and one.user.login == creator)]
    oldest_first = asking.call.query.get("direction") == "asc"
    found.sort(key=lambda one: one.number, reverse=not oldest_first)
    return asking.listed([asking.github.spelled(one) for one in found])


def _create_issue(asking: Asking) -> Answer:
    asking.need("write", "issues")
    if not asking.github.has_issues:
        raise refusals.ISSUES_OFF
    title = asking.body("Issue", "title") or ""
    body = asking.body("Issue", required=False)
    made = asking.github.open_issue(title, body, asking.token.user.login)
    return answer(201, asking.github.spelled(made))


def _get_issue(asking: Asking) -> Answer:
    issue = asking.issue()
    asking.need("read", *rights_of(issue))
    return answer(200, asking.github.spelled(issue))


def _edit_issue(asking: Asking) -> Answer:
    issue = asking.issue()
    asking.need("write", *rights_of(issue))
    document = asking.call.document
    issue.title = document.get("title", issue.title)
    issue.body = asking.body("Issue", required=False) or issue.body
    issue.state = document.get("state", issue.state)
    issue.updated = asking.github.now
    return answer(200, asking.github.spelled(issue))


def _list_pulls(asking: Asking) -> Answer:
    asking.need("read", "pull-requests")
    query = asking.call.query
    state, head, base = query.get("state", "open"), query.get("head"), query.get("base")
    found = [
        asking.github.documents.pull(one, one.pull)
        for one in reversed(asking.github.all_issues.values())
        if one.pull
        and state in (one.state, "all")
        and head in (None, f"{one.pull.owner}:{one.pull.head}")
        and base in (None, one.pull.base)
    ]
    return asking.listed(found)


def _get_pull(asking: Asking) -> Answer:
    asking.need("read", "pull-requests")
    issue = asking.issue()
    if issue.pull is None:
        raise refusals.NOT_FOUND
    merged = issue.pull.merged is not None
    return answer(200, {**asking.github.documents.pull(issue, issue.pull), "merged": merged})


def _pulls_of_commit(asking: Asking) -> Answer:
    asking.need("read", "pull-requests")
    sha = asking.parts[0]
    found = [one for one in asking.github.all_issues.values() if one.pull and sha in (one.pull.sha, *one.pull.commits)]
    if not found and sha not in asking.github.commits:
        raise refusals.UNKNOWN_COMMIT
    return asking.listed([asking.github.documents.pull(one, one.pull) for one in found if one.pull])


def _list_artifacts(asking: Asking) -> Answer:
    asking.need("read", "actions")
    name = asking.call.query.get("name")
    found = [one for one in reversed(asking.github.artifacts) if name in (None, one.name)]
    return asking.listed([asking.github.documents.artifact(one) for one in found], total_count=len(found))


def _download_artifact(asking: Asking) -> Answer:
    asking.need("read", "actions")
    found = next((one for one in asking.github.artifacts if one.number == asking.number), None)
    if found is None:
        raise refusals.NOT_FOUND
    if found.expired:
        raise refusals.EXPIRED
    location = asking.github.redirect or asking.github.store(found.archive)
    return answer(302, None, ("Location", location))


REPOSITORY = "/repos/{name}"
ROUTES: tuple[tuple[str, str, Callable[[Asking], Answer]], ...] = (
    ("GET", r"/user", _user),
    ("GET", REPOSITORY + r"/issues", _list_issues),
    ("POST", REPOSITORY + r"/issues", _create_issue),
    ("GET", REPOSITORY + r"/issues/(\d+)", _get_issue),
    ("PATCH", REPOSITORY + r"/issues/(\d+)", _edit_issue),
    ("GET", REPOSITORY + r"/issues/(\d+)/comments", _list_comments),
    ("POST", REPOSITORY + r"/issues/(\d+)/comments", _create_comment),
    ("PATCH", REPOSITORY + r"/issues/comments/(\d+)", _edit_comment),
    ("DELETE", REPOSITORY + r"/issues/comments/(\d+)", _delete_comment),
    ("GET", REPOSITORY + r"/pulls", _list_pulls),
    ("GET", REPOSITORY + r"/pulls/(\d+)", _get_pull),
    ("GET", REPOSITORY + r"/commits/([0-9a-f]+)/pulls", _pulls_of_commit),
    ("GET", REPOSITORY + r"/actions/artifacts", _list_artifacts),
    ("GET", REPOSITORY + r"/actions/artifacts/(\d+)/zip", _download_artifact),
)


def route(github: FakeGithub, call: Call, token: Token) -> Answer:
    """Carry a call out."""
    in_repository = call.path.lower().startswith(f"/repos/{github.repository}".lower())
    if call.path.startswith("/repos/") and not (in_repository and token.sees):
        raise refusals.NOT_FOUND
    for method, pattern, handler in ROUTES:
        found = re.fullmatch(pattern.replace("{name}", re.escape(github.repository)), call.path, re.IGNORECASE)
        if found and method == call.method:
            return handler(Asking(github, call, token, found.groups()))
    raise refusals.UNKNOWN_CALL
