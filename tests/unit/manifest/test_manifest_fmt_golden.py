"""Formatted files, compared with files in `tests/golden/fmt`: comments in every place, anchors, sections, texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncer.errors import InvalidManifest, SyncerError
from syncer.manifest.fmt import format as formatter
from syncer.manifest.fmt.cursor import Unreadable, scan
from syncer.manifest.fmt.format import formatted

FOLDER = Path(__file__).parent.parent.parent / "golden/fmt"
CASES = [path for path in sorted(FOLDER.glob("*.yaml")) if not path.name.endswith(".out.yaml")]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_file_is_formatted_like_that(path: Path) -> None:
    """And a second time there is nothing to do."""
    wanted = path.with_suffix(".out.yaml").read_bytes()
    assert formatted(path.read_bytes(), path.name) == wanted
    assert formatted(wanted, path.name) == wanted


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a: 1", "a: 1\n"),
        ("\ufeffa: 1\n", "a: 1\n"),
        ("a: 1\r\nb: 2\r", "a: 1\nb: 2\n"),
        ("\n\n\na: 1\n\n\n\nb: 2\n\n\n", "a: 1\n\nb: 2\n"),
        ("a:\t1 \t# tabs\nb:\t{c:\td}\n", "a: 1 # tabs\nb: {c: d}\n"),
        ("a: |\n  cut", "a: |-\n  cut\n"),
        ("a: |+\n  cut\n  ", "a: |+\n  cut\n"),
        ("a: >2\n   cut", "a: >2-\n   cut\n"),
        ("a: |+\n  x\n\n\nb: 1\n\n\n\n", "a: |+\n  x\n\n\nb: 1\n"),
        ("- - 1\n  - 2\n-   - 3\n", "- - 1\n  - 2\n- - 3\n"),
        ("? a\n: b\n", "? a\n: b\n"),
        ("a:\n    ? b # why\n    : c\n", "a:\n  ? b # why\n  : c\n"),
        ("a:\n  &x\n  b: 1\n", "a:\n  &x\n  b: 1\n"),
        ("&x a: 1\nb: *x\n", "&x a: 1\nb: *x\n"),
        ("a: &x b\n*x : c\n", "a: &x b\n*x : c\n"),
        ("[a,b ,{c: d}] # e\n# f\n", "[a, b, {c: d}] # e\n# f\n"),
        ("---   {a: 1}\n\n", "---   {a: 1}\n\n"),
        ("a: [b: c, {d}, {e: }]\n", "a: [b: c, {d}, {e: }]\n"),
        ("# \u2028odd: 1\na: 1\n\n\n", "# \u2028odd: 1\na: 1\n\n\n"),
    ],
)
def test_small_texts(old: str, new: str) -> None:
    """Line ends, tabs, texts that the end of the file cuts off; what is rare and left as it is."""
    assert formatted(old.encode(), "x.yaml").decode() == new


def test_keys_of_the_schema_stand_in_its_order() -> None:
    """Also those behind a reference; what it does not know comes last, `x-` behind the project."""
    old = "{removed: [], x-b: 1, scopes: {}, odd: 1, x-a: 2, project: p, backend: {path: s, type: x}, version: 1}\n"
    new = "{version: 1, project: p, x-b: 1, x-a: 2, backend: {type: x, path: s}, scopes: {}, removed: [], odd: 1}\n"
    assert formatted(old.encode(), "x").decode() == new


def test_a_file_of_another_kind_keeps_its_order() -> None:
    """Only its spacing is ours."""
    assert formatted(b"b:   1\na: {z: 1,y: 2}\n", "x") == b"b: 1\na: {z: 1, y: 2}\n"


@pytest.mark.parametrize("made", ["a: 1\n", "a: 2 # note\n", "a: [\n", "a: 2 # other\n", "a: 2.0 # note\n"])
def test_a_result_that_is_not_the_same_is_refused(made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other data, other comments or no YAML: the error names the file and shows nothing of it."""
    monkeypatch.setattr(formatter, "lay_out", lambda *_: made)
    with pytest.raises(SyncerError) as caught:
        formatted(b"a:  2 # note\n" if made != "a: 2 # note\n" else b"a:  true # note\n", "secrets.yaml")
    assert not isinstance(caught.value, InvalidManifest)
    assert caught.value.exit_code == 1
    assert caught.value.message == "secrets.yaml was left as it is: formatted, it would not be the same"
    assert caught.value.__context__ is None


def test_faults_are_those_of_the_loader() -> None:
    """With their place, and all that can be found."""
    with pytest.raises(InvalidManifest) as caught:
        formatted(b"a: 1\na: 2\n1: 3\n", "x.yaml")
    assert [str(problem) for problem in caught.value.problems] == [
        "x.yaml:2:1: duplicate key, first on line 1",
        "x.yaml:3:1: a key must be a string: put it in quotes",
    ]


def test_what_ruamel_cannot_read_is_unreadable() -> None:
    """Its own error, which may show the text, goes nowhere."""
    with pytest.raises(Unreadable) as caught:
        scan("a: 'hunter2\n")
    assert caught.value.__context__ is None
    assert caught.value.args == ()
