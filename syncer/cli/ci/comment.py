"""`ci comment`: a plan that was made elsewhere, shown on its pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncer.ci.run import Event
from syncer.cli.ci.job import Job, plan_outputs
from syncer.cli.ci.options import Commenting, comment_option, on_platform
from syncer.cli.ci.reasons import checking_plan
from syncer.cli.options import PATH, Option
from syncer.cli.out import replace_text
from syncer.engine import saved
from syncer.errors import InvalidConfiguration, NotFound, StateError
from syncer.render.json import plan_digest
from syncer.render.markdown import failure_markdown, plan_markdown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncer.ci.platform import Pull
    from syncer.cli.console import Console
    from syncer.plans import Plan

FOREIGN = "The plan was made by a run of a fork, which nobody can authenticate: it is only what that run says."
UNSIGNED = "The plan is not signed."


@click.command
@click.option("--plan", "plan_file", cls=Option, type=PATH, metavar="FILE", help="The plan.")
@click.option("--pull", type=click.IntRange(1), metavar="NUMBER", help="The pull request.")
@click.option("--out", type=PATH, metavar="FILE", help="Write the comment there instead.")
@comment_option
@on_platform
@click.pass_obj
def comment(  # noqa: PLR0913  # options
    console: Console,
    *,
    plan_file: Path | None,
    pull: int | None,
    out: Path | None,
    commenting: str,
    platform: str,
    label: str,
) -> None:
    """Show a plan on a pull request.

    It needs no manifest, no key and no backend. Without --plan, in a workflow that the end of another one set off, it
    takes the artifact that this one left: so the plan of a fork's pull request is shown by a run that may write, and
    runs nothing of the fork.

    \b
    Examples:
      syncer ci comment
      syncer ci comment --plan syncer-plan.json --out comment.md
    """
    with Job(console, "comment", platform, label) as job:
        job.commenting = Commenting(commenting)
        if plan_file is not None:
            job.pull = pull or job.pull
            _tell(job, _bytes(plan_file), out, foreign=False)
            return
        if job.platform.run.event is not Event.WORKFLOW_RUN:
            message = "which plan? there is no --plan, and no workflow that has ended set this run off"
            raise InvalidConfiguration(message, hint="give --plan FILE")
        _of_run(job, out)


def _of_run(job: Job, out: Path | None) -> None:
    pull = job.platform.pull_of_run()
    if pull is None:
        job.console.note("no comment: no open pull request made the run that has ended, or it has moved on since")
        return
    job.pull, job.commit = pull.number, pull.sha
    found = job.platform.plan_artifact(pull, job.artifact)
    if found is None:
        _tell_none(job, pull, out)
    else:
        _tell(job, found, out, foreign=not pull.trusted)


def _tell_none(job: Job, pull: Pull, out: Path | None) -> None:
    error = NotFound(f"the run for commit {pull.sha[:12]} left no plan", hint="its log says why")
    _say(job, failure_markdown(error, "ci plan", "no plan", job.setting()), out, noteworthy=True)


def _tell(job: Job, text: bytes, out: Path | None, *, foreign: bool) -> None:
    shown, digest, signed = _read(text)
    notes = [*_notes(foreign=foreign, signed=signed)]
    job.outputs({"plan-digest": digest, **plan_outputs(shown)})
    setting = job.setting(digest=digest, notes=notes)
    _say(job, plan_markdown(shown, setting), out, noteworthy=bool(shown.changes or shown.errors))


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(saved.MAX_UNTRUSTED_BYTES + 1)
    except OSError as error:
        message = f"the plan {path} cannot be read: {error.strerror}"
    raise StateError(message)


def _read(text: bytes) -> tuple[Plan, str, bool]:
    """Give a plan to be shown, its digest, and whether it bears a signature, which nobody here can check."""
    with checking_plan():
        document = saved.parse_unauthenticated(text)
    return saved.to_plan(document), plan_digest(document), "mac" in document


def _notes(*, foreign: bool, signed: bool) -> Iterator[str]:
    if foreign:
        yield FOREIGN
    elif not signed:
        yield UNSIGNED


def _say(job: Job, markdown: str, out: Path | None, *, noteworthy: bool) -> None:
    job.summarize(markdown)
    if out is not None:
        replace_text(out, markdown)
        return
    if job.pull is None:
        message = "which pull request? this run belongs to none"
        raise InvalidConfiguration(message, hint="give --pull NUMBER, or --out FILE")
    job.comment(markdown, noteworthy=noteworthy)
    job.check_comment()
