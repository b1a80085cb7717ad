"""What the example's workflows do on other days: forks, bots, mistakes, races, and people with too little trust."""

from __future__ import annotations

import base64
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from actions.places import EXAMPLE, KEY, shop
from conformance.fakes.forge import zipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from actions.runner import JobRun
    from actions.world import Pull, World

MANIFEST = (EXAMPLE / "syncer.yaml").read_text()
COOKIE = "shop/web/prod/cookie-key"
HIDDEN = (KEY, base64.b64decode(KEY).decode())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The example, set up."""
    with shop(tmp_path) as made:
        yield made


def with_secret(name: str, text: str = MANIFEST) -> str:
    """Declare one more in the scope `payments`."""
    return text.replace("    secrets:\n", f"    secrets:\n      {name}: {{source: {{generate: {{length: 40}}}}}}\n", 1)


def bumped(text: str = MANIFEST) -> str:
    """Ask for a new cookie key."""
    head, tail = text.split("prod/cookie-key")
    return head + "prod/cookie-key" + tail.replace("{every: 365d, warn: 14d}", "{every: 365d, warn: 14d, version: 2}")


def ran(jobs: dict[str, JobRun]) -> dict[str, str]:
    """Give how the jobs ended that were not skipped."""
    return {name: job.outcome for name, job in jobs.items() if job.outcome != "skipped"}


def proposed(world: World, branch: str, text: str) -> Pull:
    """Open a pull request with another manifest."""
    world.change(branch, {"syncer.yaml": text})
    pull, jobs = world.open_pull(branch)
    assert ran(jobs) == {"plan": "success"}, jobs["plan"].log
    return pull


def applied(world: World) -> None:
    """Have the example's three secrets made."""
    pull = proposed(world, "first", MANIFEST + "# first\n")
    assert ran(world.merge(pull)) == {"apply": "success"}


def state(world: World) -> dict[str, Any]:
    """Give the state in its branch."""
    text = world.origin.git("show", "refs/heads/syncer-state:state.json", where=world.origin.bare)
    document: dict[str, Any] = json.loads(text)
    return document


def test_a_fork_is_planned_without_anything_to_steal(world: World) -> None:
    """No key, no role, no variable, a token that reads; and the comment says what was not checked."""
    applied(world)
    world.change("evil", {"syncer.yaml": with_secret("prod/new")})
    pull, jobs = world.open_pull("evil", author="outsider", fork="outsider/shop")
    assert ran(jobs) == {"plan-without-secrets": "success", "comment": "success"}, jobs["comment"].log
    plan = jobs["plan-without-secrets"]
    assert world.hub.rights[plan.token] == {"contents": "read"}
    assert plan.contexts({})["secrets"] == {"GITHUB_TOKEN": plan.token}
    assert plan.outputs["summary"] == "Plan: 1 to add, 0 to change, 0 to destroy."
    assert not any(hidden in plan.raw for hidden in HIDDEN)
    assert "not checked" in plan.summary
    (comment,) = world.hub.comments(pull)
    assert comment.body.startswith("<!-- syncer:plan:syncer -->\n")
    assert "payments:prod/new will be created" in comment.body
    assert "not checked" in comment.body
    assert [role for role, _ in world.cloud.taken] == ["syncer-plan", "syncer-apply"]


def test_what_a_fork_proposed_is_applied_once_it_is_merged(world: World) -> None:
    """Its plan had no values and no signature: it is compared with one that is made again without any."""
    world.change("gift", {"syncer.yaml": with_secret("prod/new")})
    pull, _ = world.open_pull("gift", author="outsider", fork="outsider/shop")
    apply = world.merge(pull)["apply"]
    assert apply.outcome == "success", apply.log
    assert len(world.cloud.values()) == 4
    (comment,) = world.hub.comments(pull)
    assert "4 added" in comment.body


def test_a_fork_whose_plan_failed_is_told_so(world: World) -> None:
    """The run that comments finds no plan, and says where to look."""
    world.change("typo", {"syncer.yaml": MANIFEST.replace("    tags: {owner: web}", "    tagz: {owner: web}")})
    pull, jobs = world.open_pull("typo", author="outsider", fork="outsider/shop")
    assert ran(jobs) == {"plan-without-secrets": "failure", "comment": "success"}
    assert "::error file=syncer.yaml,line=" in jobs["plan-without-secrets"].log
    (comment,) = world.hub.comments(pull)
    assert "left no plan" in comment.body


def test_nothing_of_a_fork_runs_where_something_may_be_written(world: World) -> None:
    """The job that comments has the code of `main`, and no right that it does not need."""
    path = ".github/actions/syncer/action.yml"
    evil = (EXAMPLE / path).read_text().replace("      run: |\n", '      run: |\n        touch "$RUNNER_TEMP/evil"\n')
    world.change("evil", {path: evil})
    _, jobs = world.open_pull("evil", author="outsider", fork="outsider/shop")
    assert ran(jobs) == {"plan-without-secrets": "success", "comment": "success"}
    comment = jobs["comment"]
    assert (jobs["plan-without-secrets"].machine.temporary / "evil").exists()
    assert not (comment.machine.temporary / "evil").exists()
    assert world.hub.rights[comment.token] == {"actions": "read", "contents": "read", "pull-requests": "write"}
    main = world.origin.head("refs/heads/main", where=world.origin.bare)
    assert world.origin.git("rev-parse", "HEAD", where=comment.machine.workspace) == main


def test_a_fork_that_rewrites_the_workflow_gets_no_further(world: World) -> None:
    """The platform withholds the secrets and the identity, whatever the job says."""
    path = ".github/workflows/plan.yml"
    text = (EXAMPLE / path).read_text()
    world.change("evil", {path: text.replace("github.repository &&", "github.repository ||").replace("==", "!=", 1)})
    _, jobs = world.open_pull("evil", author="outsider", fork="outsider/shop")
    assert jobs["plan"].outcome == "failure"
    assert "id-token: write" in jobs["plan"].log
    assert world.cloud.taken == []


def test_dependabot_is_treated_as_a_fork_is(world: World) -> None:
    """Although its branch is our own."""
    world.change("dependabot/actions", {"note.txt": "an update"})
    pull, jobs = world.open_pull("dependabot/actions", author="dependabot[bot]")
    assert ran(jobs) == {"plan-without-secrets": "success", "comment": "success"}
    assert len(world.hub.comments(pull)) == 1


def test_the_plan_job_cannot_take_the_role_that_writes(world: World) -> None:
    """Nor may its token push; both are for the environment alone."""
    path = ".github/workflows/plan.yml"
    world.change("sly", {path: (EXAMPLE / path).read_text().replace("AWS_PLAN_ROLE", "AWS_APPLY_ROLE")})
    _, jobs = world.open_pull("sly")
    assert jobs["plan"].outcome == "failure"
    assert "Not authorized to perform sts:AssumeRoleWithWebIdentity" in jobs["plan"].log
    assert not world.hub.may("x-access-token", jobs["plan"].token, "write")


def test_a_branch_cannot_deploy_to_the_environment(world: World) -> None:
    """Whatever its workflow says: only `main` may, and only its jobs have the subject that the role trusts."""
    path = ".github/workflows/plan.yml"
    text = (EXAMPLE / path).read_text().replace("AWS_PLAN_ROLE", "AWS_APPLY_ROLE")
    world.change(
        "sly", {path: text.replace("    timeout-minutes", "    environment: production\n    timeout-minutes", 1)}
    )
    _, jobs = world.open_pull("sly")
    assert (jobs["plan"].outcome, jobs["plan"].log) == (
        "failure",
        "refs/pull/1/merge is not allowed to deploy to production",
    )
    assert world.cloud.taken == []


def test_a_fault_of_the_manifest_marks_its_line(world: World) -> None:
    """In the pull request's files, in the summary and in the comment; there is no plan to keep."""
    wrong = MANIFEST.replace("    tags: {owner: web}", "    tagz: {owner: web}")
    line = wrong.splitlines().index("    tagz: {owner: web}") + 1
    world.change("typo", {"syncer.yaml": wrong})
    pull, jobs = world.open_pull("typo")
    plan = jobs["plan"]
    assert (plan.outcome, plan.outputs["exit-code"], plan.outputs["failure-reason"]) == (
        "failure",
        "3",
        "invalid-manifest",
    )
    assert f"::error file=syncer.yaml,line={line},col=5," in plan.log
    assert world.hub.github.artifacts == []
    (comment,) = world.hub.comments(pull)
    assert f"syncer.yaml:{line}" in comment.body
    assert f"syncer.yaml:{line}" in plan.summary
    plan = world.update(pull, {"syncer.yaml": MANIFEST})["plan"]
    assert plan.outcome == "success"
    assert "tagz" not in world.hub.comments(pull)[0].body


def test_what_breaks_the_policy_is_not_applied(world: World) -> None:
    """A secret without an owner, marked where it is declared."""
    world.change("lone", {"syncer.yaml": MANIFEST.replace("    tags: {owner: web}\n", "")})
    _, jobs = world.open_pull("lone")
    line = next(number for number, text in enumerate(MANIFEST.splitlines(), 1) if "prod/cookie-key" in text)
    marked = f"::error file=syncer.yaml,line={line - 1},title=syncer::web:prod/cookie-key: tag `owner` is missing"
    assert (jobs["plan"].outcome, jobs["plan"].outputs["failure-reason"]) == ("failure", "plan-incomplete")
    assert marked in jobs["plan"].log


def test_a_plan_that_changed_since_the_review_is_refused(world: World) -> None:
    """Nothing is written, neither to the store nor to the state."""
    applied(world)
    pull = proposed(world, "bump", bumped())
    world.cloud.by_hand("put_secret_value", SecretId=COOKIE, SecretString="changed-by-hand")
    before, serial = world.cloud.values(), state(world)["serial"]
    apply = world.merge(pull)["apply"]
    assert (apply.outcome, apply.outputs["exit-code"]) == ("failure", "7")
    assert apply.outputs["failure-reason"] == "plan-changed"
    assert "web:prod/cookie-key" in apply.log
    assert (world.cloud.values(), state(world)["serial"]) == (before, serial)


def test_a_plan_that_was_tampered_with_is_refused(world: World) -> None:
    """Whoever could put another artifact in its place cannot sign it."""
    pull = proposed(world, "first", MANIFEST + "# first\n")
    (artifact,) = world.hub.github.artifacts
    with zipfile.ZipFile(BytesIO(artifact.archive)) as archive:
        plan = archive.read("syncer-plan.json").replace(b"payments:prod/db-password", b"payments:prod/xx-password")
    artifact.archive = zipped({"syncer-plan.json": plan})
    apply = world.merge(pull)["apply"]
    assert (apply.outcome, apply.outputs["exit-code"]) == ("failure", "7")
    assert apply.outputs["failure-reason"] == "tampered-plan"
    assert world.cloud.values() == {}


@pytest.mark.parametrize("right", ["actions: read", "pull-requests: write"])
def test_a_right_that_is_missing_is_named(world: World, right: str) -> None:
    """Before anything is written; the error says what to put under `permissions`."""
    path = ".github/workflows/apply.yml"
    lines = (EXAMPLE / path).read_text().splitlines(keepends=True)
    world.change("less", {path: "".join(line for line in lines if f"      {right}" not in line)})
    pull, _ = world.open_pull("less")
    apply = world.merge(pull)["apply"]
    assert (apply.outcome, apply.outputs["failure-reason"]) == ("failure", "access-denied"), apply.log
    assert f"permissions: {right.partition(':')[0]}: " in apply.log
    assert world.cloud.values() == {}


def test_what_nobody_reviewed_is_not_applied(world: World) -> None:
    """A commit straight to `main`; by hand it is, once the reviewers of the environment have let it."""
    world.origin.branch("straight")
    sha = world.origin.commit("straight to main", {"syncer.yaml": MANIFEST}, "main")
    apply = world.fire(world.push(sha))["apply"]
    assert (apply.outcome, apply.outputs["failure-reason"]) == ("failure", "no-reviewed-plan")
    assert world.cloud.values() == {}
    assert ran(world.by_hand("apply")) == {"apply": "success"}
    assert len(world.cloud.values()) == 3


def test_two_merges_at_once_lose_nothing(world: World) -> None:
    """One apply waits for the other at the lock of the state; each carries out its own plan."""
    applied(world)
    one = proposed(world, "one", with_secret("prod/one"))
    two = proposed(world, "two", MANIFEST.replace("    tags: {owner: web}\n    secrets:\n", OTHER))
    events = [world.merged(one), world.merged(two)]
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(world.fire, events)
    assert (ran(first), ran(second)) == ({"apply": "success"}, {"apply": "success"}), (
        first["apply"].log + second["apply"].log
    )
    names = {
        "payments:prod/db-password",
        "payments:prod/session-key",
        "web:prod/cookie-key",
        "payments:prod/one",
        "web:prod/two",
    }
    assert set(state(world)["records"]) == names
    assert set(world.cloud.values()) == {f"shop/{name.replace(':', '/')}" for name in names}
    assert [len(world.hub.comments(pull)) for pull in (one, two)] == [1, 1]
    assert ran(world.at_night()) == {"drift": "success"}
    assert world.hub.open_issues() == []


OTHER = "    tags: {owner: web}\n    secrets:\n      prod/two: {source: {generate: {length: 40}}}\n"


def test_each_label_has_its_own_comment(world: World) -> None:
    """For several manifests in one repository."""
    path = ".github/workflows/plan.yml"
    text = (EXAMPLE / path).read_text()
    step = text[text.index("      - uses: ./.github/actions/syncer") : text.index("\n  plan-without-secrets:")]
    again = step.replace("command: plan\n", "command: plan\n          label: web\n          target: web:*\n")
    world.change("labels", {path: text.replace(step, step + again)})
    pull, jobs = world.open_pull("labels")
    assert ran(jobs) == {"plan": "success"}, jobs["plan"].log
    assert jobs["plan"].outputs["to-create"] == "1"
    bodies = [comment.body for comment in world.hub.comments(pull)]
    assert [body.splitlines()[0] for body in bodies] == ["<!-- syncer:plan:syncer -->", "<!-- syncer:plan:web -->"]
    assert [artifact.name for artifact in world.hub.github.artifacts] == ["syncer-plan-syncer", "syncer-plan-web"]
