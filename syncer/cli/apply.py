"""`apply`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncer import library
from syncer.cli.options import (
    approve_option,
    format_option,
    lock,
    lock_option,
    open_session,
    planning,
    policy_option,
    request,
)
from syncer.cli.plan import check_complete, tell_calls, tell_plan
from syncer.cli.signals import stop_on_signals
from syncer.engine.carry import apply_plan
from syncer.engine.guard import check_blast_radius
from syncer.engine.prepare import make_plan
from syncer.errors import Interrupted, PartialFailure, SyncerError
from syncer.render.text import quantity

if TYPE_CHECKING:
    from syncer.cli.console import Console
    from syncer.engine.session import Session
    from syncer.plans import Outcome, Plan


@click.command
@click.argument("planfile", required=False, type=click.Path(path_type=Path))
@planning
@policy_option
@approve_option
@lock_option
@format_option("human", "json")
@click.pass_obj
def apply(  # noqa: PLR0913  # options
    console: Console,
    /,
    planfile: Path | None,
    *,
    auto_approve: bool,
    lock_timeout: float,
    form: str,
    parallelism: int,
    allow_mass_change: bool,
    **given: Any,
) -> None:
    """Create, rotate, update, enable, disable and delete as planned.

    Without PLANFILE it plans, shows, and asks. With one it does exactly what that plan says, or nothing.

    \b
    Examples:
      syncer apply
      syncer apply plan.json
      syncer apply --auto-approve --target 'payments:*'
    """
    console.json = form == "json"
    _check_usage(console, planfile, auto_approve=auto_approve, given=given)
    asked = request(**given)
    with (
        open_session(console, parallelism, given["policies"]) as session,
        lock(console, session, "apply", lock_timeout),
    ):
        with console.status("planning"):
            made = _saved(session, planfile) if planfile else make_plan(session, asked)
        tell_calls(console, made)
        _tell(console, made, form)
        check_complete(made)
        if not allow_mass_change:
            check_blast_radius(made)
        if made.changes and not (auto_approve or planfile):
            _ask(console)
        outcome = carry_out(console, session, made)
    _report(console, outcome, made, form)


def _check_usage(console: Console, planfile: Path | None, *, auto_approve: bool, given: dict[str, Any]) -> None:
    if planfile is not None:
        clashing = [name for name in ("targets", "excludes", "rotate", "destroy", "verify_values") if given[name]]
        if clashing or not given["refresh"]:
            message = "a saved plan says itself what it is about: give PLANFILE or selectors, not both"
            raise click.UsageError(message)
    elif not auto_approve and (console.json or not console.can_ask):
        message = "there is nobody to ask: give a saved plan or --auto-approve"
        raise click.UsageError(message)


def _saved(session: Session, planfile: Path) -> Plan:
    return library.confirm_plan(session, library.load_plan(session, planfile))


def _tell(console: Console, made: Plan, form: str) -> None:
    if form == "human":
        tell_plan(console, made, form)
    else:
        console.diagnostics(made.diagnostics)


def _ask(console: Console) -> None:
    if not console.confirm("Do you want to perform these actions?"):
        message = "apply cancelled, nothing was written"
        raise SyncerError(message)


def carry_out(console: Console, session: Session, made: Plan) -> Outcome:
    """Apply a plan whose limits are checked; the first signal lets what is in flight end. Needs the lock."""
    with stop_on_signals(console) as stop, console.progress(len(made.changes)) as progress:
        # The limit was checked before the question.
        return apply_plan(session, made, allow_mass_change=True, stop=stop, progress=progress)


def _report(console: Console, outcome: Outcome, made: Plan, form: str) -> None:
    if form == "json":
        from syncer.render.json import outcome_json  # noqa: PLC0415  # each form on its own

        console.result(outcome_json(outcome, made.diagnostics))
    else:
        tell_outcome(console, outcome)
    check_outcome(outcome)


def tell_outcome(console: Console, outcome: Outcome) -> None:
    """Tell people what was done and what failed."""
    from syncer.render.human import failure_text, outcome_text  # noqa: PLC0415

    for failure in outcome.failed:
        console.note(failure_text(failure, console.style).rstrip("\n"))
    console.result("\n" + outcome_text(outcome, console.style))


def check_outcome(outcome: Outcome) -> None:
    """Raise Interrupted or PartialFailure for an apply that did not do all of its plan."""
    if outcome.interrupted:
        message = "interrupted; what was in flight is finished and recorded"
        raise Interrupted(message, hint="`syncer plan` shows what is left")
    if outcome.failed:
        message = f"{quantity(len(outcome.failed), 'change')} failed, {len(outcome.applied)} done and recorded"
        raise PartialFailure(message, hint="`syncer plan` shows what is left")
