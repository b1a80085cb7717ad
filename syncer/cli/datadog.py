"""`datadog-backend`: the executable that the Datadog Agent asks for secrets."""

from __future__ import annotations

import os
import select
import sys
from typing import TYPE_CHECKING, Unpack

import click

from syncer.cli.handles import SCOPE, Asked, Given, check_scopes, ground, ground_options, named_scopes, parsed
from syncer.cli.options import PATH, open_session
from syncer.cli.out import plain
from syncer.consumers.deadline import Deadline
from syncer.errors import SyncerError, Transient
from syncer.exchange.agent import OUTPUT_BYTES, REQUEST_BYTES, Reply, parse_request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncer.cli.console import Console
    from syncer.exchange.agent import Request

_SPARE_PART, _SPARE_SECONDS = 0.1, 0.5
"""What of the time that the Agent waits is left for our start and our end: whichever is more."""

_PIECE_BYTES = 1 << 16


@click.command("datadog-backend")
@ground_options
@click.option(
    "--max-output",
    metavar="BYTES",
    type=click.IntRange(min=1024),
    default=OUTPUT_BYTES,
    show_default=True,
    help="What secret_backend_output_max_size says.",
)
@click.option(
    "--install",
    metavar="PATH",
    type=PATH,
    help="Write a script that runs this command with these options, 0700, and answer nothing.",
)
@click.option("--group-exec", is_flag=True, help="With --install: 0750, so that its group may run it too.")
@click.pass_obj
def datadog_backend(
    console: Console, *, max_output: int, install: Path | None, group_exec: bool, **given: Unpack[Given]
) -> None:
    """Answer the Datadog Agent: its request on standard input, values on standard output.

    A handle that cannot be resolved gets an error of its own, and the others their values. Where a store cannot be
    asked and nothing is left to answer, the command fails. Nothing is kept: a rotation shows at the next call.

    \b
    ENC[scope:ref]                        a value; ENC[ref] in the scope of --scope
    ENC[scope:ref;key.of.json]            a part of a value that is JSON
    ENC[file@path]                        a file below --root, at most 8192 bytes
    ENC[k8s_secret@namespace/name/key]    of the cluster around us, as the service account

    \b
    Example:
      syncer datadog-backend --scope payments --install /etc/datadog-agent/syncer-backend
      echo '{"version": "1.1", "secrets": ["payments:api-key"]}' | syncer datadog-backend
    """
    if install is not None:
        from syncer.cli.launcher import install_for_agent  # noqa: PLC0415  # the Agent waits for none of this

        command = ["datadog-backend", *_spelt(given, max_output)]
        install_for_agent(console, install, command, named_scopes(given), group=group_exec)
        return
    if group_exec:
        message = "--group-exec goes with --install"
        raise click.UsageError(message)
    request, deadline = _request(given["timeout"])
    where, scope = ground(given, deadline), given["scope"] or SCOPE
    reply, resolved = Reply(request.handles, max_output), False
    with open_session(console) as session:
        check_scopes(session.manifest, named_scopes(given))
        asked = Asked(session, where, {handle: parsed(handle, scope) for handle in request.handles})
        for handle, answer in asked.each():
            resolved |= not isinstance(answer, SyncerError)
            reply.give(handle, answer)
        if asked.broken is not None and not resolved:
            raise asked.broken
        console.document(reply.document())


def _request(timeout: float) -> tuple[Request, Deadline]:
    """Read what is asked, and until when; that time has begun when we did."""
    deadline = Deadline(_usable(timeout), timeout)
    request = parse_request(_read(deadline))
    if request.seconds is None or request.seconds >= timeout:
        return request, deadline
    spent = _usable(timeout) - deadline.left
    return request, Deadline(max(0.0, _usable(request.seconds) - spent), request.seconds)


def _read(deadline: Deadline) -> bytes:
    """Read standard input to its end, or to more than a request may have. Raise Transient where no end comes."""
    try:
        descriptor = sys.stdin.fileno()
    except OSError:  # whoever called us in its own process has put something else there, which does not block
        return sys.stdin.buffer.read(REQUEST_BYTES + 1)
    raw = bytearray()
    while len(raw) <= REQUEST_BYTES:
        if not any(select.select([descriptor], [], [], deadline.left)):
            message = f"the request on standard input does not end within {deadline.asked:.1f} seconds"
            raise Transient(message, hint="whoever writes it must close its end")
        piece = os.read(descriptor, _PIECE_BYTES)
        if not piece:
            break
        raw += piece
    return bytes(raw)


def _usable(seconds: float) -> float:
    return max(seconds / 2, seconds - max(seconds * _SPARE_PART, _SPARE_SECONDS))


def _spelt(given: Given, max_output: int) -> Iterator[str]:
    """Spell the options for the script, which runs in any folder."""
    if given["scope"] is not None:
        yield from ("--scope", given["scope"])
    for scope in given["allowed"]:
        yield from ("--allow", scope)
    for root in given["roots"]:
        yield from ("--root", str(plain(root)))
    if given["account"] is not None:
        yield from ("--service-account", str(plain(given["account"])))
    yield from ("--timeout", f"{given['timeout']:g}s", "--max-output", str(max_output))
