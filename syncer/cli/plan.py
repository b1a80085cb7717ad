"""`plan` and `show`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncer.cli import CHANGES, OK
from syncer.cli.options import format_option, open_session, planning, policy_option, request, values_option
from syncer.engine.guard import check_blast_radius
from syncer.engine.prepare import make_plan
from syncer.errors import PlanIncomplete
from syncer.plans import Diagnostic, Severity, Values
from syncer.render.text import quantity

if TYPE_CHECKING:
    from syncer.cli.console import Console
    from syncer.engine.session import Session
    from syncer.plans import Plan

FORMATS = ("human", "json", "markdown")


@click.command
@planning
@policy_option
@values_option
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Save the plan for apply.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are changes.")
@format_option(*FORMATS)
@click.pass_obj
def plan(  # options
    console: Console,
    /,
    *,
    out: Path | None,
    detailed_exitcode: bool,
    form: str,
    parallelism: int,
    allow_mass_change: bool,
    **given: Any,
) -> int:
    """Show what apply would do; write nothing.

    \b
    Examples:
      syncer plan
      syncer plan --target 'payments:*' --out plan.json
      syncer plan --values skip --no-refresh --format markdown
    """
    console.json = form == "json"
    asked = request(**given)
    with open_session(console, parallelism, given["policies"]) as session:
        if out is not None:
            check_out(session, out)
        with console.status("planning"):
            made = make_plan(session, asked)
        tell_calls(console, made)
        tell_plan(console, made, form)
        check_complete(made)
        if not allow_mass_change:
            check_blast_radius(made)
        if out is not None:
            save(console, session, made, out)
    return CHANGES if detailed_exitcode and made.changes else OK


def check_out(session: Session, out: Path) -> None:
    """Raise InvalidConfiguration for a file that is not for a plan; before anything is planned."""
    from syncer.library import check_plan_path  # noqa: PLC0415  # most plans are not saved

    check_plan_path(session.manifest, out)


def save(console: Console, session: Session, made: Plan, out: Path, then: str = "syncer apply") -> None:
    """Save a plan, and say what it is good for: `then` carries it out."""
    from syncer.library import save_plan  # noqa: PLC0415

    save_plan(session, made, out)
    if made.values is Values.SKIPPED:
        unsigned = "" if session.keyring.present else ", and not signed for want of the project key"
        console.note(f"saved the plan to {out}, for show only: without values it cannot be applied{unsigned}")
    else:
        console.note(f"saved the plan to {out}; to carry out exactly this: {then} {out}")


_NOT_AUTHENTIC = Diagnostic(
    severity=Severity.WARNING,
    code="plan_not_authenticated",
    message="this plan is not authenticated: anybody may have written it",
    hint="where the project key is, `syncer plan --out FILE` signs it, and `syncer show` checks that",
)


def tell_calls(console: Console, made: Plan) -> None:
    """Tell what planning asked of each backend, where -v wants to know."""
    for name, asked in sorted(made.calls.items()):
        read = quantity(asked.values_read, "value")
        console.detail(f"backend {name}: {quantity(asked.calls, 'call')}, {read} read")


def tell_plan(console: Console, made: Plan, form: str) -> None:
    """Write a plan in the form asked for, its findings to standard error."""
    if form == "json":
        from syncer.render.json import plan_json  # noqa: PLC0415  # each form on its own

        console.result(plan_json(made))
    elif form == "markdown":
        from syncer.render.markdown import plan_markdown  # noqa: PLC0415

        console.result(plan_markdown(made))
    else:
        from syncer.render.human import plan_text  # noqa: PLC0415

        console.result(plan_text(made, console.style))
    console.diagnostics(made.diagnostics)


def check_complete(made: Plan) -> None:
    """Raise PlanIncomplete for a plan with errors, which are told by now."""
    if made.errors:
        message = f"the plan holds {quantity(len(made.errors), 'error')}"
        raise PlanIncomplete(message, hint="mend them, or leave those addresses out with --exclude")


@click.command
@click.argument("file", required=False, type=click.Path(path_type=Path))
@format_option(*FORMATS)
@click.pass_obj
def show(console: Console, file: Path | None, form: str) -> None:
    """Show a saved plan, or the state without one.

    A plan that bears no signature, or whose signature cannot be checked for want of the project key, is shown with a
    warning: anybody may have written it.

    \b
    Examples:
      syncer show plan.json
      syncer show --format json
    """
    console.json = form == "json"
    with open_session(console) as session:
        if file is None:
            from syncer.cli.state import tell_state  # noqa: PLC0415  # the other half of this command

            tell_state(console, session, form)
        else:
            _show_plan(console, session, file, form)


def _show_plan(console: Console, session: Session, file: Path, form: str) -> None:
    from syncer import library  # noqa: PLC0415  # the other half of this module plans
    from syncer.engine import saved  # noqa: PLC0415

    document, authentic = library.read_plan(session, file)
    doubt = () if authentic else (_NOT_AUTHENTIC,)
    if console.json:
        from syncer.render.json import to_json  # noqa: PLC0415  # only this form

        console.result(to_json(document))
        console.diagnostics(doubt)
    else:
        shown = saved.to_plan(document)
        tell_plan(console, replace(shown, diagnostics=(*doubt, *shown.diagnostics)), form)
