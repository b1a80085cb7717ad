"""`export --format dapr`: what a sidecar that is given the folder tells an application."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import threading
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from dapr_reader import KINDS, Reader, run_sidecar, until

from syncer.model import Access

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.folder import Folder, Result

VALUES = {
    "plain": "value",
    "prod/db-password": 'it\'s "quoted" $HOME\n',
    "unicode.key": "pässwörd \U0001f511 \u2028 \x00",
    "number": "00123",
    "word": "true",
    "json_text": '["a", 1]',
    "large": "0123456789abcdef" * 4096,
}
OBJECT = {"user": "app", "password": "p:w", "nested.name": '{"a": 1}'}
ROWS = [
    # default_access, allowed, denied: what may be read of s1, s2
    ("deny", [], [], ""),
    ("allow", [], [], "s1 s2"),
    ("deny", ["s1"], [], "s1"),
    ("allow", ["s1"], [], "s1"),
    ("deny", ["s1"], ["s1"], "s1"),
    ("allow", ["s1"], ["s2", "s1"], "s1"),
    ("allow", [], ["s1"], "s2"),
    ("deny", [], ["s1"], ""),
]
"""All that a scope can say, and what Dapr makes of it."""


def export(syncer: Folder, form: str = "dapr", scope: str = "payments") -> Result:
    """Export the scope to the folder `dapr`."""
    return syncer("export", "--scope", scope, "--format", form, "--out", "dapr")


def declare(syncer: Folder, values: dict[str, str], **scope: Any) -> dict[str, Any]:
    """Declare and apply values in the scope `payments`, each from a file of its own."""
    entries = {}
    for index, (ref, value) in enumerate(values.items()):
        (syncer.path / f"value-{index}").write_bytes(value.encode())
        entries[f"payments:{ref}"] = {"source": {"file": f"value-{index}"}}
    syncer.declare(entries, scopes={"payments": scope})
    syncer.apply()
    return entries


@pytest.fixture(params=sorted(KINDS))
def sidecar(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """What runs a sidecar."""
    return run_sidecar(request.param)


def test_3e1_every_value(syncer: Folder, sidecar: Callable[..., Any]) -> None:
    """Each applied value by its ref, and all of them, which are exactly those of the manifest."""
    declare(syncer, VALUES)
    assert export(syncer).err == "wrote 7 secrets to dapr\n"
    with sidecar(syncer.path / "dapr") as asked:
        for ref, value in VALUES.items():
            assert asked.get("payments", ref) == (200, {ref: value})
        assert asked.bulk("payments") == (200, {ref: {ref: value} for ref, value in VALUES.items()})
        assert [asked.get(*place)[0] for place in (("payments", "missing"), ("other", "plain"))] == [500, 401]
        assert asked.get("payments", "missing")[1]["errorCode"] == "ERR_SECRET_GET"
        assert asked.get("other", "plain")[1]["errorCode"] == "ERR_SECRET_STORE_NOT_FOUND"


def test_3e1_multi_valued(syncer: Folder, sidecar: Callable[..., Any]) -> None:
    """A value that is a JSON object is a secret of several values; any other is itself."""
    declare(syncer, {**VALUES, "db": json.dumps(OBJECT)})
    assert export(syncer, "dapr-multi").code == 0
    with sidecar(syncer.path / "dapr") as asked:
        assert asked.get("payments", "db") == (200, OBJECT)
        assert asked.bulk("payments") == (200, {ref: {ref: value} for ref, value in VALUES.items()} | {"db": OBJECT})


def test_3e1_an_object_is_one_value(syncer: Folder, sidecar: Callable[..., Any]) -> None:
    """Unless it was asked for."""
    text = json.dumps({"a": {"b": 1}, "a:b": None})
    declare(syncer, {"db": text})
    assert export(syncer).code == 0
    with sidecar(syncer.path / "dapr") as asked:
        assert asked.get("payments", "db") == (200, {"db": text})


@pytest.mark.parametrize(
    ("form", "value", "told"),
    [
        ("dapr-multi", '{"a:b": "canary"}', "a field of the object has a `:` in its name"),
        ("dapr-multi", '{"canary": "a", "canary": "b"}', "two fields of the object come to the same name"),
        ("dapr-multi", '{"a": {"b": "canary"}}', "a field of the object is not a string"),
        ("dapr-multi", '{"a": 42, "b": "canary"}', "a field of the object is not a string"),
        ("dapr-multi", '{"a": "\\ud800canary"}', "a field of the object is not a string"),
        ("dapr-multi", '{"canary": ""}', "a field of the object is empty"),
        ("dapr-multi", "{}", "the value is an object without fields"),
        ("dapr", b"canary\xff", "the value is not UTF-8 text"),
        ("dapr-multi", b"canary\xff", "the value is not UTF-8 text"),
    ],
)
def test_3e2_what_would_be_garbled(syncer: Folder, form: str, value: str | bytes, told: str) -> None:
    """Refused by the secret's name, with the reason and nothing of the value, before anything is written."""
    (syncer.path / "value").write_bytes(value if isinstance(value, bytes) else value.encode())
    syncer.declare({f"payments:{ref}": {"source": {"file": "value"}} for ref in ("odd", "odd/too")})
    syncer.apply()
    result = export(syncer, form)
    assert (result.code, result.out) == (1, "")
    assert f"odd: {told}" in result.err
    assert f"odd/too: {told}" in result.err
    assert "canary" not in result.err
    assert not (syncer.path / "dapr").exists()


def test_3e2_names(syncer: Folder) -> None:
    """No ref holds the separator, and none may be what stands for all of them."""
    syncer.declare({"payments:a:b": {"source": {"generate": {}}}})
    assert "ref" in syncer("validate").err
    declare(syncer, {"bulk": "canary"})
    for form in ("dapr", "dapr-multi"):
        result = export(syncer, form)
        assert (result.code, "bulk: Dapr's API gives all secrets under this name" in result.err) == (1, True)


@pytest.mark.parametrize(("default", "allowed", "denied", "may"), ROWS)
def test_3e3_scopes(
    syncer: Folder, sidecar: Callable[..., Any], default: str, allowed: list[str], denied: list[str], may: str
) -> None:
    """A Configuration for each application, by which a sidecar decides as we do."""
    access = {"default_access": default, "allowed": allowed, "denied": denied}
    declare(syncer, {"s1": "one", "s2": "two"}, readers={"checkout": access, "other": {}})
    assert export(syncer).code == 0
    ours = Access(default_allow=default == "allow", allowed=tuple(allowed), denied=tuple(denied))
    with sidecar(syncer.path / "dapr", syncer.path / "dapr/config-checkout.yaml") as asked:
        for ref in ("s1", "s2"):
            status, document = asked.get("payments", ref)
            assert status == (200 if ref in may.split() else 403)
            assert ours.allows(ref) == (status == 200)
            assert status == 200 or document["errorCode"] == "ERR_PERMISSION_DENIED"
        assert asked.bulk("payments")[1].keys() == set(may.split())
    with sidecar(syncer.path / "dapr", syncer.path / "dapr/config-other.yaml") as asked:
        assert asked.bulk("payments")[1].keys() == {"s1", "s2"}


def test_3e3_what_comes_from_a_fallback(syncer: Folder, sidecar: Callable[..., Any]) -> None:
    """The scope in which a value is found has its say, in a Configuration for each application that it names."""
    only = {"default_access": "deny", "allowed": ["s1"]}
    entries = {f"{name}": {"source": {"generate": {}}} for name in ("a:s1", "a:s2", "a:s3", "payments:own")}
    scopes = {
        "a": {"readers": {"checkout": only, "reports": {"denied": ["s2"]}}},
        "payments": {"fallback": "a", "readers": {"reports": {"denied": ["s3"]}, "alone": {}}},
    }
    syncer.declare(entries, scopes=scopes)
    syncer.apply()
    assert export(syncer).code == 0
    for app, may in {"checkout": {"own", "s1"}, "reports": {"own", "s1"}, "alone": {"own", "s1", "s2", "s3"}}.items():
        with sidecar(syncer.path / "dapr", syncer.path / f"dapr/config-{app}.yaml") as asked:
            assert asked.bulk("payments")[1].keys() == may
    assert "defaultAccess: allow" in (syncer.path / "dapr/config-alone.yaml").read_text()


def test_3e3_what_is_disabled(syncer: Folder, sidecar: Callable[..., Any]) -> None:
    """It is absent, and goes where it was."""
    entries = declare(syncer, {"s1": "one", "s2": "two"})
    assert export(syncer).code == 0
    entries["payments:s1"]["enabled"] = False
    syncer.declare(entries)
    syncer.apply()
    assert export(syncer).code == 0
    with sidecar(syncer.path / "dapr") as asked:
        assert (asked.get("payments", "s1")[0], asked.bulk("payments")[1]) == (500, {"s2": {"s2": "two"}})


def rotate(syncer: Folder, number: int) -> str:
    """Apply and export another value, long enough to be half written, which says itself whether it is whole."""
    text = f"{number:06d}" * 2000
    value = f"{text}-{hashlib.sha256(text.encode()).hexdigest()}"
    (syncer.path / "value-0").write_text(value)
    syncer.apply()
    assert export(syncer).code == 0
    return value


def is_whole(value: str) -> bool:
    """Whether nothing of it is of another one."""
    text, _, digest = value.partition("-")
    return hashlib.sha256(text.encode()).hexdigest() == digest


def test_3e4_a_rotation_shows_in_a_running_process(syncer: Folder, sidecar: Callable[..., Any]) -> None:
    """Without a restart: its component names another file, whose name tells nothing of what is in it."""
    declare(syncer, {"a": "first"})
    export(syncer)
    before = {path.name for path in (syncer.path / "dapr").glob("secrets-*.json")}
    with sidecar(syncer.path / "dapr") as asked:
        assert asked.get("payments", "a") == (200, {"a": "first"})
        value = rotate(syncer, 1)
        until(lambda: asked.get("payments", "a") == (200, {"a": value}))
    (after,) = (syncer.path / "dapr").glob("secrets-*.json")
    assert before.isdisjoint({after.name})
    assert hashlib.sha256(after.read_bytes()).hexdigest()[:8] not in after.name
    for path in (syncer.path / "dapr").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    export(syncer)
    assert [path.name for path in (syncer.path / "dapr").glob("secrets-*.json")] == [after.name]


def read_until(done: threading.Event, asked: Any, found: list[Any]) -> None:
    """Read again and again."""
    while not done.is_set():
        try:
            found.append(asked.get("payments", "a"))
        except FileNotFoundError:  # what the component named a moment ago is gone: whoever looks again has the new one
            continue


def test_3e4_no_half_written_file(syncer: Folder, sidecar: Callable[..., Any]) -> None:
    """In a loop of 100 applies and exports, with a reader at work all the time."""
    declare(syncer, {"a": "first"})
    value = rotate(syncer, 0)
    done = threading.Event()
    found: list[Any] = []
    with sidecar(syncer.path / "dapr") as asked:
        reader = threading.Thread(target=read_until, args=(done, asked, found))
        reader.start()
        try:
            for number in range(1, 101):
                value = rotate(syncer, number)
        finally:
            done.set()
            reader.join()
        until(lambda: asked.get("payments", "a") == (200, {"a": value}))
    seen = [document["a"] for status, document in found if status == 200]
    assert len(seen) > 100
    assert all(is_whole(value) for value in set(seen))


def test_the_files(syncer: Folder) -> None:
    """The values, a Configuration for each application, and last the component, which leads to the values."""
    declare(syncer, {"b": "two", "a": "one"}, readers={"checkout": {"allowed": ["b", "a"]}, "x.Y_z": None})
    export(syncer)
    folder = syncer.path / "dapr"
    (values,) = folder.glob("secrets-*.json")
    assert values.read_text() == '{\n  "a": "one",\n  "b": "two"\n}\n'
    component = yaml.safe_load((folder / "component.yaml").read_text())
    assert component["metadata"] == {"name": "payments"}
    assert component["spec"]["type"] == "secretstores.local.file"
    assert component["spec"]["ignoreErrors"] is True
    metadata = {item["name"]: item["value"] for item in component["spec"]["metadata"]}
    assert metadata == {"secretsFile": str(values), "nestedSeparator": ":", "multiValued": "false"}
    scope = {"storeName": "payments", "defaultAccess": "allow", "allowedSecrets": ["a", "b"], "deniedSecrets": []}
    configuration = yaml.safe_load((folder / "config-checkout.yaml").read_text())
    assert configuration["spec"] == {"secrets": {"scopes": [scope]}}
    assert (folder / "config-x.Y_z.yaml").exists()
    assert {path.name for path in folder.iterdir() if path.suffix == ".yaml"} == {
        "component.yaml",
        "config-checkout.yaml",
        "config-x.Y_z.yaml",
    }
    assert Reader(folder, folder / "config-x.Y_z.yaml").get("payments", "a") == (200, {"a": "one"})


@pytest.mark.parametrize("name", ["a{appID}", "a\nb"])
def test_folders_that_a_component_cannot_name(syncer: Folder, name: str) -> None:
    """Dapr would look elsewhere."""
    declare(syncer, {"a": "canary"})
    result = syncer("export", "--scope", "payments", "--format", "dapr", "--out", name)
    assert (result.code, "the path of the folder holds a brace" in result.err) == (3, True)
    assert not os.path.lexists(syncer.path / name)


def test_a_relative_path_becomes_absolute(syncer: Folder, tmp_path: Path) -> None:
    """A sidecar has a folder of its own to work in."""
    declare(syncer, {"a": "one"})
    (tmp_path / "sub").mkdir()
    assert syncer("export", "--scope", "payments", "--format", "dapr", "--out", "sub/../dapr").code == 0
    assert Reader(tmp_path / "dapr").get("payments", "a") == (200, {"a": "one"})
