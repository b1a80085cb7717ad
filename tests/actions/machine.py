"""A runner's machine: folders, environment, and scripts that really run."""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LIMIT = 120
"""Seconds after which a step is taken to hang."""
FILES = ("ENV", "PATH", "OUTPUT", "STEP_SUMMARY")
"""What a step writes to tell the runner something."""
MASK = "***"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a script ended, and what it told the runner."""

    code: int
    raw: str = field(repr=False)
    """Its output before secrets are masked: for tests that look for them."""
    env: dict[str, str]
    path: list[str]
    output: dict[str, str]
    summary: str


@dataclass(slots=True, kw_only=True)
class Machine:
    """The machine of one job."""

    folder: Path
    secrets: set[str] = field(default_factory=set)
    """What is masked in logs."""

    def __post_init__(self) -> None:
        for folder in (self.workspace, self.temporary, self.home):
            folder.mkdir(parents=True)

    @property
    def workspace(self) -> Path:
        """Where the repository is checked out."""
        return self.folder / "work"

    @property
    def temporary(self) -> Path:
        """RUNNER_TEMP."""
        return self.folder / "temp"

    @property
    def home(self) -> Path:
        """The home of the user that steps run as."""
        return self.folder / "home"

    def masked(self, text: str) -> str:
        """Give a text with every secret hidden."""
        for secret in sorted(filter(None, self.secrets), key=len, reverse=True):
            text = text.replace(secret, MASK)
        return text

    def run(self, script: str, environ: Mapping[str, str], where: str = "") -> Ended:
        """Run a script as GitHub does where a step says `shell: bash`."""
        place = self.temporary / f"step-{uuid.uuid4().hex}"
        place.mkdir()
        (place / "script.sh").write_text(script, encoding="utf-8")
        told = {f"GITHUB_{name}": place / name for name in FILES}
        for path in told.values():
            path.touch()
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", place / "script.sh"],
            cwd=self.workspace / where,
            env={**environ, **{name: str(path) for name, path in told.items()}},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        read = {name: (place / name).read_text(encoding="utf-8") for name in FILES}
        return Ended(
            code=done.returncode,
            raw=done.stdout,
            env=pairs(read["ENV"]),
            path=read["PATH"].split(),
            output=pairs(read["OUTPUT"]),
            summary=read["STEP_SUMMARY"],
        )

    def base(self) -> dict[str, str]:
        """Give what every process has; of the test's own environment nothing but the way to tools."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temporary),
            "RUNNER_OS": "Linux",
        }


def pairs(text: str) -> dict[str, str]:
    """Read `name=value` lines, and `name<<END` with lines up to END."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        many = re.fullmatch(r"([\w.-]+)<<(\S+)", line)
        if many:
            held: list[str] = []
            for inner in lines:
                if inner == many[2]:
                    break
                held.append(inner)
            else:
                raise AssertionError(f"{many[1]} has no end")  # noqa: EM102, TRY003  # a test's own failure
            found[many[1]] = "\n".join(held)
        elif line:
            name, sign, value = line.partition("=")
            assert sign, f"not understood by the runner: {line}"
            found[name] = value
    return found
