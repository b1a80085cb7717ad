"""What a run says on GitLab, and asks there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ci_platforms import ARTIFACT, MARKER, on_gitlab
from conformance.fakes.forge import Fault
from conformance.fakes.gitlab import refusals
from conformance.fakes.gitlab.routes import LONGEST
from conformance.fakes.loopback import Answer

from syncer.ci.gitlab import api
from syncer.ci.platform import Pull
from syncer.errors import NotFound, Refused, StalePlan, Transient

if TYPE_CHECKING:
    from conformance.fakes.gitlab.fake import FakeGitlab
    from conformance.fakes.gitlab.world import Merge

DRIFT = "<!-- syncer:drift:syncer -->"
BOT = "project_7_bot_5f1c"
PLAN = b'{"changes": []}'
NOTES = "*/notes"


def bodies(gitlab: FakeGitlab, number: int = 1, kind: str = "merge_requests") -> list[str]:
    """Give what stands there."""
    return [one.body for one in gitlab.comments(number, kind)]


def pull_of(merge: Merge) -> Pull:
    """Give what the platform should make of one."""
    return Pull(number=merge.number, sha=merge.sha, url="", trusted=True)


def test_a_note_is_made_once(gitlab: FakeGitlab) -> None:
    """And changed ever after; GitLab does not say where it is, and we do."""
    merge = gitlab.open_merge()
    platform = on_gitlab(gitlab, merge)
    assert platform.comment(1, MARKER, "one", create=False) is None
    first = platform.comment(1, MARKER, "one")
    assert platform.comment(1, MARKER, "two") == first
    assert bodies(gitlab) == [f"{MARKER}\ntwo"]
    assert first == f"{gitlab.web}/-/merge_requests/1#note_{gitlab.comments(1)[0].number}"
    assert on_gitlab(gitlab, merge, CI_MERGE_REQUEST_PROJECT_URL="").comment(1, MARKER, "three") == ""


def test_a_note_is_found_on_later_pages(gitlab: FakeGitlab) -> None:
    """Be they where the server believes to be, or not: they are asked for where the first one was."""
    gitlab.believed = "https://gitlab.internal.example.com"
    gitlab.open_merge()
    platform = on_gitlab(gitlab)
    platform.comment(1, MARKER, "one")
    for number in range(230):
        gitlab.note(1, f"remark {number}")
    platform.comment(1, MARKER, "two")
    assert bodies(gitlab)[0] == f"{MARKER}\ntwo"
    assert len(bodies(gitlab)) == 231


def test_what_somebody_else_has_pasted_is_nothing_to_us(gitlab: FakeGitlab) -> None:
    """Nor what GitLab has written itself, in our name."""
    gitlab.open_merge()
    gitlab.note(1, f"{MARKER}\nmine", "mallory")
    gitlab.note(1, f"{MARKER}\nsystem", BOT, system=True)
    on_gitlab(gitlab).comment(1, MARKER, "one")
    assert bodies(gitlab)[2:] == [f"{MARKER}\none"]
    assert len(bodies(gitlab)) == 3


def test_what_was_deleted_meanwhile_is_made_anew(gitlab: FakeGitlab) -> None:
    """Between the look and the change."""
    gitlab.open_merge()
    platform = on_gitlab(gitlab)
    platform.comment(1, MARKER, "one")
    gitlab.spoil("PUT *", gitlab.all_notes.clear)
    platform.comment(1, MARKER, "two")
    assert bodies(gitlab) == [f"{MARKER}\ntwo"]


def test_of_two_runs_that_both_make_one_the_first_stays(gitlab: FakeGitlab) -> None:
    """Whoever came second takes away its own."""
    gitlab.open_merge()
    gitlab.spoil("POST *", lambda: gitlab.note(1, f"{MARKER}\ntheirs", BOT))
    on_gitlab(gitlab).comment(1, MARKER, "ours")
    assert bodies(gitlab) == [f"{MARKER}\nours"]


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.LOSE, Fault.CUT, refusals.UNAVAILABLE, refusals.BAD_GATEWAY])
@pytest.mark.parametrize("call", [f"GET {NOTES}", f"POST {NOTES}", "PUT *"])
def test_no_fault_that_passes_makes_a_second_one(gitlab: FakeGitlab, fault: Fault, call: str) -> None:
    """Whatever call it befalls, and for how many tries."""
    gitlab.open_merge()
    platform = on_gitlab(gitlab)
    gitlab.spoil(call, fault, times=2)
    platform.comment(1, MARKER, "one")
    platform.comment(1, MARKER, "two")
    assert bodies(gitlab) == [f"{MARKER}\ntwo"]
    gitlab.spoil("GET *", fault, times=3)
    with pytest.raises(Transient, match="the comment on merge request 1 of acme/shop: "):
        platform.comment(1, MARKER, "three")


def test_what_is_too_long_is_told(gitlab: FakeGitlab) -> None:
    """A million characters are taken."""
    gitlab.open_merge()
    platform = on_gitlab(gitlab)
    room = LONGEST - len(MARKER) - 1
    platform.comment(1, MARKER, "x" * room)
    with pytest.raises(Refused, match=r"longer than gitlab takes \(400\)"):
        platform.comment(1, MARKER, "x" * (room + 1))


def test_an_issue_is_opened_once_and_closed_with_a_reason(gitlab: FakeGitlab) -> None:
    """A closed one stays closed; what somebody else has opened is nothing to us."""
    gitlab.open_issue("drift", f"{DRIFT}\nmine", "mallory")
    gitlab.open_issue("no text", None, BOT)
    platform = on_gitlab(gitlab)
    url = platform.open_issue(DRIFT, "2 secrets drifted", "a, b")
    assert platform.open_issue(DRIFT, "1 secret drifted", "a") == url == f"{gitlab.web}/-/issues/3"
    assert (gitlab.issues[2].title, gitlab.issues[2].description) == ("1 secret drifted", f"{DRIFT}\na")
    assert platform.close_issue(DRIFT, "all is well") == url
    assert bodies(gitlab, 3, "issues") == [f"{DRIFT}\nall is well"]
    assert platform.close_issue(DRIFT, "all is well") is None
    platform.open_issue(DRIFT, "drift", "c")
    assert [one.state for one in gitlab.issues] == ["opened", "opened", "closed", "opened"]


def test_of_two_runs_that_both_open_an_issue_the_first_stays(gitlab: FakeGitlab) -> None:
    """The other one is closed again."""
    gitlab.spoil("POST *", lambda: gitlab.open_issue("drift", f"{DRIFT}\ntheirs", BOT))
    on_gitlab(gitlab).open_issue(DRIFT, "drift", "ours")
    assert [one.state for one in gitlab.issues] == ["opened", "closed"]


@pytest.mark.parametrize("squash", [True, False])
def test_a_merged_merge_request_is_found(gitlab: FakeGitlab, squash: bool) -> None:  # noqa: FBT001  # a parameter
    """By the commit that its target got from it; the one that was merged last."""
    first, second = gitlab.open_merge(), gitlab.open_merge("b")
    other = gitlab.merge(second, squash=squash)
    sha = gitlab.merge(first, squash=squash)
    second.commits.append(sha)
    url = f"{gitlab.web}/-/merge_requests/1"
    assert on_gitlab(gitlab).merged_pull(sha) == Pull(number=1, sha=first.sha, url=url, trusted=True)
    assert on_gitlab(gitlab, CI_COMMIT_BRANCH="release").merged_pull(other) is None
    assert on_gitlab(gitlab).merged_pull(gitlab.commit()) is None
    assert on_gitlab(gitlab).merged_pull(gitlab.open_merge().sha) is None
    assert on_gitlab(gitlab).pull_of_run() is None


@pytest.mark.parametrize("home", [8, None])
def test_a_merge_request_of_a_fork_is_not_trusted(gitlab: FakeGitlab, home: int | None) -> None:
    """Nor is one whose fork is gone."""
    merge = gitlab.open_merge(fork=8)
    merge.home = home
    found = on_gitlab(gitlab).merged_pull(gitlab.merge(merge))
    assert found
    assert not found.trusted


@pytest.mark.parametrize("elsewhere", [True, False])
def test_the_plan_of_a_merge_request_is_read(gitlab: FakeGitlab, elsewhere: bool) -> None:  # noqa: FBT001  # a parameter
    """The newest of its name, from a pipeline for its very head; from a storage that gets no token, or from GitLab."""
    gitlab.stores_elsewhere = elsewhere
    merge = gitlab.open_merge()
    gitlab.run_job(gitlab.run_pipeline(merge), ARTIFACT, b"old")
    pipeline = gitlab.run_pipeline(merge)
    gitlab.run_job(pipeline, ARTIFACT, b"older try")
    gitlab.run_job(pipeline, ARTIFACT, files={"prod/syncer-plan.json": PLAN, "junit.xml": b""})
    gitlab.run_job(pipeline, "syncer-plan-other", b"other")
    gitlab.run_job(pipeline)
    gitlab.run_job(gitlab.run_pipeline(merge, sha="e" * 40), ARTIFACT, b"another head's")
    gitlab.run_job(gitlab.run_pipeline(merge, project=8), ARTIFACT, b"a fork's")
    platform = on_gitlab(gitlab)
    assert platform.plan_artifact(pull_of(merge), ARTIFACT) == PLAN
    assert platform.plan_artifact(pull_of(merge), "syncer-plan-none") is None


def test_the_plan_of_a_merged_result_is_read(gitlab: FakeGitlab) -> None:
    """Its pipeline ran for a merge of the very head; one for a merge of another head does not count."""
    merge = gitlab.open_merge()
    platform = on_gitlab(gitlab)
    other = gitlab.run_pipeline(merge, sha=gitlab.commit("b" * 40, "e" * 40), ref="merge")
    gitlab.run_job(other, ARTIFACT, b"another head's")
    gitlab.run_job(gitlab.run_pipeline(merge, sha="d" * 40, ref="merge"), ARTIFACT, b"a forgotten merge's")
    assert platform.plan_artifact(pull_of(merge), ARTIFACT) is None
    pipeline = gitlab.run_pipeline(merge, sha=gitlab.commit("b" * 40, merge.sha), ref="merge")
    gitlab.run_job(pipeline, ARTIFACT, PLAN)
    assert platform.plan_artifact(pull_of(merge), ARTIFACT) == PLAN


def test_expired_artifacts_are_passed_over(gitlab: FakeGitlab) -> None:
    """GitLab goes on listing them for a while."""
    merge = gitlab.open_merge()
    platform = on_gitlab(gitlab)
    first = gitlab.run_job(gitlab.run_pipeline(merge), ARTIFACT, PLAN)
    gitlab.run_job(gitlab.run_pipeline(merge), ARTIFACT, b"expired").expired = True
    assert platform.plan_artifact(pull_of(merge), ARTIFACT) == PLAN
    first.expired = True
    assert platform.plan_artifact(pull_of(merge), ARTIFACT) is None


@pytest.mark.parametrize("elsewhere", [True, False])
def test_large_and_damaged_artifacts_are_told(
    gitlab: FakeGitlab,
    monkeypatch: pytest.MonkeyPatch,
    elsewhere: bool,  # noqa: FBT001  # a parameter
) -> None:
    """And read no further than to the limit."""
    gitlab.stores_elsewhere = elsewhere
    merge = gitlab.open_merge()
    platform = on_gitlab(gitlab)
    gitlab.run_job(gitlab.run_pipeline(merge), ARTIFACT, archive=b"x" * 1_000_000)
    with pytest.raises(StalePlan, match="cannot be unpacked"):
        platform.plan_artifact(pull_of(merge), ARTIFACT)
    monkeypatch.setattr("syncer.ci.download.LIMIT", 100_000)
    monkeypatch.setattr(api, "LIMIT", 100_000)
    with pytest.raises(StalePlan, match="larger than any plan"):
        platform.plan_artifact(pull_of(merge), ARTIFACT)


@pytest.mark.parametrize("elsewhere", [True, False])
@pytest.mark.parametrize("fault", [Fault.DROP, Fault.CUT, Answer(status=500)])
def test_a_download_that_fails_is_tried_again(gitlab: FakeGitlab, fault: Fault, elsewhere: bool) -> None:  # noqa: FBT001  # a parameter
    """Be it GitLab that fails or the storage."""
    gitlab.stores_elsewhere = elsewhere
    merge = gitlab.open_merge()
    gitlab.run_job(gitlab.run_pipeline(merge), ARTIFACT, PLAN)
    gitlab.spoil("GET /container/*" if elsewhere else "GET */artifacts", fault, times=2)
    assert on_gitlab(gitlab).plan_artifact(pull_of(merge), ARTIFACT) == PLAN


def test_a_project_that_is_not_there(gitlab: FakeGitlab) -> None:
    """GitLab does not tell a private project from none, and neither do we."""
    with pytest.raises(NotFound, match="or not for this token to see"):
        on_gitlab(gitlab, token=gitlab.token(sees=False)).merged_pull(gitlab.commit())
    with pytest.raises(NotFound, match="merge request 99 "):
        on_gitlab(gitlab).comment(99, MARKER, "one")


def test_a_project_is_found_by_its_path(gitlab: FakeGitlab) -> None:
    """Where nobody tells the id."""
    merge = gitlab.open_merge()
    gitlab.run_job(gitlab.run_pipeline(merge), ARTIFACT, PLAN)
    platform = on_gitlab(gitlab, CI_PROJECT_ID="")
    assert platform.comment(1, MARKER, "one")
    assert platform.plan_artifact(pull_of(merge), ARTIFACT) == PLAN
