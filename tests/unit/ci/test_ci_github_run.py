"""What a run on GitHub knows of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from conformance.fakes.github import payloads
from conformance.fakes.github.fake import FakeGithub
from conformance.fakes.github.world import DEPENDABOT

from syncer.ci.detect import detect
from syncer.ci.github.context import Trigger, context
from syncer.ci.run import Event
from syncer.errors import InvalidConfiguration

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.ci.run import Run


@pytest.fixture
def github() -> FakeGithub:
    """Have a repository that nobody calls; its sockets are closed at once."""
    made = FakeGithub()
    made._http.server_close()
    made._storage.server_close()
    return made


def run_of(github: FakeGithub, folder: Path, event: str, payload: dict[str, Any], **more: str) -> Run:
    """Tell of a run."""
    return detect(payloads.environment(github, folder, event, payload, **more)).run


def test_a_pull_request(github: FakeGithub, tmp_path: Path) -> None:
    """Its commit is the head of its branch, and its branch the one that it goes to."""
    issue = github.open_pull("feature", "release")
    run = detect(payloads.of_pull(github, tmp_path, issue)).run
    assert issue.pull
    assert (run.event, run.pull, run.sha, run.branch) == (Event.PULL_REQUEST, 1, issue.pull.sha, "release")
    assert run.trusted
    assert run.url == f"{github.documents.web}/acme/shop/actions/runs/42"


def test_a_pull_request_of_a_fork_is_not_trusted(github: FakeGithub, tmp_path: Path) -> None:
    """Nor is one whose fork is gone."""
    issue = github.open_pull(fork="mallory/shop")
    assert not detect(payloads.of_pull(github, tmp_path, issue)).run.trusted
    assert issue.pull
    issue.pull.home = None
    assert not detect(payloads.of_pull(github, tmp_path, issue)).run.trusted


def test_names_of_repositories_have_no_case(github: FakeGithub, tmp_path: Path) -> None:
    """A repository that is spelled otherwise is no fork."""
    issue = github.open_pull()
    payload = payloads.pull_request(github, issue)
    payload["pull_request"]["head"]["repo"]["full_name"] = "Acme/Shop"
    assert run_of(github, tmp_path, "pull_request", payload).trusted


@pytest.mark.parametrize(("author", "actor"), [(DEPENDABOT, "dev"), ("dev", DEPENDABOT), (DEPENDABOT, DEPENDABOT)])
def test_dependabot_is_not_trusted(github: FakeGithub, tmp_path: Path, author: str, actor: str) -> None:
    """Neither as the author of a pull request nor as who has pushed to one: it gets no secret."""
    issue = github.open_pull(user=author)
    assert not detect(payloads.of_pull(github, tmp_path, issue, actor=actor)).run.trusted


def test_a_push(github: FakeGithub, tmp_path: Path) -> None:
    """Its commit is the pushed one."""
    run = detect(payloads.of_push(github, tmp_path, "a" * 40)).run
    assert (run.event, run.pull, run.sha, run.branch, run.trusted) == (Event.PUSH, None, "a" * 40, "main", True)


def test_a_push_of_dependabot_is_not_trusted(github: FakeGithub, tmp_path: Path) -> None:
    """To a branch of its own, or by a merge that it was asked for."""
    assert not detect(payloads.of_push(github, tmp_path, "a" * 40, actor=DEPENDABOT)).run.trusted


def test_a_tag_is_no_branch(github: FakeGithub, tmp_path: Path) -> None:
    """Nothing was merged into it."""
    payload = payloads.push(github, "a" * 40)
    assert run_of(github, tmp_path, "push", payload, ref="refs/tags/v1").branch == ""


@pytest.mark.parametrize(
    ("name", "event"),
    [("schedule", Event.SCHEDULE), ("workflow_dispatch", Event.OTHER), ("issue_comment", Event.OTHER)],
)
def test_other_events(github: FakeGithub, tmp_path: Path, name: str, event: Event) -> None:
    """They run what is on the branch already."""
    run = run_of(github, tmp_path, name, payloads.schedule(github))
    assert (run.event, run.branch, run.trusted) == (event, "main", True)


def test_a_merge_group(github: FakeGithub, tmp_path: Path) -> None:
    """Its commit is the group's, its branch the one that the group goes to."""
    run = run_of(github, tmp_path, "merge_group", payloads.merge_group(github, "d" * 40))
    assert (run.event, run.sha, run.branch, run.trusted) == (Event.OTHER, "d" * 40, "main", True)


def test_the_end_of_another_run(github: FakeGithub, tmp_path: Path) -> None:
    """It knows which head that one was for, and trusts it as far as its repository."""
    ours, theirs = github.open_pull(), github.open_pull("patch", fork="mallory/shop")
    assert theirs.pull
    run = run_of(github, tmp_path, "workflow_run", payloads.workflow_run(github, ours))
    assert (run.event, run.trusted) == (Event.WORKFLOW_RUN, True)
    environ = payloads.environment(github, tmp_path, "workflow_run", payloads.workflow_run(github, theirs))
    found = context(environ)
    assert not found.run.trusted
    assert found.run.sha == theirs.pull.sha
    assert found.trigger == Trigger(head="mallory:patch", sha=theirs.pull.sha)


def test_the_end_of_a_run_whose_repository_is_gone(github: FakeGithub, tmp_path: Path) -> None:
    """No pull request can be looked for."""
    issue = github.open_pull(fork="mallory/shop")
    assert issue.pull
    issue.pull.home = None
    environ = payloads.environment(github, tmp_path, "workflow_run", payloads.workflow_run(github, issue))
    found = context(environ)
    assert (found.trigger, found.run.trusted) == (None, False)


def test_pull_request_target_is_refused(github: FakeGithub, tmp_path: Path) -> None:
    """Whatever its payload says: it has credentials, and a stranger's files."""
    payload = payloads.pull_request(github, github.open_pull())
    with pytest.raises(InvalidConfiguration, match="a stranger's manifest with your credentials") as caught:
        run_of(github, tmp_path, "pull_request_target", payload)
    assert "`workflow_run`" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("[]", "holds no object"),
        ("{}", "no `pull_request`"),
        ('{"pull_request": 7}', "no `pull_request`"),
        ('{"pull_request": {"head": {}}}', "no `pull_request.base`"),
        ('{"pull_request": {"head": {"repo": {}}, "base": {}}}', "no `pull_request.head.repo.full_name`"),
        ('{"pull_request": {"head": {"sha": ""}, "base": {"ref": "main"}}}', "no `pull_request.head.sha`"),
        (
            '{"pull_request": {"number": true, "head": {"sha": "a"}, "base": {"ref": "main"}}}',
            "no `pull_request.number`",
        ),
    ],
)
def test_an_event_that_cannot_be_used(github: FakeGithub, tmp_path: Path, text: str, why: str) -> None:
    """The error names the file's variable and what is missing."""
    environ = payloads.of_pull(github, tmp_path, github.open_pull())
    (tmp_path / "event.json").write_text(text)
    with pytest.raises(InvalidConfiguration, match=f"GITHUB_EVENT_PATH: .*{why}"):
        detect(environ)


def test_an_event_that_is_not_there(github: FakeGithub, tmp_path: Path) -> None:
    """On the platform there is always one; a container may not have it."""
    environ = payloads.of_pull(github, tmp_path, github.open_pull())
    (tmp_path / "event.json").unlink()
    with pytest.raises(InvalidConfiguration, match="cannot be read: No such file"):
        detect(environ)
    del environ["GITHUB_EVENT_PATH"]
    with pytest.raises(InvalidConfiguration, match="GITHUB_EVENT_PATH is not set"):
        detect(environ)


@pytest.mark.parametrize("name", ["", "shop", "acme/", "acme/shop/more", "acme/shop?x", "acme/sh op"])
def test_a_repository_that_is_none(name: str) -> None:
    """Without owner and name nobody can be asked."""
    with pytest.raises(InvalidConfiguration, match="GITHUB_REPOSITORY must be owner/name"):
        detect({"GITHUB_REPOSITORY": name}, "github")
