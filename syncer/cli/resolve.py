"""`resolve`: a file that names secrets, with the values in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import click

from syncer.cli.handles import SCOPE, Given, check_scopes, ground, ground_options, named_scopes
from syncer.cli.options import PATH, open_session, stores_option
from syncer.cli.out import check_out, replace_out
from syncer.cli.references import STORE_HELP, Naming, answers, read_document
from syncer.errors import AccessDenied, InvalidConfiguration, Problem, SyncerError
from syncer.exchange.agent import spoken
from syncer.exchange.nodes import write_nodes
from syncer.exchange.references import fill
from syncer.render.text import quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from syncer.cli.console import Console
    from syncer.exchange.references import Reference
    from syncer.sensitive import Sensitive


@click.command
@click.argument("file", type=PATH)
@ground_options
@stores_option(STORE_HELP)
@click.option("--out", metavar="PATH", type=PATH, help="Replace this file, 0600, as a whole.")
@click.pass_obj
def resolve(console: Console, file: Path, *, stores: dict[str, str], out: Path | None, **given: Unpack[Given]) -> None:
    """Fill the values into a YAML or JSON file: for each `ENC[handle]`, and each `secretKeyRef` of a Dapr component.

    Everything else stays as it is, but for comments and the layout of the lines, which are lost. A handle that cannot
    be resolved is an error, all are told, and nothing is written; the exit code is theirs where they agree, else 1.

    \b
    Example:
      syncer resolve postgres.d/conf.yaml --out /run/agent/postgres.yaml
    """
    if str(file) == "-":
        message = "FILE: it takes a file, and - is none"
        raise click.UsageError(message)
    naming = Naming(scope=given["scope"] or SCOPE, stores=stores)
    document = read_document(file)
    with open_session(console) as session:
        check_scopes(session.manifest, (*named_scopes(given), *stores.values()))
        if out is not None:
            check_out(session.manifest, out)
        found = list(answers(session, ground(given), naming, document.references))
    _fill(str(file), found)
    filled = write_nodes(document.nodes, str(file))
    if out is None:
        console.document(filled)
        return
    replace_out(out, filled)
    console.note(f"wrote {out} with {quantity(len(found), 'value')} filled in")


def _fill(file: str, found: Iterable[tuple[Reference, Sensitive | SyncerError]]) -> None:
    """Fill in all of them, or none. Raise SyncerError with each that cannot be."""
    values: list[tuple[Reference, Sensitive]] = []
    failed: list[tuple[Problem, SyncerError]] = []
    for reference, answer in found:
        if isinstance(answer, SyncerError):
            message = f"{reference}: {spoken(answer)}"
            failed.append((Problem(file=file, line=reference.line, column=1, message=message), answer))
        else:
            values.append((reference, answer))
    if failed:
        raise _unresolved(sorted(failed, key=_place))
    for reference, value in values:
        fill(reference, value)


def _unresolved(failed: Sequence[tuple[Problem, SyncerError]]) -> SyncerError:
    """Make one error of several; its exit code is theirs, where they have the same."""
    codes = {error.exit_code for _, error in failed}
    kinds = (InvalidConfiguration, AccessDenied)
    kind = next((kind for kind in kinds if codes == {kind.exit_code}), SyncerError)
    told = dict.fromkeys(str(problem) for problem, _ in failed)
    return kind("\n".join(told), hint=next((error.hint for _, error in failed if error.hint), None))


def _place(failed: tuple[Problem, SyncerError]) -> Problem:
    return failed[0]
