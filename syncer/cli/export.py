"""`export`: all values of a scope, in a form that another program reads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from syncer import crypto
from syncer.cli.options import PATH, Option, open_session
from syncer.cli.out import check_folder, check_out, others_write, plain, replace_out, write_folder
from syncer.consumers.access import readers
from syncer.consumers.collect import collect_found
from syncer.consumers.consume import chain
from syncer.exchange.formats import FOLDERS, FORMATS, Ground
from syncer.render.text import quantity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from syncer.cli.console import Console
    from syncer.consumers.consume import Found
    from syncer.engine.session import Session
    from syncer.sensitive import Sensitive


@click.command
@click.option("--scope", metavar="SCOPE", required=True, help="Whose consumers the values are for.")
@click.option(
    "--format",
    "form",
    cls=Option,
    type=click.Choice([*FORMATS, *FOLDERS]),
    required=True,
    help="What reads the values.",
)
@click.option("--name", metavar="NAME", help="What the document calls itself, where it has a name.")
@click.option(
    "--out",
    metavar="PATH",
    type=PATH,
    help="Replace this file, 0600, as a whole; or what is in this folder, 0700, where the format has several files.",
)
@click.pass_obj
def export(console: Console, *, scope: str, form: str, name: str | None, out: Path | None) -> None:
    """Write every value that a consumer of a scope sees, as one document or as several files.

    What is missing in the scope comes from the scopes that it falls back to; what is disabled is left out. A value
    that the other program could not read as it is, or that is nowhere, is an error, and nothing is written.

    \b
    dotenv          KEY='value' lines that sh, Docker Compose and python-dotenv read alike
    json, yaml      one flat map of refs to texts
    github-env      NAME<<DELIMITER blocks, to append: >> "$GITHUB_ENV"; they mask
                    nothing, so `echo "::add-mask::..."` each line of a value before
    k8s-secret      a Kubernetes Secret, its keys the refs with dots for slashes
    datadog-json    the map that the Datadog Agent's backend file.json reads
    datadog-yaml    the same for file.yaml
    kestra-env      SECRET_<KEY> lines for --env-file and env_file
    kestra-compose  a service `kestra` with these variables, for Compose
    kestra-k8s      a Kubernetes Secret with these variables, for envFrom

    \b
    These take a folder, empty or of the last export, which keeps no file of a
    secret that is gone or disabled:
    files           a file for each secret, 0400, byte for byte
    datadog-files   the same within what the Agent's file.text, docker.secrets,
                    k8s.file and file@ read
    dapr            a component for Dapr's local.file store, and who may read it
    dapr-multi      the same; a value that is a JSON object is several in one

    \b
    Example:
      syncer export --scope payments --format kestra-env --out kestra.env
    """
    if name is not None and (form not in FORMATS or FORMATS[form].name is None):
        message = f"--name: a document of the format {form} has no name"
        raise click.UsageError(message)
    if form in FOLDERS and out is None:
        message = f"--out: the format {form} is several files, so it takes a folder"
        raise click.UsageError(message)
    with open_session(console) as session:
        if out is not None:
            (check_folder if form in FOLDERS else check_out)(session.manifest, out)
        with console.status("reading values"):
            found = collect_found(session, scope)
        values = {ref: value for ref, (_, value) in found.items()}
        if out is None:
            console.document(FORMATS[form].document(values, name))
            return
        if form in FOLDERS:
            write_folder(out, FOLDERS[form].files(values, _ground(session, scope, found, out)))
            if others_write(out):
                console.note(f"warning: others can write to {out}, and put their own in the place of each file")
        else:
            replace_out(out, FORMATS[form].document(values, name))
    console.note(f"wrote {quantity(len(values), 'secret')} to {out}")


def _ground(session: Session, scope: str, found: Mapping[str, Found], out: Path) -> Ground:
    def named(content: Sensitive) -> str:
        return crypto.short_name(session.keyring.subkey(crypto.EXPORT_NAMES), content)

    scopes = [session.manifest.scopes[name] for name in chain(session, scope)]
    access = readers(scopes, [there for there, _ in found.values()])
    return Ground(scope=replace(scopes[0], readers=access), folder=plain(out), named=named)
