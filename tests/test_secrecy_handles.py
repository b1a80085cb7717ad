"""Values leave `datadog-backend` and `resolve` by their standard output or `--out` alone, and `doctor` not at all."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from conformance.fakes.fault_proxy import Cut, Reset, Rule, fault_proxy
from conformance.fakes.loopback import Answer
from stores import store
from test_secrecy import PLANTED, Scene, applied, scene

if TYPE_CHECKING:
    import pytest

    from syncer.sensitive import Sensitive

__all__ = ["scene"]

TEXTS = ("env", "file", "lines", "json", "command", "sealed", "base64", "hex")
WRONG = ("nothing", "elsewhere:a", "env;key", "json;nothing", "a b", "file@inputs/env", "k8s_secret@a/b/c", "other@a")


def answered(scene: Scene, *handles: str, code: int = 0) -> dict[str, dict[str, str | None]]:
    """Answer an Agent; look at all but the values in the reply."""
    request = json.dumps({"version": "1.1", "secrets": handles}).encode()
    result = scene.syncer("-v", "datadog-backend", "--timeout", "20s", stdin=request)
    assert result.code == code, result
    scene.watch.look("standard error of datadog-backend", result.err.encode())
    scene.look_at_files("datadog-backend")
    if code:
        scene.watch.look("standard output of datadog-backend", result.stdout)
        return {}
    entries: dict[str, dict[str, str | None]] = result.json
    for handle, entry in entries.items():
        scene.watch.look(f"the error of {handle}", (entry["error"] or "").encode())
    return entries


def test_an_agent_is_answered(scene: Scene) -> None:
    """Each value once, under its handle; no error tells a part of one."""
    applied(scene)
    entries = answered(scene, *TEXTS, *WRONG, "json;qz", "other:password")
    assert {name: entries[name]["value"] for name in TEXTS} == {name: PLANTED[name] for name in TEXTS}
    assert {name for name in WRONG if entries[name]["value"] is not None} == set()
    assert entries["json;qz"]["value"] == json.loads(PLANTED["json"])["qz"]


def test_a_request_that_is_none_is_not_repeated(scene: Scene) -> None:
    """Whoever wrote a value there finds it nowhere."""
    applied(scene)
    typed = PLANTED["typed"]
    for raw in (
        typed,
        f'{{"version": "{typed}", "secrets": ["a"]}}',
        f'{{"version": "1.1", "secrets": {{"{typed}": 1}}}}',
    ):
        result = scene.syncer("-v", "datadog-backend", stdin=raw.encode())
        assert result.code == 1
        scene.watch.look("what is said of such a request", result.stdout + result.err.encode())
    entries = answered(scene, typed + " !", f"{typed}@x", f"k8s_secret@{typed}")
    assert all(entry["error"] for entry in entries.values())


def test_a_doctor_and_files_that_are_filled(scene: Scene) -> None:
    """The doctor shows none; a file that cannot be filled is told of, and one that can holds them, 0600."""
    applied(scene)
    folder = scene.syncer.path
    fine = "".join(f"{name}: ENC[{name}]\n" for name in TEXTS)
    scene.input("fine.yaml", fine)
    scene.input("wrong.yaml", fine + "".join(f"w{index}: 'ENC[{name}]'\n" for index, name in enumerate(WRONG)))
    scene.input("broken.yaml", f"a: ENC[env]\n{PLANTED['typed']}: [")
    for form in ("human", "json"):
        scene.run("-v", "doctor", "inputs/fine.yaml", "--format", form)
        scene.run("-v", "doctor", "inputs", "--format", form, code=1)
    scene.run("-v", "resolve", "inputs/wrong.yaml", "--out", "filled.yaml", code=1)
    scene.run("-v", "resolve", "inputs/broken.yaml", code=3)
    assert not (folder / "filled.yaml").exists()
    scene.run("-v", "resolve", "inputs/fine.yaml", "--out", "inputs/filled.yaml")
    assert PLANTED["env"] in (folder / "inputs/filled.yaml").read_text()
    result = scene.syncer("-v", "resolve", "inputs/fine.yaml")
    scene.watch.look("standard error of resolve", result.err.encode())
    scene.look_at_files("resolve")


def test_a_store_that_quotes_values(scene: Scene) -> None:
    """Answers that make no sense, or are cut, tell nothing; nor does what the libraries below log."""
    quoted = f'{{"errors": ["{PLANTED["env"]}"], "data": "{PLANTED["env"]}"}}'.encode()
    kind = (("Content-Type", "application/json"),)
    patch = scene.syncer.monkeypatch
    patch.setattr("syncer.retry.Retry.pause", lambda _self, _seconds: False)
    with store("vault", patch, real=False) as found, fault_proxy(found.url) as proxy:
        patch.setenv("VAULT_ADDR", proxy.url)
        secrets = {"global:env": {"source": {"env": "CANARY_ENV"}}, "global:file": {"source": {"env": "CANARY_ENV"}}}
        scene.syncer.declare(secrets, backend=found.options)
        scene.run("apply", "--auto-approve")
        faults = (
            *(Answer(status=status, headers=kind, body=quoted) for status in (200, 400, 403, 500)),
            Cut(),
            Reset(after_forward=True),
        )
        for fault in faults:
            proxy.set(Rule(fault=fault, calls="GET */data/*/env"))
            entries = answered(scene, "env", "file")
            assert entries["file"]["value"] == PLANTED["env"]
            assert entries["env"]["error"]
            proxy.set(Rule(fault=fault, calls="*"))
            assert answered_code(scene, "env", "file") in (1, 3, 4)
            scene.records.clear()


def answered_code(scene: Scene, *handles: str) -> int:
    """Ask in vain, and look at everything."""
    request = json.dumps({"version": "1.1", "secrets": handles}).encode()
    result = scene.syncer("-v", "datadog-backend", "--timeout", "20s", stdin=request)
    scene.watch.look("a failed call", result.stdout + result.err.encode())
    scene.look_at_files("a failed call")
    return result.code


def test_a_bug_that_holds_a_value(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a worker's thread too: its type and place are told, nothing else."""
    from syncer.backends.local import LocalBackend

    applied(scene)

    def read(_self: LocalBackend, _address: object) -> Sensitive:
        raise ValueError(PLANTED["bug"])

    monkeypatch.setattr(LocalBackend, "read", read)
    monkeypatch.setattr(LocalBackend, "read_many", lambda self, some: [(one, self.read(one)) for one in some])
    answered(scene, "env", code=1)
    assert logging.getLogger().level == 1
