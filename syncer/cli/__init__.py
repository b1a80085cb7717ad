"""The command line: a group that imports a command when it is called, and the exit codes."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click

from syncer.cli.console import Console
from syncer.errors import SyncerError

if TYPE_CHECKING:
    from collections.abc import Sequence

OK, CHANGES, USAGE, INTERRUPTED = 0, 2, 64, 130

COMMANDS = {
    "init": "syncer.cli.project:init",
    "validate": "syncer.cli.project:validate",
    "plan": "syncer.cli.plan:plan",
    "apply": "syncer.cli.apply:apply",
    "drift": "syncer.cli.drift:drift",
    "import": "syncer.cli.drift:import_",
    "show": "syncer.cli.plan:show",
    "state": "syncer.cli.state:state",
    "seal": "syncer.cli.value:seal",
    "get": "syncer.cli.value:get",
    "backends": "syncer.cli.about:backends",
    "schema": "syncer.cli.about:schema",
    "completion": "syncer.cli.about:completion",
    "version": "syncer.cli.about:version",
}

_SUMMARIES = {
    "init": "Write a commented manifest, .gitignore lines and the project key.",
    "validate": "Check the manifest, offline.",
    "plan": "Show what apply would do.",
    "apply": "Create, rotate, update, disable as planned.",
    "drift": "Find what somebody changed outside.",
    "import": "Take unmanaged secrets under management.",
    "show": "Show a saved plan, or the state.",
    "state": "List, show, rename and forget records; break a lock.",
    "seal": "Encrypt a value into the manifest.",
    "get": "Print one value.",
    "backends": "List the backends and what each can do.",
    "schema": "Print the JSON Schema of manifest, plan or state.",
    "completion": "Print the completion script of a shell.",
    "version": "Print the version.",
}


class LazyGroup(click.Group):
    """Imports a command's module when the command is called, and none to list them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Name every command, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_SUMMARIES.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "SYNCER"},
    epilog="Exit codes: 0 fine, 1 error, 2 changes or drift, 3 invalid manifest or configuration, 4 access denied, "
    "5 some changes failed, 6 state locked, 7 stale plan, 8 safety limit, 64 wrong usage, 130 interrupted.",
)
@click.option("-C", "chdir", metavar="DIR", type=click.Path(exists=True, file_okay=False), help="Go there first.")
@click.option("-f", "manifest", metavar="MANIFEST", default="syncer.yaml", show_default=True, help="The manifest.")
@click.option("--no-color", is_flag=True, help="No colour; NO_COLOR does the same.")
@click.option("-v", "--verbose", is_flag=True, help="Tell on standard error what is being done.")
@click.pass_obj
def group(console: Console, chdir: str | None, manifest: str, *, no_color: bool, verbose: bool) -> None:
    """Plan and apply for secrets: a manifest in git, the values never.

    \b
    Example:
      syncer init && syncer plan && syncer apply
    """
    if chdir is not None:
        os.chdir(chdir)
    console.configure(manifest=manifest, no_color=no_color, verbose=verbose)


def main() -> None:
    """Run the command line and leave with its exit code."""
    code = run(sys.argv[1:])
    # Ten thousand secrets are a million objects. The kernel frees them at once, the interpreter one by one.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code. Never lets an exception out."""
    console = Console()
    folder = os.getcwd()  # noqa: PTH109  # to come back to, nothing to compute with
    try:
        return _run(list(arguments), console)
    except click.UsageError as error:
        console.usage_error(error)
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        console.error_line("interrupted")
        return INTERRUPTED
    except SyncerError as error:
        console.failure(error)
        return error.exit_code
    except BrokenPipeError:
        # The reader has gone, as `| head` does: not our failure, and nothing more can be said.
        console.abandon_output()
        return OK
    except Exception as error:  # noqa: BLE001  # the last net: never a traceback, which could show a value
        console.internal_error(error)
        return 1
    finally:
        os.chdir(folder)


def _run(arguments: list[str], console: Console) -> int:
    try:
        result = group.main(arguments, prog_name="syncer", standalone_mode=False, obj=console)
    except click.exceptions.Exit as left:
        return left.exit_code
    return result if isinstance(result, int) else OK
