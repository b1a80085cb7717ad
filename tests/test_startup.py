"""What it costs to start: nothing heavy is imported before it is needed."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cli.folder import environment

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = {
    "asyncio",
    "concurrent.futures",
    "cryptography",
    "deepdiff",
    "jsonschema",
    "jsonschema_rs",
    "sqlite3",
    "yaml",
}
LAZY = HEAVY | {"logging", "subprocess", "syncer.backends", "syncer.engine", "syncer.manifest", "syncer.state"}


def loaded(folder: Path, code: str) -> set[str]:
    """Run code in a fresh interpreter and name the modules that it left loaded."""
    script = f"{code}\nimport sys\nprint('\\n--modules--')\nprint('\\n'.join(sys.modules))"
    ended = subprocess.run(
        [sys.executable, "-c", script], env=environment(), cwd=folder, capture_output=True, check=True, text=True
    )
    return set(ended.stdout.partition("\n--modules--\n")[2].splitlines())


def test_import_syncer_costs_next_to_nothing(tmp_path: Path) -> None:
    """Not even click: a program that only wants the version pays for nothing else."""
    found = loaded(tmp_path, "import syncer")
    assert not found & (LAZY | {"click"})
    assert {name for name in found if name.startswith("syncer")} == {"syncer"}


@pytest.mark.parametrize(
    "arguments",
    [["version"], ["--help"], ["completion", "zsh"], ["schema", "plan"]],
    ids=" ".join,
)
def test_what_needs_no_manifest_loads_none(tmp_path: Path, arguments: list[str]) -> None:
    """`version`, `--help`, `completion` and `schema` open no door that they do not go through."""
    found = loaded(tmp_path, f"from syncer.cli import run\nassert run({arguments!r}) == 0")
    assert not found & LAZY


def test_a_plan_loads_what_it_needs(tmp_path: Path) -> None:
    """A plan in words needs neither the slow validator nor deepdiff, unless there is something to tell with them."""
    manifest = "version: 1\nproject: shop\nscopes: {global: {secrets: {a: {source: {generate: {}}}}}}\n"
    (tmp_path / "syncer.yaml").write_text(manifest)
    found = loaded(tmp_path, "from syncer.cli import run\nassert run(['plan']) == 0")
    assert not found & {"asyncio", "concurrent.futures", "jsonschema", "logging", "subprocess"}
    assert not found & {"syncer.manifest.policy", "syncer.policy", "syncer.rules"}


def test_errors_are_cheap_to_import(tmp_path: Path) -> None:
    """A program may catch our errors without loading the engine."""
    found = loaded(tmp_path, "from syncer import SyncerError, StalePlan, Address, Plan")
    assert not found & LAZY
