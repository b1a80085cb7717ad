"""A repository on GitHub with its workflows, and what happens there: commits, pull requests, merges, nights."""

from __future__ import annotations

import itertools
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actions import documents
from actions.events import Event, starts
from actions.machine import Machine
from actions.origin import MAIN, Origin
from actions.runner import JobRun

if TYPE_CHECKING:
    from actions.cloud import Cloud
    from actions.documents import Workflow
    from actions.hub import Hub

WORKFLOWS = ".github/workflows"
VERSION_FILE = ".github/syncer-version"


@dataclass(slots=True, kw_only=True)
class Pull:
    """A pull request."""

    number: int
    branch: str
    sha: str
    """The head of its branch."""
    author: str
    fork: str = ""
    """The repository that it comes from, where that is another one."""
    actor: str = ""
    """Who pushed last, where that is not its author."""


@dataclass(slots=True, kw_only=True)
class World:
    """Everything that a run could see or reach."""

    folder: Path
    repository: str
    origin: Origin
    hub: Hub
    cloud: Cloud
    remote: str
    """The repository's address, as a checkout has it."""
    variables: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    environments: dict[str, str] = field(default_factory=lambda: {"production": f"refs/heads/{MAIN}"})
    """Which ref may deploy to each environment."""
    machine: dict[str, str] = field(default_factory=dict)
    """What is in the environment of every process, because the machine is a fake one."""
    tool: bool = True
    """Whether machines have syncer already, as after an earlier step with the action."""
    runs: list[JobRun] = field(default_factory=list)
    """Every job that was run, in order."""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def server(self) -> str:
        """Where GitHub is."""
        return self.hub.url

    @property
    def subject(self) -> str:
        """How identity tokens of this repository begin, with the numbers that cannot be taken over by others."""
        return self.hub.subject

    # What people do.

    def change(self, branch: str, files: dict[str, str], message: str = "change") -> str:
        """Commit to a branch, which is made from `main` where it is new."""
        self.origin.branch(branch)
        return self.origin.commit(message, files, branch)

    def open_pull(self, branch: str, *, author: str = "dev", fork: str = "") -> tuple[Pull, dict[str, JobRun]]:
        """Open a pull request for a branch, and see its runs to their end."""
        sha = self.origin.head(f"refs/heads/{branch}", where=self.origin.bare)
        pull = Pull(number=0, branch=branch, sha=sha, author=author, fork=fork)
        pull.number = self.hub.open_pull(pull)
        return pull, self.pull_event(pull, "opened")

    def update(self, pull: Pull, files: dict[str, str]) -> dict[str, JobRun]:
        """Push to a pull request's branch, and see its runs to their end."""
        pull.sha = self.change(pull.branch, files)
        self.hub.push_pull(pull)
        return self.pull_event(pull, "synchronize")

    def pull_event(self, pull: Pull, action: str) -> dict[str, JobRun]:
        """Tell the workflows of a pull request."""
        merged = self.origin.merge_commit(pull.sha, pull.number)
        payload = {"action": action, "number": pull.number, "pull_request": self.hub.pull_payload(pull)}
        return self.fire(
            Event(
                name="pull_request",
                payload=self._payload(payload, pull.actor or pull.author),
                ref=f"refs/pull/{pull.number}/merge",
                sha=merged,
                head_sha=pull.sha,
                base_ref=MAIN,
                head_ref=pull.branch,
                actor=pull.actor or pull.author,
                outside=bool(pull.fork) or (pull.actor or pull.author) == "dependabot[bot]",
            )
        )

    def merge(self, pull: Pull) -> dict[str, JobRun]:
        """Merge a pull request, and see the runs of the push to their end."""
        return self.fire(self.merged(pull))

    def merged(self, pull: Pull) -> Event:
        """Merge a pull request, and give the push."""
        sha = self.origin.merge(pull.sha, pull.number)
        self.hub.merge_pull(pull, sha)
        return self.push(sha)

    def push(self, sha: str) -> Event:
        """Give the event of a push to `main`."""
        payload = self._payload({"ref": f"refs/heads/{MAIN}", "after": sha}, "dev")
        return Event(name="push", payload=payload, ref=f"refs/heads/{MAIN}", sha=sha, head_sha=sha)

    def at_night(self, cron: str = "17 3 * * *") -> dict[str, JobRun]:
        """Let the hour of a schedule come."""
        return self.fire(self._on_main("schedule", {"schedule": cron}))

    def by_hand(self, workflow: str) -> dict[str, JobRun]:
        """Start one workflow by hand."""
        return self.fire(self._on_main("workflow_dispatch", {"inputs": None}), only=workflow)

    # What GitHub does then.

    def fire(self, event: Event, only: str = "") -> dict[str, JobRun]:
        """Run what an event starts, and what that starts in turn; give the jobs by their names."""
        found: dict[str, JobRun] = {}
        for workflow in self.workflows(event):
            if not starts(event, workflow) or only not in ("", workflow.name):
                continue
            number = self.hub.start_run(event)
            jobs = {name: self.job(event, workflow, name, number).start() for name in workflow.jobs}
            found |= jobs
            ended = self._ended(event, workflow, jobs, number)
            if event.name != "workflow_run":
                found |= self.fire(ended)
        return found

    def job(self, event: Event, workflow: Workflow, name: str, number: int) -> JobRun:
        """Prepare one job on a machine of its own."""
        machine = Machine(folder=self.folder / f"machine-{next(self._numbers)}")
        run = JobRun(
            world=self, event=event, workflow=workflow, job=workflow.jobs[name], run_id=number, machine=machine
        )
        if self.tool:
            self.install(machine, event.sha)
        self.runs.append(run)
        return run

    def install(self, machine: Machine, sha: str) -> None:
        """Leave on a machine what the action's own step would have: here, the tool that is tested."""
        program = machine.temporary / "syncer/venv/bin/syncer"
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m syncer "$@"\n')
        program.chmod(0o755)
        version = self.origin.git("show", f"{sha}:{VERSION_FILE}", where=self.origin.bare).split()
        (machine.temporary / "syncer/installed").write_text(f"{' '.join(version)} all\n")

    def workflows(self, event: Event) -> list[Workflow]:
        """Read the workflows as the commit of an event has them."""
        folder = self.folder / "workflows" / event.sha
        listed = self.origin.git("ls-tree", "--name-only", event.sha, f"{WORKFLOWS}/", where=self.origin.bare)
        for name in listed.split():
            if not (folder / Path(name).name).exists():
                folder.mkdir(parents=True, exist_ok=True)
                text = self.origin.git("show", f"{event.sha}:{name}", where=self.origin.bare)
                (folder / Path(name).name).write_text(f"{text}\n", encoding="utf-8")
        return [documents.workflow(path) for path in sorted(folder.glob("*.yml"))]

    def _ended(self, event: Event, workflow: Workflow, jobs: dict[str, JobRun], number: int) -> Event:
        """Give the event that a workflow has ended; what listens runs on `main`."""
        conclusion = "failure" if any(job.outcome == "failure" for job in jobs.values()) else "success"
        run = self.hub.run_payload(event, number) | {"name": workflow.name, "conclusion": conclusion}
        return self._on_main("workflow_run", {"action": "completed", "workflow_run": run}, actor=event.actor)

    def _on_main(self, name: str, payload: dict[str, Any], actor: str = "dev") -> Event:
        sha = self.origin.head(f"refs/heads/{MAIN}", where=self.origin.bare)
        told = self._payload(payload, actor)
        return Event(name=name, payload=told, ref=f"refs/heads/{MAIN}", sha=sha, head_sha=sha, actor=actor)

    def _payload(self, payload: dict[str, Any], sender: str) -> dict[str, Any]:
        return {**payload, "repository": self.hub.repository_payload(), "sender": {"login": sender}}
