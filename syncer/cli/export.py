"""`export`: all values of a scope, in a form that another program reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from syncer.cli.options import Option, open_session
from syncer.cli.out import check_out, replace_out
from syncer.engine.collect import collect
from syncer.exchange.formats import FORMATS
from syncer.render.text import quantity

if TYPE_CHECKING:
    from syncer.cli.console import Console


@click.command
@click.option("--scope", metavar="SCOPE", required=True, help="Whose consumers the values are for.")
@click.option(
    "--format", "form", cls=Option, type=click.Choice(list(FORMATS)), required=True, help="What reads the values."
)
@click.option("--name", metavar="NAME", help="What the document calls itself, where it has a name.")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Replace this file, 0600, as a whole.")
@click.pass_obj
def export(console: Console, *, scope: str, form: str, name: str | None, out: Path | None) -> None:
    """Write every value that a consumer of a scope sees as one document.

    What is missing in the scope comes from the scopes that it falls back to; what is disabled is left out. A value
    that the other program could not read as it is, or that is nowhere, is an error, and nothing is written.

    \b
    kestra-env      SECRET_<KEY> lines for --env-file and env_file
    kestra-compose  a service `kestra` with these variables, for Compose
    kestra-k8s      a Kubernetes Secret with these variables, for envFrom

    \b
    Example:
      syncer export --scope payments --format kestra-env --out kestra.env
    """
    if name is not None and FORMATS[form].name is None:
        message = f"--name: a document of the format {form} has no name"
        raise click.UsageError(message)
    with open_session(console) as session:
        if out is not None:
            check_out(session.manifest, out)
        with console.status("reading values"):
            values = collect(session, scope)
    document = FORMATS[form].document(values, name)
    if out is None:
        console.document(document)
        return
    replace_out(out, document)
    console.note(f"wrote {quantity(len(values), 'secret')} to {out}")
