"""Workflows and the action, read by the linters of their kind; and what no linter knows of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from actions import documents
from actions.stand_ins import STAND_INS

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples/github-actions"
ACTION = Path(".github/actions/syncer/action.yml")
PROJECTS = {"ours": ROOT, "example": EXAMPLE}
TOOLS = Path(sys.executable).parent
USES = re.compile(r"uses: ([^\s#]+)(?: # (\S+))?")


def tool(name: str) -> str:
    """Give the path of a program beside the interpreter, or of the system's own; skip without either."""
    found = shutil.which(name, path=f"{TOOLS}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"there is no {name}; `make test` brings it, actionlint only where there is Go")
    return found


def run(*command: str | Path, where: Path) -> str:
    """Run a linter with its helpers at hand, and give what it found."""
    environ = os.environ | {"PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=where, env=environ, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def copied(project: str, folder: Path) -> Path:
    """Copy a project's workflows to where they are the root of a repository, as they are for their users."""
    shutil.copytree(PROJECTS[project] / ".github", folder / ".github")
    (folder / ".git").mkdir()
    return folder


def workflows(project: str) -> list[Path]:
    """Give the workflow files of a project."""
    return sorted((PROJECTS[project] / ".github/workflows").glob("*.yml"))


@pytest.mark.parametrize("project", PROJECTS)
def test_zizmor_finds_nothing_unsafe(project: str, tmp_path: Path) -> None:
    """Also nothing that is merely untidy."""
    folder = copied(project, tmp_path)
    command = (tool("zizmor"), "--quiet", "--offline", "--strict-collection", "--persona", "pedantic", ".github")
    assert run(*command, where=folder) == ""


@pytest.mark.parametrize("project", PROJECTS)
def test_actionlint_finds_no_mistake(project: str, tmp_path: Path) -> None:
    """Neither in workflows nor in how they call the action."""
    assert run(tool("actionlint"), "-shellcheck", tool("shellcheck"), where=copied(project, tmp_path)) == ""


def test_shellcheck_finds_no_mistake_in_the_action(tmp_path: Path) -> None:
    """Actionlint reads scripts of workflows only."""
    scripts = [step["run"] for step in documents.action((ROOT / ACTION).parent).steps if "run" in step]
    assert scripts
    for number, script in enumerate(scripts):
        path = tmp_path / f"{number}.sh"
        path.write_text(f"set -eo pipefail\n{script}")
        # SC2154: what the environment holds.
        assert run(tool("shellcheck"), "--shell=bash", "--exclude=SC2154", path, where=tmp_path) == ""


def test_no_expression_is_part_of_a_script() -> None:
    """An input could otherwise bring commands of its own."""
    for step in documents.action((ROOT / ACTION).parent).steps:
        assert "${{" not in step.get("run", "")
    for path in (path for project in PROJECTS for path in workflows(project)):
        for job in documents.read(path)["jobs"].values():
            assert not any("${{" in step.get("run", "") for step in job["steps"])


def test_the_example_holds_the_action_as_it_is() -> None:
    """Whoever copies the example copies it, too."""
    assert (EXAMPLE / ACTION).read_bytes() == (ROOT / ACTION).read_bytes()


def test_every_foreign_action_is_pinned_to_the_commit_that_is_stood_in_for() -> None:
    """All files name the same one, and say which release it is."""
    for path in [ROOT / ACTION, *workflows("ours"), *workflows("example")]:
        for uses, release in USES.findall(path.read_text()):
            if not uses.startswith("./"):
                assert uses in STAND_INS, f"{path.name}: {uses}"
                assert re.fullmatch(r"v\d+\.\d+\.\d+", release), f"{path.name}: {uses}"


@pytest.mark.parametrize("project", PROJECTS)
def test_jobs_have_no_right_that_they_do_not_name(project: str) -> None:
    """Nothing at the top; each job lists its own, has a time limit, and leaves no token in a checkout."""
    for path in workflows(project):
        document = documents.read(path)
        assert document["permissions"] == {}
        for job in document["jobs"].values():
            assert job["permissions"]
            assert job["timeout-minutes"] <= 60
            assert all(
                step["with"]["persist-credentials"] is False
                for step in job["steps"]
                if step.get("uses", "").startswith("actions/checkout@")
            )


def test_only_the_apply_job_may_write_the_repository() -> None:
    """And only in its environment."""
    writing = {
        name: job.environment
        for path in workflows("example")
        for name, job in documents.workflow(path).jobs.items()
        if job.permissions.get("contents") == "write"
    }
    assert writing == {"apply": "production"}
