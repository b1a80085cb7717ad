"""`fmt`: which files, what is told, what is never touched; and the hooks of pre-commit that run it."""

from __future__ import annotations

import os
import re
import shlex
import stat
import sys
from typing import TYPE_CHECKING

import pytest
import yaml
from cli.folder import ROOT, Folder

from syncer.manifest.fmt import format as formatter

if TYPE_CHECKING:
    from pathlib import Path

OLD = b"project: shop\nversion: 1\ninclude: [ more/*.yaml ]\npolicy: rules.yaml\nscopes: {}\n"
NEW = b"version: 1\nproject: shop\npolicy: rules.yaml\ninclude: [more/*.yaml]\nscopes: {}\n"
INCLUDED = b"scopes:\n  b:\n  a:\n"
MANIFEST = b"version: 1\nproject: shop\n"
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
# https://pre-commit.com/#new-hooks
KEYS = {
    *("id", "name", "entry", "language", "description", "files", "types", "types_or", "exclude", "exclude_types"),
    *("always_run", "fail_fast", "verbose", "pass_filenames", "require_serial", "language_version", "stages", "args"),
    *("minimum_pre_commit_version", "additional_dependencies"),
}


def written(syncer: Folder, files: dict[str, bytes] | None = None) -> None:
    """Write the manifest, and what it names."""
    (syncer.path / "more").mkdir(exist_ok=True)
    for name, content in {"syncer": OLD, "more/x": INCLUDED, "rules": b"rules:\n- rule: x\n", **(files or {})}.items():
        (syncer.path / f"{name}.yaml").write_bytes(content)


def read(syncer: Folder, name: str = "syncer.yaml") -> bytes:
    """Give what a file holds."""
    return (syncer.path / name).read_bytes()


def test_the_manifest_and_all_that_it_names_are_formatted(syncer: Folder) -> None:
    """Those that changed are named, and a second time there are none."""
    written(syncer)
    assert syncer.fine("fmt") == "syncer.yaml\nmore/x.yaml\nrules.yaml\n"
    assert read(syncer) == NEW
    assert read(syncer, "more/x.yaml") == b"scopes:\n  a:\n  b:\n"
    assert read(syncer, "rules.yaml") == b"rules:\n  - rule: x\n"
    assert syncer.fine("fmt") == syncer.fine("fmt", "--check", "--diff") == ""


def test_another_manifest_and_the_files_named(syncer: Folder) -> None:
    """-f is heeded; files that are named stand for themselves alone, and for one where they are the same."""
    written(syncer)
    (syncer.path / "deploy").mkdir()
    (syncer.path / "syncer.yaml").rename(syncer.path / "deploy/other.yaml")
    result = syncer("-f", "deploy/other.yaml", "fmt")
    assert (result.code, result.err) == (3, "error: deploy/rules.yaml:1:1: no such file\n")
    (syncer.path / "rules.yaml").rename(syncer.path / "deploy/rules.yaml")
    (syncer.path / "deploy/rules.yaml").write_bytes(b"rules: []\n")
    assert syncer.fine("-f", "deploy/other.yaml", "fmt") == "deploy/other.yaml\n"
    assert syncer.fine("fmt", "more/x.yaml", "./more/../more/x.yaml", "deploy/other.yaml") == "more/x.yaml\n"


def test_check_writes_nothing(syncer: Folder) -> None:
    """It names the files and ends with 2, as whatever finds changes does."""
    written(syncer)
    result = syncer("fmt", "--check")
    assert (result.code, result.out, result.err) == (2, "syncer.yaml\nmore/x.yaml\nrules.yaml\n", "")
    assert read(syncer) == OLD


def test_diff_shows_what_changes(syncer: Folder) -> None:
    """In the unified form; beside --check it is only shown."""
    written(syncer, {"syncer": b"version: 1\nproject:  shop"})
    wanted = (
        "--- syncer.yaml\n+++ syncer.yaml\n@@ -1,2 +1,2 @@\n version: 1\n-project:  shop\n"
        "\\ No newline at end of file\n+project: shop\n"
    )
    assert syncer("fmt", "--check", "--diff") == syncer("fmt", "--diff", "--check")
    assert syncer("fmt", "--check", "--diff", "syncer.yaml").out == wanted
    assert syncer.fine("fmt", "--diff") == wanted
    assert read(syncer) == b"version: 1\nproject: shop\n"


def test_standard_input(syncer: Folder) -> None:
    """- is formatted to standard output; --check and --diff tell instead; nothing stands beside it."""
    assert syncer.fine("fmt", "-", stdin=b"a:   1") == "a: 1\n"
    assert syncer.fine("fmt", "-", stdin=b"a: 1\n") == "a: 1\n"
    check, diff = syncer("fmt", "-", "--check", stdin=b"a:   1"), syncer("fmt", "-", "--diff", stdin=b"a:  1\n")
    assert (check.code, check.out) == (2, "<stdin>\n")
    assert (diff.code, diff.out) == (0, "--- <stdin>\n+++ <stdin>\n@@ -1 +1 @@\n-a:  1\n+a: 1\n")
    assert syncer.fine("fmt", "-", "--check", stdin=b"a: 1\n") == ""
    assert syncer("fmt", "-", "syncer.yaml").code == 64
    refused = syncer("fmt", "-", stdin=b"a: [")
    assert (refused.code, refused.err[:17]) == (3, "error: <stdin>:2:")
    assert syncer("fmt", "-", stdin=b" " * ((32 << 20) + 1)).code == 3


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"a:\n\tb: hunter2\n", ":2:1: indent with spaces, not with tabs"),
        (b"a: hunter2\xff\n", ":1:11: the file is not UTF-8 text"),
        (b"\xff\xfea\x00", ":1:1: the file is UTF-16; save it as UTF-8"),
        (b"a: 'hunter2\n", ":2:1: not valid YAML: found unexpected end of stream"),
        (b"a: 1\n---\nb: hunter2\n", ":2:1: a manifest is one YAML document, and here starts a second"),
        (b"", ":1:1: the file is empty"),
        (b"a: !x hunter2\n", ":1:4: a YAML tag that means nothing here"),
    ],
)
def test_a_file_that_is_no_yaml_is_left_alone(syncer: Folder, raw: bytes, told: str) -> None:
    """Exit 3 as for any fault of a manifest, before another file is written."""
    written(syncer, {"more/x": raw})
    result = syncer("fmt")
    assert (result.code, result.out) == (3, "")
    assert f"more/x.yaml{told}" in result.err
    assert "hunter2" not in result.err
    assert (read(syncer), read(syncer, "more/x.yaml")) == (OLD, raw)


def test_every_fault_of_every_file_is_told(syncer: Folder) -> None:
    """Not only the first one's."""
    written(syncer)
    result = syncer("fmt", "missing.yaml", "more", "syncer.yaml/x")
    assert result.code == 3
    assert "missing.yaml:1:1: no such file" in result.err
    assert "more:1:1: cannot be read: is a directory" in result.err
    assert "syncer.yaml/x:1:1: cannot be read: not a directory" in result.err
    assert syncer("-f", "none.yaml", "fmt").err.startswith("error: none.yaml:1:1: no such file; `syncer init` writes")


def test_what_is_no_file_is_refused(syncer: Folder) -> None:
    """A pipe is not waited for."""
    os.mkfifo(syncer.path / "pipe.yaml")
    result = syncer("fmt", "pipe.yaml")
    assert (result.code, result.err) == (3, "error: pipe.yaml:1:1: not a regular file\n")


def test_a_file_keeps_its_mode_and_its_links(syncer: Folder) -> None:
    """What a link leads to is replaced, not the link; nothing is left beside it."""
    path, link = syncer.path / "kept.yaml", syncer.path / "syncer.yaml"
    path.write_bytes(b"version:   1\nproject: shop\n")
    path.chmod(0o640)
    link.symlink_to(path)
    before = syncer.files()
    assert syncer.fine("fmt") == "syncer.yaml\n"
    assert link.is_symlink()
    assert path.read_bytes() == MANIFEST
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert syncer.files() == before


def test_a_file_that_is_as_it_must_be_is_not_written(syncer: Folder) -> None:
    """It stays the same file."""
    (syncer.path / "syncer.yaml").write_bytes(MANIFEST)
    before = (syncer.path / "syncer.yaml").stat()
    syncer.fine("fmt")
    assert (syncer.path / "syncer.yaml").stat() == before


def test_a_read_only_file_is_left_alone(syncer: Folder) -> None:
    """Exit 1; --check needs no right to write."""
    path = syncer.path / "syncer.yaml"
    path.write_bytes(b"version:   1\n")
    path.chmod(0o444)
    assert syncer("fmt", "--check").code == 2
    result = syncer("fmt")
    assert (result.code, result.out) == (1, "")
    assert result.err == "error: syncer.yaml cannot be written: it is read-only\nhint: what was there is untouched\n"
    assert path.read_bytes() == b"version:   1\n"


def test_line_ends_and_byte_order_marks(syncer: Folder) -> None:
    """Both go, as the loader takes no notice of them."""
    (syncer.path / "syncer.yaml").write_bytes(b"\xef\xbb\xbfversion: 1\r\nproject: shop # ours\r\n")
    syncer.fine("fmt")
    assert read(syncer) == b"version: 1\nproject: shop # ours\n"


def test_a_result_that_would_not_be_the_same_is_not_written(syncer: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 1, naming the file."""
    written(syncer)
    monkeypatch.setattr(formatter, "lay_out", lambda *_: "a: 1\n")
    result = syncer("fmt")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: syncer.yaml was left as it is: formatted, it would not be the same\nhint: ")
    assert read(syncer) == OLD


def test_without_ruamel(syncer: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 3 with the extra that brings it; everything else works without."""
    written(syncer)
    for name in [name for name in sys.modules if name.startswith(("syncer.manifest.fmt", "ruamel"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ruamel.yaml", None)
    result = syncer("fmt")
    assert result.code == 3
    assert result.err.startswith("error: formatting needs the package `ruamel.yaml`\nhint: ")
    assert "pip install '.[fmt]'" in result.err
    assert syncer("fmt", "--help").code == 0


def test_a_new_manifest_is_formatted(syncer: Folder) -> None:
    """`init` writes what `fmt` would."""
    syncer.fine("init")
    assert syncer.fine("fmt", "--check") == ""


MANIFESTS = [
    path
    for path in sorted((ROOT / "examples").rglob("*.yaml"))
    if re.search(rb"(?m)^(project|rules|scopes):", path.read_bytes())
]
BLOCKS = re.findall(r"```yaml file=\S+[^\n]*\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: str(path.relative_to(ROOT / "examples")))
def test_examples_are_formatted(syncer: Folder, path: Path) -> None:
    """What people copy is as `fmt` leaves it."""
    assert syncer.fine("fmt", "--check", "--diff", str(path)) == ""


UNTIDY = ("sorce", "# of the format")
TIDY = [
    text for text in BLOCKS if re.search(r"(?m)^(project|rules|scopes):", text) and not any(map(text.count, UNTIDY))
]


@pytest.mark.parametrize("text", TIDY)
def test_manifests_of_the_readme_are_formatted(syncer: Folder, text: str) -> None:
    """But for one that shows faults, and one that shows what is formatted."""
    assert syncer.fine("fmt", "-", stdin=text.encode()) == text


def test_the_hooks_have_the_shape_that_pre_commit_documents() -> None:
    """A hook that it could not read would be one for nobody."""
    assert [hook["id"] for hook in HOOKS] == ["syncer-fmt", "syncer-validate"]
    for hook in HOOKS:
        assert hook.keys() <= KEYS
        assert {"id", "name", "entry", "language"} <= hook.keys()
        assert hook["language"] == "python"
    assert HOOKS[0]["additional_dependencies"] == [".[fmt]"]


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_each_hook_runs(syncer: Folder, hook: dict[str, object]) -> None:
    """Its entry is a command of ours, its pattern finds manifests, its file names are taken."""
    (syncer.path / "syncer.yaml").write_bytes(MANIFEST)
    program, *arguments = shlex.split(str(hook["entry"]))
    names = [name for name in ("syncer.yaml", "deploy/syncer.yml") if re.search(str(hook["files"]), name)]
    assert (program, len(names)) == ("syncer", 2)
    assert not re.search(str(hook["files"]), "syncer.yaml.txt")
    syncer.fine(*arguments, *(names[:1] if hook.get("pass_filenames", True) else []))
