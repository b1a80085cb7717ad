"""Files of a manifest: found, bounded, read once, and all of them in the digest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from syncer.errors import InvalidManifest
from syncer.manifest import document, load_manifest
from syncer.model import Address

HEAD = "version: 1\nproject: p\n"


def write(path: Path, text: str) -> Path:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def refusal(path: Path) -> str:
    """Load what must be refused and give the whole message."""
    with pytest.raises(InvalidManifest) as caught:
        load_manifest(path)
    return str(caught.value)


def scope(name: str, ref: str = "a") -> str:
    """Write a scope with one secret."""
    return f"scopes: {{{name}: {{secrets: {{{ref}: {{source: {{env: A}}}}}}}}}}\n"


def test_a_missing_file_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first thing that a new user sees."""
    monkeypatch.chdir(tmp_path)
    expected = "syncer.yaml:1:1: no such file; `syncer init` writes a first one, `-f` names another"
    assert refusal(Path("syncer.yaml")) == expected


def test_a_folder_is_no_manifest(tmp_path: Path) -> None:
    """It is said, not shown as a traceback."""
    assert refusal(tmp_path) == f"{tmp_path}:1:1: cannot be read: is a directory"


def test_a_path_through_a_file_is_refused(tmp_path: Path) -> None:
    """The system's reason is passed on."""
    path = write(tmp_path / "file", "") / "syncer.yaml"
    assert refusal(path) == f"{path}:1:1: cannot be read: not a directory"


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    """Without permission there is a clear problem."""
    path = write(tmp_path / "syncer.yaml", HEAD)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("root may read every file, whatever its mode")
    assert refusal(path) == f"{path}:1:1: cannot be read: permission denied"


def test_what_is_no_file_name_at_all() -> None:
    """A NUL character cannot stand in a path."""
    assert refusal(Path("a\0b")).endswith("cannot be read: not a file name")


def test_a_file_without_end_is_not_read_to_its_end() -> None:
    """At most 32 MiB are read, however large the file is."""
    assert refusal(Path("/dev/zero")) == "/dev/zero:1:1: larger than 32 MiB; split it with `include`"


def test_the_largest_file_is_still_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is inclusive."""
    path = write(tmp_path / "syncer.yaml", HEAD)
    monkeypatch.setattr(document, "MAX_BYTES", len(HEAD))
    assert load_manifest(path).project == "p"
    monkeypatch.setattr(document, "MAX_BYTES", len(HEAD) - 1)
    assert "larger than" in refusal(path)


def test_included_files_are_named_as_a_user_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their path starts where that of the manifest starts."""
    write(tmp_path / "conf/syncer.yaml", f"{HEAD}include: [more/*.yaml]\n")
    write(tmp_path / "conf/more/a.yaml", "scopes: {a: hunter2}\n")
    monkeypatch.chdir(tmp_path)
    assert refusal(Path("conf/syncer.yaml")).startswith("conf/more/a.yaml:1:13: ")


def test_a_file_that_several_globs_match_is_read_once(tmp_path: Path) -> None:
    """So is the manifest itself, and a file behind a link; folders are passed over."""
    path = write(tmp_path / "syncer.yaml", f"{HEAD}include: ['*', '**/*.yaml', more/a.yaml, syncer.yaml]\n{scope('x')}")
    write(tmp_path / "more/a.yaml", scope("y"))
    (tmp_path / "more/z.yaml").symlink_to("a.yaml")
    assert set(load_manifest(path).secrets) == {Address("x", "a"), Address("y", "a")}


def test_a_file_outside_may_be_included(tmp_path: Path) -> None:
    """Relative upwards or by an absolute path."""
    write(tmp_path / "up.yaml", scope("up"))
    other = write(tmp_path / "other/abs.yaml", scope("abs"))
    path = write(tmp_path / "conf/syncer.yaml", f"{HEAD}include: [../up.yaml, '{other}']\n")
    manifest = load_manifest(path)
    assert set(manifest.scopes) == {"up", "abs"}
    assert manifest.secrets[Address("abs", "a")].source.folder == other.parent


def test_a_glob_that_matches_nothing_is_an_error_and_nothing_follows_from_it(tmp_path: Path) -> None:
    """Secrets that are no longer found must never look unwanted; what refers to them is not reported on top."""
    path = write(
        tmp_path / "syncer.yaml",
        f"{HEAD}include: [gone/*.yaml]\nscopes: {{a: {{fallback: b}}}}\nmoved: [{{from: 'b:x', to: 'b:y'}}]\n",
    )
    assert refusal(path) == f"{path}:3:11: matches no file"


def test_a_dangling_link_is_an_error(tmp_path: Path) -> None:
    """A file that cannot be read is never left out silently."""
    path = write(tmp_path / "syncer.yaml", f"{HEAD}include: ['more/*']\n")
    write(tmp_path / "more/a.yaml", scope("a"))
    (tmp_path / "more/b.yaml").symlink_to("nowhere")
    assert refusal(path) == f"{tmp_path}/more/b.yaml:1:1: no such file"


def test_faults_of_all_files_come_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is no YAML does not hide the faults of the others."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "syncer.yaml", f"{HEAD}include: ['more/*']\nunknown: 1\n")
    write(tmp_path / "more/a.yaml", "scopes: {")
    write(tmp_path / "more/b.yaml", "scopes: {a: {secrets: {b: hunter2}}}")
    assert [line.split(": ")[0] for line in refusal(Path("syncer.yaml")).splitlines()] == [
        "more/a.yaml:2:1",
        "more/b.yaml:1:27",
        "syncer.yaml:4:1",
    ]


def digest(folder: Path, included: dict[str, str], tail: str = "") -> str:
    """Write a manifest that includes files and give its digest."""
    for name, text in included.items():
        write(folder / name, text)
    return load_manifest(write(folder / "syncer.yaml", f"{HEAD}include: ['*.yaml']\n{tail}")).digest


def test_the_digest_covers_names_and_contents_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the same wherever the manifest lies, and moves with each byte of each file."""
    first = digest(tmp_path / "1", {"a.yaml": scope("a"), "b.yaml": scope("b")})
    assert len(first) == 64
    assert digest(tmp_path / "2", {"a.yaml": scope("a"), "b.yaml": scope("b")}) == first
    monkeypatch.chdir(tmp_path / "1")
    assert load_manifest(Path("syncer.yaml")).digest == first
    others = [
        digest(tmp_path / "3", {"a.yaml": scope("a"), "c.yaml": scope("b")}),
        digest(tmp_path / "4", {"a.yaml": scope("a"), "b.yaml": scope("b") + "# more\n"}),
        digest(tmp_path / "5", {"a.yaml": scope("a"), "b.yaml": scope("b")}, "# more\n"),
        digest(tmp_path / "6", {"b.yaml": scope("a"), "a.yaml": scope("b")}),
        digest(tmp_path / "7", {"a.yaml": scope("a")}),
    ]
    assert len({first, *others}) == 6


def test_no_bytes_move_between_files_without_the_digest(tmp_path: Path) -> None:
    """Names and contents are told apart by their lengths, not only by their order."""
    one = digest(tmp_path / "1", {"a.yaml": scope("a") + "#x\n", "b.yaml": scope("b")})
    two = digest(tmp_path / "2", {"a.yaml": scope("a"), "b.yaml": "#x\n" + scope("b")})
    assert one != two
