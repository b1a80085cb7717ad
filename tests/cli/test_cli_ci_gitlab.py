"""The commands for CI on GitLab: notes, jobs that left plans, issues, and outputs for the jobs that follow."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from cli.folder import GENERATE
from conformance.fakes.gitlab.fake import FakeGitlab

from syncer.ci.patience import Patience
from syncer.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.folder import Folder
    from conformance.fakes.gitlab.world import Merge


@pytest.fixture
def gitlab(syncer: Folder) -> Iterator[FakeGitlab]:
    """A project on GitLab, checked out in the folder, and a token of it."""
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "GITLAB_", "CI"))]:
        syncer.monkeypatch.delenv(name)
    hasty = Retry(attempts=2, sleep=lambda _seconds: None)
    syncer.monkeypatch.setattr("syncer.ci.gitlab.platform.Patience", lambda: Patience(retry=hasty, left=5.0))
    syncer.declare({"global:a": GENERATE, "payments:b": GENERATE})
    with FakeGitlab() as found:
        syncer.monkeypatch.setenv("GITLAB_TOKEN", found.token())
        syncer.monkeypatch.setenv("CI_PROJECT_DIR", str(syncer.path))
        syncer.monkeypatch.setenv("SYNCER_OUTPUT_FILE", str(syncer.path / "syncer.env"))
        yield found


def job(syncer: Folder, variables: dict[str, str], *arguments: str) -> tuple[int, dict[str, str]]:
    """Run a command as a job does, and give its exit code and outputs."""
    (syncer.path / "syncer.env").unlink(missing_ok=True)
    for name in [name for name in os.environ if name.startswith(("CI_MERGE", "CI_COMMIT"))]:
        syncer.monkeypatch.delenv(name)
    for name, text in variables.items():
        syncer.monkeypatch.setenv(name, text)
    code = syncer("ci", *arguments).code
    lines = (syncer.path / "syncer.env").read_text().splitlines()
    pairs = [line.partition("=") for line in lines]
    assert len({name for name, _, _ in pairs}) == len(pairs), "GitLab takes a variable once"
    return code, {name: text for name, _, text in pairs}


def planned(syncer: Folder, gitlab: FakeGitlab, merge: Merge) -> None:
    """Plan a merge request, and keep the plan."""
    code, told = job(syncer, gitlab.variables(merge), "plan", "--gitlab-report", "report.json")
    assert (code, told["SYNCER_TO_CREATE"], told["SYNCER_FAILURE_REASON"]) == (0, "2", "")
    plan = (syncer.path / "syncer-plan.json").read_bytes()
    gitlab.run_job(gitlab.run_pipeline(merge), "syncer-plan-syncer", plan)


def test_a_merge_request(syncer: Folder, gitlab: FakeGitlab) -> None:
    """Planned twice with one note, merged, applied as reviewed; the note tells."""
    merge = gitlab.open_merge()
    planned(syncer, gitlab, merge)
    planned(syncer, gitlab, merge)
    (note,) = gitlab.comments(merge.number)
    assert note.body.startswith("<!-- syncer:plan:syncer -->\n### Plan for `shop`: 2 to add")
    sha = gitlab.merge(merge)
    code, told = job(syncer, gitlab.variables(CI_COMMIT_SHA=sha), "apply")
    assert (code, told["SYNCER_SUMMARY"]) == (0, "Apply complete! Resources: 2 added, 0 changed, 0 destroyed.")
    assert "### Applied `shop`: 2 added" in gitlab.comments(merge.number)[0].body


def test_a_push_without_a_merge_request(syncer: Folder, gitlab: FakeGitlab) -> None:
    """Exit 7."""
    code, told = job(syncer, gitlab.variables(CI_COMMIT_SHA=gitlab.commit()), "apply")
    assert (code, told["SYNCER_FAILURE_REASON"]) == (7, "no-reviewed-plan")


def test_a_fork(syncer: Folder, gitlab: FakeGitlab) -> None:
    """Planned without anything; GitLab is not asked."""
    code, told = job(syncer, gitlab.variables(gitlab.open_merge(fork=9)), "plan")
    assert (code, told["SYNCER_CHANGES"]) == (0, "true")
    assert gitlab.log == []


def test_drift(syncer: Folder, gitlab: FakeGitlab) -> None:
    """One issue, closed when the drift is gone."""
    syncer.apply()
    syncer.disable("global:a")
    night = gitlab.variables(CI_PIPELINE_SOURCE="schedule", CI_COMMIT_SHA=gitlab.commit())
    code, told = job(syncer, night, "drift", "--issue")
    assert (code, told["SYNCER_FAILURE_REASON"]) == (2, "drift")
    (issue,) = gitlab.issues
    assert told["SYNCER_ISSUE_URL"].endswith(f"/issues/{issue.number}")
    syncer.apply()
    assert job(syncer, night, "drift", "--issue")[0] == 0
    assert [one.state for one in gitlab.issues] == ["closed"]
