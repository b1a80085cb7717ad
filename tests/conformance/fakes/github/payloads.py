"""What a runner tells a job: its environment, and the file of its event.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.fakes.github.fake import FakeGithub
    from conformance.fakes.github.world import Issue

Payload = dict[str, Any]
MERGE_SHA = "c" * 40
"""What GITHUB_SHA is in a run for a pull request: a merge that nobody has made yet."""


def pull_request(github: FakeGithub, issue: Issue, action: str = "synchronize", sender: str = "dev") -> Payload:
    """Tell of a pull request."""
    assert issue.pull
    return {
        "action": action,
        "number": issue.number,
        "pull_request": {**github.documents.pull(issue, issue.pull), "merged": False},
        **_common(github, sender),
    }


def push(github: FakeGithub, sha: str, branch: str = "main", sender: str = "dev") -> Payload:
    """Tell of commits that were pushed, the last of which is `sha`."""
    return {
        "ref": f"refs/heads/{branch}",
        "before": "0" * 40,
        "after": sha,
        "created": False,
        "deleted": False,
        "forced": False,
        "head_commit": {"id": sha},
        "commits": [{"id": sha}],
        **_common(github, sender),
    }


def workflow_run(github: FakeGithub, issue: Issue, sender: str = "dev") -> Payload:
    """Tell of the end of a run that a pull request has made."""
    assert issue.pull
    home = issue.pull.home
    return {
        "action": "completed",
        "workflow_run": {
            "id": 41,  # before the run that this event sets off
            "name": "plan",
            "event": "pull_request",
            "status": "completed",
            "conclusion": "success",
            "head_branch": issue.pull.head,
            "head_sha": issue.pull.sha,
            "head_repository": None if home is None else github.documents.repository(home),
            "repository": github.documents.repository(github.repository),
            "actor": github.documents.user(github.user(sender)),
            "pull_requests": [],  # empty for a fork's
        },
        "workflow": {"id": 7, "name": "plan"},
        **_common(github, sender),
    }


def merge_group(github: FakeGithub, sha: str, base: str = "main") -> Payload:
    """Tell of a group in a merge queue."""
    group = {"head_sha": sha, "head_ref": "refs/heads/gh-readonly-queue/main/pr-1", "base_sha": "b" * 40}
    return {"action": "checks_requested", "merge_group": {**group, "base_ref": f"refs/heads/{base}"}, **_common(github)}


def schedule(github: FakeGithub) -> Payload:
    """Tell of a time that has come."""
    found = _common(github)
    del found["sender"]
    return {"schedule": "0 6 * * *", **found}


def _common(github: FakeGithub, sender: str = "dev") -> Payload:
    return {
        "repository": github.documents.repository(github.repository),
        "sender": github.documents.user(github.user(sender)),
    }


def environment(  # noqa: PLR0913  # what a runner says
    github: FakeGithub,
    folder: Path,
    event: str,
    payload: Payload,
    *,
    sha: str = MERGE_SHA,
    ref: str = "refs/heads/main",
    actor: str = "dev",
    token: str = "",
) -> dict[str, str]:
    """Write the event into a folder, beside the files for outputs and summary, and give the job's environment."""
    files = {"GITHUB_OUTPUT": "output.txt", "GITHUB_STEP_SUMMARY": "summary.md", "GITHUB_ENV": "env.txt"}
    for name in files.values():
        (folder / name).touch()
    (folder / "event.json").write_text(json.dumps(payload), encoding="utf-8")
    found = {
        "GITHUB_ACTIONS": "true",
        "CI": "true",
        "GITHUB_EVENT_NAME": event,
        "GITHUB_EVENT_PATH": str(folder / "event.json"),
        "GITHUB_REPOSITORY": github.repository,
        "GITHUB_REPOSITORY_OWNER": github.repository.partition("/")[0],
        "GITHUB_REF": ref,
        "GITHUB_REF_NAME": ref.removeprefix("refs/heads/"),
        "GITHUB_SHA": sha,
        "GITHUB_ACTOR": actor,
        "GITHUB_TRIGGERING_ACTOR": actor,
        "GITHUB_RUN_ID": "42",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_SERVER_URL": github.documents.web,
        "GITHUB_API_URL": github.url,
        **{name: str(folder / file) for name, file in files.items()},
    }
    return {**found, "GITHUB_TOKEN": token} if token else found


def of_pull(github: FakeGithub, folder: Path, issue: Issue, *, actor: str = "dev", token: str = "") -> dict[str, str]:
    """Give the environment of a run for a pull request."""
    payload = pull_request(github, issue, sender=actor)
    ref = f"refs/pull/{issue.number}/merge"
    return environment(github, folder, "pull_request", payload, ref=ref, actor=actor, token=token)


def of_push(
    github: FakeGithub, folder: Path, sha: str, *, branch: str = "main", actor: str = "dev", token: str = ""
) -> dict[str, str]:
    """Give the environment of a run for a push."""
    payload = push(github, sha, branch, actor)
    ref = f"refs/heads/{branch}"
    return environment(github, folder, "push", payload, sha=sha, ref=ref, actor=actor, token=token)
