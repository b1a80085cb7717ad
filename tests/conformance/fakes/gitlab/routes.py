"""What can be called, by method and path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode

from conformance.fakes.forge import answer
from conformance.fakes.gitlab import refusals
from conformance.fakes.loopback import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.fakes.forge import Call
    from conformance.fakes.gitlab.fake import FakeGitlab
    from conformance.fakes.gitlab.world import Issue, Merge, Note, Token

DEFAULT, MOST = 20, 100
LONGEST = 1_000_000


class Asking:
    """One call under way."""

    def __init__(self, gitlab: FakeGitlab, call: Call, token: Token, parts: tuple[str, ...]) -> None:
        self.gitlab = gitlab
        self.call = call
        self.token = token
        self.parts = parts

    @property
    def number(self) -> int:
        """The first number in the path."""
        return int(self.parts[0])

    def write(self) -> None:
        """Refuse those who may only read."""
        if self.token.scope != "api":
            raise refusals.SCOPE

    def listed(self, found: Sequence[dict[str, Any]]) -> Answer:
        """Answer with a page, and the way to the next: https://docs.gitlab.com/api/rest/#pagination."""
        size = min(int(self.call.query.get("per_page", DEFAULT)), MOST)
        number = int(self.call.query.get("page", 1))
        last = max(1, -(-len(found) // size))
        headers = [
            ("X-Page", str(number)),
            ("X-Per-Page", str(size)),
            ("X-Next-Page", str(number + 1) if number < last else ""),
            ("X-Prev-Page", str(number - 1) if number > 1 else ""),
            ("X-Total", str(len(found))),
            ("X-Total-Pages", str(last)),
        ]
        if number < last:
            query = urlencode({**self.call.query, "page": number + 1})
            headers.append(("Link", f'<{self.gitlab.believed}{self.call.raw}?{query}>; rel="next"'))
        return answer(200, list(found[(number - 1) * size : number * size]), *headers)

    def text(self, name: str) -> str:
        """Read a text that was sent."""
        found = self.call.document.get(name)
        if not isinstance(found, str) or not found.strip():
            raise refusals.missing(name)
        if len(found) > LONGEST:
            raise refusals.TOO_LONG
        return found

    def place(self) -> tuple[str, int]:
        """Give what the path names, if it is there."""
        kind, number = self.parts[0], int(self.parts[1])
        there = self.gitlab.merges if kind == "merge_requests" else self.gitlab.all_issues
        if number not in there:
            raise refusals.NOT_FOUND
        return kind, number

    def note(self) -> Note:
        """Give the note that the path names."""
        found = self.gitlab.all_notes.get(int(self.parts[2]))
        if found is None or found.place != self.place():
            raise refusals.NOT_FOUND
        return found

    def issue(self) -> Issue:
        """Give the issue that the path names."""
        found = self.gitlab.all_issues.get(self.number)
        if found is None:
            raise refusals.NOT_FOUND
        return found

    def merge(self) -> Merge:
        """Give the merge request that the path names."""
        found = self.gitlab.merges.get(self.number)
        if found is None:
            raise refusals.NOT_FOUND
        return found


def _user(asking: Asking) -> Answer:
    return answer(200, asking.gitlab.documents.user(asking.token.user))


def _list_notes(asking: Asking) -> Answer:
    found = [one for one in reversed(asking.gitlab.all_notes.values()) if one.place == asking.place()]
    return asking.listed([asking.gitlab.documents.note(one) for one in found])


def _create_note(asking: Asking) -> Answer:
    asking.write()
    kind, number = asking.place()
    made = asking.gitlab.note(number, asking.text("body"), asking.token.user.name, kind=kind)
    return answer(201, asking.gitlab.documents.note(made))


def _edit_note(asking: Asking) -> Answer:
    asking.write()
    note = asking.note()
    if note.author != asking.token.user:
        raise refusals.FORBIDDEN
    note.body = asking.text("body")
    return answer(200, asking.gitlab.documents.note(note))


def _delete_note(asking: Asking) -> Answer:
    asking.write()
    del asking.gitlab.all_notes[asking.note().number]
    return answer(204, None)


def _list_issues(asking: Asking) -> Answer:
    state = asking.call.query.get("state", "all")
    found = [one for one in reversed(asking.gitlab.all_issues.values()) if state in (one.state, "all")]
    return asking.listed([asking.gitlab.documents.issue(one) for one in found])


def _create_issue(asking: Asking) -> Answer:
    asking.write()
    description = asking.call.document.get("description")
    made = asking.gitlab.open_issue(asking.text("title"), description, asking.token.user.name)
    return answer(201, asking.gitlab.documents.issue(made))


def _edit_issue(asking: Asking) -> Answer:
    asking.write()
    issue, document = asking.issue(), asking.call.document
    issue.title = document.get("title", issue.title)
    issue.description = document.get("description", issue.description)
    issue.state = {"close": "closed", "reopen": "opened"}.get(document.get("state_event", ""), issue.state)
    return answer(200, asking.gitlab.documents.issue(issue))


def _merges_of_commit(asking: Asking) -> Answer:
    sha = asking.parts[0]
    found = [one for one in asking.gitlab.merges.values() if sha in (one.sha, *one.commits)]
    if not found and sha not in asking.gitlab.commits:
        raise refusals.NOT_FOUND
    return asking.listed([asking.gitlab.documents.merge(one) for one in found])


def _commit(asking: Asking) -> Answer:
    sha = asking.parts[0]
    if sha not in asking.gitlab.commits:
        raise refusals.NOT_FOUND
    return answer(200, {"id": sha, "short_id": sha[:8], "parent_ids": asking.gitlab.commits[sha]})


def _list_pipelines(asking: Asking) -> Answer:
    merge = asking.merge()
    found = [one for one in reversed(asking.gitlab.pipelines) if one.merge == merge.number]
    return asking.listed([asking.gitlab.documents.pipeline(one) for one in found])


def _list_jobs(asking: Asking) -> Answer:
    found = [one for one in reversed(asking.gitlab.jobs) if one.pipeline == asking.number]
    return asking.listed([asking.gitlab.documents.job(one) for one in found])


def _artifacts(asking: Asking) -> Answer:
    found = next((one for one in asking.gitlab.jobs if one.number == asking.number), None)
    if found is None or found.artifacts is None or found.expired:
        raise refusals.NOT_FOUND
    if asking.gitlab.stores_elsewhere:
        return answer(302, None, ("Location", asking.gitlab.redirect or asking.gitlab.store(found.artifacts)))
    return Answer(headers=(("Content-Type", "application/octet-stream"),), body=found.artifacts)


NOTES = r"/(merge_requests|issues)/(\d+)/notes"
ROUTES: tuple[tuple[str, str, Callable[[Asking], Answer]], ...] = (
    ("GET", NOTES, _list_notes),
    ("POST", NOTES, _create_note),
    ("PUT", NOTES + r"/(\d+)", _edit_note),
    ("DELETE", NOTES + r"/(\d+)", _delete_note),
    ("GET", r"/issues", _list_issues),
    ("POST", r"/issues", _create_issue),
    ("PUT", r"/issues/(\d+)", _edit_issue),
    ("GET", r"/repository/commits/([0-9a-f]+)", _commit),
    ("GET", r"/repository/commits/([0-9a-f]+)/merge_requests", _merges_of_commit),
    ("GET", r"/merge_requests/(\d+)/pipelines", _list_pipelines),
    ("GET", r"/pipelines/(\d+)/jobs", _list_jobs),
    ("GET", r"/jobs/(\d+)/artifacts", _artifacts),
)
FOR_JOBS = frozenset({_artifacts})
"""What the token of a job may call: https://docs.gitlab.com/ci/jobs/ci_job_token/#job-token-access."""


def route(gitlab: FakeGitlab, call: Call, token: Token) -> Answer:
    """Carry a call out."""
    path = call.raw.removeprefix("/api/v4")
    if path == "/user":
        if token.kind == "job":
            raise refusals.UNAUTHORIZED
        return _user(Asking(gitlab, call, token, ()))
    found = re.fullmatch(r"/projects/([^/]+)(/.*)", path)
    if not found:
        raise refusals.UNKNOWN_CALL
    if unquote(found[1]) not in (str(gitlab.project), gitlab.path) or not token.sees:
        raise refusals.PROJECT_NOT_FOUND
    for method, pattern, handler in ROUTES:
        fits = re.fullmatch(pattern, found[2])
        if fits and method == call.method:
            if token.kind == "job" and handler not in FOR_JOBS:
                raise refusals.UNAUTHORIZED
            return handler(Asking(gitlab, call, token, fits.groups()))
    raise refusals.UNKNOWN_CALL
