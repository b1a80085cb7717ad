"""`seal` and `get`: the two commands that see a value."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from syncer.cli.options import ADDRESS, open_session
from syncer.consumers.consume import read_value
from syncer.engine.seal import seal_value
from syncer.errors import SourceError
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from syncer.cli.console import Console
    from syncer.model import Address

_MAX_BYTES = 1024 * 1024


@click.command
@click.argument("address", type=ADDRESS)
@click.option("--trim", is_flag=True, help="Drop one trailing newline.")
@click.pass_obj
def seal(console: Console, address: Address, *, trim: bool) -> None:
    """Read a value on standard input and print it encrypted, for `source: {sealed: ...}`.

    Only the project key opens it, and only at this address.

    \b
    Example:
      printf %s "$PASSWORD" | syncer seal payments:database/password
    """
    with open_session(console) as session:
        value = _typed() if console.can_ask else _piped(trim=trim)
        if value.empty:
            message = "there is no value on standard input"
            raise SourceError(message, hint="an empty secret is nearly always a mistake upstream, so it is refused")
        console.result(seal_value(session, address, value) + "\n")


def _typed() -> Sensitive:
    return Sensitive(click.prompt("Value", hide_input=True, err=True).encode(errors="surrogateescape"))


def _piped(*, trim: bool) -> Sensitive:
    raw = sys.stdin.buffer.read(_MAX_BYTES + 1)
    if len(raw) > _MAX_BYTES:
        message = "the value on standard input is larger than 1 MiB"
        raise SourceError(message)
    if trim and raw.endswith(b"\n"):
        raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    return Sensitive(raw)


@click.command
@click.argument("address", type=ADDRESS)
@click.option(
    "--version",
    metavar="VERSION",
    allow_from_autoenv=False,  # no pin of an installer, nor the last run's, must choose a value
    help="An older value, by the store's own name of its version.",
)
@click.pass_obj
def get(console: Console, address: Address, *, version: str | None) -> None:
    """Print one value, verbatim; a newline is added on a terminal only.

    A missing secret is looked for in the scopes that its scope falls back to; a disabled one is refused, its older
    values too. `syncer backends` tells which stores keep those, `syncer state show` how a store calls the last version.

    \b
    Example:
      syncer get payments:registry/password | docker login --username shop --password-stdin registry.example.com
    """
    with open_session(console) as session:
        console.value(read_value(session, address, version))
