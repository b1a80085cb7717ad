"""The whole story of a secret: proposed, planned, reviewed, merged, applied, changed by hand, found, put right.

Everything that runs is real but for the platform and the cloud: the example's own workflows, copied, with only its
variables and its secret filled in; git; and this tool.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING, Any

from actions.places import EXAMPLE, KEY, shop

if TYPE_CHECKING:
    from pathlib import Path

    from actions.runner import JobRun
    from actions.world import World

CANARY = "canary-7f3a-partner-token"
MANIFEST = (EXAMPLE / "syncer.yaml").read_text()
DECLARED = """\
      prod/partner-token:
        source: {sealed: "%s"}
        tags: {tier: %s}
"""
COOKIE = "shop/web/prod/cookie-key"
PARTNER = "shop/payments/prod/partner-token"


def sealed(world: World) -> str:
    """Seal a value as somebody would in their own clone."""
    command = [sys.executable, "-m", "syncer", "seal", "payments:prod/partner-token"]
    environ = {"SYNCER_KEY": KEY, "PATH": os.environ["PATH"], "HOME": str(world.folder)}
    done = subprocess.run(
        command, cwd=world.origin.clone, env=environ, input=CANARY, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def manifest(text: str, tier: str) -> str:
    """Give the example's manifest with one secret more."""
    return MANIFEST.replace("    secrets:\n", f"    secrets:\n{DECLARED % (text, tier)}", 1)


def reviewed(world: World) -> dict[str, Any]:
    """Give the plan in the newest artifact."""
    with zipfile.ZipFile(BytesIO(world.hub.github.artifacts[-1].archive)) as archive:
        assert archive.namelist() == ["syncer-plan.json"]
        document: dict[str, Any] = json.loads(archive.read("syncer-plan.json"))
    return document


def state(world: World) -> dict[str, Any]:
    """Give the state in its branch."""
    text = world.origin.git("show", "refs/heads/syncer-state:state.json", where=world.origin.bare)
    document: dict[str, Any] = json.loads(text)
    return document


def told(world: World) -> str:
    """Give all that anybody could read: logs, summaries, comments, issues, artifacts, and what git keeps."""
    github = world.hub.github
    kept = [run.raw for run in world.runs]
    kept += [comment.body for comment in github.all_comments.values()]
    kept += [f"{issue.title}\n{issue.body}" for issue in github.all_issues.values()]
    for artifact in github.artifacts:
        with zipfile.ZipFile(BytesIO(artifact.archive)) as archive:
            kept += [archive.read(name).decode() for name in archive.namelist()]
    objects = world.origin.git("rev-list", "--objects", "--all", where=world.origin.bare)
    for line in objects.splitlines():
        kept.append(world.origin.git("cat-file", "-p", line.split()[0], where=world.origin.bare))
    return "\n".join(kept)


def succeeded(jobs: dict[str, JobRun], *names: str) -> JobRun:
    """Check that exactly these jobs ran and went well, and give the last of them."""
    ran = {name: job.outcome for name, job in jobs.items() if job.outcome != "skipped"}
    assert ran == dict.fromkeys(names, "success"), "\n".join(job.log for job in jobs.values())
    return jobs[names[-1]]


def test_the_story(tmp_path: Path) -> None:
    """From the branch to the repair; at every step the next one has what it needs, and nobody sees a value."""
    with shop(tmp_path) as world:
        # A branch and a pull request: a plan, one comment, the plan kept, nothing written.
        text = sealed(world)
        world.change("partner", {"syncer.yaml": manifest(text, "gold")})
        pull, jobs = world.open_pull("partner")
        plan = succeeded(jobs, "plan")
        assert plan.outputs["summary"] == "Plan: 4 to add, 0 to change, 0 to destroy."
        (comment,) = world.hub.comments(pull)
        assert comment.body.startswith("<!-- syncer:plan:syncer -->\n")
        assert '+ tags.tier = "gold"' in comment.body
        assert "Plan: 4 to add" in plan.summary
        assert plan.outputs["comment-url"].endswith(f"/pull/{pull.number}#issuecomment-{comment.number}")
        assert world.cloud.values() == {}

        # A reviewer asks for something else: the same comment says what is planned now.
        plan = succeeded(world.update(pull, {"syncer.yaml": manifest(text, "silver")}), "plan")
        (edited,) = world.hub.comments(pull)
        assert edited.number == comment.number
        assert '+ tags.tier = "silver"' in edited.body
        document = reviewed(world)
        assert document["digest"] == plan.outputs["plan-digest"]

        # The merge applies what was reviewed, and nothing else.
        apply = succeeded(world.merge(pull), "apply")
        assert apply.outputs["plan-digest"] == document["digest"]
        planned = {change["address"]: change["action"] for change in document["resource_changes"]}
        assert planned == dict.fromkeys(state(world)["records"], "create")
        assert len(planned) == 4
        values = world.cloud.values()
        assert values[PARTNER] == CANARY
        (outcome,) = world.hub.comments(pull)
        assert outcome.number == comment.number
        assert "4 added, 0 changed, 0 destroyed" in outcome.body

        # A quiet night. Then somebody changes a secret by hand; the next nights have one issue for it.
        succeeded(world.at_night(), "drift")
        assert world.hub.open_issues() == []
        world.cloud.by_hand("put_secret_value", SecretId=COOKIE, SecretString="changed-by-hand")
        drift = succeeded(world.at_night(), "drift")
        assert (drift.outputs["changes"], drift.outputs["failure-reason"]) == ("true", "")
        (issue,) = world.hub.open_issues()
        assert (issue.body or "").startswith("<!-- syncer:drift:syncer -->\n")
        assert "web:prod/cookie-key" in (issue.body or "")
        succeeded(world.at_night(), "drift")
        assert world.hub.open_issues() == [issue]

        # An apply by hand repairs it; the next night closes the issue, saying so.
        apply = succeeded(world.by_hand("apply"), "apply")
        assert apply.outputs["summary"] == "Apply complete! Resources: 0 added, 1 changed, 0 destroyed."
        repaired = world.cloud.values()
        assert repaired[COOKIE] not in (values[COOKIE], "changed-by-hand")
        assert {**repaired, COOKIE: ""} == {**values, COOKIE: ""}
        succeeded(world.at_night(), "drift")
        assert (issue.state, world.hub.open_issues()) == ("closed", [])
        assert world.hub.github.comments(issue.number)

        # Who was who to the cloud, and what anybody has seen of the values and the key: nothing.
        assert [role for role, _ in world.cloud.taken] == [
            *("syncer-plan", "syncer-plan", "syncer-apply"),
            *("syncer-plan", "syncer-plan", "syncer-plan", "syncer-apply", "syncer-plan"),
        ]
        everything = told(world)
        for value in (*values.values(), *repaired.values(), KEY):
            assert value not in everything
