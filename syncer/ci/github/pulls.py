"""Pull requests, and the plans that were made for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.ci.archive import LIMIT, plan_in, too_large
from syncer.ci.download import download
from syncer.ci.failures import Asked
from syncer.ci.platform import Pull
from syncer.errors import NotFound

if TYPE_CHECKING:
    from github.Artifact import Artifact
    from github.PullRequest import PullRequest

    from syncer.ci.github.api import Api
    from syncer.ci.github.context import Trigger

_PULLS = "permissions: pull-requests: read"
_ACTIONS = "permissions: actions: read"


def merged(api: Api, sha: str, branch: str) -> Pull | None:
    """Find the newest merged one that brought a commit to a branch, however it was merged.

    https://docs.github.com/en/rest/commits/commits#list-pull-requests-associated-with-a-commit
    """
    asked = Asked(thing=f"the pull request that brought {sha[:12]} to {branch}", right=_PULLS)
    listed = api.repository.get_commit(sha).get_pulls()
    # Not `merged`, which stands in no list: each would be asked for again.
    found = api.ask(
        asked,
        lambda: [(one.merged_at, _pull(one, api.name)) for one in listed if one.merged_at and one.base.ref == branch],
    )
    newest = max(found, key=lambda one: (one[0], one[1].number), default=None)
    return newest and newest[1]


def of_run(api: Api, trigger: Trigger) -> Pull | None:
    """Find the newest open one whose head made a run."""
    asked = Asked(thing=f"the pull request of {trigger.head}", right=_PULLS)
    listed = api.repository.get_pulls(state="open", head=trigger.head)
    found = api.ask(asked, lambda: [_pull(one, api.name) for one in listed if one.head.sha == trigger.sha])
    return max(found, key=lambda pull: pull.number, default=None)


def _pull(found: PullRequest, repository: str) -> Pull:
    home = found.head.repo  # none once a fork is gone
    return Pull(
        number=found.number,
        sha=found.head.sha,
        url=found.html_url,
        trusted=home is not None and home.full_name.lower() == repository.lower(),
    )


def plan(api: Api, pull: Pull, name: str) -> bytes | None:
    """Read the plan in the newest artifact of that name that a run for exactly this head has left.

    https://docs.github.com/en/rest/actions/artifacts
    """
    asked = Asked(thing=f"the artifact {name} of pull request {pull.number}", right=_ACTIONS)
    listed = api.repository.get_artifacts(name=name)
    found = api.ask(asked, lambda: [one for one in listed if one.name == name and _is_of(one, pull)])
    newest = max(found, key=lambda one: one.id, default=None)
    if newest is None:
        return None
    if newest.size_in_bytes > LIMIT:
        raise too_large(name)
    try:
        url = api.signed(f"actions/artifacts/{newest.id}/zip", asked)
    except NotFound:  # expired since
        return None
    return plan_in(download(url, name, asked, api.site), name)


def _is_of(artifact: Artifact, pull: Pull) -> bool:
    """Whether it can still be read and comes from a run for the head; one of our own branches has none from a fork."""
    run = artifact.raw_data.get("workflow_run") or {}
    at_home = run.get("head_repository_id") == run.get("repository_id")
    return not artifact.expired and run.get("head_sha") == pull.sha and (at_home or not pull.trusted)
