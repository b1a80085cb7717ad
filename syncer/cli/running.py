"""`run`: a program, with the values of a scope in its environment."""

from __future__ import annotations

import errno
import os
import signal
from typing import TYPE_CHECKING, NoReturn

import click

from syncer.cli.options import Option, open_session
from syncer.consumers.collect import collect
from syncer.errors import SyncerError
from syncer.exchange.process import environment
from syncer.exchange.variables import NAME
from syncer.sources.base import PRIVATE_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.cli.console import Console

_UNKNOWN = frozenset({errno.ENOENT, errno.ENOTDIR})
_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)
"""What Python ignores, and a program that it becomes would go on ignoring."""


class CommandNotFound(SyncerError):
    """There is no such program."""

    exit_code = 127


class CommandNotRun(SyncerError):
    """The system does not run the program."""

    exit_code = 126


def _checked(_context: click.Context, _option: click.Parameter, prefix: str) -> str:
    if prefix and not NAME.fullmatch(prefix):
        message = "it begins the name of a variable: letters, digits and `_`, no digit first"
        raise click.BadParameter(message)
    return prefix


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--scope", metavar="SCOPE", required=True, help="Whose consumer the program is.")
@click.option("--only", cls=Option, metavar="REF", multiple=True, help="Only this secret; repeatable.")
@click.option(
    "--prefix", metavar="PREFIX", default="", callback=_checked, help="What the name of each variable begins with."
)
@click.option("--keep-key", is_flag=True, help="Hand on the variables that are for syncer alone, too.")
@click.argument("command", metavar="COMMAND [ARGUMENT]...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def run(
    console: Console, *, scope: str, only: tuple[str, ...], prefix: str, keep_key: bool, command: tuple[str, ...]
) -> None:
    """Run a program that has the values of a scope in its environment: prod/db-password is PROD_DB_PASSWORD.

    What is missing in the scope comes from the scopes that it falls back to; what is disabled is left out. The rest of
    the environment is handed on, without SYNCER_KEY and SYNCER_GIT_TOKEN; a variable that is there already gives way. A
    value that cannot be a variable is an error, and so is one that would change what is run: PATH, IFS, ENV, BASH_ENV,
    LD_ and DYLD_.

    The program takes the place of syncer: signals and the exit code are its own. Where it cannot be run the exit code
    is 127 if there is none, else 126.

    \b
    Example:
      syncer run --scope payments -- ./server --port 8080
    """
    with open_session(console) as session, console.status("reading values"):
        values = collect(session, scope, only)
    own = {name: value for name, value in os.environb.items() if keep_key or os.fsdecode(name) not in PRIVATE_VARIABLES}
    _become(command, own | environment(values, prefix))


def _become(command: tuple[str, ...], variables: Mapping[bytes, bytes]) -> NoReturn:
    """Let a program take this one's place. Raise CommandNotFound, CommandNotRun."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in _IGNORED}
    try:
        os.execvpe(command[0], command, variables)  # noqa: S606  # what the user gave, and no shell
    except (OSError, ValueError) as error:
        problem = _not_run(command[0], error)
    for number, handler in before.items():
        signal.signal(number, handler)
    raise problem


def _not_run(program: str, error: OSError | ValueError) -> SyncerError:
    if not program:
        return CommandNotFound("the name of the program is empty", hint="is the variable that holds it set?")
    if isinstance(error, OSError) and error.errno in _UNKNOWN:
        return CommandNotFound(f"{program}: there is no such program", hint="is it on PATH?")
    told = (error.strerror if isinstance(error, OSError) else None) or "its name or an argument cannot be"
    return CommandNotRun(f"{program}: the system does not run it: {told.lower()}")
