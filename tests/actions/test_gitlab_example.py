"""The example for GitLab, played: its jobs really run, over a fake GitLab and a moto."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from actions.cloud import EXAMPLES, OWNER_KEY, REGION, credentials
from actions.machine import Ended, Machine
from actions.origin import Origin
from actions.pipeline import Pipelines
from actions.places import KEY
from conformance.fakes.fault_proxy import FaultProxy, fault_proxy
from conformance.fakes.gitlab.fake import FakeGitlab
from conformance.fakes.moto_server import moto_server
from git_http import git_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from actions.pipeline import Job
    from conformance.fakes.gitlab.world import Merge, Note

EXAMPLE = EXAMPLES / "gitlab-ci"
PROJECT = "acme/shop"
FORK = 8
JOB_TOKEN = "glcbt-of-a-job"
PYTHON = """#!/bin/sh
[ "$2 $3" = "-m venv" ] || exit 64
mkdir -p "$4/bin"
printf '#!/bin/sh\\necho "$@" > %s\\n' "$RECORD" > "$4/bin/python"
printf '#!/bin/sh\\nexec {interpreter} -P -m syncer "$@"\\n' > "$4/bin/syncer"
chmod +x "$4/bin/python" "$4/bin/syncer"
"""
"""Stands in for the image's Python: its environment has the tool that is tested, and notes how pip was called."""


@dataclass(slots=True, kw_only=True)
class Gitlab:
    """A project with its pipelines."""

    folder: Path
    fake: FakeGitlab
    origin: Origin
    proxy: FaultProxy
    remote: str
    variables: dict[str, str]
    """Of the project, protected ones left out."""
    protected: dict[str, str]
    ran: list[tuple[str, Ended]] = field(default_factory=list)

    def propose(self, branch: str, files: dict[str, str], *, fork: int = 0) -> Merge:
        """Open a merge request."""
        self.origin.branch(branch)
        return self.fake.open_merge(branch, sha=self.origin.commit("change", files, branch), fork=fork)

    def merge(self, merge: Merge) -> str:
        """Merge one, and give the commit on `main`."""
        self.fake.merge(merge)
        sha = self.origin.merge(merge.sha, merge.number)
        merge.commits = [merge.sha, sha]
        return sha

    def request(self, merge: Merge) -> dict[str, Ended]:
        """Run the pipeline of a merge request."""
        told = self.fake.variables(merge, CI_COMMIT_BRANCH="")
        told.pop("CI_COMMIT_BRANCH")
        pipeline = self.fake.run_pipeline(merge)
        return self.pipeline(told, merge.sha, pipeline=pipeline)

    def on_main(self, source: str) -> dict[str, Ended]:
        """Run a pipeline of `main`, with the protected variables."""
        sha = self.origin.head("refs/heads/main", where=self.origin.bare)
        told = self.fake.variables(CI_PIPELINE_SOURCE=source, CI_COMMIT_SHA=sha)
        return self.pipeline(told | self.protected, sha)

    def pipeline(self, told: dict[str, str], sha: str, pipeline: Any = None) -> dict[str, Ended]:
        """Run every job that is not manual, and of a pipeline by hand those too."""
        jobs_number = str(len(self.ran))
        known = {
            **self.variables,
            **told,
            "CI_DEFAULT_BRANCH": "main",
            "CI_JOB_ID": jobs_number,
            "CI_JOB_TOKEN": JOB_TOKEN,
        }
        found = {}
        for job in Pipelines(EXAMPLE / ".gitlab-ci.yml").jobs(known):
            assert job.manual == (known["CI_PIPELINE_SOURCE"] == "web")
            machine = self.machine(sha)
            found[job.name] = self.run(job, machine, known)
            self.keep(job, machine, pipeline)
        return found

    def machine(self, sha: str) -> Machine:
        """Give a machine with the project checked out, as GitLab does it."""
        machine = Machine(folder=self.folder / f"machine-{len(self.ran)}")
        address = self.remote.replace("://", f"://gitlab-ci-token:{JOB_TOKEN}@")
        self.origin.git("init", "--quiet", where=machine.workspace)
        self.origin.git("remote", "add", "origin", address, where=machine.workspace)
        self.origin.git("fetch", "--quiet", "--depth=1", "origin", sha, where=machine.workspace)
        self.origin.git("checkout", "--quiet", sha, where=machine.workspace)
        program = machine.temporary / "bin/python"
        program.parent.mkdir()
        program.write_text(PYTHON.format(interpreter=shlex.quote(sys.executable)))
        program.chmod(0o755)
        return machine

    def run(self, job: Job, machine: Machine, known: dict[str, str]) -> Ended:
        """Run a job's commands in one shell."""
        base = machine.base()
        environ = {name: base[name] for name in ("HOME", "LANG")} | {
            "PATH": f"{machine.temporary / 'bin'}:{base['PATH']}",
            "RECORD": str(machine.folder / "record"),
            "AWS_ENDPOINT_URL": self.proxy.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        }
        tokens = {name: f"token for {audience}" for name, audience in job.tokens.items()}
        ended = machine.run(job.script, environ | known | job.variables | tokens)
        self.ran.append((job.name, ended))
        called = (machine.folder / "record").read_text()
        code = machine.home / "syncer"
        assert called.endswith(f"--constraint {code}/.ci/constraints.txt {code}[aws,ci]\n")
        return ended

    def keep(self, job: Job, machine: Machine, pipeline: Any) -> None:
        """Keep a job's artifacts, and check that its reports are there."""
        for report in job.artifacts.get("reports", {}).values():
            assert (machine.workspace / report).read_text()
        paths = [machine.workspace / path for path in job.artifacts.get("paths", [])]
        if pipeline and paths:
            files = {path.name: path.read_bytes() for path in paths}
            self.fake.run_job(pipeline, job.artifacts["name"], files=files)

    def notes(self, merge: Merge) -> list[Note]:
        """Give the notes on a merge request."""
        return self.fake.comments(merge.number)

    def roles(self) -> list[str]:
        """Give the roles that were asked for, in order, each run once."""
        asked = [call.body.decode() for call in self.proxy.log if b"AssumeRoleWithWebIdentity" in call.body]
        assert all("WebIdentityToken=token+for+sts.amazonaws.com" in body for body in asked)
        return ["apply" if "role%2Fapply" in body else "plan" for body in asked]


@pytest.fixture
def gitlab(tmp_path: Path) -> Iterator[Gitlab]:
    """The example, set up as its guide says."""
    with FakeGitlab(PROJECT) as fake, moto_server() as url, fault_proxy(url) as proxy:
        origin = Origin.made(tmp_path, PROJECT, EXAMPLE)
        tool = tmp_path / "tool"
        shutil.copytree(EXAMPLE, tool)
        origin.git("init", "--quiet", where=tool)
        origin.git("add", "--all", where=tool)
        origin.git("commit", "--quiet", "--message", "stands in for syncer", where=tool)
        origin.commit("which", {".gitlab/syncer-version": f"{tool} {origin.head('HEAD', where=tool)}\n"})
        with git_server(tmp_path / "remotes", lambda *who: who[:2] == ("gitlab-ci-token", JOB_TOKEN)) as git:
            yield Gitlab(
                folder=tmp_path,
                fake=fake,
                origin=origin,
                proxy=proxy,
                remote=f"{git}/{PROJECT}.git",
                variables={
                    "SYNCER_KEY": KEY,
                    "GITLAB_TOKEN": fake.token(),
                    "AWS_PLAN_ROLE": "arn:aws:iam::123456789012:role/plan",
                    "AWS_REGION": REGION,
                },
                protected={"AWS_APPLY_ROLE": "arn:aws:iam::123456789012:role/apply"},
            )


@contextmanager
def owner(gitlab: Gitlab) -> Iterator[Any]:
    """Act as the account's owner."""
    known = {name.lower(): text for name, text in credentials(OWNER_KEY).items() if "ACCESS_KEY" in name}
    client = boto3.client("secretsmanager", endpoint_url=gitlab.proxy.url, region_name=REGION, **known)
    try:
        yield client
    finally:
        client.close()


def went_well(ran: dict[str, Ended], name: str) -> Ended:
    """Check that one job ran, alone and well."""
    assert {each: ended.code for each, ended in ran.items()} == {name: 0}, [ended.raw for ended in ran.values()]
    return ran[name]


def test_a_merge_request_from_plan_to_repair(gitlab: Gitlab) -> None:
    """One note that is edited; apply of what was reviewed; an issue for as long as there is drift."""
    manifest = (EXAMPLE / "syncer.yaml").read_text()
    merge = gitlab.propose("more", {"syncer.yaml": manifest + "# reviewed\n"})
    planned = went_well(gitlab.request(merge), "plan")
    assert "Plan: 3 to add" in planned.raw
    (note,) = gitlab.notes(merge)
    assert note.body.startswith("<!-- syncer:plan:syncer -->\n")

    gitlab.merge(merge)
    applied = went_well(gitlab.on_main("push"), "apply")
    assert "Apply complete! Resources: 3 added" in applied.raw
    (outcome,) = gitlab.notes(merge)
    assert outcome.number == note.number
    assert "3 added" in outcome.body
    state = json.loads(gitlab.origin.git("show", "refs/heads/syncer-state:state.json", where=gitlab.origin.bare))
    assert len(state["records"]) == 3

    with owner(gitlab) as aws:
        aws.put_secret_value(SecretId="shop/web/prod/cookie-key", SecretString="changed-by-hand")
    went_well(gitlab.on_main("schedule"), "drift")
    (issue,) = gitlab.fake.issues
    assert (issue.state, "web:prod/cookie-key" in (issue.description or "")) == ("opened", True)
    repaired = went_well(gitlab.on_main("web"), "apply")
    assert "Apply complete! Resources: 0 added, 1 changed" in repaired.raw
    went_well(gitlab.on_main("schedule"), "drift")
    assert issue.state == "closed"

    assert list(dict.fromkeys(gitlab.roles())) == ["plan", "apply"]
    for _, ended in gitlab.ran:
        assert KEY not in ended.raw
        assert JOB_TOKEN not in ended.raw


def test_a_fork_is_planned_without_anything_to_steal(gitlab: Gitlab) -> None:
    """Also when a member has started its pipeline here, where the project's variables are."""
    merge = gitlab.propose("evil", {"note.txt": "from a fork"}, fork=FORK)
    planned = went_well(gitlab.request(merge), "plan without secrets")
    assert "Plan: 3 to add" in planned.raw
    assert (gitlab.notes(merge), gitlab.roles()) == ([], [])


def test_commits_to_other_branches_run_nothing(gitlab: Gitlab) -> None:
    """Only merge requests, `main` and its schedules have pipelines."""
    told = gitlab.fake.variables(CI_COMMIT_BRANCH="feature")
    assert gitlab.pipeline(told, gitlab.origin.head("HEAD")) == {}


def test_the_role_that_writes_is_for_protected_branches_alone() -> None:
    """No job of a merge request names it."""
    told = {"CI_PIPELINE_SOURCE": "merge_request_event", "CI_DEFAULT_BRANCH": "main", "AWS_PLAN_ROLE": "plan"}
    same = {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "7", "CI_MERGE_REQUEST_PROJECT_ID": "7"}
    (job,) = Pipelines(EXAMPLE / ".gitlab-ci.yml").jobs({**told, **same, "CI_PROJECT_ID": "7", "CI_JOB_ID": "1"})
    assert (job.name, job.variables["AWS_ROLE_ARN"], job.environment) == ("plan", "plan", "")


def test_the_scripts_have_no_mistake(tmp_path: Path) -> None:
    """As shellcheck sees it."""
    program = shutil.which("shellcheck", path=f"{sys.prefix}/bin") or shutil.which("shellcheck")
    if program is None:
        pytest.skip("there is no shellcheck beside the Python that runs the tests")
    document = Pipelines(EXAMPLE / ".gitlab-ci.yml")
    for name in ("plan", "plan without secrets", "apply", "drift"):
        whole = document._whole(name)
        lines = [*document._lines(whole["before_script"]), *document._lines(whole["script"])]
        path = tmp_path / f"{name}.sh"
        path.write_text("\n".join(["set -eo pipefail", *lines, ""]))
        done = subprocess.run([program, "--shell=bash", path], capture_output=True, text=True, check=False)
        assert done.stdout == ""
