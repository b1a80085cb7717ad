"""Sources that other packages bring, found by their entry points."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from syncer.errors import InvalidManifest
from syncer.manifest import load_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.model import Manifest

MODULE = """
from dataclasses import dataclass
from syncer.errors import InvalidConfiguration
from syncer.sources.base import NoOptions, Source

@dataclass(frozen=True, kw_only=True)
class Options:
    region: str = "here"

class Vending(Source):
    type_name = "vending"
    Options = Options

    def check(self):
        if self.argument != "snack":
            raise InvalidConfiguration("`vending` has snacks only", hint="write snack")

    def produce(self, context):
        raise NotImplementedError

class Fountain(Source):
    type_name = "fountain"
    Options = NoOptions

    def check(self):
        pass

    def produce(self, context):
        raise NotImplementedError
"""


BEFORE = "scopes: {a: {secrets: {b: {source: "


@pytest.fixture(autouse=True)
def _package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package that brings two sources."""
    site = tmp_path / "site"
    info = site / "vending-1.dist-info"
    info.mkdir(parents=True)
    (site / "vending_for_syncer.py").write_text(MODULE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vending\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[syncer.sources]\nvending = vending_for_syncer:Vending\nfountain = vending_for_syncer:Fountain\n"
    )
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "vending_for_syncer", raising=False)


def load(tmp_path: Path, source: str) -> Manifest:
    """Load a manifest with one secret of this source."""
    path = tmp_path / "syncer.yaml"
    path.write_text(f"version: 1\nproject: p\n{BEFORE}{source}}}}}}}}}\n")
    return load_manifest(path)


def test_a_source_of_another_package_is_known(tmp_path: Path) -> None:
    """With its own option, and with `decode`, which every source has."""
    (secret,) = load(tmp_path, "{vending: snack, region: there, decode: hex}").secrets.values()
    assert (secret.source.type, secret.source.argument) == ("vending", "snack")
    assert secret.source.options == {"region": "there", "decode": "hex"}


@pytest.mark.parametrize(
    ("source", "wrong", "message"),
    [
        ("{vending: hunter2}", "hunter2", "`vending` has snacks only; write snack"),
        ("{vending: snack, regio: hunter2}", "regio", "unknown option, did you mean `region`?"),
        ("{vending: snack, region: 42}", "snack", "option `region` must be a string"),
        ("{vending: snack, fountain: x}", "fountain", "exactly one source, and `vending` is there already"),
        ("{env: A, vending: snack}", "vending", "unknown option; known: decode, env"),
    ],
)
def test_it_is_checked_like_ours(tmp_path: Path, source: str, wrong: str, message: str) -> None:
    """Argument and options, at load, with the place of each fault."""
    with pytest.raises(InvalidManifest) as caught:
        load(tmp_path, source)
    column = len(BEFORE) + source.index(wrong) + 1
    assert [(p.line, p.column, p.message) for p in caught.value.problems] == [(3, column, message)]


def test_the_project_key_is_no_source(tmp_path: Path) -> None:
    """Whoever may read the store could then read everything; other names need no class to be checked."""
    secrets = "{a: {source: {env: SYNCER_KEY}}, b: {source: {env: OTHER}}}"
    text = f"version: 1\nproject: p\nscopes: {{g: {{secrets: {secrets}}}}}\n"
    (tmp_path / "syncer.yaml").write_text(text)
    with pytest.raises(InvalidManifest) as caught:
        load_manifest(tmp_path / "syncer.yaml")
    assert [problem.message for problem in caught.value.problems] == [
        "SYNCER_KEY holds the project key, which is never a value"
    ]
