"""`fmt`: the manifest's files in one order and spacing."""

from __future__ import annotations

import difflib
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syncer.cli import CHANGES, OK
from syncer.cli.options import PATH
from syncer.cli.out import rewrite
from syncer.errors import InvalidConfiguration
from syncer.extras import how_to_install

if TYPE_CHECKING:
    from types import ModuleType

    from syncer.cli.console import Console
    from syncer.manifest.fmt.files import Formatted

_STANDARD_INPUT = "<stdin>"
_MAX_BYTES = 32 << 20


@click.command
@click.argument("files", metavar="[FILE]...", nargs=-1, type=PATH)
@click.option("--check", is_flag=True, help="Write nothing; exit with 2 when a file would change.")
@click.option("--diff", is_flag=True, help="Show what changes, as a unified diff.")
@click.pass_obj
def fmt(console: Console, files: tuple[Path, ...], *, check: bool, diff: bool) -> int:
    """Format the manifest, what it includes and its policy file, or the files named; name those that changed.

    Keys stand in the order of the schema, scopes, refs and tags in that of the alphabet. Comments stay with what they
    are about; no key moves past a comment that has a blank line below it. What the files say stays the same: each
    is read again before it is written. - formats standard input to standard output.

    \b
    Examples:
      syncer fmt
      syncer fmt --check --diff
      syncer fmt - < draft.yaml
    """
    formatter = _formatter()
    if Path("-") in files:
        found = [formatter.format_text(_standard_input(files), _STANDARD_INPUT)]
    else:
        found = formatter.format_files(files or formatter.files_of(Path(console.manifest)))
    changed: list[Formatted] = [file for file in found if file.differs]
    if Path("-") in files and not (check or diff):
        console.result(found[0].new.decode())
        return OK
    for file in changed:
        if not check and file.name != _STANDARD_INPUT:
            rewrite(Path(file.name), file.new)
        console.result(_diff(file) if diff else f"{file.name}\n")
    return CHANGES if check and changed else OK


def _formatter() -> ModuleType:
    """Import what formats. Raise InvalidConfiguration without ruamel.yaml."""
    try:
        return import_module("syncer.manifest.fmt.files")
    except ModuleNotFoundError as error:
        message = f"formatting needs the package `{error.name}`"
    raise InvalidConfiguration(message, hint=how_to_install("fmt"))


def _standard_input(files: tuple[Path, ...]) -> bytes:
    if len(files) > 1:
        message = "- stands for standard input, and for nothing beside it"
        raise click.UsageError(message)
    content = sys.stdin.buffer.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        message = f"standard input holds more than {_MAX_BYTES >> 20} MiB"
        raise InvalidConfiguration(message)
    return content


def _diff(file: Formatted) -> str:
    old, new = (text.decode("utf-8").splitlines(keepends=True) for text in (file.old, file.new))
    lines = difflib.unified_diff(old, new, file.name, file.name)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
