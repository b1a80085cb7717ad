"""Asks the sources of what a backend lets us in with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncer.errors import InvalidConfiguration, SourceError
from syncer.model import Address, SourceSpec
from syncer.registry import source_class
from syncer.sources.base import SourceContext

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from syncer.sensitive import Sensitive

KINDS = ("env", "file", "command")
"""Sources that can hold a credential: nothing that is made anew, or bound to the address of a secret."""

_NO_ADDRESS = Address("backends", "credential")


def ask(
    option: str,
    given: Mapping[str, Any],
    *,
    folder: Path,
    project: str,
    environ: Mapping[str, str],
    subkey: Callable[[str], bytes],
) -> Sensitive:
    """Give what the source under a backend's option yields; `folder` is where its relative paths start.

    Raise InvalidConfiguration, SourceError, both naming the option.
    """
    named = [key for key in given if key in KINDS]
    if len(named) != 1:
        message = f"option `{option}` must be a source: one of {', '.join(KINDS)}"
        raise InvalidConfiguration(message, hint="a credential never stands in the manifest itself")
    kind = named[0]
    options = {key: value for key, value in given.items() if key != kind}
    try:
        source = source_class(kind)(SourceSpec(type=kind, argument=given[kind], options=options, folder=folder))
        return source.resolve(SourceContext(project, _NO_ADDRESS, environ, subkey))
    except (InvalidConfiguration, SourceError) as error:
        failed = type(error)(f"option `{option}`: {error.message}", hint=error.hint)
    raise failed
