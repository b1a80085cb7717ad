"""`import` and `import-env`: what others wrote, taken in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from syncer.cli.options import PATH, Option, lock, lock_option, open_session
from syncer.cli.out import check_out, create_out, exists_already
from syncer.consumers.collect import present
from syncer.engine.adopt import adopt
from syncer.engine.prepare import matcher
from syncer.engine.seal import seal_value
from syncer.engine.survey import check_scope_name, survey
from syncer.errors import InvalidConfiguration, NotFound, SourceError
from syncer.exchange.dotenv import Encoding, parse
from syncer.model import Address
from syncer.render.manifest import found_manifest, sealed_manifest
from syncer.render.text import quantity
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from syncer.cli.console import Console
    from syncer.engine.session import Session
    from syncer.model import Manifest

_MAX_BYTES = 32 << 20
_STANDARD_INPUT = "<stdin>"


class PatternType(click.ParamType[str]):
    """`scope:ref` on the command line, or a glob over such."""

    name = "address"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check it, or end with wrong usage."""
        try:
            return value if _is_glob(value) else str(Address.parse(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Place(TypedDict):
    """The options of `import --all`."""

    scope: str | None
    backend: str | None
    out: Path | None


_PATTERN = PatternType()
_OUT = click.option("--out", metavar="FILE", type=PATH, help="Write a new file, 0600.")


@click.command("import")
@click.argument("patterns", metavar="ADDRESS...", type=_PATTERN, nargs=-1)
@click.option("--all", "everything", cls=Option, is_flag=True, help="Write a manifest of all that is in --scope.")
@click.option("--scope", metavar="SCOPE", help="The scope to look in; with --all.")
@click.option("--backend", metavar="NAME", help="The backend to ask, if not the scope's; with --all.")
@_OUT
@lock_option
@click.pass_obj
def import_(
    console: Console, *, patterns: tuple[str, ...], everything: bool, lock_timeout: float, **place: Unpack[Place]
) -> None:
    """Take declared secrets that are in the backend already under management.

    A glob stands for every declared address that matches, has no record yet, and is there. Nothing is written to the
    backend. Where the value may be read and is what the source yields, it stays; else the next plan rotates it.

    With --all, nothing is taken: a file for `include:` is written that declares what the backend holds in a scope,
    without a value, each with a variable as its source.

    \b
    Examples:
      syncer import global:prod/db-password
      syncer import 'payments:*'
      syncer import --all --scope payments --out payments.yaml
    """
    _check_usage(patterns, place, everything=everything)
    with open_session(console) as session:
        if everything:
            _declare(console, session, place)
            return
        with lock(console, session, "import", lock_timeout):
            _adopt(console, session, patterns)


def _check_usage(patterns: tuple[str, ...], place: Place, *, everything: bool) -> None:
    message = None
    if everything and patterns:
        message = "--all declares what is there, an address takes it under management: give one of them"
    elif everything and not place["scope"]:
        message = "--all needs --scope"
    elif not everything and not patterns:
        message = "Missing argument 'ADDRESS...'."
    elif not everything and (given := [f"--{name}" for name, value in place.items() if value is not None]):
        message = f"{', '.join(given)}: only together with --all"
    if message is not None:
        raise click.UsageError(message)


def _declare(console: Console, session: Session, place: Place) -> None:
    out = place["out"]
    _check_new(session.manifest, out)
    with console.status("looking around"):
        seen = survey(session, str(place["scope"]), place["backend"])
    if not (seen.found or seen.left_out):
        message = f"backend `{seen.backend}` holds nothing in scope {seen.scope}"
        raise NotFound(message, hint="--backend asks another one; the options of a backend may say where it looks")
    text = found_manifest(seen.scope, seen.backend, seen.declared_on, seen.found, seen.left_out)
    _hand_over(console, out, text, len(seen.found))


def _adopt(console: Console, session: Session, patterns: Iterable[str]) -> None:
    chosen: set[Address] = set()
    for pattern in patterns:
        chosen.update(_matching(session.manifest, pattern) if _is_glob(pattern) else [Address.parse(pattern)])
    exact = {Address.parse(pattern) for pattern in patterns if not _is_glob(pattern)}
    wanted = exact | set(_importable(console, session, chosen - exact))
    if not wanted:
        console.note("nothing to import: all that matches is under management already, or not there")
        return
    for address, record in adopt(session, wanted).items():
        known = "its value is fingerprinted" if record.fingerprint else "its value could not be read"
        console.result(f"= {address} is now managed ({known})\n")


def _matching(manifest: Manifest, glob: str) -> list[Address]:
    matches = matcher([glob])
    found = [address for address in manifest.secrets if matches(address)]
    if not found:
        message = f"{glob} matches no address of the manifest"
        raise InvalidConfiguration(message, hint="an address is written scope:ref, a glob may stand for parts")
    return found


def _importable(console: Console, session: Session, addresses: Iterable[Address]) -> Iterator[Address]:
    """Give those that have no record and are there; tell of those that are another project's."""
    records = session.state_store.fold().records
    secrets = session.manifest.secrets
    there = present(session, [secrets[address] for address in addresses if address not in records])
    for address, seen in sorted(there.items()):
        if seen.owner in (None, session.manifest.project):
            yield address
        else:
            console.note(f"{address} belongs to project {seen.owner}, so it is left alone")


def _is_glob(pattern: str) -> bool:
    return not {"*", "?", "["}.isdisjoint(pattern)


@click.command("import-env")
@click.argument("file", metavar="FILE")
@click.option("--scope", metavar="SCOPE", default="global", show_default=True, help="The scope to seal for.")
@click.option(
    "--encoding",
    type=click.Choice([str(encoding) for encoding in Encoding]),
    default=str(Encoding.AUTO),
    show_default=True,
    help="How values are written; auto: in base64 where the key begins with SECRET_.",
)
@_OUT
@click.pass_obj
def import_env(console: Console, *, file: str, scope: str, encoding: str, out: Path | None) -> None:
    """Seal the values of a .env file and print them as a file for `include:`.

    FILE holds KEY=VALUE lines; - is standard input. A value is all that follows the first `=`, verbatim: quotes and
    blanks are kept. Blank lines and those that begin with # say nothing. Keys become refs, without SECRET_.

    \b
    Example:
      syncer import-env .env --scope payments --out payments.yaml
    """
    with open_session(console) as session:
        check_scope_name(scope)
        _check_new(session.manifest, out)
        values = parse(_read(file), _STANDARD_INPUT if file == "-" else file, Encoding(encoding))
        sealed = {ref: seal_value(session, Address(scope, ref), value) for ref, value in values.items()}
    _hand_over(console, out, sealed_manifest(scope, sealed), len(sealed))


def _read(file: str) -> Sensitive:
    try:
        if file == "-":
            content = sys.stdin.buffer.read(_MAX_BYTES + 1)
        else:
            with Path(file).open("rb") as opened:
                content = opened.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        message = f"{file} cannot be read: {reason.lower()}"
        raise SourceError(message) from None
    if len(content) > _MAX_BYTES:
        message = f"{file} is larger than {_MAX_BYTES >> 20} MiB"
        raise SourceError(message)
    return Sensitive(content)


def _check_new(manifest: Manifest, out: Path | None) -> None:
    if out is not None:
        check_out(manifest, out)
        if out.exists():
            raise exists_already(out)


def _hand_over(console: Console, out: Path | None, text: str, number: int) -> None:
    if out is None:
        console.result(text)
        return
    create_out(out, text)
    console.note(f"declared {quantity(number, 'secret')} in {out}")
