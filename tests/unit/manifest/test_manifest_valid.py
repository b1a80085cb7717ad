"""What valid manifests mean."""

from __future__ import annotations

import gc
import json
from datetime import timedelta
from pathlib import Path

import pytest

from syncer.errors import InvalidManifest
from syncer.manifest import load_manifest
from syncer.model import Address, Manifest, OnRemove, Rotation, Scope, StateSpec

VALID = Path(__file__).parents[2] / "manifests" / "valid"


def load(tmp_path: Path, text: str) -> Manifest:
    """Write and load a manifest."""
    path = tmp_path / "syncer.yaml"
    path.write_text(text)
    return load_manifest(path)


def tags_of(manifest: Manifest) -> dict[str, dict[str, str]]:
    """Give the tags of each secret by its ref."""
    return {address.ref: dict(secret.tags) for address, secret in manifest.secrets.items()}


@pytest.mark.parametrize("path", sorted(VALID.glob("*.yaml")), ids=lambda path: path.stem)
def test_valid_manifests_load(path: Path) -> None:
    """Every file of the folder is a manifest."""
    assert load_manifest(path).project == "shop"


def test_the_manifest_of_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backends, state, scopes, moves and removals are as written."""
    monkeypatch.chdir(VALID)
    manifest = load_manifest(Path("contract.yaml"))
    assert manifest.path == Path("contract.yaml")
    assert manifest.folder == Path()
    assert {name: (b.type, dict(b.options), str(b.origin)) for name, b in manifest.backends.items()} == {
        "default": ("local", {}, "contract.yaml:4"),
        "west": ("local", {"path": ".syncer/west.db"}, "contract.yaml:6"),
    }
    assert manifest.state == StateSpec(type="file", path=".syncer/state.json")
    assert manifest.scopes == {
        "global": Scope(name="global", description="shared by every workspace"),
        "payments": Scope(name="payments", fallback="global", backend="west"),
        "search": Scope(name="search"),
    }
    (move,) = manifest.moved
    assert (move.source, move.target) == (Address("global", "old/name"), Address("payments", "tls/key"))
    assert str(move.origin) == "contract.yaml:28"
    assert manifest.removed == {Address("global", "legacy"): OnRemove.FORGET}


def test_a_secret_has_what_its_scope_and_the_defaults_give(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tags merge key by key, the rest replaces, and an included file adds to a scope."""
    monkeypatch.chdir(VALID)
    secrets = load_manifest(Path("contract.yaml")).secrets
    first = secrets[Address("global", "prod/db-password")]
    assert first.tags == {"team": "payments", "tier": "gold"}
    assert first.description == "primary database"
    assert (first.backend, first.enabled, first.on_remove) == ("default", True, OnRemove.DISABLE)
    generated = secrets[Address("payments", "prod/db-password")]
    assert generated.rotate == Rotation(every=timedelta(days=90), warn=timedelta(days=7))
    assert generated.source.argument == {"length": 40}
    assert (generated.backend, generated.enabled) == ("west", False)
    assert secrets[Address("payments", "tls/key")].on_remove is OnRemove.DELETE
    included = secrets[Address("payments", "search/key")]
    assert str(included.origin) == "more/search.yaml:6"
    assert included.source.folder == Path("more")
    assert (included.source.type, included.source.argument) == ("file", "search.key")
    assert included.source.options == {"trim": True}
    assert (included.enabled, included.backend) == (True, "west")


def test_the_smallest_manifest_has_the_local_backend_and_its_state_in_a_file() -> None:
    """Two lines are enough."""
    manifest = load_manifest(VALID / "smallest.yaml")
    assert {name: spec.type for name, spec in manifest.backends.items()} == {"default": "local"}
    assert manifest.state == StateSpec()
    assert not manifest.secrets
    assert not manifest.scopes
    assert manifest.moved == ()
    assert manifest.removed == {}


def test_a_state_in_a_branch(tmp_path: Path) -> None:
    """Its options have defaults of their own."""
    (tmp_path / "syncer.yaml").write_text("{version: 1, project: shop, state: {type: git}}")
    assert load_manifest(tmp_path / "syncer.yaml").state == StateSpec(
        type="git", branch="syncer-state", remote="origin", path="state.json"
    )
    spec = load_manifest(VALID / "state_git.yaml").state
    assert (spec.branch, spec.path) == ("state/shop", "shop/state.json")
    assert spec.remote == "https://git.example.com/team/state.git"


@pytest.mark.parametrize(
    "state",
    [
        *(
            {"branch": name}
            for name in (
                "-b",
                "/b",
                "b/",
                "b.",
                "b..c",
                "b//c",
                ".b",
                "b/.c",
                "b.lock",
                "b@{c",
                "@",
                "b c",
                "b~",
                "b^",
                "b:c",
                "b?",
                "b*",
                "b[",
                "b\\c",
                "HEAD",
                "b\n",
                "ü",
                "b" * 201,
            )
        ),
        *(
            {"path": name}
            for name in ("/p", "../p", "p/..", "./p", "p//q", "p/", ".git/p", "p/.GIT", "-p", 'p"', "p q", "p\n")
        ),
        *({"remote": name} for name in ("-o", "--upload-pack=x", "o r", "https://u:p@h/r.git")),
    ],
    ids=repr,
)
def test_names_that_git_would_not_take_are_faults(tmp_path: Path, state: dict[str, str]) -> None:
    """None reaches git, where it could pass for an option or another place."""
    path = tmp_path / "syncer.yaml"
    path.write_text(json.dumps({"version": 1, "project": "shop", "state": {"type": "git", **state}}))
    with pytest.raises(InvalidManifest, match=next(iter(state))):
        load_manifest(path)


def test_plain_text_stays_text() -> None:
    """`yes`, leading zeros, times and dates are strings, as in the core schema of YAML 1.2."""
    (secret,) = load_manifest(VALID / "core_schema.yaml").secrets.values()
    assert secret.address == Address("on", "yes")
    assert secret.description == "off"
    assert secret.enabled is True
    assert secret.tags == {
        "a": "yes", "b": "017", "c": "12:30:45", "d": "2001-01-01", "e": "1_000", "f": "0b11", "g": "null", "h": "42",
        "i": ".inf", "j": "y", "k": "=", "l": "<<", "m": "1.2.3", "n": "42", "o": "", "p": "text",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["1", "-1", "1.5", "1e3", ".5", "+7", "0", "true", "False", "null", "~", "", "NULL"])
def test_plain_scalars_that_are_no_text_are_refused_as_tags(tmp_path: Path, text: str) -> None:
    """A number or boolean is never turned into a string behind the user's back."""
    with pytest.raises(InvalidManifest, match="a tag must be a string: put it in quotes"):
        load(tmp_path, f"version: 1\nproject: p\ndefaults: {{tags: {{a: {text}}}}}\n")


def test_anchors_and_merge_keys() -> None:
    """What is written out wins over what is merged, earlier merges over later ones."""
    secrets = {a.ref: s for a, s in load_manifest(VALID / "anchors.yaml").secrets.items()}
    month = Rotation(every=timedelta(days=30), warn=timedelta(days=3))
    assert secrets["a"].rotate == month
    assert (secrets["b"].tags, secrets["b"].rotate) == ({"tier": "iron"}, month)
    assert (secrets["c"].tags, secrets["c"].rotate) == ({"tier": "gold", "team": "core"}, month)
    assert secrets["c"].on_remove is OnRemove.FORGET
    assert secrets["c"].source.argument == "C"
    assert secrets["e"].source.argument == "D"
    assert secrets["e"].origin.line == 20
    assert (secrets["f"].enabled, secrets["f"].source.argument) == (False, "D")


def test_what_a_scope_inherits_from_the_defaults(tmp_path: Path) -> None:
    """Defaults, then the scope, then the secret: `rotate`, `enabled` and `on_remove` as a whole."""
    manifest = load(
        tmp_path,
        "version: 1\nproject: p\n"
        "defaults: {tags: {a: d, b: d, c: d}, enabled: false, rotate: {every: 9d, warn: 1d}, on_remove: forget}\n"
        "scopes:\n"
        "  x: {tags: {b: s, c: s}, rotate: {every: 8d}, secrets: {\n"
        "    one: {source: {env: A}, tags: {c: t}, enabled: true},\n"
        "    two: {source: {env: A}, rotate: {version: 3}, on_remove: delete}}}\n"
        "  y: {secrets: {three: {source: {env: A}}}}\n",
    )
    assert tags_of(manifest) == {
        "one": {"a": "d", "b": "s", "c": "t"},
        "two": {"a": "d", "b": "s", "c": "s"},
        "three": {"a": "d", "b": "d", "c": "d"},
    }
    one, two, three = manifest.secrets.values()
    assert (one.enabled, one.rotate, one.on_remove) == (True, Rotation(every=timedelta(days=8)), OnRemove.FORGET)
    assert (two.enabled, two.rotate, two.on_remove) == (False, Rotation(version=3), OnRemove.DELETE)
    assert three.rotate == Rotation(every=timedelta(days=9), warn=timedelta(days=1))


def test_a_manifest_in_utf_8_with_a_byte_order_mark(tmp_path: Path) -> None:
    """Editors on Windows write one, and their line ends."""
    path = tmp_path / "syncer.yaml"
    path.write_bytes(b"\xef\xbb\xbfversion: 1\r\nproject: shop\r\n")
    assert load_manifest(path).project == "shop"


def test_explicit_core_tags_are_heeded(tmp_path: Path) -> None:
    """`!!str 42` is text, and the tags of mappings and lists may be spelled out."""
    lists = "include: !!seq []\nmoved: !!null\n"
    text = "version: !!int 1\nproject: !!str 42\ndefaults: !!map {enabled: !!bool true}\n"
    assert load(tmp_path, text + lists).project == "42"


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_left_as_it_was(enabled: bool) -> None:  # noqa: FBT001  # a parameter of the test
    """Loading pauses it, and neither starts nor stops it, also where it fails."""
    was = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        load_manifest(VALID / "smallest.yaml")
        with pytest.raises(InvalidManifest):
            load_manifest(VALID / "nowhere.yaml")
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was else gc.disable)()
