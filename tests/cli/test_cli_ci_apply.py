"""`ci apply`: what was reviewed, and nothing else."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest
from cli.folder import GENERATE
from cli.workshop import ARTIFACT
from conformance.fakes.github import refusals

from syncer.backends.local import LocalBackend

if TYPE_CHECKING:
    from cli.workshop import Workshop
    from conformance.fakes.github.world import Issue

    from syncer.model import Observed

A = {"source": {"env": "A"}}


@pytest.fixture
def shop(workshop: Workshop) -> Workshop:
    """Two secrets, declared."""
    workshop.folder.monkeypatch.setenv("A", "first")
    workshop.folder.declare({"global:a": A, "payments:b": GENERATE})
    return workshop


def planned(shop: Workshop, *arguments: str) -> Issue:
    """Open a pull request and plan it."""
    pull = shop.github.open_pull()
    assert shop.plan(pull, *arguments).code == 0
    return pull


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_the_reviewed_plan_is_applied(shop: Workshop, method: str) -> None:
    """However it was merged; the comment on the pull request tells what came of it."""
    pull = planned(shop)
    merged = shop.github.merge(pull, method)
    ran = shop.on_push(merged, "apply")
    assert ran.code == 0, ran
    assert "Apply complete! Resources: 2 added" in ran.result.out
    text = shop.comment(pull)
    assert text.startswith("### Applied `shop`: 2 added, 0 changed, 0 destroyed\n")
    assert "+ global:a created (new)\n+ payments:b created (new)\n" in text
    assert f"commit `{merged[:12]}`" in text
    assert text in ran.summary
    assert (ran.outputs["exit-code"], ran.why, ran.outputs["to-create"]) == ("0", "", "2")
    assert ran.outputs["summary"] == "Apply complete! Resources: 2 added, 0 changed, 0 destroyed."
    assert shop.folder.fine("plan").startswith("No changes.")


def test_it_is_run_again(shop: Workshop) -> None:
    """All of it is done already: fine, and nothing is written."""
    pull = planned(shop)
    merged = shop.github.merge(pull)
    shop.on_push(merged, "apply")
    before = shop.folder.state.read_bytes()
    ran = shop.on_push(merged, "apply")
    assert (ran.code, ran.outputs["changes"]) == (0, "false")
    assert "2 reviewed addresses are so already" in ran.err
    assert "nothing to do" in shop.comment(pull)
    assert shop.folder.state.read_bytes() == before


def test_a_changed_plan_is_refused(shop: Workshop) -> None:
    """Exit 7 `plan-changed`, saying what; nothing is written, and the pull request is told."""
    pull = planned(shop)
    shop.folder.monkeypatch.setenv("A", "second")
    ran = shop.on_push(shop.github.merge(pull), "apply")
    assert (ran.code, ran.why, ran.outputs["exit-code"]) == (7, "plan-changed", "7")
    told = "global:a: its source yields another value than when the plan was made"
    assert told in ran.err
    assert ran.annotations == [f"::error title=syncer::{told}"]
    assert told in shop.comment(pull)
    assert shop.comment(pull).startswith("### `syncer ci apply` failed: plan-changed\n")
    assert not shop.folder.state.exists()


def test_what_nobody_reviewed_is_left(shop: Workshop) -> None:
    """Told as a warning, in the log, the summary and the comment."""
    pull = planned(shop)
    shop.folder.declare({"global:a": A, "payments:b": GENERATE, "payments:new": GENERATE})
    ran = shop.on_push(shop.github.merge(pull), "apply")
    assert ran.code == 0
    assert "warning: payments:new is left for the next plan: nobody has reviewed" in ran.err
    assert "Left for the next plan, because nobody has reviewed it: 1 address." in shop.comment(pull)
    assert "payments:new" not in shop.folder.fine("state", "list")


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (lambda good: good.replace(b'"create": 2', b'"create": 3'), "tampered with"),
        (lambda good: good.replace(b'"format_version": "1.0"', b'"format_version": "2.0"'), "has format 2.0"),
        (lambda good: good.replace(b'"shop"', b'"other"'), "tampered with"),
        (lambda _good: b"{}", "this is not a plan"),
    ],
)
def test_a_tampered_plan_is_refused(shop: Workshop, bad: Any, told: str) -> None:
    """Also one of another version, and what is none; exit 7 `tampered-plan`."""
    pull = shop.github.open_pull()
    shop.on_pull(pull, "plan")
    path = shop.folder.path / "syncer-plan.json"
    path.write_bytes(bad(path.read_bytes()))
    shop.keep(pull)
    ran = shop.on_push(shop.github.merge(pull), "apply")
    assert (ran.code, ran.why, told in ran.err) == (7, "tampered-plan", True), ran.err
    assert not shop.folder.state.exists()


@pytest.mark.parametrize("asked", [("--destroy",), ("--rotate", "*")])
@pytest.mark.parametrize("values", ["skip", "resolve"])
def test_an_artifact_asks_for_nothing(shop: Workshop, asked: tuple[str, ...], values: str) -> None:
    """Signed or not, it could have all be deleted or rotated by a merge that says nothing of it; a signed file may."""
    shop.folder.apply()
    before = shop.folder.state.read_bytes()
    pull = shop.github.open_pull()
    shop.plan(pull, "--values", values, *asked)
    merged = shop.github.merge(pull)
    ran = shop.on_push(merged, "apply")
    told = "rotations or deletions that the manifest does not ask for"
    assert (ran.code, ran.why, told in ran.err) == (7, "tampered-plan", True)
    assert shop.folder.state.read_bytes() == before
    ran = shop.on_push(merged, "apply", "--plan-file", "syncer-plan.json")
    assert (ran.code, shop.folder.state.read_bytes() != before) == ((0, True) if values == "resolve" else (7, False))


def test_an_artifact_that_holds_none(shop: Workshop) -> None:
    """Two files where there is to be one: exit 7, too."""
    pull = shop.github.open_pull()
    assert pull.pull
    shop.github.upload_artifact(ARTIFACT, files={"a": b"", "b": b""}, sha=pull.pull.sha)
    ran = shop.on_push(shop.github.merge(pull), "apply")
    assert (ran.code, ran.why) == (7, "tampered-plan")


def test_a_foreign_plan_is_refused(shop: Workshop) -> None:
    """Of another project, which happens to have the same key, and of another state."""
    folder = shop.folder
    folder.write({"version": 1, "project": "other", "scopes": {"global": {"secrets": {"a": A}}}})
    pull = planned(shop)
    folder.declare({"global:a": A})
    merged = shop.github.merge(pull)
    ran = shop.on_push(merged, "apply")
    assert (ran.code, ran.why, "for project other, and this is shop" in ran.err) == (7, "tampered-plan", True)
    folder.apply()
    folder.declare({"global:a": A | {"tags": {"t": "1"}}})
    second = planned(shop)
    for name in ("state.json", "store.db"):
        (folder.path / ".syncer" / name).unlink()
    folder.declare({"global:a": A})
    folder.apply()
    folder.declare({"global:a": A | {"tags": {"t": "1"}}})
    ran = shop.on_push(shop.github.merge(second), "apply")
    assert (ran.code, ran.why, "its lineage differs" in ran.err) == (7, "plan-changed", True)


def test_the_plan_of_an_earlier_commit_is_none(shop: Workshop) -> None:
    """The branch was pushed to again, and nobody planned that."""
    pull = planned(shop)
    shop.github.push(pull)
    ran = shop.on_push(shop.github.merge(pull), "apply")
    assert (ran.code, ran.why) == (7, "no-reviewed-plan")
    told = (
        f"pull request {pull.number} has no artifact {ARTIFACT} for its last commit any more, and there are 2 changes"
    )
    assert told in ran.err
    assert "no-reviewed-plan" in shop.comment(pull)


def test_no_reviewed_plan(shop: Workshop) -> None:
    """A push without a pull request: exit 7 unless nothing is to be done, or --unreviewed."""
    sha = shop.github.commit()
    ran = shop.on_push(sha, "apply")
    assert (ran.code, ran.why) == (7, "no-reviewed-plan")
    assert f"no merged pull request brought commit {sha[:12]}, and there are 2 changes to apply" in ran.err
    assert not shop.folder.state.exists()
    assert shop.on_push(sha, "apply", "--unreviewed").code == 0
    ran = shop.on_push(sha, "apply")
    assert (ran.code, ran.why, ran.outputs["changes"]) == (0, "", "false")


def test_a_plan_from_a_file(shop: Workshop) -> None:
    """On any platform."""
    shop.on_pull(shop.github.open_pull(), "plan", "--comment", "false")
    ran = shop.on_schedule("apply", "--plan-file", "syncer-plan.json", "--platform", "none")
    assert (ran.code, "2 added" in ran.result.out) == (0, True)
    assert shop.on_schedule("apply", "--plan-file", "missing.json").code == 1


def test_a_skipped_plan_and_what_it_did_not_check(shop: Workshop) -> None:
    """What it shows is applied; what it lists as not checked is rotated only where that is allowed."""
    shop.folder.apply()
    shop.folder.declare({"global:a": A, "payments:b": GENERATE, "payments:c": GENERATE})
    pull = planned(shop, "--values", "skip", "--no-refresh")
    shop.folder.monkeypatch.setenv("A", "second")
    merged = shop.github.merge(pull)
    ran = shop.on_push(merged, "apply")
    assert (ran.code, ran.why, "was not checked" in ran.err) == (7, "plan-changed", True)
    ran = shop.on_push(merged, "apply", "--allow-unchecked")
    assert (ran.code, "1 added, 1 changed" in ran.result.out) == (0, True)


def test_a_failed_change(shop: Workshop) -> None:
    """Exit 5: the comment says which and why; the next run does the rest."""
    shop.folder.apply()
    shop.folder.monkeypatch.setenv("A", "second")
    shop.folder.declare({"global:a": A, "payments:b": GENERATE, "payments:c": GENERATE})
    pull = planned(shop)
    merged = shop.github.merge(pull)
    with shop.folder.sql() as db:
        db.execute(
            "CREATE TRIGGER refuse BEFORE UPDATE ON secret WHEN OLD.ref = 'a' BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    ran = shop.on_push(merged, "apply")
    assert (ran.code, ran.why) == (5, "failed-changes")
    text = shop.comment(pull)
    assert text.startswith("### Apply of `shop` incomplete: 1 failed, 0 not begun\n")
    assert "error: global:a: " in text
    with shop.folder.sql() as db:
        db.execute("DROP TRIGGER refuse")
    ran = shop.on_push(merged, "apply")
    assert (ran.code, "0 added, 1 changed" in ran.result.out) == (0, True)


def test_an_interrupted_apply(shop: Workshop) -> None:
    """What is in flight is finished, the state written, and everybody told; the next run does the rest."""
    create = LocalBackend.create

    def interrupted(self: LocalBackend, *given: Any) -> Observed:
        made = create(self, *given)
        signal.raise_signal(signal.SIGINT)
        return made

    pull = planned(shop)
    merged = shop.github.merge(pull)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalBackend, "create", interrupted)
        ran = shop.on_push(merged, "apply")
    assert (ran.code, ran.why) == (130, "interrupted")
    assert shop.comment(pull).startswith("### Apply of `shop` interrupted: 0 failed, 1 not begun\n")
    ran = shop.on_push(merged, "apply")
    assert (ran.code, "1 added" in ran.result.out) == (0, True)


def test_a_comment_that_cannot_be_written_undoes_nothing(shop: Workshop) -> None:
    """The apply is done and the outputs say so; the exit code is the comment's."""
    pull = planned(shop)
    merged = shop.github.merge(pull)
    shop.github.spoil("PATCH *", refusals.NOT_ACCESSIBLE.answer, times=-1)
    shop.github.spoil("POST *", refusals.NOT_ACCESSIBLE.answer, times=-1)
    ran = shop.on_push(merged, "apply")
    assert (ran.code, ran.outputs["exit-code"], ran.why) == (4, "4", "")
    assert ran.outputs["summary"].startswith("Apply complete! Resources: 2 added")
    assert "Applied `shop`: 2 added" in ran.summary
    assert shop.folder.fine("plan").startswith("No changes.")


@pytest.mark.parametrize(
    ("spoiler", "code", "why"),
    [(refusals.NOT_ACCESSIBLE.answer, 4, "access-denied"), (refusals.UNAVAILABLE, 1, "error")],
)
def test_a_platform_that_does_not_answer(shop: Workshop, spoiler: Any, code: int, why: str) -> None:
    """Without the reviewed plan nothing is applied, not even looked at."""
    pull = planned(shop)
    shop.github.spoil("GET *", spoiler, times=-1)
    ran = shop.on_push(shop.github.merge(pull), "apply")
    assert (ran.code, ran.why) == (code, why)
    assert not shop.folder.state.exists()


def test_a_fork_applies_nothing(shop: Workshop) -> None:
    """Before anything is asked."""
    ran = shop.on_pull(shop.github.open_pull(fork="stranger/shop"), "apply", "--unreviewed")
    assert (ran.code, ran.why) == (4, "access-denied")
    assert shop.github.log == []
    assert not shop.folder.state.exists()


def test_the_lock_the_limit_and_the_errors(shop: Workshop) -> None:
    """Exit 6, 8 and 1 as without `ci`, each with its reason."""
    pull = planned(shop)
    merged = shop.github.merge(pull)
    with shop.folder.session() as session, session.lock("a long apply"):
        ran = shop.on_push(merged, "apply")
    assert (ran.code, ran.why, "a long apply" in ran.summary) == (6, "state-locked", True)
    shop.folder.plant("global:a", b"theirs", owned=False)
    ran = shop.on_push(merged, "apply", "--unreviewed")
    assert (ran.code, ran.why) == (1, "plan-incomplete")
    assert any(line.startswith("::error file=syncer.yaml,line=") for line in ran.annotations)
    shop.folder.declare({f"x:s{number}": GENERATE for number in range(7)})
    shop.folder.apply()
    shop.folder.declare({})
    pull = shop.github.open_pull()
    shop.plan(pull)
    ran = shop.on_push(shop.github.merge(pull), "apply")
    assert (ran.code, ran.why) == (8, "safety-limit")
    ran = shop.on_push(shop.github.merge(pull), "apply", "--allow-mass-change")
    assert (ran.code, "7 changed" in ran.result.out) == (0, True)


def test_a_label_has_its_own_plan(shop: Workshop) -> None:
    """Another label's plan is not taken."""
    pull = shop.github.open_pull()
    shop.on_pull(pull, "plan", "--label", "east")
    shop.keep(pull, "syncer-plan-east")
    merged = shop.github.merge(pull)
    assert shop.on_push(merged, "apply").why == "no-reviewed-plan"
    assert shop.on_push(merged, "apply", "--label", "east").code == 0
    assert json.loads(shop.folder.state.read_bytes())["records"]
