"""`apply`."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest
from cli.folder import GENERATE

from syncer.backends.local import LocalBackend

if TYPE_CHECKING:
    from cli.folder import Folder

    from syncer.model import Observed

A = {"source": {"env": "A"}}
AUTO = ("apply", "--auto-approve")


@pytest.fixture
def shop(syncer: Folder) -> Folder:
    """Two secrets, declared."""
    syncer.monkeypatch.setenv("A", "first")
    syncer.declare({"global:a": A, "payments:b": GENERATE})
    return syncer


def test_apply_then_nothing(shop: Folder) -> None:
    """Shows the plan and the outcome; a second apply makes no write."""
    told = shop.fine(*AUTO)
    assert "  # global:a will be created (new)\n" in told
    assert "\nApply complete! Resources: 2 added, 0 changed, 0 destroyed.\n" in told
    before = (shop.path / ".syncer/store.db").read_bytes(), shop.state.read_bytes()
    again = shop.fine(*AUTO)
    assert again.startswith("No changes.")
    assert "Apply complete! Resources: 0 added, 0 changed, 0 destroyed." in again
    assert ((shop.path / ".syncer/store.db").read_bytes(), shop.state.read_bytes()) == before


def test_apply_in_json(shop: Folder) -> None:
    """The outcome alone is on standard output."""
    document = shop(*AUTO, "--format", "json").json
    assert [change["address"] for change in document["applied"]] == ["global:a", "payments:b"]
    assert (document["complete"], document["serial"]) == (True, json.loads(shop.state.read_bytes())["serial"])


def test_nobody_to_ask(shop: Folder) -> None:
    """Without a terminal it needs --auto-approve or a saved plan: wrong usage, before anything is looked at."""
    for arguments in (["apply"], ["apply", "--format", "json"]):
        result = shop(*arguments)
        assert result.code == 64
        assert "there is nobody to ask: give a saved plan or --auto-approve" in result.err
    assert result.codes == ["wrong_usage"]
    assert not shop.state.exists()


def test_apply_a_saved_plan(shop: Folder) -> None:
    """Carries out exactly that, without asking; a second time it is stale."""
    shop.fine("plan", "--target", "global:*", "--out", "plan.json")
    told = shop.fine("apply", "plan.json")
    assert "Resources: 1 added" in told
    assert shop.fine("state", "list") == "global:a\n"
    stale = shop("apply", "plan.json")
    assert (stale.code, "made for another state (its lineage differs)" in stale.err) == (7, True)


@pytest.mark.parametrize(
    "selector",
    [
        ("--target", "*"),
        ("--exclude", "x:*"),
        ("--rotate", "*"),
        ("--destroy",),
        ("--no-refresh",),
        ("--verify-values",),
    ],
)
def test_a_saved_plan_takes_no_selectors(shop: Folder, selector: tuple[str, ...]) -> None:
    """The plan says itself what it is about."""
    shop.fine("plan", "--out", "plan.json")
    result = shop("apply", "plan.json", *selector)
    assert (result.code, "give PLANFILE or selectors, not both" in result.err) == (64, True)


def _source(shop: Folder) -> None:
    shop.monkeypatch.setenv("A", "another value")


def _manifest(shop: Folder) -> None:
    shop.declare({"global:a": A | {"description": "now with one"}, "payments:b": GENERATE})


def _serial(shop: Folder) -> None:
    shop.fine("state", "rm", "payments:b")


def _observed(shop: Folder) -> None:
    shop.overwrite("global:a", b"behind our back")


def _lineage(shop: Folder) -> None:
    for name in ("state.json", "store.db"):
        (shop.path / ".syncer" / name).unlink()


@pytest.mark.parametrize(
    ("meddle", "told"),
    [
        (_source, "global:a: its source yields another value than when the plan was made"),
        (_manifest, "the saved plan was made for another manifest"),
        (_serial, "the saved plan was made for a state that has moved since"),
        (_observed, "global:a: its observed version moved since the plan was made"),
        (_lineage, "the saved plan was made for another state (its lineage differs)"),
    ],
)
def test_a_stale_plan_says_what_moved(shop: Folder, meddle: Any, told: str) -> None:
    """Exit 7, nothing written."""
    shop.apply()
    shop.monkeypatch.setenv("A", "second")
    shop.fine("plan", "--out", "plan.json")
    meddle(shop)
    result = shop("apply", "plan.json")
    assert result.code == 7
    assert told in result.err
    assert result.out == ""


def test_a_plan_with_skipped_values_is_never_applied(shop: Folder) -> None:
    """Exit 7."""
    shop.fine("plan", "--values", "skip", "--out", "plan.json")
    result = shop("apply", "plan.json")
    assert (result.code, "made with --values skip" in result.err) == (7, True)


def test_selectors(shop: Folder) -> None:
    """--target, --exclude and --rotate carry out a part."""
    assert "1 added" in shop.fine(*AUTO, "--target", "payments:*")
    assert "0 added" in shop.fine(*AUTO, "--exclude", "global:*")
    assert "1 added" in shop.fine(*AUTO, "--parallelism", "1")
    before = shop("get", "payments:b").stdout
    assert "0 added, 1 changed" in shop.fine(*AUTO, "--rotate", "payments:b")
    assert shop("get", "payments:b").stdout != before


def test_destroy_and_the_blast_radius(syncer: Folder) -> None:
    """Exit 8 with nothing written, unless --allow-mass-change."""
    syncer.declare({f"global:s{number}": GENERATE for number in range(7)})
    syncer.apply()
    before = syncer.state.read_bytes()
    refused = syncer(*AUTO, "--destroy", "--format", "json")
    assert (refused.code, refused.codes) == (8, ["safety_limit"])
    assert syncer.state.read_bytes() == before
    syncer.fine("plan", "--destroy", "--allow-mass-change", "--out", "plan.json")
    assert syncer("apply", "plan.json").code == 8
    assert "7 destroyed" in syncer.fine("apply", "plan.json", "--allow-mass-change")
    assert syncer.fine("state", "list") == ""


def test_a_destroyed_secret_is_restored(shop: Folder) -> None:
    """A deletion is soft: declared again, it comes back rather than being made anew."""
    shop.apply()
    before = shop("get", "payments:b").stdout
    shop.fine(*AUTO, "--destroy")
    assert shop("get", "payments:b").code == 1
    assert "payments:b will be restored" in shop.fine(*AUTO, "--target", "payments:b")
    assert shop("get", "payments:b").stdout == before, "a value that is made once is the same one again"


def test_an_incomplete_plan_is_not_applied(shop: Folder) -> None:
    """Exit 1; the JSON document names the findings and not only their number."""
    shop.plant("global:a", b"theirs", owned=False)
    human, machine = shop(*AUTO), shop(*AUTO, "--format", "json")
    assert human.code == machine.code == 1
    assert machine.codes == ["plan_incomplete", "unmanaged"]
    assert "hint: syncer import global:a" in human.err
    assert not shop.state.exists()
    assert "1 added" in shop.fine(*AUTO, "--exclude", "global:a")


def test_some_changes_fail(shop: Folder) -> None:
    """Exit 5: the rest is done and recorded, the failure told, and the next run finishes."""
    shop.apply()
    shop.declare({"global:a": A, "payments:b": GENERATE, "payments:c": GENERATE})
    shop.monkeypatch.setenv("A", "second")
    with shop.sql() as db:
        db.execute(
            "CREATE TRIGGER refuse BEFORE UPDATE ON secret WHEN OLD.ref = 'a' BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    failed = shop(*AUTO, "--format", "json")
    assert failed.code == 5
    assert [each["address"] for each in failed.json["failed"]] == ["global:a"]
    assert [each["address"] for each in failed.json["applied"]] == ["payments:c"]
    assert "error: 1 change failed, 1 done and recorded" in failed.err
    human = shop(*AUTO)
    assert human.code == 5
    assert "error: global:a: " in human.err
    assert "Apply incomplete: 1 failed, 0 not begun." in human.out
    with shop.sql() as db:
        db.execute("DROP TRIGGER refuse")
    assert "0 added, 1 changed" in shop.fine(*AUTO)


def test_the_lock(shop: Folder) -> None:
    """Exit 6 naming the holder, after waiting as long as asked; a plan takes no lock."""
    with shop.session() as session, session.lock("a long apply"):
        result = shop(*AUTO, "--format", "json")
        assert (result.code, result.codes) == (6, ["state_locked"])
        assert "waiting for the lock: " not in result.err, "it does not wait unless it was asked to"
        assert "runs a long apply since" in result.err
        patient = shop(*AUTO, "--lock-timeout", "1s")
        assert (patient.code, "waiting for the lock: " in patient.err) == (6, True)
        assert shop("plan").code == shop("drift").code == 0
        for command in (["import", "global:a"], ["state", "rm", "global:a"], ["state", "mv", "global:a", "b:b"]):
            assert shop(*command, "--lock-timeout", "0s").code == 6
        assert shop("drift", "--accept", "--auto-approve").code == 6
    shop.fine(*AUTO, "--lock-timeout", "1m")


@pytest.mark.parametrize(("times", "code"), [(1, 130), (2, 130)])
def test_ctrl_c(shop: Folder, times: int, code: int) -> None:
    """The first finishes what is in flight and writes state; the second ends at once, and the next run converges."""
    create = LocalBackend.create

    def interrupted(self: LocalBackend, *given: Any) -> Observed:
        made = create(self, *given)
        for _ in range(times):
            signal.raise_signal(signal.SIGINT)
        return made

    shop.monkeypatch.setattr(LocalBackend, "create", interrupted)
    result = shop(*AUTO, "--format", "json")
    assert result.code == code
    assert "stopping: finishing what is in flight" in result.err
    document = result.json
    assert document["complete"] is False
    if times == 1:
        assert len(document["applied"]) == len(document["skipped"]) == 1
        assert document["interrupted"] is True
    else:
        assert result.codes == ["interrupted"]
    shop.monkeypatch.undo()
    shop.monkeypatch.chdir(shop.path)
    shop.monkeypatch.setenv("A", "first")
    shop.fine(*AUTO)
    assert shop.fine("plan").startswith("No changes.")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_verbose(shop: Folder) -> None:
    """-v tells on standard error what is done, one line for each change."""
    result = shop("-v", *AUTO)
    told = "planning\nbackend default: 0 calls, 0 values read\n"
    assert result.err == told + "global:a: create is done\npayments:b: create is done\n"


def test_from_another_thread(shop: Folder) -> None:
    """A program may run it where signals cannot be handled."""
    import threading

    codes: list[int] = []
    worker = threading.Thread(target=lambda: codes.append(shop(*AUTO).code))
    worker.start()
    worker.join()
    assert codes == [0]
