"""`state`: look at the records, and edit them without touching a backend."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import click

from syncer.cli.options import ADDRESS, format_option, lock, lock_option, open_session
from syncer.cli.rebuild import rebuild_
from syncer.engine.edit import move_record, remove_records
from syncer.errors import InvalidConfiguration
from syncer.render.state import record_text, state_json, state_markdown, state_text

if TYPE_CHECKING:
    from syncer.cli.console import Console
    from syncer.engine.session import Session
    from syncer.model import Address


@click.group
def state() -> None:
    """List, show, rename and forget records; break a lock; make a lost state again.

    \b
    Example:
      syncer state list 'payments:*'
    """


@state.command("list")
@click.argument("globs", metavar="[GLOB]...", nargs=-1)
@click.pass_obj
def list_(console: Console, globs: tuple[str, ...]) -> None:
    """Name every address on record.

    \b
    Example:
      syncer state list 'payments:*'
    """
    with open_session(console) as session:
        names = map(str, sorted(session.state_store.read().records))
        chosen = [name for name in names if not globs or any(fnmatchcase(name, glob) for glob in globs)]
    console.result("".join(f"{name}\n" for name in chosen))


@state.command
@click.argument("address", type=ADDRESS)
@format_option("human", "json")
@click.pass_obj
def show(console: Console, address: Address, form: str) -> None:
    """Show one record.

    \b
    Example:
      syncer state show payments:tls/key
    """
    console.json = form == "json"
    with open_session(console) as session:
        record = session.state_store.read().records.get(address)
    if record is None:
        message = f"the state has no record for {address}"
        raise InvalidConfiguration(message, hint="`syncer state list` names all")
    console.result(record_text(address, record, form))


@state.command
@click.argument("source", type=ADDRESS)
@click.argument("target", type=ADDRESS)
@lock_option
@click.pass_obj
def mv(console: Console, source: Address, target: Address, lock_timeout: float) -> None:
    """Rename a record; the backend is not asked.

    To rename the secret itself, declare it under `moved:` in the manifest.

    \b
    Example:
      syncer state mv global:old payments:new
    """
    with open_session(console) as session, lock(console, session, "state mv", lock_timeout):
        move_record(session, source, target)
    console.result(f"> {source} is now recorded as {target}\n")


@state.command
@click.argument("addresses", metavar="ADDRESS...", type=ADDRESS, nargs=-1, required=True)
@lock_option
@click.pass_obj
def rm(console: Console, addresses: tuple[Address, ...], lock_timeout: float) -> None:
    """Forget records; the secrets stay where they are.

    \b
    Example:
      syncer state rm global:legacy
    """
    with open_session(console) as session, lock(console, session, "state rm", lock_timeout):
        remove_records(session, addresses)
    console.result("".join(f". {address} is forgotten\n" for address in addresses))


@state.command
@click.argument("lock_id", metavar="ID")
@click.pass_obj
def unlock(console: Console, lock_id: str) -> None:
    """Break the lock that a run on another host left behind.

    A lock whose process on this host is gone needs no breaking.

    \b
    Example:
      syncer state unlock 3f0f2c0e-6a34-4a0e-8f0c-1d1f1a3a7a11
    """
    with open_session(console) as session:
        holder = session.state_store.unlock(lock_id)
    console.result(f"the lock is broken; it was held by {holder}\n")


state.add_command(rebuild_)


def tell_state(console: Console, session: Session, form: str) -> None:
    """Write the whole state in the form asked for."""
    if form == "json":
        console.result(state_json(session.state_store.document()))
    else:
        known = session.state_store.read()
        console.result(state_markdown(known) if form == "markdown" else state_text(known))
