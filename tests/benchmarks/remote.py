"""Plans that find nothing to do over ten thousand secrets of a remote store, which another process serves."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import RUNS, clean_environment, once, show_cpu

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRETS = 10_000
SCOPES = 10
_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A store that holds the secrets, and how to get there."""

    name: str
    backend: str
    """What stands behind `backend:`, as YAML."""
    environ: Mapping[str, str]
    ref: str = "ref-{number}"
    goal: str = "at most 5 s of CPU"


def bench_plan(python: Path, folder: Path, store: Store) -> None:
    """Make a project whose state remembers all that the store holds, and plan; the CPU is ours alone."""
    environ = _project(folder, store)
    subprocess.run([python, Path(__file__).with_name("remote_state.py")], cwd=folder, env=environ, check=True)
    planned = [once([python.with_name("syncer"), "plan"], folder, environ) for _ in range(RUNS)]
    output = planned[-1].output
    found = re.search(r"^Calls: (.*)\.$", output, re.MULTILINE)
    assert found, output
    assert "No changes." in output, output
    print(f"\n{store.name}, {SECRETS} secrets on a fake server: no-op plan {show_cpu(planned)} ({store.goal})")
    print(f"  {found[1]}")


def scope_name(number: int) -> str:
    """Name a scope."""
    return f"scope-{number}"


def _project(folder: Path, store: Store) -> dict[str, str]:
    folder.mkdir()
    lines = [
        "version: 1",
        "project: bench",
        f"backend: {store.backend}",
        "defaults: {tags: {team: payments}}",
        "scopes:",
    ]
    values = {}
    for scope in range(SCOPES):
        lines += [f"  {scope_name(scope)}:", "    secrets:"]
        for number in range(SECRETS // SCOPES):
            lines += [f"      {store.ref.format(number=number)}: {{source: {{env: BENCH_{scope}_{number}}}}}"]
            values[f"BENCH_{scope}_{number}"] = f"value of {scope} {number}"
    (folder / "syncer.yaml").write_text("\n".join(lines) + "\n")
    return clean_environment() | values | dict(store.environ) | {"SYNCER_KEY": _KEY}
