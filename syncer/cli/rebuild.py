"""`state rebuild`: a lost state, made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncer.cli.options import approve_option, lock, lock_option, open_session
from syncer.engine.rebuild import check_lost, rebuild, write_rebuilt
from syncer.engine.standing import Standing
from syncer.errors import SyncerError
from syncer.render.text import clean, quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncer.cli.console import Console
    from syncer.engine.rebuild import Rebuilt
    from syncer.engine.session import Session

_SYMBOLS = {Standing.PROVEN: "=", Standing.DIFFERS: "!", Standing.UNKNOWN: "?", Standing.UNDECLARED: "-"}


@click.command("rebuild")
@click.option("--no-read", is_flag=True, help="Read no value; the next plan rotates them all.")
@click.option("--declared-only", is_flag=True, help="Leave out what bears our mark and is not declared.")
@approve_option
@lock_option
@click.pass_obj
def rebuild_(console: Console, *, no_read: bool, declared_only: bool, auto_approve: bool, lock_timeout: float) -> None:
    """Make a lost state again from the marks on secrets.

    What bears the mark of this project, in the scopes that the manifest speaks of, is on record again. A value that may
    be read is compared with what its source yields: where both are the same, the next plan leaves it alone, else it
    rotates it. What is not declared becomes an orphan, which the next plan withdraws; --declared-only leaves it out.
    Nothing is written to a backend, and a state that is there is never replaced.

    \b
    Examples:
      syncer state rebuild
      syncer state rebuild --no-read --auto-approve
    """
    if not auto_approve and not console.can_ask:
        message = "there is nobody to ask: give --auto-approve"
        raise click.UsageError(message)
    with open_session(console) as session:
        check_lost(session)
        with lock(console, session, "state rebuild", lock_timeout):
            with console.status("looking for what is ours"):
                found = rebuild(session, read=not no_read, declared_only=declared_only)
            _tell(console, found)
            _write(console, session, found, auto_approve=auto_approve)


def _tell(console: Console, found: Rebuilt) -> None:
    console.result("".join(f"{line}\n" for line in _lines(found)))
    for name, why in found.skipped.items():
        console.note(f"backend {name} was not asked for copies of what is on another one: {why}")
    if found.withdrawn:
        whose = f"{quantity(found.withdrawn, 'secret')} of {len(found.found)}"
        console.note(f"the next plan withdraws {whose} from consumers; --declared-only leaves out what is not declared")


def _lines(found: Rebuilt) -> Iterator[str]:
    for each in found.found:
        yield f"{_SYMBOLS[each.standing]} {clean(f'{each.address} ({each.standing}): {each.why}')}"
    for address, why in found.passed:
        yield f"  {clean(f'{address} is left alone: {why}')}"
    numbers = ", ".join(f"{found.number(standing)} {standing}" for standing in Standing)
    others = f" {found.others} of others in the same scopes left alone." if found.others else ""
    yield f"Found {quantity(len(found.found), 'secret')} of this project: {numbers}.{others}"


def _write(console: Console, session: Session, found: Rebuilt, *, auto_approve: bool) -> None:
    if not auto_approve and not console.confirm("Do you want to write this as the new state?"):
        message = "nothing was written"
        raise SyncerError(message)
    after = write_rebuilt(session, found)
    console.result(f"The state is rebuilt: {quantity(len(after.records), 'record')}. See `syncer plan`.\n")
