"""`serve`: answer other programs over HTTP, as a server that they know would."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncer.cli import INTERRUPTED, OK
from syncer.cli.options import stores_option
from syncer.cli.signals import STOPPING, heed_signals
from syncer.consumers.access import Rights
from syncer.consumers.consume import chain, check_scope
from syncer.engine.session import Session, Surroundings
from syncer.errors import InvalidConfiguration
from syncer.extras import how_to_install
from syncer.manifest import load_manifest
from syncer.options import did_you_mean
from syncer.retry import DEFAULT
from syncer.sensitive import Sensitive
from syncer.serving.dapr import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from syncer.cli.console import Console
    from syncer.model import Manifest
    from syncer.serving.server import Server

_VARIABLE = "DAPR_API_TOKEN"
"""Where the token is, unless a user says otherwise; Dapr's own name for it."""
_PROMPT = replace(DEFAULT, attempts=4, patience=4, cap=2.0, asked_cap=2.0)
"""Somebody waits for each answer, and will ask again."""


@click.group
def serve() -> None:
    """Answer other programs over HTTP, for as long as it runs.

    \b
    Example:
      syncer serve dapr
    """


@serve.command(short_help="Answer Dapr's secrets API, as a sidecar would.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=3500, show_default=True, help="The port; 0 is any that is free."
)
@stores_option("A scope to serve, and as what; repeatable. Without it, each scope under its own name.")
@click.option("--app-id", metavar="ID", help="Whom it answers: one of the `readers` of each scope.")
@click.option(
    "--api-token-env",
    metavar="NAME",
    help=f"The variable with the token that clients must show.  [default: {_VARIABLE}]",
)
@click.option("--quiet", is_flag=True, help="No line for each request.")
@click.pass_obj
def dapr(
    console: Console,
    /,
    *,
    stores: dict[str, str],
    app_id: str | None,
    api_token_env: str | None,
    quiet: bool,
    **address: Any,
) -> int:
    """Answer Dapr's secrets API from the backends of the manifest, as a sidecar would.

    GET /v1.0/secrets/STORE/KEY gives one secret, /v1.0/secrets/STORE/bulk all that the application may read. What is
    missing in a scope comes from the scopes that it falls back to; what is disabled is denied. An apply on this host
    shows at once. SIGTERM and Ctrl-C let what is in flight end.

    An application may read what the `readers` of the store's scope allow it, and where a value comes from a scope that
    this one falls back to, the `readers` of that scope too. A scope that does not name it allows everything.

    \b
    Example:
      syncer serve dapr --store secrets=payments --app-id checkout
      curl http://127.0.0.1:3500/v1.0/secrets/secrets/prod%2Fdb-password
    """
    manifest = load_manifest(Path(console.manifest))
    served, token = _stores(manifest, stores, app_id), _token(os.environ, api_token_env)
    start = _starter()
    with Session(manifest, Surroundings(retry=_PROMPT, key_made=console.key_made)) as session:
        for warning in _open_to_all(session, [store.scope for store in served.values()], app_id):
            console.note(f"warning: {warning}")
        server = start(
            session,
            served,
            address=(address["host"], address["port"]),
            token=token,
            told=_nothing if quiet else console.note,
            broken=console.internal_error,
        )
        if token is None and not server.here:
            console.note("warning: other hosts can read every value, because no token is asked for")
        return _run(console, server)


def _run(console: Console, server: Server) -> int:
    heard: list[int] = []

    def handle(number: int) -> None:
        heard.append(number)  # first: another one may come in the middle of this
        server.stop(at_once=len(heard) > 1)

    with heed_signals(handle):
        console.note(f"listening on {server.url}")
        server.run(stopping=lambda: console.note(STOPPING))  # not by a signal's handler, in the middle of another line
    return INTERRUPTED if signal.SIGINT in heard else OK


def _starter() -> Callable[..., Server]:
    try:
        found: Callable[..., Server] = import_module("syncer.serving.start").start
    except ModuleNotFoundError as error:
        message = f"serving needs the package `{error.name}`"
    else:
        return found
    raise InvalidConfiguration(message, hint=how_to_install("serve"))


def _nothing(_line: str) -> None:
    """Take a line and do nothing with it."""


def _token(environ: Mapping[str, str], name: str | None) -> Sensitive | None:
    """Give what clients must show; None where nobody asked for that."""
    found = environ.get(name or _VARIABLE)
    if not found and name is not None:
        message = f"--api-token-env: the variable {name} is not set, or empty"
        raise InvalidConfiguration(message)
    return Sensitive(found.encode(errors="surrogateescape")) if found else None


def _stores(manifest: Manifest, given: Mapping[str, str], app_id: str | None) -> dict[str, Store]:
    """Give the stores by name. Raise InvalidConfiguration for a scope or an application that is not there."""
    named = given or {scope: scope for scope in manifest.scopes}
    for scope in named.values():
        check_scope(manifest, scope)
    rights = _rights(manifest, app_id)
    refs = frozenset(address.ref for address in manifest.secrets)
    return {name: Store(scope=scope, rights=rights, refs=refs) for name, scope in named.items()}


def _rights(manifest: Manifest, app_id: str | None) -> Rights:
    if app_id is None:
        return Rights()
    known = {app for scope in manifest.scopes.values() for app in scope.readers}
    if known and app_id not in known:
        told = f"{app_id} is not among the readers of any scope" if app_id else "it is empty"
        message = f"--app-id: {told}{did_you_mean(app_id, known)}"
        raise InvalidConfiguration(message, hint=f"readers: {', '.join(sorted(known))}")
    return Rights.of(app_id, manifest.scopes.values())


def _open_to_all(session: Session, served: list[str], app_id: str | None) -> Iterator[str]:
    """Say where no `readers` keep anything back, though somebody may think so."""
    scopes = session.manifest.scopes
    if app_id is None:
        if any(scopes[name].readers for scope in served for name in chain(session, scope)):
            yield "without --app-id every application may read everything, whatever `readers` say"
        return
    free = sorted({scope for scope in served if app_id not in scopes[scope].readers})
    if free:
        yield f"{app_id} may read all of the scopes that do not have it among their readers: {', '.join(free)}"
