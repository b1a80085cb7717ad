"""Where a saved plan may go: nowhere that anything else stands."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest
from cli.folder import GENERATE

from syncer.manifest import paths
from syncer.state.key import KEY_FILE

if TYPE_CHECKING:
    from cli.folder import Folder


@pytest.fixture
def shop(syncer: Folder) -> Folder:
    """Two secrets, one of an included file, applied; a state and a second store with names of their own."""
    (syncer.path / "more.yaml").write_text('{"scopes": {"more": {"secrets": {"b": {"source": {"generate": {}}}}}}}')
    syncer.declare(
        {"global:a": GENERATE},
        include=["more.yaml"],
        state={"path": "kept/state.json"},
        backends={"west": {"type": "local", "path": "kept/west.db"}},
    )
    syncer.apply()
    return syncer


def contents(shop: Folder) -> dict[str, bytes]:
    """Give every file with what it holds."""
    return {name: (shop.path / name).read_bytes() for name in shop.files()}


@pytest.mark.parametrize(
    "target",
    [
        "-",
        "",
        ".",
        "syncer.yaml",
        "more.yaml",
        ".syncer/key",
        ".syncer/store.db",
        ".syncer/plan.json",
        ".syncer/deeper/plan.json",
        "kept/../.syncer/plan.json",
        "kept/state.json",
        "kept/state.json.journal",
        "kept/state.json.lock",
        "kept/state.json.backup",
        "kept/west.db",
        "kept/west.db-wal",
        "notes.txt",
        "terraform.json",
        "nested.json",
        "binary",
        "link.json",
        "dangling.json",
        "linked/plan.json",
        "fifo",
        "folder",
        "/dev/null",
    ],
)
def test_nothing_is_replaced_by_a_plan(shop: Folder, target: str) -> None:
    """Exit 3 before anything is planned, every file as it was."""
    (shop.path / "notes.txt").write_text("mine")
    (shop.path / "terraform.json").write_text('{"format_version": "1.2", "resource_changes": []}')
    (shop.path / "nested.json").write_text("[" * 100_000)
    (shop.path / "binary").write_bytes(b"\xff\x00")
    (shop.path / "link.json").symlink_to("notes.txt")
    (shop.path / "dangling.json").symlink_to("nowhere.json")
    (shop.path / "linked").symlink_to(".syncer")
    (shop.path / "folder").mkdir()
    os.mkfifo(shop.path / "fifo")
    before = contents(shop)
    shop.monkeypatch.setattr("syncer.cli.plan.make_plan", lambda *_: pytest.fail("planned"))
    result = shop("plan", "--out", target, "--format", "json")
    assert (result.code, result.codes) == (3, ["invalid_configuration"])
    assert contents(shop) == before
    assert stat.S_ISFIFO((shop.path / "fifo").stat().st_mode)


def test_the_reason_is_told(shop: Folder) -> None:
    """What stands in the way, and what to do."""
    result = shop("plan", "--out", "more.yaml")
    assert result.err == (
        "error: more.yaml exists and is no saved plan\n"
        "hint: save the plan under another name, or remove that file first\n"
    )
    assert "is where the key, the state and the stores" in shop("plan", "--out", "kept/state.json.new").err
    assert "error: /dev/null exists and is not a regular file" in shop("plan", "--out", "/dev/null").err


@pytest.mark.parametrize("before", ["", "a plan"])
def test_a_plan_takes_the_place_of_a_plan(shop: Folder, before: str) -> None:
    """Of one that was saved before, and of an empty file, beside the state too: CI makes both."""
    path = shop.path / "kept/plan.json"
    path.write_text(before and shop.fine("plan", "--format", "json", "--destroy", "--allow-mass-change"))
    shop.fine("plan", "--out", str(path), "--rotate", "global:a")
    assert "Apply complete! Resources: 0 added, 1 changed" in shop.fine("apply", "kept/plan.json")


def test_a_plan_without_values_is_for_show(shop: Folder) -> None:
    """Nobody is told to apply what cannot be applied."""
    told = shop("plan", "--values", "skip", "--out", "show.json").err
    assert told == "saved the plan to show.json, for show only: without values it cannot be applied\n"
    assert "syncer apply plan.json" in shop("plan", "--out", "plan.json").err


def test_the_key_has_one_name() -> None:
    """The manifest's check and the key itself agree where it is."""
    assert paths.KEY_FILE == KEY_FILE
