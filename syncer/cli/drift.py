"""`drift`: what is there that we did not write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncer.cli import CHANGES, OK
from syncer.cli.options import approve_option, format_option, lock, lock_option, open_session, selectors, verify_option
from syncer.cli.reports import tell_drift
from syncer.engine.adopt import accept_drift, find_drift
from syncer.errors import SyncerError
from syncer.plans import Selection

if TYPE_CHECKING:
    from syncer.cli.console import Console
    from syncer.engine.session import Session
    from syncer.plans import Plan


@click.command
@selectors
@verify_option
@click.option("--accept", is_flag=True, help="Take what is observed into the state, after asking.")
@approve_option
@lock_option
@format_option("human", "json", "junit", "sarif", "markdown")
@click.pass_obj
def drift(  # noqa: PLR0913  # options
    console: Console,
    *,
    targets: tuple[str, ...],
    excludes: tuple[str, ...],
    verify_values: bool,
    accept: bool,
    auto_approve: bool,
    lock_timeout: float,
    form: str,
) -> int:
    """Find what somebody changed outside; exit with 2 if anything did.

    No source is asked. Values are read with --verify-values only, and by --accept where one drifted. To put things
    right, apply; to keep them, --accept and change the manifest or its sources.

    \b
    Examples:
      syncer drift
      syncer drift --accept --target 'payments:*'
    """
    console.json = form == "json"
    if accept and not auto_approve and not console.can_ask:
        message = "there is nobody to ask: --accept needs --auto-approve here"
        raise click.UsageError(message)
    selection = Selection(targets=targets, excludes=excludes)
    with open_session(console) as session:
        if not accept:
            found = find(console, session, selection, verify_values=verify_values)
            tell_drift(console, found, form)
            return CHANGES if found.drift else OK
        with lock(console, session, "drift --accept", lock_timeout):
            session.state_store.fold()
            found = find(console, session, selection, verify_values=verify_values)
            tell_drift(console, found, form)
            _accept(console, session, found, auto_approve=auto_approve)
    return OK


def find(console: Console, session: Session, selection: Selection, *, verify_values: bool) -> Plan:
    """Look for drift."""
    with console.status("looking for drift"):
        return find_drift(session, selection, verify_values=verify_values)


def _accept(console: Console, session: Session, found: Plan, *, auto_approve: bool) -> None:
    if not found.drift:
        return
    if not auto_approve and not console.confirm("Do you want to take this into the state?"):
        message = "nothing was accepted"
        raise SyncerError(message)
    after = accept_drift(session, found)
    console.note(f"accepted; the state is at serial {after.serial}")
