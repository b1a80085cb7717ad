"""Workflows and composite actions as data; a key that this runner does not know is an error."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOW = {"name", "on", "permissions", "concurrency", "env", "jobs"}
JOB = {"name", "if", "runs-on", "timeout-minutes", "environment", "permissions", "env", "steps"}
STEP = {"name", "id", "if", "uses", "with", "env", "run", "shell", "working-directory"}
ACTION = {"name", "description", "inputs", "outputs", "runs"}


class UnknownKeyError(Exception):
    """A key that this runner has not been taught."""


class Loader(yaml.SafeLoader):
    """YAML 1.2's booleans: `on` is a word."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:bool"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def read(path: Path) -> Any:
    """Read a YAML file as GitHub does."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader)  # noqa: S506  # a SafeLoader with fewer words


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job; what it does not say of its own is the workflow's."""

    id: str
    condition: str | None
    environment: str
    permissions: dict[str, str]
    env: dict[str, Any]
    steps: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """One file of `.github/workflows`."""

    name: str
    on: dict[str, dict[str, Any]]
    env: dict[str, Any]
    jobs: dict[str, Job]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One composite action."""

    inputs: dict[str, dict[str, Any]]
    outputs: dict[str, dict[str, Any]]
    steps: list[dict[str, Any]]
    folder: Path = field(compare=False)


def workflow(path: Path) -> Workflow:
    """Read a workflow."""
    data = _known(read(path), WORKFLOW, path.name)
    on = data["on"] if isinstance(data["on"], dict) else dict.fromkeys(_listed(data["on"]))
    jobs = {name: _job(name, job, data.get("permissions")) for name, job in data["jobs"].items()}
    return Workflow(
        name=data.get("name", path.name),
        on={name: _on(name, given or {}) for name, given in on.items()},
        env=data.get("env", {}),
        jobs=jobs,
    )


def action(folder: Path) -> Action:
    """Read a composite action."""
    data = _known(read(folder / "action.yml"), ACTION, "action.yml")
    if data["runs"]["using"] != "composite":
        raise UnknownKeyError(data["runs"]["using"])
    steps = [_step(step) for step in data["runs"]["steps"]]
    assert all("shell" in step for step in steps if "run" in step), "a `run` of an action wants a `shell`"
    return Action(inputs=data.get("inputs", {}), outputs=data.get("outputs", {}), steps=steps, folder=folder)


def _job(name: str, job: Any, permissions: Any) -> Job:
    _known(job, JOB, f"job {name}")
    granted = job.get("permissions", permissions)
    # Without a word about permissions, they are whatever the repository's settings say.
    assert isinstance(granted, dict), f"job {name} says nothing of its permissions"
    return Job(
        id=name,
        condition=job.get("if"),
        environment=job.get("environment", ""),
        permissions=granted,
        env=job.get("env", {}),
        steps=[_step(step) for step in job["steps"]],
    )


def _step(step: Any) -> dict[str, Any]:
    _known(step, STEP, "a step")
    assert ("run" in step) != ("uses" in step)
    assert step.get("shell", "bash") == "bash"
    return dict(step)


EVENTS = {
    "pull_request": {"branches"},
    "push": {"branches"},
    "schedule": {"cron"},
    "workflow_dispatch": set[str](),
    "workflow_run": {"workflows", "types"},
}


def _on(name: str, given: Any) -> dict[str, Any]:
    if name not in EVENTS:
        raise UnknownKeyError(name)
    if name == "schedule":
        return {"cron": [entry["cron"] for entry in given]}
    return dict(_known(given, EVENTS[name], f"on: {name}"))


def _known(data: Any, keys: set[str], where: str) -> Any:
    for key in data:
        if key not in keys:
            message = f"{where}: {key}"
            raise UnknownKeyError(message)
    return data


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
