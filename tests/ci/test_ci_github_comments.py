"""The comment of a marker on a pull request of GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ci_platforms import MARKER, Waits, on_github
from conformance.fakes.forge import Fault
from conformance.fakes.github import refusals
from conformance.fakes.github.routes import LONGEST

from syncer.errors import AccessDenied, NotFound, Refused, Transient

if TYPE_CHECKING:
    from conformance.fakes.github.fake import FakeGithub
    from conformance.fakes.github.world import Comment

CREATE = "POST */comments"


def bodies(github: FakeGithub, number: int = 1) -> list[str]:
    """Give what stands there."""
    return [one.body for one in github.comments(number)]


def test_a_comment_is_made_once(github: FakeGithub) -> None:
    """And changed ever after."""
    pull = github.open_pull()
    platform = on_github(github)
    first = platform.comment(pull.number, MARKER, "one")
    assert bodies(github) == [f"{MARKER}\none"]
    assert platform.comment(pull.number, MARKER, "two") == first
    assert bodies(github) == [f"{MARKER}\ntwo"]
    assert first == f"{github.documents.web}/acme/shop/pull/1#issuecomment-{github.comments(1)[0].number}"


def test_a_comment_is_not_made_where_there_is_none_to_change(github: FakeGithub) -> None:
    """But changed where there is one."""
    pull = github.open_pull()
    platform = on_github(github)
    assert platform.comment(pull.number, MARKER, "one", create=False) is None
    assert bodies(github) == []
    platform.comment(pull.number, MARKER, "one")
    assert platform.comment(pull.number, MARKER, "two", create=False) is not None
    assert bodies(github) == [f"{MARKER}\ntwo"]


def test_each_marker_has_its_own_comment(github: FakeGithub) -> None:
    """Also where the one begins as the other does."""
    pull = github.open_pull()
    platform = on_github(github)
    for label in ("a", "a.b", "b"):
        platform.comment(pull.number, f"<!-- syncer:plan:{label} -->", label)
    platform.comment(pull.number, "<!-- syncer:plan:a -->", "changed")
    assert [body.partition("\n")[2] for body in bodies(github)] == ["changed", "a.b", "b"]


def test_a_comment_is_found_on_the_last_of_many_pages(github: FakeGithub) -> None:
    """However much was said before."""
    pull = github.open_pull()
    for number in range(230):
        github.comment(pull.number, f"remark {number}")
    platform = on_github(github)
    platform.comment(pull.number, MARKER, "one")
    github.comment(pull.number, "more")
    platform.comment(pull.number, MARKER, "two")
    assert len(bodies(github)) == 232
    assert bodies(github)[230] == f"{MARKER}\ntwo"
    assert [one.query for one in github.log if one.method == "GET" and "page=3" in one.query]


def test_the_oldest_of_several_is_changed(github: FakeGithub) -> None:
    """Two runs may have made one each, in an older release; the others are left alone."""
    pull = github.open_pull()
    bot = "github-actions[bot]"
    github.comment(pull.number, f"{MARKER}\nfirst", bot)
    github.comment(pull.number, f"{MARKER}\nsecond", bot)
    on_github(github).comment(pull.number, MARKER, "new")
    assert bodies(github) == [f"{MARKER}\nnew", f"{MARKER}\nsecond"]


@pytest.mark.parametrize("user", ["mallory", None])
def test_what_somebody_else_has_pasted_is_nothing_to_us(github: FakeGithub, user: str | None) -> None:
    """It is neither changed nor taken for ours."""
    pull = github.open_pull()
    github.comment(pull.number, f"{MARKER}\napproved, go on", user)
    on_github(github).comment(pull.number, MARKER, "one")
    assert bodies(github) == [f"{MARKER}\napproved, go on", f"{MARKER}\none"]


@pytest.mark.parametrize("text", [f"> {MARKER}\nquoted", f" {MARKER}", f"{MARKER}x", f"text\n{MARKER}", ""])
def test_the_marker_is_the_first_line(github: FakeGithub, text: str) -> None:
    """Whoever quotes it, be it a bot, is not us."""
    pull = github.open_pull()
    github.comment(pull.number, text, "github-actions[bot]")
    on_github(github).comment(pull.number, MARKER, "one")
    assert bodies(github) == [text, f"{MARKER}\none"]


def test_lines_may_end_as_browsers_end_them(github: FakeGithub) -> None:
    """Somebody has edited our comment by hand."""
    pull = github.open_pull()
    github.comment(pull.number, f"{MARKER}\r\nedited", "github-actions[bot]")
    on_github(github).comment(pull.number, MARKER, "one")
    assert bodies(github) == [f"{MARKER}\none"]


def test_a_person_s_token_finds_that_person_s_comment(github: FakeGithub) -> None:
    """And leaves those of bots alone, for GitHub says who it is."""
    pull = github.open_pull()
    github.comment(pull.number, f"{MARKER}\na bot's", "github-actions[bot]")
    platform = on_github(github, token=github.token(user="release-team"))
    platform.comment(pull.number, MARKER, "one")
    platform.comment(pull.number, MARKER, "two")
    assert bodies(github) == [f"{MARKER}\na bot's", f"{MARKER}\ntwo"]


def test_an_app_s_token_counts_any_bot_as_ours(github: FakeGithub) -> None:
    """GitHub does not say to it who it is."""
    pull = github.open_pull()
    platform = on_github(github, token=github.token(user="acme-deploy[bot]"))
    platform.comment(pull.number, MARKER, "one")
    platform.comment(pull.number, MARKER, "two")
    assert bodies(github) == [f"{MARKER}\ntwo"]


def test_what_was_deleted_meanwhile_is_made_anew(github: FakeGithub) -> None:
    """Between the look and the change."""
    pull = github.open_pull()
    platform = on_github(github)
    platform.comment(pull.number, MARKER, "one")
    github.spoil("PATCH *", github.all_comments.clear)
    assert platform.comment(pull.number, MARKER, "two") is not None
    assert bodies(github) == [f"{MARKER}\ntwo"]


def test_what_is_never_there_to_be_changed_is_an_error(github: FakeGithub) -> None:
    """It does not look for ever."""
    pull = github.open_pull()
    platform = on_github(github)
    platform.comment(pull.number, MARKER, "one")
    github.spoil("PATCH *", refusals.NOT_FOUND.answer, times=99)
    with pytest.raises(NotFound):
        platform.comment(pull.number, MARKER, "two")


def test_of_two_runs_that_both_make_one_the_first_stays(github: FakeGithub) -> None:
    """Whoever came second changes the first one's, and takes away its own."""
    pull = github.open_pull()
    github.spoil(CREATE, lambda: github.comment(pull.number, f"{MARKER}\ntheirs", "github-actions[bot]"))
    url = on_github(github).comment(pull.number, MARKER, "ours")
    assert bodies(github) == [f"{MARKER}\nours"]
    assert url
    assert url.endswith(str(github.comments(1)[0].number))


def test_whoever_came_first_keeps_what_it_made(github: FakeGithub) -> None:
    """The other one will see it."""
    pull = github.open_pull()
    github.spoil("GET */comments", lambda: github.comment(1, f"{MARKER}\ntheirs", "github-actions[bot]"), after=1)
    on_github(github).comment(pull.number, MARKER, "ours")
    assert bodies(github) == [f"{MARKER}\nours", f"{MARKER}\ntheirs"]


def test_the_first_may_be_gone_again(github: FakeGithub) -> None:
    """Then ours stays."""
    pull = github.open_pull()
    made: list[Comment] = []
    github.spoil(CREATE, lambda: made.append(github.comment(1, f"{MARKER}\ntheirs", "github-actions[bot]")))
    github.spoil("PATCH *", lambda: github.all_comments.pop(made[0].number))
    on_github(github).comment(pull.number, MARKER, "ours")
    assert bodies(github) == [f"{MARKER}\nours"]


def test_a_comment_whose_answer_was_lost_is_not_made_twice(github: FakeGithub) -> None:
    """It is looked for before the next try."""
    pull = github.open_pull()
    github.spoil(CREATE, Fault.LOSE)
    on_github(github).comment(pull.number, MARKER, "one")
    assert bodies(github) == [f"{MARKER}\none"]
    assert github.names().count(f"POST /repos/acme/shop/issues/{pull.number}/comments") == 1


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.LOSE, Fault.CUT, refusals.UNAVAILABLE, refusals.UNICORN])
@pytest.mark.parametrize("call", ["GET */comments", CREATE, "PATCH *"])
def test_no_fault_that_passes_makes_a_second_one(github: FakeGithub, fault: Fault, call: str) -> None:
    """Whatever call it befalls, and for how many tries."""
    pull = github.open_pull()
    platform = on_github(github)
    github.spoil(call, fault, times=2)
    platform.comment(pull.number, MARKER, "one")
    platform.comment(pull.number, MARKER, "two")
    assert bodies(github) == [f"{MARKER}\ntwo"]


def test_a_fault_that_stays_is_told(github: FakeGithub) -> None:
    """After as many tries as there are, and with pauses that only patience makes."""
    pull = github.open_pull()
    waits = Waits(github)
    github.spoil("GET *", refusals.UNAVAILABLE, times=99)
    with pytest.raises(
        Transient, match=r"the comment on pull request 1 of acme/shop: github at http\S+ failed \(503\)"
    ):
        on_github(github, patience=waits.patience()).comment(pull.number, MARKER, "one")
    assert len(github.log) == 3
    assert len(waits.slept) == 2


def test_a_token_without_the_right_is_told_which(github: FakeGithub) -> None:
    """As it stands in a workflow."""
    pull = github.open_pull()
    token = github.token({"pull-requests": "read"})
    with pytest.raises(AccessDenied) as caught:
        on_github(github, token=token).comment(pull.number, MARKER, "one")
    assert "does not let the token do it (403)" in caught.value.message
    assert "permissions: pull-requests: write" in (caught.value.hint or "")


def test_a_token_that_sees_nothing_is_told_so(github: FakeGithub) -> None:
    """GitHub does not tell a private repository from none, and neither do we."""
    pull = github.open_pull()
    with pytest.raises(NotFound, match="or not for this token to see"):
        on_github(github, token=github.token(sees=False)).comment(pull.number, MARKER, "one")
    with pytest.raises(NotFound, match="pull request 99 "):
        on_github(github).comment(99, MARKER, "one")


def test_a_token_that_github_does_not_know(github: FakeGithub) -> None:
    """It is expired, or of another server."""
    pull = github.open_pull()
    with pytest.raises(AccessDenied, match=r"does not know the token \(401\)") as caught:
        on_github(github, token="ghs_unknown").comment(pull.number, MARKER, "one")
    assert "GITHUB_TOKEN expired" in (caught.value.hint or "")


def test_what_is_too_long_is_told(github: FakeGithub) -> None:
    """65,536 characters are taken, the marker among them."""
    pull = github.open_pull()
    platform = on_github(github)
    room = LONGEST - len(MARKER) - 1
    platform.comment(pull.number, MARKER, "\u20ac" * room)
    with pytest.raises(Refused, match=r"longer than github takes \(422\)"):
        platform.comment(pull.number, MARKER, "\u20ac" * (room + 1))


def test_a_place_that_takes_nothing_is_told(github: FakeGithub) -> None:
    """A locked conversation, an archived repository."""
    pull = github.open_pull()
    pull.locked = True
    with pytest.raises(AccessDenied, match="conversation is locked"):
        on_github(github).comment(pull.number, MARKER, "one")
    github.archived = True
    with pytest.raises(AccessDenied, match="archived"):
        on_github(github).comment(pull.number, MARKER, "one")
