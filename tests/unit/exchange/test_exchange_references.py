"""Where files name secrets, and how values get there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from syncer.errors import InvalidManifest
from syncer.exchange.nodes import MAX_BYTES, read_nodes, write_nodes
from syncer.exchange.references import agent_command, fill, references
from syncer.sensitive import Sensitive
from syncer.testing.base import CANARY

if TYPE_CHECKING:
    from syncer.exchange.references import Reference

HARD = 'a "quoted" \\ text: with # all, \n\t\u2028 é \U0001f600 ENC[x] 00123 '


def found(text: str, file: str = "x.yaml") -> list[Reference]:
    """Find all references that would be replaced."""
    return [reference for reference in references(read_nodes(text.encode(), file)) if not reference.stray]


def handles(text: str, file: str = "x.yaml") -> dict[str, str]:
    """Give those that the Agent looks at, by path."""
    return {reference.path: reference.handle for reference in found(text, file) if reference.refused is None}


def filled(text: str, value: str = HARD, file: str = "x.yaml") -> str:
    """Fill the same value in everywhere."""
    nodes = read_nodes(text.encode(), file)
    for reference in list(references(nodes)):
        fill(reference, Sensitive(value.encode()))
    return write_nodes(nodes, file).reveal().decode()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a: ENC[x]", {"a": "x"}),
        ("a: ' \t ENC[x]\t '", {"a": "x"}),
        ("a: ENC[x[0]]", {"a": "x[0]"}),
        ("a: ENC[[x]", {"a": "[x"}),
        ("a: 'ENC[]'", {"a": ""}),
        ("a: ENC[ x ]", {"a": " x "}),
        ("- ENC[x]\n- {b: ['ENC[y]']}", {"0": "x", "1/b/0": "y"}),
        ("a: before ENC[x]", {}),
        ("a: ENC[x] after", {}),
        ("a: enc[x]", {}),
        ("a: ENC", {}),
        ("a: 'ENC['", {}),
        ("a: |\n  ENC[x]\n", {}),
        ("a: |-\n  ENC[x]\n", {"a": "x"}),
        ("ENC[x]: 1", {}),
        ("a: !!binary ENC[x]", {}),
        ("a: &x ENC[x]\nb: *x", {"a": "x", "b": "x"}),
        ("a: &x {k: 'ENC[x]'}\nb: *x\nc: {<<: *x}", {"a/k": "x"}),
        ("? [k]\n: ENC[x]", {"?": "x"}),
        ("1: ENC[x]\nnull: ENC[y]", {"1": "x", "null": "y"}),
        ("proxy: {http: 'ENC[x]'}", {"proxy/http": "x"}),
        ("instances: [{secret_key: 'ENC[x]'}]", {"instances/0/secret_key": "x"}),
        ("a: ENC[x]\n---\nb: ENC[y]", {"a": "x", "b": "y"}),
        ("# nothing", {}),
        ("", {}),
        ("a: 1", {}),
    ],
)
def test_where_the_agent_looks(text: str, wanted: dict[str, str]) -> None:
    """Whole texts only, in maps and lists, wherever they are."""
    assert handles(text) == wanted


def test_where_the_agent_does_not_look() -> None:
    """The settings of the resolving itself, and a root that is a text alone: both are told."""
    (own,) = found("secret_backend_config: {vault_token: 'ENC[x]'}")
    assert (own.path, own.refused) == (
        "secret_backend_config/vault_token",
        "the Agent resolves nothing under `secret_...`",
    )
    (alone,) = found("'ENC[x]'")
    assert (alone.path, alone.refused) == ("", "the root of the file is neither a map nor a list")


def test_lines() -> None:
    """Counted from 1, in YAML and in JSON."""
    assert [r.line for r in found("\n\na: ENC[x]\nb:\n  - c: ENC[y]\n")] == [3, 5]
    assert [r.line for r in found('{\n "a": "ENC[x]",\n\n "b": [\n"ENC[y]" ]}', "x.json")] == [2, 5]


COMPONENT = """
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {name: statestore}
spec:
  type: state.redis
  metadata:
    - name: redisHost
      value: localhost:6379
    - name: redisPassword
      secretKeyRef: {name: redis/password, key: redis/password}
    - name: user
      value: left over
      secretKeyRef: {name: redis, key: user}
    - name: short
      secretKeyRef: {name: redis}
    - name: broken
      secretKeyRef: {key: user}
    - plain
auth:
  secretStore: payments
"""


def test_components_of_dapr() -> None:
    """Store, secret and key; a key like the name, or none, is the same."""
    seen = [(r.path, r.line, r.store, r.handle, r.key, r.refused) for r in found(COMPONENT)]
    where = "spec/metadata/{}/secretKeyRef"
    assert seen == [
        (where.format(1), 11, "payments", "redis/password", "", None),
        (where.format(2), 14, "payments", "redis", "user", None),
        (where.format(3), 16, "payments", "redis", "", None),
        (where.format(4), 18, "payments", "", "user", "it names no secret"),
    ]
    assert str(found(COMPONENT)[1]) == "secretKeyRef payments/redis (user)"
    (unnamed,) = found("kind: Component\nspec: {metadata: [{secretKeyRef: {name: a}}]}")
    assert unnamed.store == "kubernetes"
    assert found(COMPONENT.replace("Component", "Subscription")) == []
    assert found("kind: Component\nspec: x\nauth: 1") == []


def test_a_component_with_values() -> None:
    """They stand where the references stood; all else is as it was."""
    before, after = yaml.safe_load(COMPONENT), yaml.safe_load(filled(COMPONENT))
    entries = after["spec"]["metadata"]
    assert entries[1] == {"name": "redisPassword", "value": HARD}
    assert entries[2] == {"name": "user", "value": HARD}
    assert (entries[0], entries[5]) == (before["spec"]["metadata"][0], "plain")
    assert {k: v for k, v in after.items() if k != "spec"} == {k: v for k, v in before.items() if k != "spec"}


def test_what_is_not_touched_stays_as_it_is_written() -> None:
    """Octals, dates, big numbers, odd tags, aliases; only comments and layout go."""
    text = "a: ENC[x]\nb: [010, 1_000, 2001-12-14, ~, yes, 1.10, !odd {a: b}]\nc: &c {d: 'e'}\nf: *c\n"
    assert filled(f"# comment\n{text}", "v") == text.replace("ENC[x]", '"v"').replace("&c", "&id001").replace(
        "*c", "*id001"
    )


@pytest.mark.parametrize("value", [HARD, "true", "null", "1e3", "", "~", "- x", "\0\x1b", "*alias", "y" * 5000, " "])
def test_any_text_comes_back(value: str) -> None:
    """From YAML and from JSON, as a text and nothing else."""
    assert yaml.safe_load(filled("a: ENC[x]", value)) == {"a": value}
    assert json.loads(filled('{"a": ["ENC[x]"]}', value, "x.json")) == {"a": [value]}


def test_json_keeps_its_numbers() -> None:
    """As they are written, however large."""
    text = '{"a": [1.10, -1e400, 12345678901234567890, true, false, null, {}, [], "\\ud83d\\ude00\\ud800"], "a": 2}'
    again = filled(text, file="x.json")
    assert "".join(again.split()) == "".join(text.split())
    assert filled(again, file="x.json") == again


def test_an_alias_of_itself() -> None:
    """It is gone through once, and written as it was."""
    text = "&id001\na: ENC[x]\nb: *id001\n"
    assert handles(text) == {"a": "x"}
    assert filled(text, "v") == text.replace("ENC[x]", '"v"')


def test_aliases_that_multiply() -> None:
    """Nine levels of nine make no more work than they have text."""
    levels = ["l0: &l0 ['ENC[x]', 'ENC[x]']"]
    levels += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)]
    text = "\n".join(levels)
    assert len(found(text)) == 2
    assert len(filled(text)) < 10 * len(text)


@pytest.mark.parametrize(
    ("raw", "file", "told"),
    [
        (b"[" * 101, "x.yaml", "x.yaml:1:1: nested more than 100 levels deep"),
        (b"a:\n" + b"".join(b" " * n + b"- \n" for n in range(1, 200)), "x.yaml", "nested more than 100 levels deep"),
        (b"[" * 101 + b"]" * 101, "x.json", "nested more than 100 levels deep"),
        (b"[" * 100_000, "x.json", "nested more than 100 levels deep"),
        (b"1" * 5000, "x.json", "nested more than 100 levels deep"),
        (b"a: *x", "x.yaml", "x.yaml:1:4: not valid YAML: found undefined alias"),
        (b"a: 1\n b: 2", "x.yaml", "x.yaml:2:3: not valid YAML: mapping values are not allowed"),
        (b"a: \x07", "x.yaml", "a control character"),
        (b'{"a": 1 2}', "x.json", "x.json:1:9: not valid JSON: expecting ',' delimiter"),
        (b"", "x.JSON", "not valid JSON: expecting value"),
        (b"\xff\xfea", "x.yaml", "not UTF-8 text"),
        (b"#" * (MAX_BYTES + 1), "x.yaml", "larger than 10 MiB"),
    ],
)
def test_what_cannot_be_read(raw: bytes, file: str, told: str) -> None:
    """Its place and the reason; nothing of the file is repeated or kept."""
    with pytest.raises(InvalidManifest) as caught:
        read_nodes(raw, file)
    assert told in caught.value.message
    assert caught.value.__context__ is None


def test_a_fault_repeats_nothing_of_the_file() -> None:
    """It may hold a value."""
    for text in ('a: "{}', "a: {}: b: c", "*{}", "%{}", "\t{}", "@{}"):
        raw = text.format(CANARY.decode()).encode()
        with pytest.raises(InvalidManifest) as caught:
            read_nodes(raw, "x.yaml")
        assert CANARY.decode() not in caught.value.message


def test_a_byte_order_mark() -> None:
    """It is no part of the text."""
    assert handles("\ufeffa: ENC[x]") == {"a": "x"}
    assert handles('\ufeff{"a": "ENC[x]"}', "x.json") == {"a": "x"}


def test_the_executable_that_a_file_names() -> None:
    """With what it says of the group; nothing where it names none."""

    def named(text: str) -> tuple[str, bool] | None:
        return agent_command(read_nodes(text.encode(), "x.yaml"))

    assert named("secret_backend_command: /x") == ("/x", False)
    assert named("secret_backend_command: /x\nsecret_backend_command_allow_group_exec_perm: true") == ("/x", True)
    assert named("secret_backend_command: /x\nsecret_backend_command_allow_group_exec_perm: []") == ("/x", False)
    assert named("secret_backend_command: ''\n") is None
    assert named("- a") is None
