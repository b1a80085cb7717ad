"""What the manifest says of readers: who may read what, and how long values are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from syncer.errors import InvalidManifest
from syncer.manifest import load_manifest
from syncer.model import Access, CacheSpec

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.model import Manifest

HEAD = "version: 1\nproject: p\n"
SCOPE = HEAD + "scopes:\n  s:\n    secrets: {a: {source: {env: A}}, b/c: {source: {env: B}}}\n    readers:\n"


def load(folder: Path, text: str) -> Manifest:
    """Load a text."""
    path = folder / "syncer.yaml"
    path.write_text(text)
    return load_manifest(path)


def refused(folder: Path, text: str) -> list[str]:
    """Load a text that must be refused; give what is said, without the file's name."""
    with pytest.raises(InvalidManifest) as caught:
        load(folder, text)
    return [str(problem).partition("syncer.yaml:")[2] for problem in caught.value.problems]


def test_readers(tmp_path: Path) -> None:
    """By application id; one that says nothing may read all."""
    text = SCOPE + "      checkout: {default_access: deny, allowed: [a], denied: [b/c]}\n      web:\n"
    assert load(tmp_path, text).scopes["s"].readers == {
        "checkout": Access(default_allow=False, allowed=("a",), denied=("b/c",)),
        "web": Access(),
    }


def test_a_ref_that_nobody_declares(tmp_path: Path) -> None:
    """With its place and the nearest right one; a ref that the scope may fall back to is fine."""
    text = SCOPE + "      web: {allowed: [a, x, b/d]}\n  t:\n    secrets: {x: {source: {env: X}}}\n"
    assert refused(tmp_path, text) == ["7:29: no scope declares this ref, did you mean `b/c`?"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("web: {default_access: maybe}", "`default_access` must be one of allow, deny"),
        ("web: {allowed: a}", "`allowed` must be a list"),
        ("web: {allow: [a]}", "unknown key, did you mean `allowed`?"),
        ("'a b': {}", "an application id is made of letters"),
    ],
)
def test_what_readers_cannot_be(tmp_path: Path, given: str, told: str) -> None:
    """Refused by the schema, in its words."""
    (problem,) = refused(tmp_path, f"{SCOPE}      {given}\n")
    assert told in problem


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        (Access(), "ab"),
        (Access(default_allow=False), ""),
        (Access(allowed=("a",)), "a"),
        (Access(default_allow=False, allowed=("a",)), "a"),
        (Access(allowed=("a",), denied=("a",)), "a"),
        (Access(denied=("a",)), "b"),
        (Access(default_allow=False, denied=("a",)), ""),
    ],
)
def test_the_order_of_access(access: Access, expected: str) -> None:
    """Allowed refs alone, where there are any; else what is not denied; else the default."""
    assert "".join(filter(access.allows, "ab")) == expected


def test_cache(tmp_path: Path) -> None:
    """Off unless it says otherwise."""
    assert load(tmp_path, HEAD).cache == CacheSpec()
    text = HEAD + "cache: {enabled: true, maximum_size: 5, expire_after_write: 2m}\n"
    assert load(tmp_path, text).cache == CacheSpec(
        enabled=True, maximum_size=5, expire_after_write=timedelta(minutes=2)
    )
    assert "a duration is" in refused(tmp_path, HEAD + "cache: {expire_after_write: 0s}\n")[0]
