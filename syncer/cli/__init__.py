"""The command line: a group that imports a command when it is called, and the exit codes."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click
from click.exceptions import Exit, NoArgsIsHelpError, NoSuchCommand

from syncer import __version__
from syncer.cli.console import Console, unwritable
from syncer.cli.signals import interrupt_on_ending
from syncer.errors import Interrupted, SyncerError

if TYPE_CHECKING:
    from collections.abc import Sequence

OK, CHANGES, USAGE, INTERRUPTED = 0, 2, 64, 130

COMPLETE = "_SYNCER_COMPLETE"
"""The variable in which a shell asks for completions."""

COMMANDS = {
    "init": "syncer.cli.project:init",
    "validate": "syncer.cli.project:validate",
    "fmt": "syncer.cli.fmt:fmt",
    "plan": "syncer.cli.plan:plan",
    "apply": "syncer.cli.apply:apply",
    "drift": "syncer.cli.drift:drift",
    "import": "syncer.cli.importing:import_",
    "import-env": "syncer.cli.importing:import_env",
    "show": "syncer.cli.plan:show",
    "state": "syncer.cli.state:state",
    "seal": "syncer.cli.value:seal",
    "get": "syncer.cli.value:get",
    "export": "syncer.cli.export:export",
    "serve": "syncer.cli.serve:serve",
    "run": "syncer.cli.running:run",
    "datadog-backend": "syncer.cli.datadog:datadog_backend",
    "doctor": "syncer.cli.doctor:doctor",
    "resolve": "syncer.cli.resolve:resolve",
    "ci": "syncer.cli.ci:ci",
    "backends": "syncer.cli.about:backends",
    "schema": "syncer.cli.about:schema",
    "completion": "syncer.cli.about:completion",
    "version": "syncer.cli.about:version",
}

_SUMMARIES = {
    "init": "Write a commented manifest, .gitignore lines and the project key.",
    "validate": "Check the manifest, offline.",
    "fmt": "Put the manifest into one order and spacing.",
    "plan": "Show what apply would do.",
    "apply": "Create, rotate, update, disable as planned.",
    "drift": "Find what somebody changed outside.",
    "import": "Take unmanaged secrets under management.",
    "import-env": "Seal the values of a .env file into a manifest.",
    "show": "Show a saved plan, or the state.",
    "state": "List, show, rename and forget records; break a lock.",
    "seal": "Encrypt a value into the manifest.",
    "get": "Print one value.",
    "export": "Write all values of a scope for another program.",
    "serve": "Answer other programs over HTTP.",
    "run": "Run a program with the values of a scope in its environment.",
    "datadog-backend": "Answer the Datadog Agent, as its secret_backend_command.",
    "doctor": "Check executables and files for what other programs would refuse.",
    "resolve": "Fill the values into a file that names secrets.",
    "ci": "Plan, apply and look for drift on a CI platform.",
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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or say which one is close."""
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as error:
            raise NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_SUMMARIES.items()))


def _tell_version(context: click.Context, _param: click.Parameter, asked: bool) -> None:  # noqa: FBT001  # click's signature
    if asked:
        context.obj.result(f"syncer {__version__}\n")
        context.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "SYNCER"},
    epilog="Exit codes: 0 fine, 1 error, 2 changes or drift, 3 invalid manifest or configuration, 4 access denied, "
    "5 some changes failed, 6 state locked, 7 stale plan, 8 safety limit, 64 wrong usage, 130 interrupted.",
)
@click.option(
    "-C",
    "chdir",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, executable=True),
    help="Go there first.",
)
@click.option("-f", "manifest", metavar="MANIFEST", default="syncer.yaml", show_default=True, help="The manifest.")
@click.option("--no-color", is_flag=True, help="No colour; NO_COLOR does the same.")
@click.option("-v", "--verbose", is_flag=True, help="Tell on standard error what is being done.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    allow_from_autoenv=False,  # SYNCER_VERSION is what an installer's pin is called
    callback=_tell_version,
    help="Print the version.",
)
@click.pass_context
def group(context: click.Context, chdir: str | None, manifest: str, *, no_color: bool, verbose: bool) -> None:
    """Plan and apply for secrets: a manifest in git, the values never.

    \b
    Example:
      syncer init && syncer plan && syncer apply
    """
    if chdir is not None:
        context.with_resource(contextlib.chdir(chdir))
    context.obj.configure(manifest=manifest, no_color=no_color, verbose=verbose)


def main() -> None:
    """Run the command line and leave with its exit code."""
    _prepare_streams()
    interrupt_on_ending()
    code = run(sys.argv[1:])
    # Ten thousand secrets are a million objects. The kernel frees them at once, the interpreter one by one.
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # nobody reads the help any more; results are flushed by the console
            stream.flush()
    os._exit(code)


# Results that nobody can ever read are an error. So what takes the place of standard output refuses to be written to.
_STREAMS = (("stdin", "r", os.O_RDONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY))


def _prepare_streams() -> None:
    """Make sure that there is something to read and to write, and that no character is too odd to be written."""
    for name, mode, access in _STREAMS:
        if getattr(sys, name) is None:  # the caller closed it
            setattr(sys, name, open(os.open(os.devnull, access), mode, encoding="utf-8"))  # noqa: SIM115, PTH123  # open to the end
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code. Never lets an exception out."""
    console = Console()
    try:
        return _run(list(arguments), console)
    except click.UsageError as error:
        console.usage_error(error, arguments)
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        console.failure(Interrupted("interrupted"))
        return INTERRUPTED
    except SyncerError as error:
        console.failure(error)
        return error.exit_code
    except Exception as error:  # noqa: BLE001  # the last net: never a traceback, which could show a value
        console.internal_error(error)
        return 1


def _run(arguments: list[str], console: Console) -> int:
    # Not click's `main`, which ends the process where a shell asks for completions, and at any broken pipe.
    if instruction := os.environ.get(COMPLETE):
        from click.shell_completion import shell_complete  # noqa: PLC0415  # only a shell at a Tab needs it

        return shell_complete(group, {"obj": console}, "syncer", COMPLETE, instruction)
    try:
        with group.make_context("syncer", [*arguments], obj=console) as context:
            result = group.invoke(context)
    except Exit as left:
        return left.exit_code
    except NoArgsIsHelpError as bare:
        console.result(f"{bare.ctx.get_help()}\n")
        return OK
    except OSError as error:
        if {"-h", "--help"}.isdisjoint(arguments):
            raise  # a backend's connection, not our reader
        if not isinstance(error, BrokenPipeError):  # click wrote the help itself
            raise unwritable(error) from None
        return OK  # whoever asked for it has read enough
    return result if isinstance(result, int) else OK
