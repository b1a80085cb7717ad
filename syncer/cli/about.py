"""`backends`, `schema`, `completion`, `version`: the tool about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncer import __version__

if TYPE_CHECKING:
    from syncer.cli.console import Console


@click.command
@click.pass_obj
def backends(console: Console) -> None:
    """List the backends at hand and what each can do.

    \b
    Example:
      syncer backends
    """
    from syncer.errors import InvalidConfiguration  # noqa: PLC0415  # `version` and `completion` need none of these
    from syncer.registry import backend_class, backend_types  # noqa: PLC0415
    from syncer.render.backends import backends_table  # noqa: PLC0415

    known, missing = {}, {}
    for name in backend_types():
        try:
            known[name] = backend_class(name).capabilities
        except InvalidConfiguration as error:
            missing[name] = str(error.hint)
    console.result(backends_table(known, missing))


@click.command
@click.argument("name", type=click.Choice(["manifest", "plan", "state"]))
@click.pass_obj
def schema(console: Console, name: str) -> None:
    """Print a JSON Schema, for editors and checks.

    \b
    Example:
      syncer schema manifest > manifest.schema.json
    """
    from syncer.schemas import schema_path  # noqa: PLC0415

    console.result(schema_path(name).read_text(encoding="utf-8"))


@click.command
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_obj
def completion(console: Console, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Example:
      eval "$(syncer completion bash)"
    """
    from click.shell_completion import BashComplete, FishComplete, ZshComplete  # noqa: PLC0415

    from syncer.cli import COMPLETE, group  # noqa: PLC0415

    script = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}[shell](group, {}, "syncer", COMPLETE)
    console.result(script.source())


@click.command
@click.pass_obj
def version(console: Console) -> None:
    """Print the version.

    \b
    Example:
      syncer version
    """
    console.result(f"syncer {__version__}\n")
