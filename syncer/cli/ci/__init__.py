"""`ci`: the commands for a job on a CI platform."""

from __future__ import annotations

import click

from syncer.cli.ci import apply, comment, drift, plan, validate


@click.group
def ci() -> None:
    """Plan, apply and look for drift on a CI platform: GitHub, GitLab, or any other.

    Each tells people there what came of it, in comments, summaries and annotations, and programs in outputs. Exit codes
    are those of the commands without `ci`.

    \b
    Examples:
      syncer ci plan --out syncer-plan.json
      syncer ci apply
    """


for _command in (plan.plan, comment.comment, apply.apply, drift.drift, validate.validate):
    ci.add_command(_command)
