"""Files for `include:`: what they say, and that a manifest takes them."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support import House

from syncer.engine.adopt import adopt
from syncer.manifest import load_manifest
from syncer.model import Address, Observed
from syncer.render.manifest import found_manifest, sealed_manifest
from syncer.sources.sealed import PREFIX

if TYPE_CHECKING:
    from syncer.model import Manifest

SEALED = PREFIX + "x" * 400

# Words that YAML 1.1 or 1.2 would take for something else than text, and what they are made of.
WORDS = ["on", "yes", "No", "null", "True", "1", "1e3", "0x1f", "0o7", "1_000", "2030-01-01", "0.1", "1.", "_"]
NAMES = st.sampled_from(WORDS) | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,6}", fullmatch=True)
ODD = [
    "~",
    "<<",
    "=",
    "12:30:45",
    "a: b",
    "- a",
    "# a",
    "a #b",
    "&a",
    "*a",
    "!a",
    "%a",
    "@a",
    "`a",
    "{a",
    "a,b",
    "a\nb",
]
REFS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
TAGS = st.dictionaries(TEXTS.filter(bool) | st.sampled_from(WORDS), TEXTS | st.sampled_from([*WORDS, *ODD]))


def entry(ref: str, scope: str = "s", **facts: Any) -> Observed:
    """Observe something."""
    given = {"version": "1", "tags": {}, "enabled": True, "description": None, "owner": None, **facts}
    return Observed(address=Address(scope, ref), **given)


def load(folder: Path, text: str) -> Manifest:
    """Include a text in a manifest, and load that."""
    (folder / "found.yaml").write_text(text, encoding="utf-8")
    main = {"version": 1, "project": "shop", "backends": {"west": {"type": "local", "path": ".syncer/west.db"}}}
    (folder / "syncer.yaml").write_text(json.dumps(main | {"include": ["found.yaml"]}), encoding="utf-8")
    return load_manifest(folder / "syncer.yaml")


def test_what_was_found() -> None:
    """Sorted; each with a variable of its own; only what differs from the default is said."""
    found = [
        entry("b", tags={"tier": "gold", "team": "x"}, description="of the shop", enabled=False),
        entry("prod/db-password", description=""),
    ]
    assert found_manifest("s", "default", "default", found, ()) == (
        "# What backend `default` holds in scope s. No value was read. To take it under management:\n"
        "# 1. Set the variables that stand here as sources, or write other sources: file, command, generate, sealed.\n"
        "# 2. Name this file under `include:` in the manifest.\n"
        "# 3. syncer import 's:*'\n"
        "# 4. syncer plan; a value that its source does not yield would be rotated.\n"
        "scopes:\n"
        "  s:\n"
        "    secrets:\n"
        "      b:\n"
        "        source: {env: S_B}\n"
        '        description: "of the shop"\n'
        "        tags: {team: x, tier: gold}\n"
        "        enabled: false\n"
        "      prod/db-password:\n"
        "        source: {env: S_PROD_DB_PASSWORD}\n"
    )


def test_another_backend() -> None:
    """Is what the scope says, and why."""
    text = found_manifest("s", "west", "default", [entry("a")], ())
    assert yaml.safe_load(text)["scopes"]["s"]["backend"] == "west"
    assert "# The manifest has backend `default` for it; a scope has one.\n" in text


def test_what_is_left_out() -> None:
    """Stands in comments, whatever its name is made of."""
    left_out = [("a\nscopes: {}", "belongs to project other"), ("b", "pending deletion")]
    text = found_manifest("s", "default", "default", [], left_out)
    assert "#\n# Left out:\n#   a\\nscopes: {}: belongs to project other\n#   b: pending deletion\n" in text
    assert yaml.safe_load(text) == {"scopes": {"s": {"secrets": {}}}}


def test_variables_differ() -> None:
    """Also where two refs are spelled alike, where a name is taken by such a one, and from the key's own."""
    refs = ["a-b", "a.b", "a/b", "a_b_2", "A-b"]
    document = yaml.safe_load(found_manifest("1s", "x", "x", [entry(ref, "1s") for ref in refs], ()))
    sources = {ref: found["source"]["env"] for ref, found in document["scopes"]["1s"]["secrets"].items()}
    assert sources == {
        "A-b": "_1S_A_B",
        "a-b": "_1S_A_B_2",
        "a.b": "_1S_A_B_3",
        "a/b": "_1S_A_B_4",
        "a_b_2": "_1S_A_B_2_2",
    }
    assert "env: SYNCER_KEY_2" in found_manifest("syncer", "x", "x", [entry("key", "syncer")], ())


def test_sealed_values() -> None:
    """In the order in which they are given, each on one line."""
    text = sealed_manifest("on", {"B": SEALED, "A": SEALED})
    assert yaml.safe_load(text) == {"scopes": {"on": {"secrets": {r: {"source": {"sealed": SEALED}} for r in "BA"}}}}
    assert [line.strip() for line in text.splitlines() if line.strip() in ("A:", "B:")] == ["B:", "A:"]
    assert text.count(f"'{SEALED}'}}\n") == 2
    assert text.startswith("# ")


@pytest.mark.parametrize("ref", [*WORDS, "a" * 512, "1e3" * 100])
def test_refs_that_look_like_something_else(tmp_path: Path, ref: str) -> None:
    """Are text, for our own reader too."""
    manifest = load(tmp_path, sealed_manifest("global", {ref: SEALED}))
    assert list(manifest.secrets) == [Address("global", ref)]
    assert list(load(tmp_path, found_manifest(ref, "x", "x", [entry(ref, ref)], ())).secrets) == [Address(ref, ref)]


FOUND = st.builds(
    entry,
    REFS,
    scope=st.just("s"),
    tags=TAGS,
    description=st.none() | TEXTS | st.sampled_from([*WORDS, *ODD]),
    enabled=st.booleans(),
    owner=st.sampled_from([None, "shop"]),
)


PLACES = st.sampled_from(["default", "west"])


@given(st.lists(FOUND, min_size=1, max_size=5, unique_by=lambda seen: seen.address), PLACES)
@settings(max_examples=60, deadline=None)
def test_what_is_written_can_be_loaded_and_imported(found: list[Observed], backend: str) -> None:
    """The manifest says what was there; once imported, a plan has nothing unmanaged and, the values set, no write."""
    with TemporaryDirectory() as folder:
        manifest = load(Path(folder), found_manifest("s", backend, "default", found, ()))
        house = House(Path(folder), environ={})
        for seen in found:
            declared = manifest.secrets[seen.address]
            told = (declared.tags, declared.description, declared.enabled, declared.backend)
            assert told == (seen.tags, seen.description or "", seen.enabled, backend)
            house.environ[declared.source.argument] = f"value of {seen.address}"
            house.store(backend).put(seen, _value(seen.address))
        house.declare(*manifest.secrets.values())
        with house.session() as session, session.lock("import"):
            assert adopt(session, manifest.secrets).keys() == manifest.secrets.keys()
        made = house.plan()
    assert made.errors == ()
    assert not any(found.code == "unmanaged" for found in made.diagnostics)
    assert {str(change.action) for change in made.changes} <= {"update"}, "the owner's mark, and no value"


def _value(address: Address) -> Any:
    from syncer.sensitive import Sensitive

    return Sensitive(f"value of {address}".encode())
