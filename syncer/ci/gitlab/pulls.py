"""Merge requests, and the plans that were made for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.ci.archive import plan_in
from syncer.ci.failures import Asked
from syncer.ci.gitlab.posts import REPORTER
from syncer.ci.platform import Pull
from syncer.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitlab.base import RESTObject

    from syncer.ci.gitlab.api import Api


def merged(api: Api, sha: str, branch: str) -> Pull | None:
    """Find the newest merged one that brought a commit to a branch, however it was merged.

    https://docs.gitlab.com/api/commits/#list-all-merge-requests-associated-with-a-commit
    """
    asked = Asked(thing=f"the merge request that brought {sha[:12]} to {branch}", right=REPORTER)
    commit = api.project.commits.get(sha, lazy=True)
    found = api.ask(
        asked,
        lambda: [
            (one["merged_at"] or "", _pull(one))
            for one in commit.merge_requests(get_all=True)
            if one["state"] == "merged" and one["target_branch"] == branch
        ],
    )
    newest = max(found, key=lambda one: (one[0], one[1].number), default=None)
    return newest and newest[1]


def _pull(found: dict[str, object]) -> Pull:
    return Pull(
        number=int(str(found["iid"])),
        sha=str(found["sha"]),
        url=str(found["web_url"]),
        trusted=found["source_project_id"] is not None and found["source_project_id"] == found["target_project_id"],
    )


def plan(api: Api, pull: Pull, name: str) -> bytes | None:
    """Read the plan in the newest artifacts of that name that a pipeline for exactly this head has left.

    `artifacts:name` names them. Pipelines that a fork has run in its own project are not looked at.

    https://docs.gitlab.com/api/merge_requests/#list-all-pipelines-for-a-merge-request
    https://docs.gitlab.com/api/jobs/#list-all-jobs-by-pipeline
    """
    asked = Asked(thing=f"the artifact {name} of merge request {pull.number}", right=REPORTER)
    for job in api.ask(asked, lambda: list(_jobs(api, asked, pull, name))):
        try:
            return plan_in(api.archive(job, name, asked), name)
        except NotFound:  # expired since
            continue
    return None


def _jobs(api: Api, asked: Asked, pull: Pull, name: str) -> Iterator[int]:
    """Name the jobs that have left such artifacts, the newest first."""
    pipelines = api.project.mergerequests.get(pull.number, lazy=True).pipelines.list(get_all=True)
    for pipeline in sorted(pipelines, key=lambda one: one.id, reverse=True):
        if not _is_of(api, asked, pipeline, pull):
            continue
        jobs = api.project.pipelines.get(pipeline.id, lazy=True).jobs.list(get_all=True)
        yield from sorted((job.id for job in jobs if _left(job, name)), reverse=True)


def _is_of(api: Api, asked: Asked, pipeline: RESTObject, pull: Pull) -> bool:
    """Whether it ran in this project, for the head itself or for a merge of it that nobody had made yet."""
    at_home = str(pipeline.project_id) == api.identity or not api.identity.isdecimal()
    if not at_home or pipeline.sha == pull.sha:
        return at_home
    if pipeline.ref not in {f"refs/merge-requests/{pull.number}/{kind}" for kind in ("merge", "train")}:
        return False
    try:
        return pull.sha in api.ask(asked, lambda: api.project.commits.get(pipeline.sha).parent_ids)
    except NotFound:  # such a merge is forgotten in time
        return False


def _left(job: RESTObject, name: str) -> bool:
    archive = job.attributes.get("artifacts_file")
    return archive is not None and archive.get("filename") == f"{name}.zip"
