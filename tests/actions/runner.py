"""Runs the jobs of a workflow: conditions, environments, permissions, steps and composite actions."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from actions import documents
from actions.expressions import Scope, Strict, as_text
from actions.stand_ins import STAND_INS, StepFailedError

if TYPE_CHECKING:
    from pathlib import Path

    from actions.documents import Workflow
    from actions.events import Event
    from actions.machine import Machine
    from actions.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How one step went."""

    name: str
    outcome: str
    """`success`, `failure` or `skipped`."""
    log: str = ""
    """What it printed, secrets masked."""
    raw: str = field(default="", repr=False)
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class JobRun:
    """One job while it runs, and afterwards how it went."""

    world: World
    event: Event
    workflow: Workflow
    job: documents.Job
    run_id: int
    machine: Machine
    permissions: dict[str, str] = field(default_factory=dict)
    """What the job's token may: never more than read for what comes from outside."""
    token: str = field(default="", repr=False)
    exported: dict[str, str] = field(default_factory=dict)
    """What steps have put into the environment of those after them."""
    path: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    summary: str = ""
    outcome: str = "skipped"

    @property
    def log(self) -> str:
        """Everything that was printed, secrets masked."""
        return "\n".join(step.log for step in self.steps)

    @property
    def raw(self) -> str:
        """Everything that was printed and shown, as it was."""
        return "\n".join([*(step.raw for step in self.steps), self.summary])

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs of the last action."""
        return next((step.outputs for step in reversed(self.steps) if step.outputs), {})

    # What expressions and processes see.

    def github(self) -> Strict:
        """Give the context `github`."""
        server = self.world.server
        return Strict(
            action_path="",
            actor=self.event.actor,
            api_url=server,
            base_ref=self.event.base_ref,
            event=self.event.payload,
            event_name=self.event.name,
            head_ref=self.event.head_ref,
            job=self.job.id,
            ref=self.event.ref,
            repository=self.world.repository,
            run_id=str(self.run_id),
            server_url=server,
            sha=self.event.sha,
            token=self.token,
            workflow=self.workflow.name,
            workspace=str(self.machine.workspace),
        )

    def process(self) -> dict[str, str]:
        """Give the environment of every process of this job."""
        github = self.github()
        named = ("actor", "api_url", "base_ref", "event_name", "head_ref", "job", "ref", "repository", "run_id")
        names = (*named, "server_url", "sha", "workflow")
        found = self.machine.base() | {f"GITHUB_{name.upper()}": str(github[name]) for name in names}
        found["GITHUB_RUN_ATTEMPT"] = "1"
        found["GITHUB_REPOSITORY_OWNER"] = self.world.repository.partition("/")[0]
        found["GITHUB_REF_NAME"] = self.event.ref.partition("/")[2].partition("/")[2]
        found["GITHUB_EVENT_PATH"] = str(self.machine.folder / "event.json")
        return found | self.world.machine

    def contexts(self, env: dict[str, str]) -> dict[str, Any]:
        """Give the contexts of a step in a workflow."""
        return {
            "github": self.github(),
            "env": env,
            "vars": dict(self.world.variables) if not self.event.outside else {},
            "secrets": self.secrets(),
            "inputs": self.event.inputs,
            "runner": Strict(temp=str(self.machine.temporary), os="Linux"),
            "steps": Strict(),
        }

    def secrets(self) -> dict[str, str]:
        """Give the secrets that the job may see."""
        token = {"GITHUB_TOKEN": self.token}
        return token if self.event.outside else token | self.world.secrets

    # The run.

    def start(self) -> JobRun:
        """Run the job, unless its condition says no."""
        contexts = self.contexts({})
        early = {name: contexts[name] for name in ("github", "vars", "inputs")}
        if not Scope(contexts=early).condition(self.job.condition):
            return self
        if self.job.environment and self.world.environments[self.job.environment] != self.event.ref:
            refused = f"{self.event.ref} is not allowed to deploy to {self.job.environment}"
            self.steps.append(Step(name="environment", outcome="failure", log=refused, raw=refused))
            self.outcome = "failure"
            return self
        self.permissions = granted(self.job.permissions, outside=self.event.outside)
        self.token = self.world.hub.token(self.permissions)
        self.machine.secrets |= {self.token, *self.secrets().values()}
        (self.machine.folder / "event.json").write_text(json.dumps(self.event.payload))
        contexts = self.contexts({})
        env: dict[str, str] = {}
        for given in (self.workflow.env, self.job.env):
            env |= {name: Scope(contexts=contexts | {"env": env}).interpolate(text) for name, text in given.items()}
        frame = Frame(run=self, contexts=contexts, env=env)
        frame.run_all(self.job.steps)
        self.outcome = "failure" if frame.failed else "success"
        return self


RANK = {"none": 0, "read": 1, "write": 2}


def granted(wanted: dict[str, str], *, outside: bool) -> dict[str, str]:
    """Give what a token may; a run from outside may read at most, and is no one to the cloud."""
    assert all(level in RANK for level in wanted.values()), wanted
    if not outside:
        return dict(wanted)
    return {name: min(level, "read", key=RANK.__getitem__) for name, level in wanted.items() if name != "id-token"}


@dataclass(slots=True, kw_only=True)
class Frame:
    """The steps of a job, or of a composite action inside it."""

    run: JobRun
    contexts: dict[str, Any]
    env: dict[str, str]
    failed: bool = False
    action_path: str = ""

    def run_all(self, steps: list[dict[str, Any]]) -> None:
        """Run steps in order; after a failure only those that want to."""
        for step in steps:
            self.one(step)

    def one(self, step: dict[str, Any]) -> None:
        """Run one step and keep how it went."""
        contexts = self.contexts | {"env": self.env | self.run.exported}
        scope = Scope(contexts=contexts, failed=self.failed)
        name = step.get("name") or step.get("uses") or "run"
        if not scope.condition(step.get("if")):
            self.keep(step, Step(name=name, outcome="skipped"))
            return
        own = {key: scope.interpolate(text) for key, text in step.get("env", {}).items()}
        inner = Scope(contexts=contexts | {"env": contexts["env"] | own}, failed=self.failed)
        done = self.script(step, inner) if "run" in step else self.action(step, inner)
        self.failed = self.failed or done.outcome == "failure"
        self.keep(step, done)

    def keep(self, step: dict[str, Any], done: Step) -> None:
        """Remember a step in the job, and by its id for the expressions after it."""
        self.run.steps.append(done)
        if "id" in step:
            outcome = {"outcome": done.outcome, "conclusion": done.outcome}
            self.contexts["steps"][step["id"]] = {"outputs": done.outputs, **outcome}

    def script(self, step: dict[str, Any], scope: Scope) -> Step:
        """Run a script."""
        assert "${{" not in step["run"], "an expression inside a script can become part of it"
        environ = self.run.process() | scope.contexts["env"]
        environ["PATH"] = ":".join([*reversed(self.run.path), environ["PATH"]])
        if self.action_path:
            environ["GITHUB_ACTION_PATH"] = self.action_path
        where = scope.interpolate(step.get("working-directory", ""))
        ended = self.run.machine.run(step["run"], environ, where)
        self.run.exported |= ended.env
        self.run.path += ended.path
        self.run.summary += ended.summary
        outcome = "failure" if ended.code else "success"
        log = self.run.machine.masked(ended.raw)
        return Step(name=step.get("name", "run"), outcome=outcome, log=log, raw=ended.raw, outputs=ended.output)

    def action(self, step: dict[str, Any], scope: Scope) -> Step:
        """Run an action: one of the repository, or what stands in for a foreign one."""
        uses = step["uses"]
        given = {name: scope.interpolate(text) for name, text in step.get("with", {}).items()}
        if uses.startswith("./"):
            return self.composite(self.run.machine.workspace / uses, given, scope)
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", uses), f"{uses} is not pinned to a commit"
        try:
            outputs = STAND_INS[uses](self.run, given)
        except StepFailedError as error:
            return Step(name=uses, outcome="failure", log=str(error), raw=str(error))
        return Step(name=uses, outcome="success", outputs=outputs)

    def composite(self, folder: Path, given: dict[str, str], scope: Scope) -> Step:
        """Run the steps of a composite action, which sees neither secrets nor variables of the repository."""
        action = documents.action(folder)
        assert not given.keys() - action.inputs.keys(), f"no such input: {given.keys() - action.inputs.keys()}"
        inputs = Strict()
        for name, declared in action.inputs.items():
            assert name in given or not declared.get("required"), f"{name} is missing"
            inputs[name] = given[name] if name in given else scope.interpolate(declared.get("default", ""))
        github = Strict(scope.contexts["github"]) | {"action_path": str(folder)}
        contexts = {
            "github": Strict(github),
            "inputs": inputs,
            "runner": scope.contexts["runner"],
            "steps": Strict(),
        }
        frame = Frame(run=self.run, contexts=contexts, env=dict(scope.contexts["env"]), action_path=str(folder))
        frame.run_all(action.steps)
        end = Scope(contexts=contexts | {"env": frame.env}, failed=frame.failed)
        outputs = {name: as_text(end.interpolate(declared["value"])) for name, declared in action.outputs.items()}
        return Step(name=folder.name, outcome="failure" if frame.failed else "success", outputs=outputs)
