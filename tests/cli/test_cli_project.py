"""`init` and `validate`."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from syncer import __version__
from syncer.cli import run
from syncer.manifest import load_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from cli.folder import Folder


def test_init_makes_a_project_that_works_at_once(syncer: Folder) -> None:
    """Manifest, key and .gitignore are there, private where they must be, and a plan has nothing to do."""
    assert syncer.fine("init", "deep/down") == "+ syncer.yaml\n+ .gitignore\n+ .syncer/key\n"
    made = syncer.path / "deep/down"
    assert stat.S_IMODE((made / ".syncer").stat().st_mode) == 0o700
    assert stat.S_IMODE((made / ".syncer/key").stat().st_mode) == 0o600
    assert syncer.fine("-C", "deep/down", "plan").startswith("No changes.")


def test_init_never_overwrites(syncer: Folder) -> None:
    """A second run leaves every byte alone and says so."""
    syncer.fine("init")
    before = {name: (syncer.path / name).read_bytes() for name in syncer.files()}
    told = syncer.fine("init")
    assert told.count("is there already, left alone") == 3
    assert {name: (syncer.path / name).read_bytes() for name in syncer.files()} == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"*.pyc", b"*.pyc\n# the key, the state and the store of syncer\n.syncer/\n"),
        (b"*.pyc\n", b"*.pyc\n# the key, the state and the store of syncer\n.syncer/\n"),
        (b"\xff\xfe latin\n", b"\xff\xfe latin\n# the key, the state and the store of syncer\n.syncer/\n"),
        (b"a\r\n.syncer/\r\n", b"a\r\n.syncer/\r\n"),
        (b"", b"# the key, the state and the store of syncer\n.syncer/\n"),
    ],
)
def test_init_adds_to_gitignore(syncer: Folder, before: bytes, after: bytes) -> None:
    """Lines are added once, on lines of their own, whatever the file holds."""
    path = syncer.path / ".gitignore"
    path.write_bytes(before)
    syncer.fine("init")
    assert path.read_bytes() == after


@pytest.mark.parametrize(
    ("folder", "project"),
    [
        ("My Secrets", "my-secrets"),
        ("2024-01-01", "2024-01-01"),
        ("123", "123"),
        ("true", "true"),
        ("1e3", "1e3"),
        ("Ünï_côde", "n-c-de"),
        ("---", "project"),
        ("x" * 60, "x" * 40),
        ("a" * 39 + "--b", "a" * 39),
    ],
)
def test_init_in_a_folder_with_an_odd_name(syncer: Folder, folder: str, project: str) -> None:
    """Whatever the folder is called, the manifest is valid."""
    syncer.fine("init", f"./{folder}")
    assert load_manifest(syncer.path / folder / "syncer.yaml").project == project
    assert syncer.fine("-C", f"./{folder}", "validate") == "syncer.yaml is valid: 0 secrets in 1 scope.\n"


def test_init_says_what_cannot_be_written(syncer: Folder) -> None:
    """A file in the place of a folder is an error that names it."""
    (syncer.path / ".gitignore").mkdir()
    result = syncer("init")
    assert (result.code, "cannot be written: Is a directory" in result.err) == (1, True)


@pytest.mark.parametrize(
    ("kept", "top"),
    [
        (".syncer/state.json", {}),
        (".syncer/store.db", {}),
        ("state.json", {"state": {"path": "state.json"}}),
        ("deep/west.db", {"backends": {"west": {"type": "local", "path": "deep/west.db"}}}),
        (".syncer/state.json.backup", {"version": 3}),
    ],
)
def test_init_makes_no_key_beside_what_another_one_opens(syncer: Folder, kept: str, top: dict[str, object]) -> None:
    """Exit 3 naming it and the way out; with it moved away there is a new key."""
    syncer.declare({}, **top)
    (syncer.path / ".syncer/key").unlink()
    path = syncer.path / kept
    path.parent.mkdir(exist_ok=True)
    path.write_text("{}")
    (syncer.path / ".syncer/state.json.lock").touch()
    result = syncer("init")
    assert (result.code, f".syncer/key is missing, and {kept} cannot be opened" in result.err) == (3, True)
    assert f"hint: bring the key back, or move {kept} away to start afresh" in result.err
    assert ".syncer/key" not in syncer.files()
    path.unlink()
    assert "+ .syncer/key\n" in syncer.fine("init")


def test_init_refuses_a_file_as_its_folder(syncer: Folder) -> None:
    """DIR is a folder."""
    (syncer.path / "file").touch()
    assert syncer("init", "file").code == 64


def test_validate_touches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: object) -> None:
    """No key is made, no source is asked, no store is opened: not one file more, and no variable is needed."""
    del capsysbinary
    monkeypatch.chdir(tmp_path)
    (tmp_path / "syncer.yaml").write_text(
        "version: 1\nproject: shop\nbackend: {type: local}\nscopes:\n  global:\n    secrets:\n"
        "      a: {source: {env: NOT_SET_ANYWHERE}}\n      b: {source: {command: [touch, ran]}}\n"
        "      c: {source: {file: missing}}\n"
    )
    assert run(["validate"]) == 0
    assert os.listdir(tmp_path) == ["syncer.yaml"]  # noqa: PTH208  # plain names


def test_validate_reports_every_problem(syncer: Folder) -> None:
    """Exit 3; positions for people and for programs; the value typed by mistake stands nowhere."""
    (syncer.path / "syncer.yaml").write_text(
        "version: 1\nproject: shop\nbackend: {type: local}\nscops: {}\nscopes:\n  global:\n    secrets:\n"
        "      a: hunter2hunter2\n"
    )
    human, machine = syncer("validate"), syncer("validate", "--format", "json")
    assert human.code == machine.code == 3
    assert "syncer.yaml:4:1: unknown key, did you mean `scopes`?" in human.err
    assert human.out == ""
    lines = [found["origin"]["line"] for found in machine.json["diagnostics"]]
    assert lines == sorted(lines)
    assert {4, 8} <= set(lines)
    assert "hunter2" not in human.err + machine.err + machine.out


def test_validate_in_json(syncer: Folder) -> None:
    """A valid manifest is a document without findings."""
    syncer.declare({"global:a": {"source": {"env": "A"}}})
    told = {"format_version": "1.0", "syncer_version": __version__, "complete": True, "diagnostics": []}
    assert syncer("validate", "--format=json").json == told


def test_people_are_told_a_hundred_problems(syncer: Folder) -> None:
    """And how many there are beside them; a program gets every one."""
    syncer.declare({f"global:s{number}": {"sorce": {}} for number in range(80)})
    human, machine = syncer("validate"), syncer("validate", "--format", "json")
    assert human.err.count("error: ") == 100
    assert human.err.endswith(f"\n... and {len(machine.json['diagnostics']) - 100} more\n")
    assert len(machine.json["diagnostics"]) > 150
    syncer.declare({f"global:s{number}": {"sorce": {}} for number in range(50)})
    assert "more" not in syncer("validate").err


def test_a_missing_manifest_says_what_to_do(syncer: Folder) -> None:
    """Exit 3 with a hint at `init` and `-f`."""
    result = syncer("validate")
    assert result.code == 3
    assert "syncer.yaml:1:1: no such file; `syncer init` writes a first one, `-f` names another" in result.err


def test_another_manifest_and_another_folder(syncer: Folder) -> None:
    """-C goes there for this run only; -f is read from there."""
    syncer.fine("init", "there")
    (syncer.path / "there/syncer.yaml").rename(syncer.path / "there/other.yaml")
    before = os.getcwd()  # noqa: PTH109  # what the test is about
    assert syncer.fine("-C", "there", "-f", "other.yaml", "validate").startswith("other.yaml is valid")
    assert os.getcwd() == before  # noqa: PTH109
    assert syncer("-C", "nowhere", "validate").code == 64
