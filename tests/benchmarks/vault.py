"""Vault and OpenBao: plans that find nothing to do over ten thousand secrets, each with metadata of its own."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from benchmarks.measure import RUNS, clean_environment, once, show_cpu
from conformance.fakes.vault.standalone import Seed, vault_process

SECRETS = 10_000
SCOPES = 10
MARKS = {"syncer:project": "{project}", "syncer:address": "{address}", "team": "payments"}
KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def bench_vault(python: Path, workplace: Path) -> None:
    """Both products; the server is another process, so the CPU is ours alone."""
    for flavour in ("vault", "openbao"):
        seed = Seed(secrets=SECRETS, project="bench", scopes=SCOPES, custom_metadata=MARKS)
        with vault_process(seed, flavour=flavour) as url:
            _plan(python, workplace / flavour, flavour, url)


def _plan(python: Path, folder: Path, flavour: str, url: str) -> None:
    environ = _project(folder, url)
    subprocess.run([python, Path(__file__).with_name("remote_state.py")], cwd=folder, env=environ, check=True)
    planned = [once([python.with_name("syncer"), "plan"], folder, environ) for _ in range(RUNS)]
    output = planned[-1].output
    found = re.search(r"^Calls: (.*)\.$", output, re.MULTILINE)
    assert found, output
    assert "No changes." in output, output
    print(f"\n{flavour}, {SECRETS} secrets on a fake server: no-op plan {show_cpu(planned)} (at most 5 s of CPU)")
    print(f"  {found[1]}")


def _project(folder: Path, url: str) -> dict[str, str]:
    folder.mkdir()
    lines = ["version: 1", "project: bench", "backend: {type: vault}", "defaults: {tags: {team: payments}}", "scopes:"]
    values = {}
    for scope in range(SCOPES):
        lines += [f"  scope-{scope}:", "    secrets:"]
        for number in range(SECRETS // SCOPES):
            lines += [f"      ref-{number}: {{source: {{env: BENCH_{scope}_{number}}}}}"]
            values[f"BENCH_{scope}_{number}"] = f"value of scope-{scope}:ref-{number}"
    (folder / "syncer.yaml").write_text("\n".join(lines) + "\n")
    return clean_environment() | values | {"VAULT_ADDR": url, "VAULT_TOKEN": "root", "SYNCER_KEY": KEY}
