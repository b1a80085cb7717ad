"""The shape of a document, as `schemas/manifest.schema.json` has it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from jsonschema_rs import Draft202012Validator

from syncer.manifest import wording
from syncer.registry import EMBEDDED
from syncer.schemas import load_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncer.manifest.document import Document, Place, Report
    from syncer.manifest.wording import Finding

MANIFEST = "manifest"
INCLUDED = "included"
POLICY = "policy_file"

_SECRET_DEPTH = 4
"""`scopes`, its name, `secrets`, its ref."""

# What takes the place of a part that is wrong, so that the rest can be checked: nothing that needs another part.
_SECRET: dict[str, Any] = {"source": {"env": "_"}}
_BACKEND: dict[str, Any] = {"type": EMBEDDED}
_RULE: dict[str, Any] = {"rule": "maximum-age", "age": "1d"}
_LEAST: dict[str, dict[str, Any]] = {
    MANIFEST: {"version": 1, "project": "x"},
    INCLUDED: {"scopes": {}},
    POLICY: {"rules": []},
}


def check(document: Document, kind: str, report: Report) -> Document:
    """Note every fault of a document's shape; give it with what is wrong taken out of its data, so that it fits."""
    if _fast(kind).is_valid(document.data):
        return document
    findings = wording.findings(_schema(kind), _suspects(document.data, kind))
    with report.sparing(document):
        for finding in findings:
            wording.note(finding, document, report)
    report.lost |= any(_loses(finding) for finding in findings)
    if not findings:
        report.at_value(document, (), "does not fit schemas/manifest.schema.json")
    healed = _healed(document, kind, findings)
    return replace(document, data=healed if _fast(kind).is_valid(healed) else dict(_LEAST[kind]))


@cache
def _schema(kind: str) -> dict[str, Any]:
    schema = load_schema("manifest")
    return schema if kind == MANIFEST else {"$ref": f"#/$defs/{kind}", "$defs": schema["$defs"]}


@cache
def _fast(kind: str) -> Draft202012Validator:
    return Draft202012Validator(_schema(kind))


@cache
def _scope_names() -> Draft202012Validator:
    return Draft202012Validator(load_schema("manifest")["$defs"]["scopes"]["propertyNames"])


def _suspects(data: Any, kind: str) -> Any:
    """Leave out the secrets that are fine: the validator that can explain takes seconds for 10,000 of them."""
    if not (isinstance(data, dict) and isinstance(data.get("scopes"), dict)):
        return data
    scopes, fits = data["scopes"], _fast("ref").is_valid
    # A wrong name is reported for the mapping that holds it, without saying which one it is, and with a copy of it all.
    named = {name: _some(scope, fits) for name, scope in scopes.items() if _scope_names().is_valid(name)}
    errors = _fast(kind).iter_errors({**data, "scopes": named})
    wrong = {tuple(error.instance_path[:_SECRET_DEPTH]) for error in errors}
    return {**data, "scopes": {**scopes, **{name: _suspect(name, scopes[name], wrong) for name in named}}}


def _suspect(name: str, scope: Any, wrong: set[tuple[str | int, ...]]) -> Any:
    fits = _fast("ref").is_valid
    return _some(scope, lambda ref: ("scopes", name, "secrets", ref) in wrong or not fits(ref))


def _some(scope: Any, wanted: Callable[[str], bool]) -> Any:
    """Leave those secrets in a scope whose refs are wanted."""
    if not (isinstance(scope, dict) and isinstance(scope.get("secrets"), dict)):
        return scope
    return {**scope, "secrets": {ref: secret for ref, secret in scope["secrets"].items() if wanted(ref)}}


def _loses(finding: Finding) -> bool:
    """Whether what is taken out may have declared something that is referred to elsewhere."""
    match finding.place:
        case ("include", *_):
            return True
        case () | ("scopes" | "backends",) | ("scopes", _) | ("scopes", _, "secrets"):
            return finding.keyword == "type"
    return False


def _healed(document: Document, kind: str, findings: list[Finding]) -> dict[str, Any]:
    data = document.data if isinstance(document.data, dict) else {}
    for finding in findings:
        for key in finding.extra_keys:
            _drop(data, [*finding.place, key])
    for finding in findings:
        # What is wrong below a key that was dropped, or a part that was replaced, is gone with it.
        if not finding.extra_keys and _is_there(data, finding.place):
            _replace(data, list(finding.place), _LEAST[kind])
    return data


def _replace(data: dict[str, Any], path: list[str | int], least: dict[str, Any]) -> None:
    match path:
        case ["scopes", scope, "secrets", ref, *_]:
            data["scopes"][scope]["secrets"][ref] = _SECRET
        case ["scopes", _, _, *_]:
            _drop(data, path[:3])
        case ["scopes", scope]:
            data["scopes"][scope] = {}
        case ["backends", name, *_]:
            data["backends"][name] = _BACKEND
        case ["policy" | "rules" as key, int(index), *_]:
            data[key][index] = _RULE
        case [str(key), *_]:
            data.pop(key, None)
            data.update({name: value for name, value in least.items() if name == key})
        case _:
            data.update({name: value for name, value in least.items() if name not in data})


def _is_there(data: object, place: Place) -> bool:
    """Whether a document still has what holds a place."""
    for step in place[:-1]:
        data = _below(data, step)
    return data is not None


def _below(data: object, step: str | int) -> object:
    if isinstance(data, list) and isinstance(step, int):
        return data[step]
    return data.get(step) if isinstance(data, dict) else None


def _drop(data: Any, path: list[str | int]) -> None:
    *way, last = path
    for step in way:
        data = _below(data, step)
    if isinstance(data, dict):
        data.pop(last, None)
