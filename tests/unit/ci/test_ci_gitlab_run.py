"""What a job on GitLab knows of itself."""

from __future__ import annotations

import pytest

from syncer.ci.detect import detect
from syncer.ci.run import Event
from syncer.errors import InvalidConfiguration

PROJECT = {
    "GITLAB_CI": "true",
    "CI_PROJECT_ID": "7",
    "CI_PROJECT_PATH": "acme/shop",
    "CI_COMMIT_SHA": "a" * 40,
    "CI_JOB_URL": "https://gitlab.example.com/acme/shop/-/jobs/1",
}
MERGE = {
    **PROJECT,
    "CI_PIPELINE_SOURCE": "merge_request_event",
    "CI_MERGE_REQUEST_IID": "3",
    "CI_MERGE_REQUEST_PROJECT_ID": "7",
    "CI_MERGE_REQUEST_PROJECT_PATH": "acme/shop",
    "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "7",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
}


def test_a_merge_request() -> None:
    """Its branch is the one that it goes to."""
    run = detect(MERGE).run
    assert (run.event, run.pull, run.sha, run.branch) == (Event.PULL_REQUEST, 3, "a" * 40, "main")
    assert run.trusted
    assert (run.url, run.repository) == (PROJECT["CI_JOB_URL"], "acme/shop")


def test_a_pipeline_for_merged_results() -> None:
    """The commit is the head of the branch, not the merge that the pipeline runs for."""
    assert detect({**MERGE, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "b" * 40}).run.sha == "b" * 40


@pytest.mark.parametrize(
    "ids",
    [
        {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "8"},
        {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "8", "CI_PROJECT_ID": "8"},
        {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": ""},
        {"CI_PROJECT_ID": "8"},
    ],
)
def test_a_merge_request_of_a_fork_is_not_trusted(ids: dict[str, str]) -> None:
    """In the parent project as little as in its own; nor is one whose fork is gone."""
    run = detect({**MERGE, **ids}).run
    assert not run.trusted
    assert run.repository == "acme/shop"


@pytest.mark.parametrize(
    ("source", "event"), [("push", Event.PUSH), ("schedule", Event.SCHEDULE), ("web", Event.OTHER), ("", Event.OTHER)]
)
def test_other_pipelines(source: str, event: Event) -> None:
    """They run what is on a branch already."""
    run = detect({**PROJECT, "CI_PIPELINE_SOURCE": source, "CI_COMMIT_BRANCH": "main"}).run
    assert (run.event, run.pull, run.sha, run.branch, run.trusted) == (event, None, "a" * 40, "main", True)


def test_a_pipeline_for_a_tag_has_no_branch() -> None:
    """Nothing was merged into it."""
    assert detect({**PROJECT, "CI_PIPELINE_SOURCE": "push"}).run.branch == ""


def test_a_job_without_a_project_is_refused() -> None:
    """The error names the variable."""
    with pytest.raises(InvalidConfiguration, match="CI_PROJECT_ID is not set"):
        detect({"GITLAB_CI": "true"})
    with pytest.raises(InvalidConfiguration, match="CI_MERGE_REQUEST_PROJECT_ID is not set"):
        detect({"GITLAB_CI": "true", "CI_MERGE_REQUEST_IID": "3"})
    with pytest.raises(InvalidConfiguration, match="CI_MERGE_REQUEST_IID is no number"):
        detect({**MERGE, "CI_MERGE_REQUEST_IID": "three"})
