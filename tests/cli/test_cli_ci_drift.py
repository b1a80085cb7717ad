"""`ci drift` keeps one issue; `ci validate` marks lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cli.folder import GENERATE
from conformance.fakes.github import refusals

if TYPE_CHECKING:
    from cli.workshop import Workshop
    from conformance.fakes.github.world import Issue

A = {"source": {"env": "A"}}
MARKER = "<!-- syncer:drift:syncer -->"


@pytest.fixture
def shop(workshop: Workshop) -> Workshop:
    """Two secrets, applied."""
    workshop.folder.monkeypatch.setenv("A", "first")
    workshop.folder.declare({"global:a": A, "payments:b": GENERATE})
    workshop.folder.apply()
    return workshop


def open_issues(shop: Workshop) -> list[Issue]:
    """Give those of ours."""
    return [one for one in shop.github.issues if one.state == "open" and (one.body or "").startswith(MARKER)]


def test_drift_opens_updates_and_closes_an_issue(shop: Workshop) -> None:
    """One at a time: the next night it is the same one, put right it is closed, and then there is a new one."""
    ran = shop.on_schedule("drift", "--issue")
    assert (ran.code, ran.why, ran.outputs["changes"], ran.outputs["issue-url"]) == (0, "", "false", "")
    shop.folder.disable("global:a")
    ran = shop.on_schedule("drift", "--issue")
    assert (ran.code, ran.why, ran.outputs["changes"]) == (2, "drift", "true")
    (issue,) = open_issues(shop)
    assert issue.title == "Drift: 1 secret of shop changed outside of syncer"
    assert ran.outputs["issue-url"].endswith(f"/issues/{issue.number}")
    for told in ("o enabled = true -> false", "syncer apply", "syncer drift --accept", "[run](http"):
        assert told in (issue.body or "")
        assert told in ran.summary
    shop.folder.disable("payments:b")
    shop.on_schedule("drift", "--issue")
    assert [one.title for one in open_issues(shop)] == ["Drift: 2 secrets of shop changed outside of syncer"]
    shop.folder.apply()
    ran = shop.on_schedule("drift", "--issue")
    assert (ran.code, open_issues(shop)) == (0, [])
    assert "No drift." in shop.github.comments(issue.number)[0].body
    shop.folder.disable("global:a")
    shop.on_schedule("drift", "--issue")
    (again,) = open_issues(shop)
    assert again.number != issue.number


def test_drift_without_an_issue(shop: Workshop) -> None:
    """Summary, outputs and reports; exit 2 unless told otherwise. Nothing is asked of the platform."""
    shop.folder.disable("global:a")
    ran = shop.on_schedule("drift", "--junit", "drift.xml", "--sarif", "drift.sarif")
    assert ran.code == 2
    assert "drift/enabled" in (shop.folder.path / "drift.xml").read_text()
    assert json.loads((shop.folder.path / "drift.sarif").read_text())["runs"][0]["results"]
    ran = shop.on_schedule("drift", "--no-fail-on-drift", "--target", "global:*", "--exclude", "payments:*")
    assert (ran.code, ran.why, ran.outputs["changes"]) == (0, "", "true")
    assert shop.github.log == []


def test_an_issue_stays_open_where_nobody_could_look(shop: Workshop) -> None:
    """That nothing was found is not that nothing is there."""
    shop.folder.disable("global:a")
    shop.on_schedule("drift", "--issue")
    shop.folder.apply()
    from syncer.backends.base import Capability
    from syncer.backends.local import LocalBackend

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalBackend, "capabilities", LocalBackend.capabilities - {Capability.READ})
        patch.setattr("syncer.engine.adopt.since", lambda _session, before: (before, frozenset(before.records)))
        ran = shop.on_schedule("drift", "--issue")
    assert (ran.code, len(open_issues(shop))) == (0, 1)


@pytest.mark.parametrize("rights", [{}, {"issues": "read"}])
def test_an_issue_that_cannot_be_written(shop: Workshop, rights: dict[str, str]) -> None:
    """Its own exit code and reason; what was found is in the summary."""
    shop.token = shop.github.token(rights)
    shop.folder.disable("global:a")
    ran = shop.on_schedule("drift", "--issue")
    assert (ran.code, ran.why) == (4, "access-denied")
    assert "o enabled = true -> false" in ran.summary


def test_issues_that_are_turned_off(shop: Workshop) -> None:
    """An error of the platform."""
    shop.folder.disable("global:a")
    shop.github.has_issues = False
    assert shop.on_schedule("drift", "--issue").code != 0
    shop.github.spoil("*", refusals.UNAVAILABLE, times=-1)
    assert shop.on_schedule("drift", "--issue").code == 1


def test_validate(shop: Workshop) -> None:
    """A manifest that keeps its policy, one that does not, and one that is none."""
    pull = shop.github.open_pull()
    ran = shop.on_pull(pull, "validate")
    assert ran.code == 0
    assert ran.outputs == {
        "exit-code": "0",
        "failure-reason": "",
        "summary": "syncer.yaml: 2 secrets in 2 scopes, 0 findings.",
    }
    assert ran.summary.startswith("### Manifest of `shop`: valid\n")
    shop.folder.declare(
        {"global:a": A, "payments:b": GENERATE},
        policy=[{"rule": "required-tags", "tags": ["team"]}],
    )
    ran = shop.on_pull(pull, "validate", "--junit", "policy.xml", "--sarif", "policy.sarif")
    assert (ran.code, ran.why) == (3, "invalid-manifest"), ran.err
    assert sum(line.startswith("::error file=syncer.yaml,line=") for line in ran.annotations) == 2
    assert "2 errors" in ran.summary
    assert "policy/" in (shop.folder.path / "policy.xml").read_text()
    assert "policy/" in (shop.folder.path / "policy.sarif").read_text()
    (shop.folder.path / "syncer.yaml").write_text("version: 2\n")
    ran = shop.on_pull(pull, "validate", "--sarif", "policy.sarif")
    assert (ran.code, ran.why) == (3, "invalid-manifest")
    assert "::error file=syncer.yaml,line=1" in ran.err
    assert shop.github.comments(pull.number) == []
