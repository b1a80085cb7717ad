"""Pull requests of GitHub, and the plans in their artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ci_platforms import ARTIFACT, Waits, on_github
from conformance.fakes.forge import Fault
from conformance.fakes.github import payloads
from conformance.fakes.loopback import Answer

from syncer.ci import archive, download
from syncer.ci.detect import detect
from syncer.ci.platform import Pull
from syncer.errors import AccessDenied, BackendError, InvalidConfiguration, Refused, StalePlan, Transient

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.fakes.github.fake import FakeGithub
    from conformance.fakes.github.world import Issue

PLAN = b'{"changes": []}'


def pull_of(issue: Issue, *, trusted: bool = True) -> Pull:
    """Give what the platform should make of one."""
    assert issue.pull
    return Pull(number=issue.number, sha=issue.pull.sha, url="", trusted=trusted)


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_merged_pull_request_is_found(github: FakeGithub, method: str) -> None:
    """By the commit that its branch got from it, however it was merged; its head is the one that was reviewed."""
    issue = github.open_pull()
    assert issue.pull
    head = issue.pull.sha
    found = on_github(github).merged_pull(github.merge(issue, method))
    web = f"{github.documents.web}/acme/shop/pull/1"
    assert found == Pull(number=1, sha=head, url=web, trusted=True)


def test_only_what_was_merged_into_this_branch_counts(github: FakeGithub) -> None:
    """Not what is open, was closed, or went to another branch."""
    platform = on_github(github)
    sha = "e" * 40
    github.open_pull("a", sha=sha)
    github.close(github.open_pull("b", sha=sha))
    github.merge(github.open_pull("c", "release", sha=sha))
    assert platform.merged_pull(sha) is None


def test_a_commit_that_nobody_has_reviewed(github: FakeGithub) -> None:
    """It was pushed to the branch."""
    assert on_github(github).merged_pull(github.commit()) is None
    with pytest.raises(Refused, match=r"\(422\)"):
        on_github(github).merged_pull("f" * 40)


def test_the_newest_of_several_counts(github: FakeGithub) -> None:
    """A commit may have come by several; the one that was merged last, not the one with the highest number."""
    first, second = github.open_pull("a"), github.open_pull("b")
    assert first.pull
    github.merge(second, sha="e" * 40)
    github.merge(first, sha="e" * 40)
    found = on_github(github).merged_pull("e" * 40)
    assert found
    assert found.number == first.number


def test_a_merged_pull_request_of_a_fork_is_not_trusted(github: FakeGithub) -> None:
    """Nor is one whose fork is gone."""
    issue = github.open_pull(fork="mallory/shop")
    sha = github.merge(issue)
    found = on_github(github).merged_pull(sha)
    assert found
    assert not found.trusted
    assert issue.pull
    issue.pull.home = None
    assert on_github(github).merged_pull(sha) == found


def of_run(github: FakeGithub, folder: Path, issue: Issue) -> Pull | None:
    """Find the pull request of the run that an event tells of."""
    payload = payloads.workflow_run(github, issue)
    environ = payloads.environment(github, folder, "workflow_run", payload, token=github.token())
    return detect(environ, patience=Waits(github).patience()).pull_of_run()


def test_the_pull_request_of_a_run_is_found(github: FakeGithub, tmp_path: Path) -> None:
    """Also a fork's, which the event does not name."""
    github.open_pull("patch")
    issue = github.open_pull("patch", fork="mallory/shop")
    found = of_run(github, tmp_path, issue)
    assert found
    assert (found.number, found.trusted) == (issue.number, False)


def test_a_pull_request_that_has_moved_on_is_not_the_run_s(github: FakeGithub, tmp_path: Path) -> None:
    """Its plan is another one; nor is one that was closed."""
    issue = github.open_pull()
    assert issue.pull
    payload = payloads.workflow_run(github, issue)
    github.push(issue)
    environ = payloads.environment(github, tmp_path, "workflow_run", payload, token=github.token())
    assert detect(environ).pull_of_run() is None
    github.close(issue)
    assert of_run(github, tmp_path, issue) is None


def test_another_event_has_no_such_pull_request(github: FakeGithub) -> None:
    """And asks nobody."""
    assert on_github(github).pull_of_run() is None
    assert github.log == []


def test_the_plan_of_a_pull_request_is_read(github: FakeGithub) -> None:
    """The newest of its name, made for its very head."""
    issue = github.open_pull()
    pull = pull_of(issue)
    github.upload_artifact(ARTIFACT, b"old", sha=pull.sha)
    github.upload_artifact(ARTIFACT, PLAN, sha=pull.sha)
    github.upload_artifact("syncer-plan-other", b"other", sha=pull.sha)
    github.upload_artifact(ARTIFACT, b"another head's", sha="e" * 40)
    github.upload_artifact(ARTIFACT, b"expired", sha=pull.sha, expired=True)
    assert on_github(github).plan_artifact(pull, ARTIFACT) == PLAN


def test_a_plan_is_found_on_later_pages(github: FakeGithub) -> None:
    """Behind those of other heads."""
    pull = pull_of(github.open_pull())
    github.upload_artifact(ARTIFACT, PLAN, sha=pull.sha)
    for _ in range(150):
        github.upload_artifact(ARTIFACT, b"another head's", sha="e" * 40)
    assert on_github(github).plan_artifact(pull, ARTIFACT) == PLAN


def test_a_plan_that_is_not_there(github: FakeGithub) -> None:
    """Never, no more, or gone between the list and the download."""
    pull = pull_of(github.open_pull())
    platform = on_github(github)
    assert platform.plan_artifact(pull, ARTIFACT) is None
    made = github.upload_artifact(ARTIFACT, PLAN, sha=pull.sha)
    github.spoil("GET *zip", lambda: setattr(made, "expired", True))
    assert platform.plan_artifact(pull, ARTIFACT) is None
    assert platform.plan_artifact(pull, ARTIFACT) is None


def test_a_fork_s_run_leaves_no_plan_for_one_of_our_branches(github: FakeGithub) -> None:
    """Though a fork can have the very same commit."""
    issue = github.open_pull()
    pull = pull_of(issue)
    github.upload_artifact(ARTIFACT, b"theirs", sha=pull.sha, home="mallory/shop")
    assert on_github(github).plan_artifact(pull, ARTIFACT) is None
    assert on_github(github).plan_artifact(pull_of(issue, trusted=False), ARTIFACT) == b"theirs"


def test_the_token_does_not_go_to_the_storage(github: FakeGithub) -> None:
    """Which refuses it; a wrong signature is refused too, and asked for again."""
    pull = pull_of(github.open_pull())
    github.upload_artifact(ARTIFACT, PLAN, sha=pull.sha)
    github.spoil("GET *zip", lambda: None)
    github.spoil("GET /container/*", Answer(status=403))
    assert on_github(github).plan_artifact(pull, ARTIFACT) == PLAN
    assert github.names().count("GET /repos/acme/shop/actions/artifacts/5000/zip") == 2


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.CUT, Answer(status=500), Answer(status=404)])
def test_a_storage_that_fails_is_asked_again(github: FakeGithub, fault: Fault) -> None:
    """And told of where it goes on."""
    pull = pull_of(github.open_pull())
    github.upload_artifact(ARTIFACT, PLAN, sha=pull.sha)
    platform = on_github(github)
    github.spoil("GET /container/*", fault, times=2)
    assert platform.plan_artifact(pull, ARTIFACT) == PLAN
    github.spoil("GET /container/*", fault, times=3)
    with pytest.raises(Transient, match=f"the artifact {ARTIFACT} of pull request 1: "):
        platform.plan_artifact(pull, ARTIFACT)


@pytest.mark.parametrize(
    "url", ["http://storage.example.com/x", "ftp://127.0.0.1/x", "/relative", "file:///etc/passwd"]
)
def test_a_download_from_nowhere_safe_is_refused(github: FakeGithub, url: str) -> None:
    """Plans do not travel in the clear."""
    pull = pull_of(github.open_pull())
    github.upload_artifact(ARTIFACT, PLAN, sha=pull.sha)
    github.redirect = url
    with pytest.raises(BackendError, match="where nobody should read a plan"):
        on_github(github).plan_artifact(pull, ARTIFACT)


def test_an_artifact_without_a_redirection_is_told(github: FakeGithub) -> None:
    """It is not what GitHub does."""
    pull = pull_of(github.open_pull())
    github.upload_artifact(ARTIFACT, PLAN, sha=pull.sha)
    github.spoil("GET *zip", Answer(body=b"PK"))
    with pytest.raises(BackendError, match="cannot be read"):
        on_github(github).plan_artifact(pull, ARTIFACT)


def test_an_artifact_that_holds_no_plan(github: FakeGithub) -> None:
    """It is told, and never taken for a missing one."""
    pull = pull_of(github.open_pull())
    platform = on_github(github)
    github.upload_artifact(ARTIFACT, sha=pull.sha, archive=b"no archive")
    with pytest.raises(StalePlan, match="cannot be unpacked"):
        platform.plan_artifact(pull, ARTIFACT)
    github.upload_artifact(ARTIFACT, sha=pull.sha, files={"readme": b""})
    with pytest.raises(StalePlan, match="holds no syncer-plan"):
        platform.plan_artifact(pull, ARTIFACT)


def test_a_large_artifact_is_not_downloaded(github: FakeGithub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor read further than to the limit where GitHub tells a lie about its size."""
    pull = pull_of(github.open_pull())
    github.upload_artifact(ARTIFACT, PLAN, sha=pull.sha, size=archive.LIMIT + 1)
    platform = on_github(github)
    with pytest.raises(StalePlan, match="larger than any plan"):
        platform.plan_artifact(pull, ARTIFACT)
    assert not [name for name in github.names() if name.endswith("zip")]
    monkeypatch.setattr(download, "LIMIT", 100_000)
    github.upload_artifact(ARTIFACT, sha=pull.sha, archive=b"x" * 1_000_000, size=10)
    with pytest.raises(StalePlan, match="larger than any plan"):
        platform.plan_artifact(pull, ARTIFACT)


@pytest.mark.parametrize("rights", [{"pull-requests": "read"}, {}])
def test_a_token_without_the_right_is_told_which(github: FakeGithub, rights: dict[str, str]) -> None:
    """As it stands in a workflow."""
    pull = pull_of(github.open_pull())
    platform = on_github(github, token=github.token(rights))
    with pytest.raises(AccessDenied) as caught:
        platform.plan_artifact(pull, ARTIFACT)
    assert "permissions: actions: read" in (caught.value.hint or "")
    if not rights:
        with pytest.raises(AccessDenied) as caught:
            platform.merged_pull(pull.sha)
        assert "permissions: pull-requests: read" in (caught.value.hint or "")


def test_an_environment_without_a_token_is_told(github: FakeGithub) -> None:
    """With the line that a step needs."""
    with pytest.raises(InvalidConfiguration, match="GITHUB_TOKEN or GH_TOKEN must hold a token") as caught:
        on_github(github, token="").merged_pull("a")
    assert "env: GITHUB_TOKEN:" in (caught.value.hint or "")
    assert on_github(github, token="", GH_TOKEN=github.token()).merged_pull(github.commit()) is None
