"""Real output against the schemas that ship with the tool."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cli.folder import GENERATE, Folder
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from syncer import __version__
from syncer.schemas import load_schema
from syncer.testing.base import declared

if TYPE_CHECKING:
    from cli.folder import Result

SCHEMAS = Path(__file__).parent.parent / "schemas"
A = {"source": {"env": "A"}}
KINDS = {"plan": "resource_changes", "outcome": "applied", "drift_report": "drift", "failure": "diagnostics"}


@pytest.fixture
def syncer(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A project with two secrets, declared."""
    monkeypatch.chdir(tmp_path)
    folder = Folder(tmp_path, capsysbinary, monkeypatch)
    folder.key()
    monkeypatch.setenv("A", "first")
    folder.declare({"global:a": A | {"tags": {"team": "x"}, "description": "d"}, "payments:b": GENERATE})
    return folder


def checker(schema: dict[str, Any]) -> Draft202012Validator:
    """Give a validator that heeds formats too."""
    return Draft202012Validator(schema, format_checker=FormatChecker())


def check(result: Result, kind: str, code: int = 0) -> Any:
    """Fail where the output is not one document of that kind, by the whole schema and by the kind's part of it."""
    assert result.code == code, result
    schema = load_schema("plan")
    checker(schema).validate(result.json)
    checker({"$ref": f"#/$defs/{kind}", "$defs": schema["$defs"]}).validate(result.json)
    return result.json


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.name)
def test_the_schemas_are_schemas(path: Path) -> None:
    """Each is valid by the 2020-12 metaschema, says what it is, and closes its objects."""
    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"]
    assert path.name == f"{path.name.partition('.')[0]}.schema.json"
    for name in _references(schema):
        assert name.removeprefix("#/$defs/") in schema["$defs"]


def _references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(_references, node.values()))
    return set().union(*map(_references, node)) if isinstance(node, list) else set()


def test_plans(syncer: Folder) -> None:
    """New, unchanged, changed, narrowed, without values, to destroy, with errors, with drift."""
    check(syncer("plan", "--format", "json"), "plan")
    syncer.apply()
    check(syncer("plan", "--format", "json"), "plan")
    syncer.monkeypatch.setenv("A", "second")
    syncer.overwrite("global:a", b"behind our back")
    syncer.disable("payments:b")
    syncer.plant("global:free", b"value", owned=False)
    secrets = {"global:a": A | {"tags": {"tier": "y"}}, "other:b": GENERATE | {"enabled": False}, "global:free": A}
    syncer.declare(secrets, moved=[{"from": "payments:b", "to": "other:b"}])
    document = check(syncer("plan", "--format", "json"), "plan", code=1)
    assert {change["action"] for change in document["resource_changes"]} >= {"rotate", "update", "move"}
    assert {each["kind"] for each in document["drift"]} >= {"value"}
    assert document["diagnostics"][0]["origin"]["line"] > 1
    for arguments in (["--values", "skip"], ["--target", "*:a"], ["--rotate", "*"], ["--destroy"], ["--no-refresh"]):
        result = syncer("plan", "--exclude", "global:free", *arguments, "--format", "json")
        check(result, "plan")


def test_saved_plans(syncer: Folder) -> None:
    """The file too, with its MAC; and what `show` prints of it."""
    syncer.fine("plan", "--out", "plan.json")
    document = json.loads((syncer.path / "plan.json").read_bytes())
    checker(load_schema("plan")).validate(document)
    assert document["mac"].startswith("hmac:")
    check(syncer("show", "plan.json", "--format", "json"), "plan")


def test_outcomes(syncer: Folder) -> None:
    """Complete, empty, failed, of a saved plan."""
    check(syncer("apply", "--auto-approve", "--format", "json"), "outcome")
    check(syncer("apply", "--auto-approve", "--format", "json"), "outcome")
    syncer.monkeypatch.setenv("A", "second")
    syncer.fine("plan", "--out", "plan.json")
    with syncer.sql() as db:
        db.execute("CREATE TRIGGER no BEFORE UPDATE ON secret BEGIN SELECT RAISE(ABORT, 'no'); END")
    document = check(syncer("apply", "plan.json", "--format", "json"), "outcome", code=5)
    assert document["failed"][0]["error"]["code"] == "backend_error"


def test_drift_reports(syncer: Folder) -> None:
    """Without drift, and with every kind of it."""
    syncer.apply()
    check(syncer("drift", "--format", "json"), "drift_report")
    syncer.overwrite("global:a", b"behind our back")
    with syncer.store() as backend:
        (seen,) = [each for each in backend.observe(["global"], []) if each.address.ref == "a"]
        seen = backend.set_enabled(seen, enabled=False)
        backend.update(declared(seen.address, description="e"), seen, list(seen.tags))
    with syncer.sql() as db:
        db.execute("DELETE FROM secret WHERE ref = 'b'")
    document = check(syncer("drift", "--format", "json"), "drift_report", code=2)
    assert {each["kind"] for each in document["drift"]} == {"value", "tags", "enabled", "description", "missing"}
    check(syncer("drift", "--accept", "--auto-approve", "--format", "json"), "drift_report")


def test_state_files(syncer: Folder) -> None:
    """The file, its backup, and what `show` prints; also with what an interrupted run leaves in a record."""
    syncer.apply()
    syncer.declare({"global:a": A | {"rotate": {"every": "90d", "version": 2}}})
    syncer.apply()
    validator = checker(load_schema("state"))
    for text in (syncer.state.read_bytes(), syncer.state.with_name("state.json.backup").read_bytes()):
        validator.validate(json.loads(text))
    validator.validate(syncer("show", "--format", "json").json)


FAILURES = {
    "invalid manifest": (["validate"], 3),
    "source": (["plan"], 1),
    "access": (["drift", "--target", "nothing"], 3),
    "no plan": (["apply", "missing.json"], 1),
    "stale": (["apply", "syncer.yaml"], 7),
    "usage": (["plan", "--bogus"], 64),
    "nobody": (["apply"], 64),
    "record": (["state", "show", "global:none"], 3),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_failures(syncer: Folder, kind: str) -> None:
    """Every failure is a document of one shape."""
    arguments, code = FAILURES[kind]
    if kind == "invalid manifest":
        syncer.write({"version": 1, "projekt": "shop"})
    if kind == "source":
        syncer.monkeypatch.delenv("A")
    document = check(syncer(*arguments, "--format", "json"), "failure", code)
    assert document["complete"] is False
    assert all(found["severity"] == "error" for found in document["diagnostics"])


def test_validate(syncer: Folder) -> None:
    """A valid manifest is no failure but has the same shape of findings: none."""
    document = syncer("validate", "--format", "json").json
    assert document["complete"] is True
    assert document["syncer_version"] == __version__
    assert document["diagnostics"] == []


def test_manifests_of_every_kind() -> None:
    """The examples of the tests are valid by the shipped schema, read with plain YAML."""
    import yaml

    validator = checker(load_schema("manifest"))
    folder = Path(__file__).parent / "manifests/valid"
    # Not core_schema.yaml: it is about texts that PyYAML, left to itself, takes for something else.
    for path in sorted(set(folder.glob("*.yaml")) - {folder / "core_schema.yaml"}):
        validator.validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_the_schema_refuses(syncer: Folder) -> None:
    """A document with one thing too many, or one missing, is not of any kind."""
    document = syncer("plan", "--format", "json").json
    schema = checker(load_schema("plan"))
    for broken in ({**document, "value": "x"}, {k: v for k, v in document.items() if k != "digest"}):
        with pytest.raises(ValidationError):
            schema.validate(broken)
    document["resource_changes"][0]["change"]["after"]["value"] = "x"
    with pytest.raises(ValidationError):
        schema.validate(document)
