"""`plan` and `show`."""

from __future__ import annotations

import json
import stat
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
    syncer.declare({"global:a": A | {"tags": {"team": "x"}}, "payments:b": GENERATE})
    syncer.apply()
    return syncer


def test_plan_tells_what_would_be_done(syncer: Folder) -> None:
    """A block for each address, the counts in Terraform's words, and no file made: neither store nor state."""
    syncer.monkeypatch.setenv("A", "first")
    syncer.declare({"global:a": A, "payments:b": GENERATE})
    told = syncer.fine("plan")
    assert "  # global:a will be created (new)\n" in told
    assert "  # payments:b will be created (new)\n" in told
    assert "\nPlan: 2 to add, 0 to change, 0 to destroy.\nActions: 2 create, 0 rotate, 0 update, 0 enable, " in told
    assert told.index("global:a") < told.index("payments:b")
    assert syncer.files() == {"syncer.yaml", ".syncer/key"}


def test_plan_after_apply_is_empty(shop: Folder) -> None:
    """Nothing to do, exit 0, with and without --detailed-exitcode."""
    told = shop.fine("plan", "--detailed-exitcode", "--verify-values")
    assert told.startswith("No changes. Your secrets match the manifest.\n")


def test_detailed_exitcode(shop: Folder) -> None:
    """2 with changes, only where it was asked for."""
    shop.monkeypatch.setenv("A", "second")
    assert shop("plan").code == 0
    assert shop("plan", "--detailed-exitcode").code == 2
    assert shop("plan", "--detailed-exitcode", "--target", "payments:*").code == 0


@pytest.mark.parametrize(
    ("arguments", "actions"),
    [
        ((), {"global:a": "rotate"}),
        (("--target", "payments:*"), {}),
        (("--exclude", "global:*"), {}),
        (("--rotate", "payments:b"), {"global:a": "rotate", "payments:b": "rotate"}),
        (("--rotate", "*:b", "--exclude", "*:a"), {"payments:b": "rotate"}),
        (("--destroy",), {"global:a": "delete", "payments:b": "delete"}),
        (("--destroy", "--target", "global:a", "--target", "nothing:*"), None),
        (("--no-refresh",), {"global:a": "rotate"}),
        (("--parallelism", "1"), {"global:a": "rotate"}),
        (("--values", "skip"), {}),
        (("--values", "skip", "--no-refresh"), {}),
    ],
)
def test_selectors(shop: Folder, arguments: tuple[str, ...], actions: dict[str, str] | None) -> None:
    """Each says what the plan is about; a glob that matches nothing is refused."""
    shop.monkeypatch.setenv("A", "second")
    result = shop("plan", "--format", "json", *arguments)
    if actions is None:
        assert (result.code, result.codes) == (3, ["invalid_configuration"])
    else:
        assert {c["address"]: c["action"] for c in result.json["resource_changes"]} == actions


def test_json_is_the_plan_of_the_contract(shop: Folder) -> None:
    """One document; people's findings go to standard error."""
    shop.declare({"global:a": A | {"rotate": {"version": 1}}, "payments:b": GENERATE})
    result = shop("plan", "--format", "json")
    document = result.json
    assert document["format_version"] == "1.0"
    assert document["values"] == "resolved"
    assert document["complete"] is True
    assert document["summary"]["rotate"] == 1
    assert document["change_summary"] == {"add": 0, "change": 1, "remove": 0}
    assert document["resource_changes"][0]["change"]["actions"] == ["update"]
    assert document["backend_calls"] == {"default": {"calls": 1, "values_read": 0}}
    assert result.codes == ["rotation_same_value"]
    assert "warning: global:a: to be rotated, but the source still yields the same value" in result.err


def test_markdown(shop: Folder) -> None:
    """For a comment on a pull request."""
    shop.monkeypatch.setenv("A", "second")
    told = shop.fine("plan", "--format", "markdown")
    assert "global:a" in told
    assert "```" in told


def test_an_incomplete_plan_is_told_and_fails(syncer: Folder) -> None:
    """What can be planned is shown with the error, then exit 1; nothing is saved."""
    syncer.monkeypatch.setenv("A", "first")
    syncer.plant("global:a", b"theirs", project="other")
    syncer.declare({"global:a": A, "payments:b": GENERATE})
    human = syncer("plan", "--out", "plan.json")
    machine = syncer("plan", "--format", "json")
    assert human.code == machine.code == 1
    assert "payments:b will be created" in human.out
    assert "error: global:a: belongs to project other" in human.err
    assert "error: the plan holds 1 error\n" in human.err
    assert machine.codes == ["conflict"]
    assert "plan.json" not in syncer.files()


def test_every_source_without_a_value_is_named(syncer: Folder) -> None:
    """All at once, exit 1, also as one JSON document."""
    syncer.declare({"global:a": A, "global:b": {"source": {"file": "missing"}}})
    syncer.monkeypatch.delenv("A", raising=False)
    result = syncer("plan", "--format", "json")
    assert (result.code, result.codes) == (1, ["source_error"])
    assert "global:a: environment variable A is not set (syncer.yaml:" in result.err
    assert "global:b: file `missing` cannot be used: no such file or directory" in result.err


def test_a_mass_change_is_planned_told_and_refused(syncer: Folder) -> None:
    """Exit 8 after the plan was told, none saved; --allow-mass-change lets it pass."""
    syncer.declare({f"global:s{number}": GENERATE for number in range(8)})
    syncer.apply()
    syncer.declare({f"global:s{number}": GENERATE for number in range(2)})
    refused = syncer("plan", "--out", "plan.json", "--format", "json")
    assert refused.code == 8
    assert refused.json["summary"]["disable"] == 6
    assert "plan.json" not in syncer.files()
    assert "the plan deletes or disables 6 of 8 secrets" in refused.err
    assert syncer("plan", "--allow-mass-change", "--out", "plan.json").code == 0
    assert "plan.json" in syncer.files()


def test_the_first_plan_makes_the_key(syncer: Folder) -> None:
    """Once, said on standard error; the embedded store needs no set-up."""
    syncer.monkeypatch.setenv("A", "first")
    syncer.declare({"global:a": A})
    (syncer.path / ".syncer/key").unlink()
    assert "made the project key " in syncer("plan").err
    assert syncer("plan").err == ""
    assert syncer.files() == {"syncer.yaml", ".syncer/key"}


def test_without_the_key(shop: Folder) -> None:
    """A state without its key is exit 3 with the next step; nothing is made in its place."""
    (shop.path / ".syncer/key").unlink()
    result = shop("plan", "--format", "json")
    assert (result.code, result.codes) == (3, ["invalid_configuration"])
    assert "no project key" in result.err
    assert ".syncer/key" not in shop.files()


def test_review_without_key_and_sources(shop: Folder) -> None:
    """On a fork: state is committed, there is no key and no value; declarations are compared, and a warning told."""
    (shop.path / ".syncer/key").unlink()
    (shop.path / ".syncer/store.db").unlink()
    shop.monkeypatch.delenv("A")
    before = shop.files()
    shop.declare({"global:a": {"source": {"env": "OTHER"}}, "payments:b": GENERATE})
    result = shop("plan", "--values", "skip", "--no-refresh", "--format", "json")
    assert result.code == 0
    assert result.codes == ["state_not_authenticated"]
    assert "there is no project key here" in result.err
    changes = [(c["address"], c["action"], c["reason"]) for c in result.json["resource_changes"]]
    assert changes == [
        ("global:a", "rotate", "source_changed"),
        ("global:a", "update", "metadata_differs"),
    ]
    assert (result.json["values"], result.json["complete"]) == ("skipped", False)
    assert shop.files() == before


def test_a_saved_plan_is_private_and_can_be_shown(shop: Folder) -> None:
    """0600; shown in every form as the plan itself was."""
    shop.monkeypatch.setenv("A", "second")
    told = shop("plan", "--out", "plan.json")
    path = shop.path / "plan.json"
    assert "saved the plan to plan.json; to carry out exactly this: syncer apply plan.json" in told.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    shown = shop.fine("show", "plan.json")
    assert shown == told.out
    signed = json.loads(path.read_bytes())
    assert shop("show", "plan.json", "--format", "json").json == {k: v for k, v in signed.items() if k != "mac"}
    assert shop.fine("show", "plan.json", "--format", "markdown") == shop.fine("plan", "--format", "markdown")


def test_a_saved_plan_with_drift_and_dropped_tags_is_shown_whole(shop: Folder) -> None:
    """Nothing that the plan told is lost on the way through the file."""
    with shop.sql() as db:
        db.execute("UPDATE secret SET enabled = 0, tags = ? WHERE ref = 'a'", [json.dumps({"team": "x", "their": "y"})])
    shop.declare({"global:a": A | {"tags": {"tier": "gold"}}, "payments:b": GENERATE})
    told = shop.fine("plan", "--out", "plan.json")
    assert '- tags.team = "x"' in told
    assert '+ tags.tier = "gold"' in told
    assert "tags.their" not in told
    assert "global:a has changed" in told
    assert shop.fine("show", "plan.json") == told


def test_a_tampered_plan_is_refused(shop: Folder) -> None:
    """Exit 7 for one changed byte and for what is no plan; 1 where there is nothing to read."""
    shop.monkeypatch.setenv("A", "second")
    shop.fine("plan", "--out", "plan.json")
    path = shop.path / "plan.json"
    good = path.read_text()
    for bad in (good.replace('"rotate": 1', '"rotate": 2'), "{}", "[]", "", "\x00"):
        path.write_text(bad)
        for command in ("show", "apply"):
            result = shop(command, "plan.json", "--format", "json")
            assert (result.code, result.codes) == (7, ["stale_plan"])
    path.write_text(shop.fine("plan", "--format=json"))
    result = shop("apply", "plan.json", "--format", "json")
    assert (result.code, "not signed" in result.err) == (7, True)
    result = shop("show", "plan.json")
    assert (result.code, "this plan is not authenticated" in result.err) == (0, True)
    for missing in ("missing.json", ".syncer"):
        result = shop("apply", missing, "--format", "json")
        assert (result.code, result.codes) == (1, ["state_error"])
        assert shop("show", missing).code == 1


def test_a_plan_that_cannot_be_saved(shop: Folder) -> None:
    """Exit 1 naming the file."""
    result = shop("plan", "--out", "no/such/folder/plan.json")
    assert result.code == 1
    assert "the plan cannot be written to no/such/folder/plan.json" in result.err


def test_show_state(shop: Folder) -> None:
    """The state in three forms; the JSON is the file."""
    human = shop.fine("show")
    assert "project shop, lineage " in human
    assert human.count("hmac:") == 2
    assert shop.fine("show", "--format", "markdown") == f"```text\n{human}```\n"
    assert shop("show", "--format", "json").json == json.loads(shop.state.read_bytes())


def test_a_tampered_state_is_refused(shop: Folder) -> None:
    """Exit 1 from every command that trusts it, one JSON document where that was asked for."""
    text = shop.state.read_text()
    shop.state.write_text(text.replace('"team": "x"', '"team": "z"'))
    for command in (["plan"], ["show"], ["drift"], ["apply", "--auto-approve"]):
        result = shop(*command, "--format", "json")
        assert (result.code, result.codes) == (1, ["state_error"])
        assert "was changed by something other than syncer" in result.err
    assert shop("state", "list").code == shop("state", "rm", "global:a").code == 1
