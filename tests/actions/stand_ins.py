"""What stands in for the actions of others: the parts of them that our workflows use, and nothing else."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from actions.cloud import TrustError

if TYPE_CHECKING:
    from collections.abc import Callable

    from actions.runner import JobRun


class StepFailedError(Exception):
    """An action that ends its step with an error."""


def checkout(run: JobRun, given: dict[str, str]) -> dict[str, str]:
    """Fetch the run's commit, and nothing else; the token is not left behind."""
    only(given, "persist-credentials")
    assert given.get("persist-credentials") == "false", "the token would stay in the checkout"
    if run.permissions.get("contents", "none") == "none":
        message = "a private repository wants contents: read"
        raise StepFailedError(message)
    secret = base64.b64encode(f"x-access-token:{run.token}".encode()).decode()
    header = f"http.extraHeader=Authorization: Basic {secret}"
    git(run, "init", "--quiet", "--initial-branch=main")
    git(run, "remote", "add", "origin", run.world.remote)
    git(run, "-c", header, "fetch", "--quiet", "--depth=1", "--no-tags", "origin", run.event.sha)
    git(run, "-c", "advice.detachedHead=false", "checkout", "--quiet", run.event.sha)
    return {}


def setup_python(run: JobRun, given: dict[str, str]) -> dict[str, str]:
    """Give the interpreter that runs the tests."""
    only(given, "python-version", "update-environment")
    if given.get("update-environment", "true") == "true":
        run.path.append(str(Path(sys.executable).parent))
    return {"python-path": sys.executable, "python-version": given["python-version"]}


def upload_artifact(run: JobRun, given: dict[str, str]) -> dict[str, str]:
    """Hand one file to the platform."""
    only(given, "name", "path", "if-no-files-found", "overwrite")
    path = run.machine.workspace / given["path"]
    if not path.is_file():
        assert given["if-no-files-found"] == "error"
        message = f"no files were found with the provided path: {given['path']}"
        raise StepFailedError(message)
    number = run.world.hub.upload(run, given["name"], path)
    return {"artifact-id": str(number)}


def configure_aws_credentials(run: JobRun, given: dict[str, str]) -> dict[str, str]:
    """Take a role with the identity of the run."""
    only(given, "role-to-assume", "aws-region")
    if run.permissions.get("id-token") != "write":
        message = "the job lacks id-token: write, or comes from a fork"
        raise StepFailedError(message)
    try:
        found = run.world.cloud.assume(given["role-to-assume"], subject(run))
    except TrustError as error:
        message = str(error)
        raise StepFailedError(message) from error
    assert given["aws-region"]
    run.exported |= found
    run.machine.secrets |= {found["AWS_SECRET_ACCESS_KEY"], found["AWS_SESSION_TOKEN"]}
    return {}


def subject(run: JobRun) -> str:
    """Give the `sub` of the run's identity token."""
    if run.job.environment:
        return f"{run.world.subject}:environment:{run.job.environment}"
    if run.event.name == "pull_request":
        return f"{run.world.subject}:pull_request"
    return f"{run.world.subject}:ref:{run.event.ref}"


def only(given: dict[str, str], *known: str) -> None:
    """Fail for an input that the stand-in does not know."""
    assert not given.keys() - set(known), f"not known to the stand-in: {given.keys() - set(known)}"


def git(run: JobRun, *arguments: str) -> None:
    """Run git in the workspace."""
    environ = {**run.machine.base(), "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    subprocess.run(["git", *arguments], cwd=run.machine.workspace, env=environ, check=True, capture_output=True)


STAND_INS: dict[str, Callable[[JobRun, dict[str, str]], dict[str, str]]] = {
    "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1": checkout,
    "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97": setup_python,
    "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f": upload_artifact,
    "aws-actions/configure-aws-credentials@e6de054238d6b7531b4efff3b6587d9aade6a06c": configure_aws_credentials,
}
"""By name and commit: another commit is another action."""
