"""The action by itself: how it installs syncer, and what it makes of its inputs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from actions import documents
from actions.expressions import Scope, Strict
from actions.machine import Machine
from actions.origin import IDENTITY
from actions.places import shop
from actions.wheels import needed, pack
from actions.world import VERSION_FILE

import syncer

if TYPE_CHECKING:
    from actions.machine import Ended

ROOT = Path(__file__).resolve().parents[2]
ACTION = documents.action(ROOT / ".github/actions/syncer")
INSTALL, RUN = (
    next(step for step in ACTION.steps if step.get("name") == name) for name in ("Install syncer", "Run syncer")
)
RECORDER = """#!/bin/bash
printf '%s\\n' "$@" > "$RECORD"
if [ "$3" = venv ]; then mkdir -p "$4/bin" && cp "$0" "$4/bin/python"; fi
"""
"""Stands in for Python and for syncer: notes what it is called with, and makes a venv of itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A machine on which single steps of the action run."""

    machine: Machine
    action_path: Path

    @property
    def called(self) -> list[str]:
        """What the last program was called with."""
        return (self.machine.folder / "record").read_text().splitlines()

    @property
    def program(self) -> Path:
        """The recorder."""
        return self.machine.folder / "recorder"

    def step(self, step: dict[str, object], **inputs: str) -> Ended:
        """Run one step with some inputs, the rest being what the action says."""
        given = {name: declared.get("default", "") for name, declared in ACTION.inputs.items()}
        given["token"] = "the-token"
        given |= {name.replace("_", "-"): text for name, text in inputs.items()}
        steps = Strict(python={"outputs": {"python-path": str(self.program)}})
        scope = Scope(contexts={"inputs": Strict(given), "steps": steps, "env": {}})
        declared = step["env"]
        assert isinstance(declared, dict)
        environ = self.machine.base() | {name: scope.interpolate(text) for name, text in declared.items()}
        environ |= {"RECORD": str(self.machine.folder / "record"), "GITHUB_ACTION_PATH": str(self.action_path)}
        return self.machine.run(str(step["run"]), environ)

    def run(self, command: str, **inputs: str) -> list[str]:
        """Run the action's main step, and give what syncer was called with."""
        ended = self.step(RUN, command=command, **inputs)
        assert ended.code == 0, ended.raw
        return self.called


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A machine with a recorder where syncer would be, and the action in the checkout of somebody's project."""
    machine = Machine(folder=tmp_path / "machine")
    made = Bench(machine=machine, action_path=machine.workspace / ".github/actions/syncer")
    made.action_path.mkdir(parents=True)
    made.program.write_text(RECORDER)
    made.program.chmod(0o755)
    (machine.temporary / "syncer/venv/bin").mkdir(parents=True)
    shutil.copy(made.program, machine.temporary / "syncer/venv/bin/syncer")
    return made


def test_a_plan_is_saved_outside_the_checkout(bench: Bench) -> None:
    """By its label, so that several plans of one job do not meet."""
    saved = str(bench.machine.temporary / "syncer-plans/payments/syncer-plan.json")
    expected = ["-f", "syncer.yaml", "ci", "plan", "--label", "payments", "--out", saved, "--comment", "true"]
    assert bench.run("plan", label="payments") == expected
    assert Path(saved).parent.is_dir()


def test_a_plan_can_be_saved_elsewhere(bench: Bench) -> None:
    """By the one name that is looked for in its artifact."""
    called = bench.run(
        "plan", plan_file="out/syncer-plan.json", target="payments:*\n\nweb:a b\n", junit="j.xml", sarif="s"
    )
    saved = str(bench.machine.workspace / "out/syncer-plan.json")
    assert called[6:] == [
        *("--target", "payments:*", "--target", "web:a b", "--out", saved),
        *("--comment", "true", "--junit", "j.xml", "--sarif", "s"),
    ]
    ended = bench.step(RUN, command="plan", plan_file="other.json")
    assert ended.code == 64
    assert ended.raw == "::error title=syncer::a plan is saved by the name syncer-plan.json\n"


def test_every_input_reaches_its_option(bench: Bench) -> None:
    """And only those that are given."""
    assert bench.run("apply")[6:] == ["--comment", "true", "--lock-timeout", "5m"]
    switches = {"unreviewed": "true", "allow_unchecked": "true", "allow_mass_change": "true"}
    assert bench.run("apply", plan_file="p.json", comment="false", lock_timeout="1h", **switches)[6:] == [
        *("--plan-file", "p.json", "--comment", "false", "--lock-timeout", "1h"),
        *("--unreviewed", "--allow-unchecked", "--allow-mass-change"),
    ]
    assert bench.run("drift")[6:] == []
    for command in ("plan", "apply", "validate"):
        assert bench.run(command, policy="a.yaml\nb.yaml")[-4:] == ["--policy", "a.yaml", "--policy", "b.yaml"]
    assert bench.run("drift", issue="true", target="web:*", fail_on_drift="false", verify_values="true", junit="j")[
        6:
    ] == [
        *("--target", "web:*", "--issue", "--verify-values", "--no-fail-on-drift", "--junit", "j"),
    ]
    assert bench.run("comment", plan_file="p.json", comment="changes-only")[6:] == [
        *("--plan", "p.json", "--comment", "changes-only"),
    ]
    assert bench.run("validate", sarif="s", manifest="other.yaml")[1:] == [
        *("other.yaml", "ci", "validate", "--label", "syncer", "--sarif", "s"),
    ]


def test_every_option_is_one_of_the_command() -> None:
    """What the script passes on is what `syncer ci` knows."""
    for command in ("plan", "apply", "drift", "comment", "validate"):
        told = subprocess.run(
            [sys.executable, "-m", "syncer", "ci", command, "--help"], capture_output=True, text=True, check=True
        ).stdout
        for option in OPTIONS[command]:
            assert option in told, f"{command} {option}"


OPTIONS = {
    "plan": (
        "--label",
        "--target",
        "--out",
        "--comment",
        "--allow-mass-change",
        "--verify-values",
        "--junit",
        "--sarif",
    ),
    "apply": (
        *("--label", "--plan-file", "--comment", "--lock-timeout"),
        *("--unreviewed", "--allow-unchecked", "--allow-mass-change"),
    ),
    "drift": ("--label", "--target", "--issue", "--verify-values", "--no-fail-on-drift", "--junit", "--sarif"),
    "comment": ("--label", "--plan", "--comment"),
    "validate": ("--label", "--junit", "--sarif"),
}


@pytest.mark.parametrize(
    ("command", "inputs", "message"),
    [
        ("destroy", {}, "the command must be plan, apply, drift, validate or comment"),
        ("plan", {"label": "../up"}, "a label is letters, digits, dots, dashes and underscores"),
        ("apply", {"unreviewed": "yes"}, "what stands for --unreviewed must be true or false"),
    ],
)
def test_inputs_that_mean_nothing_are_refused(bench: Bench, command: str, inputs: dict[str, str], message: str) -> None:
    """Before anything is done, marked on the run."""
    ended = bench.step(RUN, command=command, **inputs)
    assert (ended.code, ended.raw) == (64, f"::error title=syncer::{message}\n")
    assert not (bench.machine.folder / "record").exists()


def test_an_input_is_never_a_command(bench: Bench) -> None:
    """However it is written."""
    hostile = "$(touch pwned) `touch pwned` '; touch pwned; '\" ${{ github.token }}"
    assert bench.run("plan", target=hostile, manifest=hostile, junit=hostile)[1] == hostile
    assert not (bench.machine.workspace / "pwned").exists()


def test_it_is_installed_from_the_checkout_that_it_is_part_of(bench: Bench) -> None:
    """With the versions that were tested; and once only, however often the action is used in a job."""
    (bench.machine.workspace / "pyproject.toml").write_text('[project]\nname = "syncer"\n')
    ended = bench.step(INSTALL)
    assert ended.code == 0, ended.raw
    assert bench.called == [
        *("-I", "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"),
        *("--constraint", f"{bench.machine.workspace}/.ci/constraints.txt", f"{bench.machine.workspace}[all]"),
    ]
    (bench.machine.folder / "record").unlink()
    assert bench.step(INSTALL).code == 0
    assert not (bench.machine.folder / "record").exists()
    assert bench.step(INSTALL, extras="aws,ci").code == 0
    assert bench.called[-1] == f"{bench.machine.workspace}[aws,ci]"


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "give source and version, or a version file"),
        ({"source": "https://git.example.com/syncer"}, "a source needs a version: a tag or, better, a full commit"),
    ],
)
def test_it_is_never_installed_by_its_name(bench: Bench, inputs: dict[str, str], message: str) -> None:
    """On the package index that name is another project's: without an address nothing is installed."""
    (bench.machine.workspace / "pyproject.toml").write_text('[project]\nname = "somebody-elses"\n')
    ended = bench.step(INSTALL, **inputs)
    assert (ended.code, ended.raw) == (1, f"::error title=syncer is not installed::{message}\n")
    assert not (bench.machine.folder / "record").exists()


def test_the_installation_is_real(tmp_path: Path) -> None:
    """From a git address at a commit, into an environment of its own, by a pull request's job."""
    if not (ROOT / "syncer").is_dir():
        pytest.skip("the sources of the package are not beside the tests")
    try:
        packages = needed("syncer[all]") | needed("hatchling")
    except PackageNotFoundError as error:
        pytest.skip(f"without an index, {error.name} cannot be installed")
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for name, package in packages.items():
        if name != "syncer":
            pack(package, wheels)
    source, commit = _source(tmp_path / "source")
    with shop(tmp_path / "world") as world:
        world.tool = False
        world.machine |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
        world.change("first", {VERSION_FILE: f"{source} {commit}\n"})
        _, jobs = world.open_pull("first")
        run = jobs["plan"]
        (installed,) = [step for step in run.steps if step.name == "Install syncer"]
        assert (installed.outcome, installed.raw) == ("success", "")
        program = run.machine.temporary / "syncer/venv/bin/syncer"
        told = subprocess.run([program, "version"], capture_output=True, text=True, check=True, env={"PATH": ""})
        assert told.stdout.strip().endswith(syncer.__version__)


def _source(folder: Path) -> tuple[Path, str]:
    """Commit what is needed of these sources to a repository, and give its address and the commit."""
    folder.mkdir()
    for name in ("syncer", "schemas", ".ci"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=folder, env=IDENTITY, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message", "as it is")
    return folder, git("rev-parse", "HEAD")
