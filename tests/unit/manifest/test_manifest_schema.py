"""The manifest's schema: sound, explained to editors, and the same to both validators."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import syncer
from syncer import schemas
from syncer.manifest import policy, wording
from syncer.manifest.compose import Fault, compose
from syncer.manifest.data import Converter
from syncer.rules import OWN_CHARACTERS, Rule
from syncer.sources.generate import ALPHABETS, RSA_BITS, TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = schemas.load_schema("manifest")
INCLUDED = {"$ref": "#/$defs/included", "$defs": SCHEMA["$defs"]}
FILES = sorted((Path(__file__).parents[2] / "manifests").rglob("*.yaml"))

WORDS = st.sampled_from(
    [
        "a",
        "a/b",
        "a:b",
        "A_",
        "",
        "a b",
        "a\n",
        "1d",
        "0d",
        "1 d",
        "disable",
        "hex",
        "local",
        "global",
        "-",
        ".x",
        "\0",
        "é",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-3, 5000) | st.floats(-2, 4, width=16) | WORDS
ANYTHING = st.recursive(SCALARS, lambda below: st.lists(below, max_size=3) | st.dictionaries(WORDS, below, max_size=3))


def near(schema: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Give data that nearly fits: each part by its schema, and now and then anything at all."""
    if "$ref" in schema:
        return near(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], depth)
    return st.one_of(_fitting(schema, depth), ANYTHING) if depth > 1 else _fitting(schema, depth)


def _fitting(schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    if "object" in kinds:
        return _mapping(schema, depth)
    if "array" in kinds:
        return st.lists(near(schema.get("items", {}), depth + 1), max_size=2)
    examples = schema.get("examples", [])
    return st.sampled_from(examples) if examples else SCALARS


def _mapping(schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    known = {key: near(below, depth + 1) for key, below in schema.get("properties", {}).items()}
    required = {key: known[key] for key in schema.get("required", [])}
    rest = {key: below for key, below in known.items() if key not in required}
    fixed = st.fixed_dictionaries(required, optional=rest)
    others = schema.get("additionalProperties")
    if not isinstance(others, dict):
        return fixed
    named = st.dictionaries(WORDS, near(others, depth + 1), max_size=2)
    return st.builds(lambda one, two: {**two, **one}, fixed, named)


def agree(schema: dict[str, Any], data: Any) -> bool:
    """Whether data is valid, which both validators must see alike."""
    fast = jsonschema_rs.Draft202012Validator(schema).is_valid(data)
    assert fast is (not wording.findings(schema, data))
    return fast


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Give every property of the schema."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {}).values()
        for below in schema.values():
            yield from parts(below)


def test_the_schema_is_a_schema() -> None:
    """By the meta-schema of the draft that it names."""
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_property_has_a_title() -> None:
    """Editors show it; what it refers to may bring it."""
    found = list(parts(SCHEMA))
    assert len(found) > 30
    for part in found:
        target = SCHEMA["$defs"].get(part.get("$ref", "").rpartition("/")[2], {})
        assert part.get("title") or target.get("title")


def test_the_examples_fit() -> None:
    """What the schema shows to people is valid."""
    shown = 0
    for part in [*parts(SCHEMA), *SCHEMA["$defs"].values()]:
        for example in part.get("examples", []):
            schema = {"$defs": SCHEMA["$defs"], **part}
            assert agree(schema, example), example
            shown += 1
    assert shown > 15


def test_patterns_say_what_they_want() -> None:
    """A pattern without words of its own could only be shown as a pattern."""
    text = json.dumps(SCHEMA)
    assert text.count('"pattern":') == text.count('"patternErrorMessage":') > 5


def test_the_schema_knows_what_the_generator_can() -> None:
    """The choices stand in two places, so they are compared."""
    generate = SCHEMA["$defs"]["source"]["properties"]["generate"]["properties"]
    assert generate["type"]["enum"] == list(TYPES)
    assert generate["alphabet"]["enum"] == list(ALPHABETS)
    assert generate["bits"]["enum"] == list(RSA_BITS)
    rule = SCHEMA["$defs"]["generated_values"]["properties"]
    assert rule["types"]["items"]["enum"] == list(TYPES)
    assert rule["alphabets"]["items"]["enum"] == [*ALPHABETS, OWN_CHARACTERS]


def test_the_schema_knows_every_rule() -> None:
    """By name, each with a shape of its own, and all of them can be read."""
    rule = SCHEMA["$defs"]["rule"]
    names = rule["properties"]["rule"]["enum"]
    assert names == [kind.name for kind in get_args(Rule)] == list(policy.READERS)
    for name, condition in zip(names, rule["allOf"], strict=True):
        assert condition["if"]["properties"]["rule"]["const"] == name
        shape = SCHEMA["$defs"][condition["then"]["$ref"].rpartition("/")[2]]
        assert shape["properties"]["rule"]["const"] == name
        assert shape["properties"].keys() >= {"severity", "scopes", "except"}
        assert shape["additionalProperties"] is False


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_validators_agree_on_files(path: Path) -> None:
    """On every manifest of the tests, valid or not."""
    raw = path.read_bytes()
    try:
        data = Converter(len(raw)).convert(compose(raw))
    except Fault:
        return
    for schema in (SCHEMA, INCLUDED):
        agree(schema, data)


@settings(max_examples=300, deadline=None)
@given(near(SCHEMA))
def test_the_validators_agree_on_what_nearly_fits(data: Any) -> None:
    """On data that follows the schema here and breaks it there."""
    agree(SCHEMA, data)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=6), st.text(max_size=6) | st.none(), max_size=3))
def test_the_validators_agree_on_names(names: dict[str, Any]) -> None:
    """On any text as a ref, a scope, an address and a variable, newlines at the end included."""
    secrets = {name: {"source": {"env": value}} for name, value in names.items()}
    agree(SCHEMA, {"version": 1, "project": "p", "scopes": {"a": {"secrets": secrets}}})
    agree(SCHEMA, {"version": 1, "project": "p", "scopes": names})
    moved = [{"from": f"a:{name}", "to": f"{value}:a"} for name, value in names.items()]
    agree(SCHEMA, {"version": 1, "project": "p", "moved": moved})


def test_a_checkout_has_its_schemas_beside_the_package() -> None:
    """Where nothing is installed, the repository's own folder is used."""
    assert schemas.schema_path("manifest").is_file()
    assert schemas.schema_path("plan").name == "plan.schema.json"


def test_a_wheel_has_its_schemas_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package never looks outside itself."""
    inside = tmp_path / "site" / "syncer"
    (inside / "schemas").mkdir(parents=True)
    monkeypatch.setattr(syncer, "__file__", str(inside / "__init__.py"))
    assert schemas.schema_path("manifest") == inside / "schemas" / "manifest.schema.json"
