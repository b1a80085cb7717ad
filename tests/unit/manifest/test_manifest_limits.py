"""YAML that is made to hurt: depth, bombs, recursion, rubbish."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from syncer.errors import InvalidManifest
from syncer.manifest import load_manifest, shape, wording
from syncer.manifest.compose import Fault, compose
from syncer.manifest.data import Converter

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "version: 1\nproject: p\n"


def refusal(tmp_path: Path, text: str) -> str:
    """Load text that must be refused and give the message without the file's name."""
    path = tmp_path / "syncer.yaml"
    path.write_text(text)
    with pytest.raises(InvalidManifest) as caught:
        load_manifest(path)
    return str(caught.value).replace(f"{path}:", "")


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "? " * 100_000, "!!seq [" * 100_000])
def test_nesting_without_end_is_refused_and_crashes_nothing(tmp_path: Path, text: str) -> None:
    """In a process of its own: unbounded, libyaml's recursion ends in a segmentation fault."""
    path = tmp_path / "syncer.yaml"
    path.write_text(text)
    program = "import sys, pathlib, syncer.manifest as m, syncer.errors as e\n"
    program += "try: m.load_manifest(pathlib.Path(sys.argv[1]))\nexcept e.InvalidManifest as error: print(error)"
    run = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert "nested more than 50 levels deep" in run.stdout


def test_nesting_to_the_bound_is_read() -> None:
    """50 collections may hold one another, 51 may not."""
    root = compose(("[" * 50 + "x" + "]" * 50).encode())
    assert Converter(0).convert(root)
    with pytest.raises(Fault, match="nested"):
        compose(("[" * 51 + "x" + "]" * 51).encode())


@pytest.mark.parametrize(
    "bomb",
    [
        "x-0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"x-{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)),
        "x-0: &a0 {a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1}\n"
        + "".join(f"x-{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 2000)}]}}\n" for i in range(1, 12)),
    ],
    ids=["aliases", "merges"],
)
def test_a_bomb_is_refused_before_it_goes_off(tmp_path: Path, bomb: str) -> None:
    """A few lines that stand for billions of parts cost no more than their bound."""
    begin = time.process_time()
    assert "aliases stand for too much here" in refusal(tmp_path, HEAD + bomb)
    assert time.process_time() - begin < 5


def test_ordinary_use_of_aliases_is_no_bomb(tmp_path: Path) -> None:
    """2,000 secrets that merge one anchor are fine."""
    anchor = "x-a: &a {tags: {a: b, c: d, e: f}, rotate: {every: 9d, warn: 1d}, on_remove: delete}\n"
    secrets = "".join(f"      s{i}: {{<<: *a, source: {{env: A}}}}\n" for i in range(2000))
    path = tmp_path / "syncer.yaml"
    path.write_text(f"{HEAD}{anchor}scopes:\n  a:\n    secrets:\n{secrets}")
    assert len(load_manifest(path).secrets) == 2000


@pytest.mark.parametrize(
    "text",
    ["x-a: &a [*a]", "x-a: &a {<<: *a}", "x-a: &a {b: {<<: *a}}", "x-a: &a {b: {c: *a}}", "x-a: &a {<<: [{<<: *a}]}"],
)
def test_what_holds_itself_is_refused(tmp_path: Path, text: str) -> None:
    """Through aliases, merges and both."""
    assert "this holds an alias of itself" in refusal(tmp_path, HEAD + text + "\n")


def test_what_only_the_fast_validator_refuses_is_never_let_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should the two ever disagree, a manifest is refused rather than half understood."""
    monkeypatch.setattr(wording, "findings", lambda _schema, _data: [])
    message = refusal(tmp_path, "version: 2\nproject: p\n")
    assert message == "1:1: does not fit schemas/manifest.schema.json"


def test_what_cannot_be_mended_is_still_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the rest stays wrong after the wrong parts are taken out, the meaning is not looked at."""
    monkeypatch.setattr(shape, "_replace", lambda *_: None)
    assert refusal(tmp_path, "version: 2\nproject: p\n") == "1:10: `version` must be 1"


@pytest.mark.parametrize("kind", ["refs", "scopes"])
def test_ten_thousand_wrong_names_are_told_at_once(tmp_path: Path, kind: str) -> None:
    """The validator tells each with a copy of all of them, which took minutes, and all of the memory."""
    secret = "{source: {env: A}}"
    if kind == "refs":
        text = "scopes:\n  g:\n    secrets:\n" + "".join(f"      wrong {n}: {secret}\n" for n in range(10_000))
    else:
        text = "scopes:\n" + "".join(f"  wrong {n}: {{secrets: {{a: {secret}}}}}\n" for n in range(10_000))
    began = time.perf_counter()
    assert refusal(tmp_path, HEAD + text).count("wrong") == 0
    assert time.perf_counter() - began < 20
