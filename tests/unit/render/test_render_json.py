"""The JSON documents, their schema and their digest."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from plans_by_hand import (
    CANARY,
    NEW,
    OLD,
    all_drift,
    check_golden,
    created,
    error,
    every_action,
    hostile,
    outcome,
    plan,
    with_canary,
)

from syncer.errors import AccessDenied, InvalidManifest, Problem
from syncer.model import Address
from syncer.plans import Action, Calls, Outcome, Reason, Selection, Values
from syncer.render.json import drift_json, failure_json, outcome_json, plan_digest, plan_document, plan_json, to_json

SCHEMAS = Path(__file__).parents[3] / "schemas"


def _schema(name: str) -> Any:
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))


PLAN_SCHEMA = Draft202012Validator(_schema("plan"), format_checker=Draft202012Validator.FORMAT_CHECKER)
STATE_SCHEMA = Draft202012Validator(_schema("state"), format_checker=Draft202012Validator.FORMAT_CHECKER)


def valid(text: str) -> Any:
    """Parse a document that fits the schema."""
    document = json.loads(text)
    PLAN_SCHEMA.validate(document)
    return document


@pytest.mark.parametrize("name", ["plan", "state"])
def test_schemas_are_schemas(name: str) -> None:
    """Each is valid JSON Schema 2020-12, closed, and says what everything is."""
    schema = _schema(name)
    Draft202012Validator.check_schema(schema)
    for part in _parts(schema):
        if part.get("type") == "object":
            assert "additionalProperties" in part
            assert set(part.get("required", ())) <= set(part.get("properties", ()))
        for each in part.get("properties", {}).values():
            assert "description" in each or "$ref" in each


def _parts(node: Any) -> Any:
    if isinstance(node, dict):
        yield node
        for each in node.values():
            yield from _parts(each)
    elif isinstance(node, list):
        for each in node:
            yield from _parts(each)


def test_the_schema_knows_every_action_and_reason() -> None:
    """A new word in the code needs one in the schema."""
    change = PLAN_SCHEMA.schema["$defs"]["resource_change"]["properties"]
    assert PLAN_SCHEMA.schema["$defs"]["action"]["enum"] == [str(action) for action in Action]
    assert change["reason"]["enum"] == [str(reason) for reason in Reason]


def test_a_plan_document() -> None:
    """Every action, drift and finding in the form of the contract."""
    text = plan_json(every_action())
    valid(text)
    check_golden("every_action.json", text)


def test_a_first_plan_and_a_partial_one() -> None:
    """No lineage yet; what was selected and not checked is said."""
    document = valid(
        plan_json(
            plan(
                created("a:b"),
                lineage=None,
                serial=0,
                values=Values.SKIPPED,
                unchecked=(Address("b", "a"), Address("a", "b")),
                refreshed=False,
                selection=Selection(targets=("b:*", "a:*"), rotate=("a:b",), destroy=True),
            )
        )
    )
    assert document["lineage"] is None
    assert document["complete"] is False
    assert document["refreshed"] is False
    assert document["unchecked"] == ["a:b", "b:a"]
    assert document["selection"] == {"targets": ["a:*", "b:*"], "excludes": [], "rotate": ["a:b"], "destroy": True}


def test_terraforms_words_for_each_action() -> None:
    """A tool for Terraform plans reads ours."""
    words = {c["action"]: c["change"]["actions"] for c in plan_document(every_action())["resource_changes"]}
    assert words == {
        "create": ["create"],
        "rotate": ["update"],
        "update": ["update"],
        "enable": ["update"],
        "disable": ["update"],
        "delete": ["delete"],
        "forget": ["forget"],
        "move": ["no-op"],
    }


def test_changes_are_sorted_and_those_of_one_address_keep_their_order() -> None:
    """First the value, then the metadata, then enabled."""
    found = [(c["address"], c["action"]) for c in plan_document(every_action())["resource_changes"]]
    assert [address for address, _ in found] == sorted(
        (address for address, _ in found), key=lambda address: tuple(address.split(":"))
    )
    assert [action for address, action in found if address == "payments:tls/key"] == ["rotate", "update", "disable"]


def test_a_saved_plan_may_carry_a_mac() -> None:
    """The MAC is no part of the digest."""
    document = plan_document(every_action())
    signed = {**document, "mac": "hmac:" + "0" * 64}
    valid(to_json(signed))
    assert plan_digest(signed) == document["digest"]


def test_the_same_plan_made_later_has_the_same_digest() -> None:
    """Time, version and calls do not matter; order in the plan's own tuples does not either."""
    one = every_action()
    other = replace(
        one,
        timestamp=datetime(2030, 1, 1, tzinfo=UTC),
        calls={"default": Calls(calls=99)},
        drift=tuple(reversed(one.drift)),
    )
    assert plan_document(one)["digest"] == plan_document(other)["digest"]
    assert plan_digest({**plan_document(one), "syncer_version": "9"}) == plan_document(one)["digest"]


@pytest.mark.parametrize("key", ["serial", "lineage", "manifest_digest", "values", "resource_changes", "complete"])
def test_anything_else_moves_the_digest(key: str) -> None:
    """A digest stands for everything that an apply would do."""
    document = plan_document(every_action())
    assert plan_digest({**document, key: "other"}) != document["digest"]


def test_outcome_documents() -> None:
    """What was done, what failed and why, what was not begun."""
    text = outcome_json(outcome(), diagnostics=(error("a:b is odd"),))
    assert valid(text)["complete"] is False
    check_golden("outcome.json", text)
    assert valid(outcome_json(Outcome(applied=(), serial=1)))["complete"] is True
    assert valid(outcome_json(Outcome(applied=(), interrupted=True)))["complete"] is False


def test_drift_documents() -> None:
    """Sorted by address; complete only where everything was looked at."""
    text = drift_json(plan(drift=all_drift()))
    assert valid(text)["complete"] is True
    check_golden("drift.json", text)
    assert valid(drift_json(plan(selection=Selection(targets=("a:*",)))))["complete"] is False
    assert valid(drift_json(plan(diagnostics=(error("no"),))))["complete"] is False


def test_a_failure_document_has_every_problem() -> None:
    """A manifest's problems come with file, line and column."""
    problems = [Problem(file="m.yaml", line=line, column=3, message=f"problem {line}") for line in (7, 2)]
    text = failure_json(InvalidManifest(problems), diagnostics=(error("payments:x is there"),))
    document = valid(text)
    assert document["complete"] is False
    assert [each["origin"] and each["origin"]["line"] for each in document["diagnostics"]] == [2, 7, None]
    check_golden("failure.json", text)


def test_a_failure_document_of_one_error() -> None:
    """An error has a code of its own."""
    document = valid(failure_json(AccessDenied("vault denied the read", hint="log in")))
    assert document["diagnostics"] == [
        {
            "severity": "error",
            "code": "access_denied",
            "message": "vault denied the read",
            "hint": "log in",
            "address": None,
            "origin": None,
        }
    ]


@pytest.mark.parametrize("key", ["value", "secret", "fingerprints"])
def test_the_schema_is_closed(key: str) -> None:
    """A key that nobody thought of is refused."""
    document = plan_document(every_action())
    assert not PLAN_SCHEMA.is_valid({**document, key: "x"})


def test_documents_are_ascii_and_indented() -> None:
    """Two spaces, a final newline, nothing that a terminal acts on."""
    text = plan_json(hostile("\x1b[2J\u202e\u00e9"))
    assert text.isascii()
    assert "\x1b" not in text
    assert text.startswith('{\n  "format_version": "1.0",\n')
    assert text.endswith("}\n")
    assert json.loads(text)["resource_changes"][1]["change"]["after"]["description"] == "\x1b[2J\u202e\u00e9"


def test_no_value_is_in_a_document() -> None:
    """Neither the value that a plan carries in memory nor the declaration of its source."""
    text = plan_json(with_canary())
    assert CANARY not in text
    assert str(NEW) in text


RECORD = {
    "backend": "default",
    "remote_id": "",
    "version": "3",
    "fingerprint": str(OLD),
    "source": "env:" + "0" * 64,
    "tags": {"team": "a"},
    "enabled": True,
    "description": None,
    "on_remove": "disable",
    "rotation": 0,
    "created": "2026-01-02T03:04:05Z",
    "rotated": "2026-01-02T03:04:05Z",
}
STATE = {
    "format_version": "1",
    "lineage": "0c0ffee0-0000-4000-8000-000000000001",
    "serial": 1,
    "project": "shop",
    "syncer_version": "0.1.0",
    "key_id": "0123456789abcdef",
    "records": {"payments:tls/key": RECORD},
    "mac": "hmac:" + "0" * 64,
}


@pytest.mark.parametrize(
    "record",
    [
        RECORD,
        {**RECORD, "fingerprint": None, "version": None, "interrupted": True, "previous_backend": "west"},
    ],
)
def test_state_documents(record: dict[str, Any]) -> None:
    """A settled record and one that a run left behind."""
    STATE_SCHEMA.validate({**STATE, "records": {"a:b": record}})


@pytest.mark.parametrize(
    "broken",
    [
        {**STATE, "serial": 0},
        {**STATE, "format_version": "2"},
        {**STATE, "lineage": "x"},
        {**STATE, "value": "x"},
        {**STATE, "records": {"no-colon": RECORD}},
        {**STATE, "records": {"a:b": {**RECORD, "value": "x"}}},
        {**STATE, "records": {"a:b": {**RECORD, "fingerprint": "sha256:" + "0" * 64}}},
        {**STATE, "records": {"a:b": {**RECORD, "interrupted": False}}},
        {**STATE, "records": {"a:b": {**RECORD, "on_remove": "keep"}}},
        {key: value for key, value in STATE.items() if key != "mac"},
    ],
)
def test_broken_state_documents(broken: dict[str, Any]) -> None:
    """The schema refuses what the tool would never write."""
    assert not STATE_SCHEMA.is_valid(broken)


def test_a_real_state_fits_its_schema() -> None:
    """The form of a record is decided in one place and described in another; they must agree."""
    from syncer.model import OnRemove
    from syncer.state.model import Record, record_document

    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    record = Record(
        backend="west",
        remote_id="id",
        version=None,
        fingerprint=OLD,
        source="env:" + "0" * 64,
        tags={"a": "b"},
        enabled=False,
        description="x",
        on_remove=OnRemove.DELETE,
        rotation=2,
        created=moment,
        rotated=moment,
        interrupted=True,
        previous_backend="default",
    )
    STATE_SCHEMA.validate({**STATE, "records": {"a:b": record_document(record)}})
