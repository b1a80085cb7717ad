"""`drift` and `import`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cli.folder import GENERATE

if TYPE_CHECKING:
    from cli.folder import Folder

A = {"source": {"env": "A"}}


@pytest.fixture
def shop(syncer: Folder) -> Folder:
    """Two secrets, applied."""
    syncer.monkeypatch.setenv("A", "first")
    syncer.declare({"global:a": A, "payments:b": GENERATE})
    syncer.apply()
    return syncer


def test_no_drift(shop: Folder) -> None:
    """Exit 0; no source is asked."""
    shop.monkeypatch.delenv("A")
    assert shop.fine("drift").startswith("No drift.")
    assert shop.fine("drift", "--verify-values", "--target", "global:*", "--exclude", "payments:*")
    assert shop.fine("drift", "--accept", "--auto-approve").startswith("No drift.")


def test_drift_is_found(shop: Folder) -> None:
    """Exit 2 in every form, each naming what changed."""
    shop.overwrite("global:a", b"behind our back")
    shop.disable("payments:b")
    human, machine, comment = (shop("drift", "--format", form) for form in ("human", "json", "markdown"))
    assert human.code == machine.code == comment.code == 2
    assert "global:a has changed" in human.out
    assert "o enabled = true -> false" in human.out
    assert [(each["address"], each["kind"]) for each in machine.json["drift"]] == [
        ("global:a", "value"),
        ("payments:b", "enabled"),
    ]
    assert "payments:b" in comment.out
    assert shop("drift", "--target", "global:*").out.count(" has changed") == 1
    assert shop("drift", "--exclude", "*").code == 0


def test_drift_is_put_right_by_apply(shop: Folder) -> None:
    """An apply writes what the manifest wants; then there is none."""
    shop.overwrite("global:a", b"behind our back")
    shop.disable("payments:b")
    shop.apply()
    assert shop("get", "global:a").stdout == b"first"
    shop.fine("drift")


def test_drift_is_accepted(shop: Folder) -> None:
    """State takes what is observed; the source still has its say at the next plan."""
    shop.overwrite("global:a", b"behind our back")
    refused = shop("drift", "--accept", "--format", "json")
    assert (refused.code, refused.codes) == (64, ["wrong_usage"])
    before = json.loads(shop.state.read_bytes())["serial"]
    accepted = shop("drift", "--accept", "--auto-approve")
    assert accepted.code == 0
    assert f"accepted; the state is at serial {before + 1}\n" in accepted.err
    shop.fine("drift")
    assert "global:a will be rotated (source changed)" in shop.fine("plan")
    shop.monkeypatch.setenv("A", "behind our back")
    assert shop.fine("plan").startswith("No changes.")


def test_what_vanished_is_accepted(shop: Folder) -> None:
    """Its record goes."""
    with shop.sql() as db:
        db.execute("DELETE FROM secret WHERE ref = 'a'")
    assert shop("drift").code == 2
    shop.fine("drift", "--accept", "--auto-approve")
    assert shop.fine("state", "list") == "payments:b\n"


def test_drift_with_a_wrong_glob(shop: Folder) -> None:
    """A misspelt target must not say that there is no drift."""
    assert shop("drift", "--target", "nothing:*").code == 3


@pytest.mark.parametrize("equal", [True, False])
def test_import(syncer: Folder, equal: bool) -> None:  # noqa: FBT001  # two worlds
    """An unmanaged secret is taken over without a write; its value is rotated only where it differs."""
    syncer.monkeypatch.setenv("A", "theirs" if equal else "ours")
    syncer.plant("global:a", b"theirs", owned=False)
    syncer.declare({"global:a": A})
    assert "syncer import global:a" in syncer("plan").err
    before = (syncer.path / ".syncer/store.db").read_bytes()
    told = syncer.fine("import", "global:a")
    assert told == "= global:a is now managed (its value is fingerprinted)\n"
    assert (syncer.path / ".syncer/store.db").read_bytes() == before
    planned = syncer.fine("plan")
    assert ("will be rotated" in planned) is not equal
    syncer.apply()
    assert syncer("get", "global:a").stdout == (b"theirs" if equal else b"ours")
    assert syncer.fine("plan").startswith("No changes.")


def test_import_refuses(shop: Folder) -> None:
    """What is not declared, managed already, another project's, or not there; then nothing is adopted."""
    shop.plant("global:other", b"x", project="other")
    shop.plant("global:free", b"x", owned=False)
    secrets = {"global:a": A, "payments:b": GENERATE, "global:other": A, "global:free": A, "global:none": A}
    shop.declare(secrets)
    before = shop.state.read_bytes()
    for address, code, told in (
        ("global:nowhere", 3, "global:nowhere is not in the manifest"),
        ("global:a", 3, "global:a is under management already"),
        ("global:other", 3, "global:other belongs to project other"),
        ("global:none", 1, "global:none is not on backend `default`"),
    ):
        result = shop("import", "global:free", address)
        assert (result.code, told in result.err) == (code, True)
    assert shop.state.read_bytes() == before
    shop.fine("import", "global:free")


def test_import_where_values_cannot_be_read(syncer: Folder) -> None:
    """It says so, and the next plan rotates."""
    from syncer.backends.base import Capability
    from syncer.backends.local import LocalBackend

    syncer.plant("global:a", b"theirs", owned=False)
    syncer.declare({"global:a": A})
    syncer.monkeypatch.setenv("A", "theirs")
    syncer.monkeypatch.setattr(LocalBackend, "capabilities", LocalBackend.capabilities - {Capability.READ})
    assert syncer.fine("import", "global:a") == "= global:a is now managed (its value could not be read)\n"
    assert "unknown value" in syncer.fine("plan")


def test_drift_as_a_report(shop: Folder) -> None:
    """JUnit with a case for each address on record, SARIF at the lines that declare them."""
    calm, none = shop("drift", "--format", "junit"), shop("drift", "--format", "sarif")
    assert (calm.code, none.code, none.json["runs"][0]["results"]) == (0, 0, [])
    assert (calm.out.count("<testcase"), calm.out.count("<failure")) == (2, 0)
    shop.overwrite("global:a", b"behind our back")
    with shop.sql() as db:
        db.execute("DELETE FROM secret WHERE ref = 'b'")
    shop.declare({"global:a": A})
    junit, sarif = shop("drift", "--format", "junit"), shop("drift", "--format", "sarif")
    assert junit.code == sarif.code == 2
    assert 'name="payments:b" file="syncer.yaml" line="1"' in junit.out
    assert (junit.out.count("<failure"), junit.out.count("behind our back")) == (2, 0)
    lines = (shop.path / "syncer.yaml").read_text().splitlines()
    found = {
        result["ruleId"]: result["locations"][0]["physicalLocation"]["region"]["startLine"]
        for result in sarif.json["runs"][0]["results"]
    }
    assert found == {"drift/value": lines.index('    "a": {') + 1, "drift/missing": 1}
    assert "<testcase" not in shop("drift", "--format", "junit", "--exclude", "*").out
