"""`ci plan` and `ci comment` on pull requests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cli.folder import GENERATE
from cli.workshop import MARKER
from conformance.fakes.forge import Fault
from conformance.fakes.github import refusals

from syncer.backends.local import LocalBackend

if TYPE_CHECKING:
    from cli.workshop import Workshop
    from conformance.fakes.github.world import Issue

A = {"source": {"env": "A"}}


@pytest.fixture
def pull(workshop: Workshop) -> Issue:
    """A pull request that adds two secrets."""
    workshop.folder.monkeypatch.setenv("A", "first")
    workshop.folder.declare({"global:a": A, "payments:b": GENERATE})
    return workshop.github.open_pull()


def test_a_pull_request_is_planned(workshop: Workshop, pull: Issue) -> None:
    """One comment, the same in the summary, outputs, and the plan itself in a file."""
    ran = workshop.on_pull(pull, "plan")
    assert ran.code == 0, ran
    text = workshop.comment(pull)
    assert text.startswith("### Plan for `shop`: 2 to add, 0 to change, 0 to destroy\n")
    assert f"commit `{pull.pull.sha[:12]}`" in text  # type: ignore[union-attr]  # it is one
    assert "[run](http" in text
    assert text in ran.summary
    saved = json.loads((workshop.folder.path / "syncer-plan.json").read_bytes())
    assert f"plan `{saved['digest'][:19]}`" in text
    url = ran.outputs.pop("comment-url")
    assert url.endswith(f"/pull/{pull.number}#issuecomment-{workshop.github.comments(pull.number)[0].number}")
    assert ran.outputs == {
        "changes": "true",
        "exit-code": "0",
        "failure-reason": "",
        "plan-digest": saved["digest"],
        "plan-path": "syncer-plan.json",
        "summary": "Plan: 2 to add, 0 to change, 0 to destroy.",
        "to-create": "2",
        "to-delete": "0",
        "to-disable": "0",
        "to-enable": "0",
        "to-rotate": "0",
        "to-update": "0",
    }


def test_the_next_plan_edits_the_comment(workshop: Workshop, pull: Issue) -> None:
    """One for each label, however often it is planned; that of a person who pastes the marker is his own."""
    workshop.github.comment(pull.number, f"{MARKER}\nmine")
    workshop.on_pull(pull, "plan")
    workshop.folder.declare({"global:a": A})
    workshop.github.push(pull)
    workshop.on_pull(pull, "plan")
    workshop.on_pull(pull, "plan", "--label", "other", "--out", "other.json")
    mine, ours, other = [one.body for one in workshop.github.comments(pull.number)]
    assert mine == f"{MARKER}\nmine"
    assert ours.startswith(f"{MARKER}\n### Plan for `shop`: 1 to add")
    assert other.startswith("<!-- syncer:plan:other -->\n### Plan for `shop` (`other`): 1 to add")


def test_changes_only(workshop: Workshop, pull: Issue) -> None:
    """No comment as long as there is nothing to tell; one that is there says that there is nothing any more."""
    workshop.folder.apply()
    ran = workshop.on_pull(pull, "plan", "--comment", "changes-only")
    assert (ran.code, ran.outputs["changes"], ran.outputs["comment-url"]) == (0, "false", "")
    assert workshop.github.comments(pull.number) == []
    workshop.folder.declare({"global:a": A})
    workshop.on_pull(pull, "plan", "--comment", "changes-only", "--allow-mass-change")
    assert "1 secret will be disabled" in workshop.comment(pull)
    workshop.folder.declare({"global:a": A, "payments:b": GENERATE})
    workshop.on_pull(pull, "plan", "--comment", "changes-only")
    assert workshop.comment(pull).startswith("### Plan for `shop`: no changes")


def test_no_comment(workshop: Workshop, pull: Issue) -> None:
    """Not where none is wanted, and not on a push; the summary is there all the same."""
    for ran in (
        workshop.on_pull(pull, "plan", "--comment", "false"),
        workshop.on_push(workshop.github.commit(), "plan"),
    ):
        assert ran.code == 0
        assert "2 to add" in ran.summary
        assert "comment-url" not in ran.outputs
    assert workshop.github.log == []


def test_a_run_where_none_may_be(workshop: Workshop, pull: Issue) -> None:
    """Under `pull_request_target`: exit 3 before anything is looked at; the step's outputs and summary say why."""
    ran = workshop.on_target(pull, "plan")
    assert (ran.code, ran.outputs) == (3, {"exit-code": "3", "failure-reason": "invalid-configuration"})
    assert "pull_request_target would run a stranger's manifest" in ran.summary
    assert ran.annotations[0].startswith("::error title=syncer::a plan under pull_request_target")
    assert workshop.github.log == []


@pytest.mark.usefixtures("pull")
def test_a_fork_is_planned_without_anything(workshop: Workshop) -> None:
    """No key, no credential, no value and no backend, whatever was asked for; it says so, and never fails for it."""
    folder = workshop.folder
    folder.declare({"global:a": A}, state={"path": "state.json"})
    folder.apply()
    folder.declare({"global:a": A | {"tags": {"t": "1"}}, "payments:b": GENERATE}, state={"path": "state.json"})
    (folder.path / ".syncer/key").unlink()
    folder.monkeypatch.delenv("A")
    folder.monkeypatch.setattr(LocalBackend, "observe", lambda *_: pytest.fail("asked"))
    fork = workshop.github.open_pull(fork="stranger/shop")
    workshop.token = workshop.github.token({"issues": "read", "pull-requests": "read"})
    ran = workshop.on_pull(fork, "plan", "--refresh")
    assert ran.code == 0, ran
    assert "> [!NOTE]\n> 1 value was not checked.  \n" in ran.summary
    assert "The backends were not asked" in ran.summary
    assert "no project key here to authenticate it" in ran.summary
    assert "This run comes from a fork or a bot" in ran.summary
    assert "1 to add, 1 to change, 0 to destroy" in ran.summary
    assert "no comment from here" in ran.err
    assert workshop.github.log == []
    assert "mac" not in json.loads((folder.path / "syncer-plan.json").read_bytes())
    assert workshop.on_pull(workshop.github.open_pull(), "plan", actor="dependabot[bot]").code == 0


@pytest.mark.usefixtures("pull")
def test_the_plan_of_a_fork_is_shown(workshop: Workshop) -> None:
    """By a run that may write, from the artifact alone; the comment names the fork's run, which nobody vouches for."""
    folder = workshop.folder
    fork = workshop.github.open_pull(fork="stranger/shop")
    workshop.plan(fork)
    (folder.path / "syncer.yaml").unlink()
    ran = workshop.on_workflow_run(fork, "comment")
    assert ran.code == 0, ran
    text = workshop.comment(fork)
    assert "made by a run of a fork, which nobody can authenticate" in text
    assert "2 to add" in text
    assert fork.pull
    assert f"commit `{fork.pull.sha[:12]}` · [run](" in text
    assert "/actions/runs/41)" in text
    workshop.github.close(fork)
    assert "no open pull request made the run" in workshop.on_workflow_run(fork, "comment").err


@pytest.mark.usefixtures("pull")
def test_a_fork_whose_plan_is_none(workshop: Workshop) -> None:
    """Nothing of what it says is shown; one that left none is told of."""
    fork = workshop.github.open_pull(fork="stranger/shop")
    ran = workshop.on_workflow_run(fork, "comment")
    assert (ran.code, "left no plan" in workshop.comment(fork)) == (0, True)
    assert fork.pull
    for bad in (b"{}", b'{"format_version": "9.0"}', b"<script>"):
        workshop.github.upload_artifact("syncer-plan-syncer", bad, sha=fork.pull.sha, home="stranger/shop")
        ran = workshop.on_workflow_run(fork, "comment")
        assert (ran.code, ran.why) == (7, "tampered-plan")
        assert "script" not in workshop.comment(fork)


def test_a_plan_from_a_file(workshop: Workshop, pull: Issue) -> None:
    """On any pull request, or into a file; what is no plan is refused."""
    workshop.on_pull(pull, "plan", "--comment", "false")
    other = workshop.github.open_pull()
    saved = ("comment", "--plan", "syncer-plan.json")
    assert workshop.on_pull(pull, *saved, "--pull", str(other.number)).code == 0
    assert "2 to add" in workshop.comment(other)
    assert workshop.on_schedule(*saved, "--out", "comment.md").code == 0
    assert (workshop.folder.path / "comment.md").read_text().startswith("### Plan for `shop`: 2 to add")
    nowhere = workshop.on_schedule(*saved)
    assert (nowhere.code, "give --pull NUMBER" in nowhere.err) == (3, True)
    assert workshop.on_schedule("comment").code == 3
    assert workshop.on_schedule("comment", "--plan", "missing.json", "--out", "c.md").code == 1
    document = json.loads((workshop.folder.path / "syncer-plan.json").read_bytes())
    del document["mac"]
    (workshop.folder.path / "unsigned.json").write_text(json.dumps(document))
    workshop.on_schedule("comment", "--plan", "unsigned.json", "--out", "comment.md")
    assert "> The plan is not signed." in (workshop.folder.path / "comment.md").read_text()


@pytest.mark.parametrize(
    ("spoiler", "code"),
    [
        (refusals.NOT_ACCESSIBLE.answer, 4),
        (refusals.too_long("IssueComment").answer, 1),
        (refusals.UNAVAILABLE, 1),
        (Fault.DROP, 1),
    ],
)
def test_a_comment_that_cannot_be_written(workshop: Workshop, pull: Issue, spoiler: object, code: int) -> None:
    """Its own exit code; everything else is done and said, and nothing failed but the comment."""
    workshop.github.spoil("POST *", spoiler, times=-1)  # type: ignore[arg-type]  # one of the above
    ran = workshop.on_pull(pull, "plan")
    assert (ran.code, ran.outputs["exit-code"], ran.why) == (code, str(code), "")
    assert ran.outputs["to-create"] == "2"
    assert "2 to add" in ran.summary
    assert "no comment was written: " in ran.err
    assert ran.annotations[0].startswith("::warning title=syncer::no comment was written: ")
    assert (workshop.folder.path / "syncer-plan.json").exists()


@pytest.mark.parametrize("rights", [{}, {"issues": "read", "pull-requests": "read"}])
def test_a_token_without_rights(workshop: Workshop, pull: Issue, rights: dict[str, str]) -> None:
    """Access is denied, and the plan is in the summary."""
    workshop.token = workshop.github.token(rights)
    ran = workshop.on_pull(pull, "plan")
    assert (ran.code, "2 to add" in ran.summary) == (4, True)


def test_no_token(workshop: Workshop, pull: Issue) -> None:
    """The hint says where to get one."""
    workshop.token = ""
    ran = workshop.on_pull(pull, "plan")
    assert (ran.code, "2 to add" in ran.summary) == (3, True)
    assert "GITHUB_TOKEN" in ran.err


def test_faults_of_a_manifest_mark_their_lines(workshop: Workshop, pull: Issue) -> None:
    """Each at its file, line and column from the root of the repository, in a comment and in the summary; exit 3."""
    folder = workshop.folder
    nested = folder.path / "deploy"
    nested.mkdir()
    (nested / "syncer.yaml").write_text(
        "version: 1\nproject: shop\nscopes:\n  global:\n    secrets:\n      a: hunter2\n"
    )
    folder.monkeypatch.chdir(nested)
    ran = workshop.on_pull(pull, "plan", "--sarif", "faults.sarif", "--junit", "faults.xml")
    assert (ran.code, ran.why) == (3, "invalid-manifest")
    (mark,) = ran.annotations
    assert mark.startswith("::error file=deploy/syncer.yaml,line=6,col=10,title=syncer::a secret is a mapping")
    for text in (workshop.comment(pull), ran.summary):
        assert text.startswith("### `syncer ci plan` failed: invalid-manifest\n\nThe manifest has 1 fault:\n")
        assert "syncer.yaml:6:10: a secret is a mapping" in text
    assert json.loads((nested / "faults.sarif").read_text())["runs"][0]["results"]
    assert 'file="deploy/syncer.yaml" line="6"' in (nested / "faults.xml").read_text()
    assert "hunter2" not in ran.err + ran.summary


def test_a_plan_with_errors_is_shown(workshop: Workshop, pull: Issue) -> None:
    """Exit 1; the comment, the marks and the saved plan say what is wrong."""
    workshop.folder.plant("global:a", b"theirs", owned=False)
    ran = workshop.on_pull(pull, "plan", "--gitlab-report", "report.json")
    assert (ran.code, ran.why) == (1, "plan-incomplete")
    assert "is there already" in workshop.comment(pull)
    (mark,) = ran.annotations
    assert "::error file=syncer.yaml,line=" in mark
    assert json.loads((workshop.folder.path / "report.json").read_text()) == {"create": 1, "update": 0, "delete": 0}


def test_the_safety_limit(workshop: Workshop) -> None:
    """Exit 8, and the reviewer sees what would be withdrawn."""
    folder = workshop.folder
    folder.declare({f"global:s{number}": GENERATE for number in range(7)})
    folder.apply()
    folder.declare({})
    pull = workshop.github.open_pull()
    ran = workshop.on_pull(pull, "plan")
    assert (ran.code, ran.why) == (8, "safety-limit")
    text = workshop.comment(pull)
    assert "> [!CAUTION]\n> 7 secrets will be disabled.\n" in text
    assert "The safety limit refuses it: the plan deletes or disables 7 of 7 secrets." in text
    assert ran.annotations == ["::error title=syncer::the plan deletes or disables 7 of 7 secrets"]
    assert workshop.on_pull(pull, "plan", "--allow-mass-change").code == 0


def test_an_error_is_told_everywhere(workshop: Workshop, pull: Issue) -> None:
    """A source without a value: the comment of the plan before does not stay as if nothing had happened."""
    workshop.on_pull(pull, "plan")
    workshop.folder.monkeypatch.delenv("A")
    ran = workshop.on_pull(pull, "plan")
    assert (ran.code, ran.why) == (1, "error")
    for text in (workshop.comment(pull), ran.summary):
        assert text.startswith("### `syncer ci plan` failed: error\n")
        assert "environment variable A is not set" in text
    assert len(ran.annotations) == 1


def test_wrong_usage_and_interruption(workshop: Workshop, pull: Issue) -> None:
    """Whatever ends it, the outputs say so."""
    ran = workshop.on_pull(pull, "plan", "--label", "../x")
    assert (ran.code, ran.outputs) == (64, {})

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    workshop.folder.monkeypatch.setattr("syncer.cli.ci.plan.make_plan", interrupted)
    ran = workshop.on_pull(pull, "plan")
    assert (ran.code, ran.outputs["exit-code"], ran.why) == (130, "130", "interrupted")
    assert ran.summary.startswith("### `syncer ci plan` failed: interrupted\n")
    workshop.folder.monkeypatch.setattr("syncer.cli.ci.plan.make_plan", lambda *_: 1 / 0)
    ran = workshop.on_pull(pull, "plan")
    assert (ran.code, ran.outputs["exit-code"], ran.why) == (1, "1", "error")
    assert "internal error: ZeroDivisionError" in ran.summary
    assert workshop.github.log == []


def test_nothing_in_a_manifest_gives_orders(workshop: Workshop) -> None:
    """Neither to the runner that reads the log, nor to whoever reads the comment."""
    nasty = "##[set-output name=exit-code]9 ::add-mask::x @org/team #1 <!-- x --> `x` | -->"
    workshop.folder.declare({"global:a": GENERATE | {"description": nasty}, "global:b": GENERATE})
    pull = workshop.github.open_pull()
    ran = workshop.on_pull(pull, "plan")
    assert "##[" not in ran.result.out + ran.err
    assert ran.annotations == []
    body = workshop.comment(pull)
    assert "<!--" not in body
    assert body.index("@org") > body.index("```diff")
    assert body.index("@org") < body.rindex("```")
    workshop.on_pull(pull, "plan")
    assert len(workshop.github.comments(pull.number)) == 1


def test_five_thousand_changes(workshop: Workshop) -> None:
    """The comment keeps within GitHub's bound, says how much it left out and where that is."""
    workshop.folder.declare({f"global:secret-{number:05}": GENERATE for number in range(5000)})
    pull = workshop.github.open_pull()
    ran = workshop.on_pull(pull, "plan")
    assert ran.code == 0, ran.err
    text = workshop.comment(pull)
    shown = text.count("will be created")
    assert len(text) < 65_536
    assert f"\n{5000 - shown} more changes are in the artifact `syncer-plan-syncer` of [this run](http" in text
    assert ran.summary.count("will be created") == 5000
    assert len(ran.summary.encode()) < 1_048_576


def test_outside_of_any_platform(workshop: Workshop, pull: Issue) -> None:
    """Plans, saves and exits as everywhere else."""
    assert workshop.on_pull(pull, "plan", "--platform", "none").outputs == {}
    assert (workshop.folder.path / "syncer-plan.json").exists()


def test_outputs_that_cannot_be_written(workshop: Workshop, pull: Issue) -> None:
    """Exit 3 naming the variable; after another error, that one counts."""
    folder = workshop.folder
    folder.monkeypatch.setattr("cli.workshop.OUTPUTS", "/nowhere/output.txt")
    ran = workshop.on_pull(pull, "plan")
    assert (ran.code, "GITHUB_OUTPUT" in ran.err) == (3, True)
    folder.monkeypatch.delenv("A")
    ran = workshop.on_pull(pull, "plan")
    assert (ran.code, "environment variable A is not set" in ran.err) == (1, True)


def test_no_value_leaves(workshop: Workshop, pull: Issue) -> None:
    """Not into the comment, the summary, the outputs, the log or the plan; neither when it is applied."""
    canary = "canary-9f3b-7d1c"
    workshop.folder.monkeypatch.setenv("A", canary)
    ran = [workshop.plan(pull), workshop.on_push(workshop.github.merge(pull), "apply")]
    assert [each.code for each in ran] == [0, 0]
    told = [text for each in ran for text in (each.result.out, each.err, each.summary, *each.outputs.values())]
    told += [one.body for one in workshop.github.comments(pull.number)]
    told += [(workshop.folder.path / "syncer-plan.json").read_text()]
    assert not any(canary in text for text in told)
    assert workshop.token not in "".join(told)
