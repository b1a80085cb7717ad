"""`resolve`: a file that names secrets, with the values in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from syncer.cli.handles import Given, ground, ground_options
from syncer.cli.options import Option, open_session
from syncer.cli.out import check_out, replace_out
from syncer.cli.references import Naming, answers, read_document, read_stores
from syncer.errors import InvalidManifest, Problem, SyncerError
from syncer.exchange.agent import spoken
from syncer.exchange.nodes import write_nodes
from syncer.exchange.references import fill
from syncer.render.text import quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncer.cli.console import Console
    from syncer.exchange.references import Reference
    from syncer.sensitive import Sensitive


@click.command
@click.argument("file", type=click.Path(path_type=Path))
@ground_options
@click.option(
    "--store",
    "stores",
    cls=Option,
    metavar="NAME=SCOPE",
    multiple=True,
    help="The scope that stands for a store of Dapr, if not the one that is called like it; repeatable.",
)
@click.option("--out", metavar="PATH", type=click.Path(path_type=Path), help="Replace this file, 0600, as a whole.")
@click.pass_obj
def resolve(console: Console, file: Path, *, stores: tuple[str, ...], out: Path | None, **given: Unpack[Given]) -> None:
    """Fill the values into a YAML or JSON file: for each `ENC[handle]`, and each `secretKeyRef` of a Dapr component.

    Everything else stays as it is, but for comments and the layout of the lines, which are lost. A handle that cannot
    be resolved is an error, all are told, and nothing is written.

    \b
    Example:
      syncer resolve postgres.d/conf.yaml --out /run/agent/postgres.yaml
    """
    naming = Naming(scope=given["scope"], stores=read_stores(stores))
    document = read_document(file)
    with open_session(console) as session:
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
    """Fill in all of them, or none. Raise InvalidManifest with each that cannot be."""
    values, problems = [], []
    for reference, answer in found:
        if isinstance(answer, SyncerError):
            message = f"{reference}: {spoken(answer)}"
            problems.append(Problem(file=file, line=reference.line, column=1, message=message))
        else:
            values.append((reference, answer))
    if problems:
        raise InvalidManifest(problems)
    for reference, value in values:
        fill(reference, value)
