"""Options that several commands share, and what they come to."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from syncer.cli.console import ResultFormat
from syncer.engine.prepare import Request
from syncer.engine.session import Session, Surroundings
from syncer.manifest import load_manifest
from syncer.model import Address
from syncer.plans import Selection, Values

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from syncer.cli.console import Console

F = TypeVar("F", bound="Callable[..., Any]")


class AddressType(click.ParamType[Address]):
    """`scope:ref` on the command line."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """Parse it, or end with wrong usage."""
        try:
            return value if isinstance(value, Address) else Address.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class SecondsType(click.ParamType[float]):
    """A duration such as `30s`, `5m`, of at least so many seconds; a bare number is seconds."""

    name = "duration"
    _UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}  # noqa: RUF012  # a table, never changed

    def __init__(self, least: int = 0) -> None:
        self._least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse it to seconds, or end with wrong usage."""
        found = re.fullmatch(r"([0-9]{1,6})([smh]?)", value)
        if found is None:
            self.fail("a duration is written 30s, 5m or 1h", param, ctx)
        seconds = int(found[1]) * self._UNITS[found[2]]
        if seconds < self._least:
            self.fail(f"it is at least {self._least}s", param, ctx)
        return float(seconds)


class PathType(click.Path):
    """A path. An empty one, a variable that is not set for instance, must not stand for the folder where we are."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        """Take any other, or end with wrong usage."""
        text = os.fspath(value)
        if not text or "\0" in text:
            self.fail("it holds a NUL character" if text else "it is empty", param, ctx)
        return super().convert(value, param, ctx)


class Option(click.Option):
    """An option whose environment form follows its name on the command line, not the one in Python."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Look for `--lock-timeout` of `apply` in SYNCER_APPLY_LOCK_TIMEOUT."""
        name = max(self.opts, key=len).lstrip("-").replace("-", "_")
        return os.environ.get(f"{ctx.auto_envvar_prefix}_{name}".upper()) or None


class FormatOption(Option, ResultFormat):
    """The `--format` of such a command."""


ADDRESS = AddressType()
SECONDS = SecondsType()
PATH = PathType(path_type=Path)

_SELECTORS = (
    click.option(
        "--target", "targets", cls=Option, metavar="GLOB", multiple=True, help="Only addresses that match; repeatable."
    ),
    click.option(
        "--exclude", "excludes", cls=Option, metavar="GLOB", multiple=True, help="No address that matches; repeatable."
    ),
)

verify_option = click.option("--verify-values", is_flag=True, help="Read values back instead of trusting versions.")
parallelism_option = click.option(
    "--parallelism", type=click.IntRange(1, 256), default=10, show_default=True, help="How much goes on at once."
)
mass_change_option = click.option(
    "--allow-mass-change", is_flag=True, help="Let more than 30 % of the secrets be withdrawn."
)
approve_option = click.option("--auto-approve", is_flag=True, help="Do not ask.")

_PLANNING = (
    *_SELECTORS,
    click.option("--rotate", metavar="ADDRESS", multiple=True, help="Rotate these, globs allowed; repeatable."),
    click.option("--destroy", is_flag=True, help="Delete everything that is on record."),
    click.option(
        "--refresh/--no-refresh", default=True, show_default=True, help="Ask the backends, or trust the state."
    ),
    verify_option,
    parallelism_option,
    mass_change_option,
)


def selectors(command: F) -> F:
    """Add --target and --exclude."""
    return _with(command, _SELECTORS)


def planning(command: F) -> F:
    """Add everything that says what a plan is about."""
    return _with(command, _PLANNING)


def format_option(*formats: str) -> Callable[[F], F]:
    """Add --format; the first one is the default."""
    return click.option(
        "--format",
        "form",
        cls=FormatOption,
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="Form of the output.",
    )


def stores_option(told: str) -> Callable[[F], F]:
    """Add --store, which comes to the scope of each name."""
    return click.option(
        "--store", "stores", cls=Option, metavar="NAME=SCOPE", multiple=True, callback=_read_stores, help=told
    )


def _read_stores(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    if not all(name and scope and name not in {".", ".."} and {"/", "%"}.isdisjoint(name) for name, _, scope in pairs):
        message = "--store is written NAME=SCOPE, and no name holds / or %"
        raise click.UsageError(message)
    named = {name: scope for name, _, scope in pairs}
    if len(named) < len(pairs):
        message = "--store: a name is given twice"
        raise click.UsageError(message)
    return named


def policy_option(command: F) -> F:
    """Add --policy, which comes to `policies`."""
    option = click.option(
        "--policy",
        "policies",
        cls=Option,
        type=PATH,
        metavar="FILE",
        multiple=True,
        help="Rules to be kept beside the manifest's own; repeatable.",
    )
    return option(command)


def values_option(command: F) -> F:
    """Add --values."""
    option = click.option(
        "--values",
        type=click.Choice(["resolve", "skip"]),
        default="resolve",
        show_default=True,
        help="Compare values, or touch no source at all.",
    )
    return option(command)


def lock_option(command: F) -> F:
    """Add --lock-timeout."""
    option = click.option(
        "--lock-timeout",
        type=SECONDS,
        default="0s",
        show_default=True,
        metavar="DURATION",
        help="How long to wait for the state's lock.",
    )
    return option(command)


def request(values: str = "resolve", **given: Any) -> Request:
    """Turn the options of `planning` into a request, or end with wrong usage where they contradict each other."""
    if values == "skip" and given["verify_values"]:
        message = "--verify-values reads values and --values skip does not: give one of them"
        raise click.UsageError(message)
    if given["destroy"] and given["rotate"]:
        message = "--destroy deletes what --rotate would renew: give one of them"
        raise click.UsageError(message)
    selection = Selection(
        targets=given["targets"], excludes=given["excludes"], rotate=given["rotate"], destroy=given["destroy"]
    )
    return Request(
        selection=selection,
        values=Values.SKIPPED if values == "skip" else Values.RESOLVED,
        refresh=given["refresh"],
        verify_values=given["verify_values"],
    )


def open_session(console: Console, parallelism: int = 10, policies: Sequence[Path] = ()) -> Session:
    """Load the manifest, with the rules of more policies, and open a session over it."""
    manifest = load_manifest(Path(console.manifest), policies)
    return Session(manifest, Surroundings(parallelism=parallelism, key_made=console.key_made, lock_news=console.note))


def lock(console: Console, session: Session, operation: str, timeout: float) -> AbstractContextManager[object]:
    """Give the lock of the state, to be entered; whom it waits for is told only where it waits."""
    if not timeout:
        return session.lock(operation)
    return session.lock(operation, timeout=timeout, waiting=console.waiting)


def _with(command: F, options: tuple[Callable[[F], F], ...]) -> F:
    for option in reversed(options):
        command = option(command)
    return command
