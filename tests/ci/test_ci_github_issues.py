"""The issue of a marker on GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ci_platforms import on_github
from conformance.fakes.forge import Fault
from conformance.fakes.github import refusals

from syncer.errors import AccessDenied, Refused

if TYPE_CHECKING:
    from conformance.fakes.github.fake import FakeGithub

DRIFT = "<!-- syncer:drift:syncer -->"
BOT = "github-actions[bot]"


def test_an_issue_is_opened_once(github: FakeGithub) -> None:
    """And changed while it is open, its title too."""
    platform = on_github(github)
    first = platform.open_issue(DRIFT, "2 secrets drifted", "a, b")
    assert platform.open_issue(DRIFT, "1 secret drifted", "a") == first == f"{github.documents.web}/acme/shop/issues/1"
    assert [(one.title, one.body) for one in github.issues] == [("1 secret drifted", f"{DRIFT}\na")]


def test_a_closed_issue_stays_closed(github: FakeGithub) -> None:
    """Whoever has closed it: the next one is new."""
    platform = on_github(github)
    platform.open_issue(DRIFT, "drift", "a")
    github.close(github.issues[0])
    platform.open_issue(DRIFT, "drift", "b")
    assert [(one.state, one.body) for one in github.issues] == [("closed", f"{DRIFT}\na"), ("open", f"{DRIFT}\nb")]


def test_an_issue_is_found_among_many(github: FakeGithub) -> None:
    """On later pages, between others and pull requests, which GitHub lists too."""
    platform = on_github(github)
    for number in range(120):
        github.open_issue(f"bug {number}", None, "dev")
    github.open_pull(user=BOT, body=f"{DRIFT}\nno issue")
    platform.open_issue(DRIFT, "drift", "a")
    platform.open_issue(DRIFT, "drift", "b")
    assert [one.body for one in github.issues if one.body] == [f"{DRIFT}\nb"]
    assert not [one for one in github.log if one.path.startswith("/repos/acme/shop/issues/") and one.method == "GET"]


def test_what_somebody_else_has_opened_is_nothing_to_us(github: FakeGithub) -> None:
    """It is neither changed nor closed."""
    github.open_issue("drift", f"{DRIFT}\nmine", "mallory")
    platform = on_github(github)
    assert platform.close_issue(DRIFT, "all is well") is None
    platform.open_issue(DRIFT, "drift", "a")
    assert [one.state for one in github.issues] == ["open", "open"]
    assert github.issues[0].body == f"{DRIFT}\nmine"


def test_an_issue_is_closed_with_a_reason(github: FakeGithub) -> None:
    """In a comment; every open one of the marker, and no other."""
    platform = on_github(github)
    url = platform.open_issue(DRIFT, "drift", "a")
    github.open_issue("drift", f"{DRIFT}\nb", BOT)
    platform.open_issue("<!-- syncer:drift:other -->", "drift", "c")
    assert platform.close_issue(DRIFT, "all is well") == url
    assert [one.state for one in github.issues] == ["closed", "closed", "open"]
    assert [one.body for one in github.comments(1)] == [f"{DRIFT}\nall is well"]
    assert platform.close_issue(DRIFT, "all is well") is None


def test_the_reason_is_told_once(github: FakeGithub) -> None:
    """Also where an answer was lost, or where somebody has opened the issue again."""
    platform = on_github(github)
    platform.open_issue(DRIFT, "drift", "a")
    github.spoil("PATCH *", Fault.DROP)
    github.spoil("POST *", Fault.LOSE)
    platform.close_issue(DRIFT, "all is well")
    github.issues[0].state = "open"
    platform.close_issue(DRIFT, "well again")
    assert [one.body for one in github.comments(1)] == [f"{DRIFT}\nwell again"]


def test_of_two_runs_that_both_open_one_the_first_stays(github: FakeGithub) -> None:
    """The other one is closed again, for none can be deleted."""
    github.spoil("POST *", lambda: github.open_issue("drift", f"{DRIFT}\ntheirs", BOT))
    on_github(github).open_issue(DRIFT, "drift", "ours")
    assert [(one.state, one.body) for one in github.issues] == [
        ("open", f"{DRIFT}\nours"),
        ("closed", f"{DRIFT}\nours"),
    ]


def test_an_issue_whose_answer_was_lost_is_not_opened_twice(github: FakeGithub) -> None:
    """It is looked for before the next try."""
    github.spoil("POST *", Fault.LOSE)
    on_github(github).open_issue(DRIFT, "drift", "a")
    assert len(github.issues) == 1


def test_a_token_without_the_right_is_told_which(github: FakeGithub) -> None:
    """As it stands in a workflow."""
    with pytest.raises(AccessDenied) as caught:
        on_github(github, token=github.token({"issues": "read"})).open_issue(DRIFT, "drift", "a")
    assert "permissions: issues: write" in (caught.value.hint or "")


def test_a_repository_without_issues_is_told(github: FakeGithub) -> None:
    """They can be switched off."""
    github.has_issues = False
    with pytest.raises(Refused, match="issues are switched off"):
        on_github(github).open_issue(DRIFT, "drift", "a")


def test_an_unknown_status_is_told(github: FakeGithub) -> None:
    """Without a word of what the answer says."""
    github.spoil("GET *", refusals._error(418, "canary").answer)
    with pytest.raises(Refused, match=r"refused it \(418\)") as caught:
        on_github(github).open_issue(DRIFT, "drift", "a")
    assert "canary" not in str(caught.value)
