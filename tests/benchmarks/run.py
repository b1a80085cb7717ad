"""Whole-process figures of the installed wheel: medians, and ratios against a reference that runs beside it.

`make bench` runs this. Nothing here passes or fails: machines are shared and noisy, so people judge the figures.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.agent import bench_agent
from benchmarks.aws import bench_aws
from benchmarks.engines import bench_engines
from benchmarks.gitops import bench_gitops
from benchmarks.measure import RUNS, beside, clean_environment, install, once, report, show
from benchmarks.vault import bench_vault

SECRETS = 10_000
SCOPES = 10
YAML_ALONE = "import sys, yaml; yaml.load(open(sys.argv[1]).read(), Loader=yaml.CSafeLoader)"


def main() -> None:
    """Print every figure."""
    with tempfile.TemporaryDirectory(prefix="syncer-bench-") as folder:
        workplace = Path(folder)
        python = install(workplace / "venv", "aws", "ci", "vault", "dagu", "fmt", "kestra")
        bench_start(python)
        bench_plan(python, workplace)
        bench_agent(python, workplace / "plan", SECRETS, SCOPES, clean_environment())
        bench_apply(python, workplace)
        bench_parts(python, workplace)
        bench_gitops(python, workplace / "plan", SECRETS, values())
        bench_terraform(workplace)
        bench_aws(python, workplace)
        bench_vault(python, workplace)
        bench_engines(python, workplace)


def manifest(secrets: int) -> str:
    """Write a manifest of four lines a secret, `env` sources, in ten scopes."""
    lines = ["version: 1", "project: bench", "scopes:"]
    for scope in range(SCOPES):
        lines += [f"  scope{scope}:", "    secrets:"]
        for number in range(scope, secrets, SCOPES):
            lines += [
                f"      app{number % 50}/secret-{number:05d}:",
                f"        description: number {number} of scope {scope}",
                f"        source: {{env: BENCH_{number}}}",
                f"        tags: {{tier: gold, team: team-{number % 7}}}",
            ]
    return "\n".join(lines) + "\n"


def project(folder: Path, secrets: int) -> dict[str, str]:
    """Make a project and give the environment that its sources read."""
    folder.mkdir()
    (folder / "syncer.yaml").write_text(manifest(secrets))
    return values(secrets)


def values(secrets: int = SECRETS) -> dict[str, str]:
    """Give the environment that the sources of a project read."""
    return clean_environment() | {f"BENCH_{number}": f"value-{number}" for number in range(secrets)}


def bench_start(python: Path) -> None:
    """`syncer version` against importing click."""
    syncer = python.with_name("syncer")
    ours, theirs = beside([syncer, "version"], [python, "-c", "import click"], runs=4 * RUNS)
    report("syncer version", ours, theirs, "python -c 'import click'", "at most 2.5")


def bench_plan(python: Path, workplace: Path) -> None:
    """A plan that finds nothing to do, against PyYAML reading the same file; and drift."""
    syncer, folder = python.with_name("syncer"), workplace / "plan"
    environ = project(folder, SECRETS)
    once([syncer, "apply", "--auto-approve"], folder, environ)
    reference = [python, "-c", YAML_ALONE, "syncer.yaml"]
    ours, theirs = beside([syncer, "plan"], reference, folder=folder, environ=environ)
    report(f"no-op plan of {SECRETS}", ours, theirs, "CSafeLoader alone", "at most 0.6, 200 MB")
    ours, theirs = beside([syncer, "drift"], reference, folder=folder, environ=environ)
    report(f"drift of {SECRETS}", ours, theirs, "CSafeLoader alone", "at most 0.6, 200 MB")


def bench_apply(python: Path, workplace: Path) -> None:
    """Creates: ten times as many may cost at most twelve times as much."""
    syncer = python.with_name("syncer")
    figures = {}
    for secrets in (SECRETS // 10, SECRETS):
        runs = []
        for attempt in range(3):
            folder = workplace / f"apply-{secrets}-{attempt}"
            environ = project(folder, secrets)
            runs.append(once([syncer, "apply", "--auto-approve"], folder, environ))
            shutil.rmtree(folder)
        figures[secrets] = runs
    few, many = figures.values()
    report(f"apply of {SECRETS} creates", many, few, f"of {SECRETS // 10}", "at most 12")


def bench_parts(python: Path, workplace: Path) -> None:
    """Where the time of a plan goes, in one process without the collector."""
    folder = workplace / "plan"
    environ = values()
    parts = Path(__file__).with_name("parts.py")
    print(f"\nparts of a no-op plan of {SECRETS}")
    sys.stdout.flush()
    subprocess.run([python, parts], cwd=folder, env=environ, check=True)


def bench_terraform(workplace: Path) -> None:
    """Terraform's engine on 1,000 built-in resources, where there is one on the machine."""
    if shutil.which("terraform") is None:
        print("\nterraform: not on this machine, not compared")
        return
    folder = workplace / "terraform"
    folder.mkdir()
    blocks = (
        f'resource "terraform_data" "s{number}" {{\n  input = "{number}"\n}}\n' for number in range(SECRETS // 10)
    )
    (folder / "main.tf").write_text("".join(blocks))
    environ = clean_environment() | {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    once(["terraform", "init", "-input=false"], folder, environ)
    applied = once(["terraform", "apply", "-auto-approve", "-input=false"], folder, environ)
    planned = [once(["terraform", "plan", "-input=false"], folder, environ) for _ in range(3)]
    print(f"\nterraform, {SECRETS // 10} built-in resources: apply {show([applied])}; no-op plan {show(planned)}")


if __name__ == "__main__":
    main()
