"""`resolve`: values in the place of what names them."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest
import yaml

from syncer.testing.base import assert_no_leak

if TYPE_CHECKING:
    from cli.folder import Folder

CANARY = "canary-TzGqXvWkHj: \"never\" 'print' # me\n"
A = {"source": {"env": "A"}}
CONFIG = "# a comment\napi_key: ENC[api-key]\nport: 0123\nlist:\n  - ENC[payments:redis;user]\n"


@pytest.fixture
def shop(syncer: Folder) -> Folder:
    """Some applied secrets and a file."""
    syncer.monkeypatch.setenv("A", CANARY)
    syncer.monkeypatch.setenv("J", json.dumps({"user": "shop", "port": 5432}))
    secrets = {"global:api-key": A, "global:off": A | {"enabled": False}, "payments:redis": {"source": {"env": "J"}}}
    syncer.declare(secrets)
    syncer.apply()
    (syncer.path / "conf.yaml").write_text(CONFIG)
    return syncer


def test_to_standard_output(shop: Folder) -> None:
    """Filled in; the rest as it was, but for comments."""
    result = shop("resolve", "conf.yaml")
    assert (result.code, result.err) == (0, "")
    assert yaml.safe_load(result.out) == {"api_key": CANARY, "port": 0o123, "list": ["shop"]}
    assert "port: 0123\n" in result.out
    assert (shop.path / "conf.yaml").read_text() == CONFIG


def test_to_a_file(shop: Folder) -> None:
    """0600, replaced as a whole; in the form that the name of the source says."""
    (shop.path / "in.json").write_text('{"a": "ENC[api-key]", "b": 1.10}')
    (shop.path / "out").write_text("old")
    result = shop("resolve", "in.json", "--out", "out")
    assert (result.code, result.out, result.err) == (0, "", "wrote out with 1 value filled in\n")
    assert json.loads((shop.path / "out").read_text()) == {"a": CANARY, "b": 1.1}
    assert "1.10" in (shop.path / "out").read_text()
    assert stat.S_IMODE((shop.path / "out").stat().st_mode) == 0o600


def test_a_component_of_dapr(shop: Folder) -> None:
    """The value stands where the reference stood; several documents in a file stay several."""
    component = "kind: Component\nspec:\n  metadata:\n  - name: user\n    secretKeyRef: {name: redis, key: port}\n"
    (shop.path / "c.yaml").write_text(f"a: ENC[api-key]\n---\n{component}auth: {{secretStore: store}}\n")
    result = shop("resolve", "c.yaml", "--store", "store=payments")
    first, second = yaml.safe_load_all(result.out)
    assert first == {"a": CANARY}
    assert second["spec"]["metadata"] == [{"name": "user", "value": "5432"}]


def test_all_or_nothing(shop: Folder) -> None:
    """What cannot be resolved is told with its line, all of it, and nothing is written."""
    text = "a: ENC[api-key]\nb: ENC[off]\nc: ENC[nothing]\nsecret_x: ENC[api-key]\n"
    (shop.path / "conf.yaml").write_text(text)
    result = shop("resolve", "conf.yaml", "--out", "out")
    assert (result.code, result.out) == (1, "")
    for told in (
        "conf.yaml:2:1: ENC[off]: global:off is disabled",
        "conf.yaml:3:1: ENC[nothing]: global:nothing is neither there nor in a scope it falls back to",
        "conf.yaml:4:1: ENC[api-key]: the Agent resolves nothing under `secret_...`",
    ):
        assert told in result.err
    assert_no_leak(CANARY.encode(), result.err)
    assert not (shop.path / "out").exists()


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("a: ENC[off]\nb: ENC[payments:off]\n", 4, "set `enabled: true` in the manifest and apply"),
        ("a: ENC[nothing]\n", 1, "`syncer plan` shows what is missing"),
        ("a: ENC[off]\nb: ENC[nothing]\n", 1, "set `enabled: true` in the manifest and apply"),
        ("a: ENC[paiments:x]\nb: ENC[]\n", 3, None),
    ],
)
def test_how_it_ends(shop: Folder, text: str, code: int, hint: str | None) -> None:
    """By the exit code of all that failed, where they agree; with the first hint."""
    shop.declare({"global:off": A | {"enabled": False}, "payments:off": A | {"enabled": False}})
    shop.apply()
    (shop.path / "conf.yaml").write_text(text)
    result = shop("resolve", "conf.yaml")
    assert (result.code, result.out) == (code, "")
    assert [line for line in result.err.splitlines() if line.startswith("hint")] == ([f"hint: {hint}"] if hint else [])


def test_standard_input_is_no_file(shop: Folder) -> None:
    """It is said so."""
    result = shop("resolve", "-")
    assert (result.code, "it takes a file, and - is none" in result.err) == (64, True)


@pytest.mark.parametrize("option", ["--scope", "--allow", "--store=x"])
def test_a_scope_that_nobody_declares(shop: Folder, option: str) -> None:
    """Exit 3 with the one that is close; there need be no `global` so long as nobody names it."""
    arguments = [option, "paymnets"] if "=" not in option else ["--store", "x=paymnets"]
    for command in (["resolve", "conf.yaml"], ["doctor", "conf.yaml"], ["datadog-backend", "--install", "backend"]):
        if option == "--store=x" and command[0] == "datadog-backend":
            continue
        result = shop(*command, *arguments)
        assert (result.code, "did you mean `payments`?" in result.err) == (3, True), command
    assert not (shop.path / "backend").exists()
    shop.declare({"payments:redis": {"source": {"env": "J"}}})
    (shop.path / "conf.yaml").write_text("a: ENC[payments:redis;user]\n")
    assert yaml.safe_load(shop.fine("resolve", "conf.yaml")) == {"a": "shop"}
    shop.fine("datadog-backend", "--install", "backend")
    assert "--scope" not in (shop.path / "backend").read_text()
    assert shop("resolve", "conf.yaml", "--scope", "global").code == 3


def test_a_file_without_handles(shop: Folder) -> None:
    """It is written as it is."""
    (shop.path / "conf.yaml").write_text("a: 1\n")
    assert shop.fine("resolve", "conf.yaml") == "a: 1\n"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("missing.yaml", None, "missing.yaml cannot be read: no such file or directory"),
        (".", None, ". cannot be read: is a directory"),
        ("x.yaml", "a: [", "x.yaml:2:1: not valid YAML"),
        ("x.json", "{", "x.json:1:2: not valid JSON"),
        ("x.yaml", "[" * 200, "nested more than 100 levels deep"),
    ],
)
def test_files_that_cannot_be_read(shop: Folder, name: str, text: str | None, told: str) -> None:
    """Exit 3 with the place."""
    if text is not None:
        (shop.path / name).write_text(text)
    result = shop("resolve", name)
    assert (result.code, result.out, told in result.err) == (3, "", True)


def test_nothing_of_ours_is_overwritten(shop: Folder) -> None:
    """Neither the manifest nor the key."""
    for name in ("syncer.yaml", ".syncer/key", ".syncer/new", "."):
        assert shop("resolve", "conf.yaml", "--out", name).code == 3
    assert yaml.safe_load((shop.path / "syncer.yaml").read_text())["project"] == "shop"
