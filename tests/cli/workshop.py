"""A repository on a GitHub of our own, and the jobs of its workflows run in a project folder."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.fakes.github import payloads

if TYPE_CHECKING:
    from pathlib import Path

    from cli.folder import Folder, Result
    from conformance.fakes.github.fake import FakeGithub
    from conformance.fakes.github.world import Issue

MARKER = "<!-- syncer:plan:syncer -->"
ARTIFACT = "syncer-plan-syncer"
OUTPUTS = ""
"""Where a test puts the file of outputs, in the place of the right one."""


@dataclass(frozen=True)
class Ran:
    """What one job gave."""

    result: Result
    outputs: dict[str, str]
    summary: str

    @property
    def code(self) -> int:
        """The exit code of the command."""
        return self.result.code

    @property
    def err(self) -> str:
        """Standard error."""
        return self.result.err

    @property
    def why(self) -> str:
        """The failure reason."""
        return self.outputs["failure-reason"]

    @property
    def annotations(self) -> list[str]:
        """Every line that the runner heeds."""
        return [line for line in (self.result.out + self.err).splitlines() if line.startswith("::")]


class Workshop:
    """One repository."""

    def __init__(self, folder: Folder, github: FakeGithub) -> None:
        self.folder = folder
        self.github = github
        self.token = github.token()

    def on_pull(self, pull: Issue, *arguments: str, actor: str = "dev") -> Ran:
        """Run a command for a pull request."""
        return self._run(payloads.of_pull(self.github, self._room(), pull, actor=actor, token=self.token), arguments)

    def on_target(self, pull: Issue, *arguments: str) -> Ran:
        """Run a command for a pull request, where it must not be."""
        payload = payloads.pull_request(self.github, pull)
        environ = payloads.environment(self.github, self._room(), "pull_request_target", payload, token=self.token)
        return self._run(environ, arguments)

    def on_push(self, sha: str, *arguments: str, actor: str = "dev") -> Ran:
        """Run a command for a push to the main branch."""
        return self._run(payloads.of_push(self.github, self._room(), sha, actor=actor, token=self.token), arguments)

    def on_workflow_run(self, pull: Issue, *arguments: str) -> Ran:
        """Run a command after a run for a pull request has ended."""
        payload = payloads.workflow_run(self.github, pull)
        environ = payloads.environment(self.github, self._room(), "workflow_run", payload, token=self.token)
        return self._run(environ, arguments)

    def on_schedule(self, *arguments: str) -> Ran:
        """Run a command at night."""
        payload = payloads.schedule(self.github)
        environ = payloads.environment(self.github, self._room(), "schedule", payload, token=self.token)
        return self._run(environ, arguments)

    def plan(self, pull: Issue, *arguments: str) -> Ran:
        """Plan on a pull request, and keep the plan as the action does."""
        ran = self.on_pull(pull, "plan", *arguments)
        self.keep(pull)
        return ran

    def keep(self, pull: Issue, name: str = ARTIFACT) -> None:
        """Upload the saved plan."""
        assert pull.pull
        data = (self.folder.path / "syncer-plan.json").read_bytes()
        self.github.upload_artifact(name, data, sha=pull.pull.sha, branch=pull.pull.head, home=pull.pull.home or "")

    def comment(self, pull: Issue) -> str:
        """Give the one comment of ours on a pull request, without its marker."""
        (found,) = [one for one in self.github.comments(pull.number) if one.body.startswith(MARKER)]
        return found.body.removeprefix(MARKER).lstrip()

    def _room(self) -> Path:
        room = self.folder.path / ".runner"
        room.mkdir(exist_ok=True)
        for path in room.iterdir():
            path.unlink()
        return room

    def _run(self, environ: dict[str, str], arguments: tuple[str, ...]) -> Ran:
        for name in [name for name in os.environ if name.startswith(("GITHUB_", "GH_", "CI", "GITLAB_"))]:
            self.folder.monkeypatch.delenv(name)
        environ |= {"GITHUB_WORKSPACE": str(self.folder.path)} | ({"GITHUB_OUTPUT": OUTPUTS} if OUTPUTS else {})
        for name, text in environ.items():
            self.folder.monkeypatch.setenv(name, text)
        result = self.folder("ci", *arguments)
        room = self.folder.path / ".runner"
        return Ran(result, outputs((room / "output.txt").read_text()), (room / "summary.md").read_text())


def outputs(text: str) -> dict[str, str]:
    """Read a file of outputs as a runner does: the last value of a name counts."""
    found = re.findall(r"^(\S+?)<<(\S+)\n(.*?)\n?^\2$", text, re.DOTALL | re.MULTILINE)
    return {name: value for name, _, value in found}
