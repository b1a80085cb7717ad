"""What a pipeline waits for: state in a branch, a policy, a plan of thousands of changes told, a manifest formatted."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from benchmarks.measure import beside, once, report, show

if TYPE_CHECKING:
    from pathlib import Path

IN_BRANCH = "state: {type: git}\n"
POLICY = """\
policy:
  - {rule: required-tags, tags: {team: "team-[0-9]+", tier: ".+"}}
  - {rule: owners, tag: team, owners: [team-0, team-1, team-2, team-3, team-4, team-5, team-6]}
  - {rule: allowed-sources, sources: [env, sealed]}
  - {rule: generated-values, minimum_length: 32}
  - {rule: forbidden-on-remove, on_remove: [delete]}
  - {rule: naming, refs: "app[0-9]+/secret-[0-9]+"}
  - {rule: maximum-age, age: 365d, severity: warning, scopes: [scope0]}
"""


def bench_gitops(python: Path, plain: Path, secrets: int, environ: dict[str, str]) -> None:
    """Each against the plain project in `plain`, which is applied already."""
    syncer, folder = python.with_name("syncer"), plain.with_name("gitops")
    manifest = (plain / "syncer.yaml").read_text()
    _repository(folder)
    (folder / "syncer.yaml").write_text(manifest + IN_BRANCH)
    print(f"\nstate in a branch of a repository on this disk, {secrets} secrets")
    told = once([syncer, "ci", "plan", "--platform", "none"], folder, environ)
    print(f"ci plan of {secrets} creates, with its report: {show([told])}")
    print(f"apply of {secrets} creates: {show([once([syncer, 'apply', '--auto-approve'], folder, environ)])}")
    in_file = ["sh", "-c", f"cd {plain} && exec {syncer} plan"]
    report(
        "no-op plan", *beside([syncer, "plan"], in_file, folder=folder, environ=environ), "state in a file", "no goal"
    )

    beside_plain = plain.with_name("policy")
    shutil.copytree(plain, beside_plain)
    (beside_plain / "syncer.yaml").write_text(manifest + POLICY)
    without = ["sh", "-c", f"cd {plain} && exec {syncer} validate"]
    ours, theirs = beside([syncer, "validate"], without, folder=beside_plain, environ=environ)
    report(f"validate, seven rules over {secrets} secrets", ours, theirs, "without a policy", "no goal")

    once([syncer, "fmt"], beside_plain, environ)
    by_library = [python, "-c", "import sys, ruamel.yaml; ruamel.yaml.YAML().load(open(sys.argv[1]))", "syncer.yaml"]
    ours, theirs = beside([syncer, "fmt", "--check"], by_library, folder=beside_plain, environ=environ, runs=2)
    report(f"fmt --check of {secrets} secrets", ours, theirs, "ruamel.yaml reading it", "no goal")


def _repository(folder: Path) -> None:
    remote = folder.with_name("remote.git")
    for command in (
        ["git", "init", "--quiet", "--bare", remote],
        ["git", "init", "--quiet", folder],
        ["git", "-C", folder, "remote", "add", "origin", remote],
    ):
        subprocess.run(command, check=True)
