"""Options that the commands for CI share."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

import click

from syncer.ci.detect import AUTO, PLATFORMS
from syncer.cli.options import PATH, Option
from syncer.render.markdown import LABEL

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Commenting(StrEnum):
    """When a comment is written."""

    ALWAYS = "true"
    CHANGES = "changes-only"
    """A first one only where something is to be told; one that is there is kept up to date."""
    NEVER = "false"


def _check_label(_context: click.Context, _option: click.Parameter, given: str) -> str:
    if not _LABEL.fullmatch(given):
        message = "a label is letters, digits, dots, dashes and underscores, at most 64, a letter or digit first"
        raise click.BadParameter(message)
    return given


def on_platform(command: F) -> F:
    """Add --platform and --label."""
    platform = click.option(
        "--platform",
        type=click.Choice(PLATFORMS),
        default=AUTO,
        show_default=True,
        help="Whom to tell; auto goes by the environment.",
    )
    label = click.option(
        "--label",
        default=LABEL,
        show_default=True,
        callback=_check_label,
        help="Tells several plans on one pull request apart; each has its own comment, artifact and issue.",
    )
    return platform(label(command))


def comment_option(command: F) -> F:
    """Add --comment."""
    option = click.option(
        "--comment",
        "commenting",
        cls=Option,
        type=click.Choice([str(choice) for choice in Commenting]),
        default=str(Commenting.ALWAYS),
        show_default=True,
        help="Whether to keep one comment on the pull request, edited each time.",
    )
    return option(command)


def report_options(command: F) -> F:
    """Add --junit and --sarif."""
    for name, form in (("sarif", "SARIF"), ("junit", "JUnit")):
        told = f"Also write a {form} report there."
        command = click.option(f"--{name}", type=PATH, metavar="FILE", help=told)(command)
    return command
