"""The environment of a program that is to be started with values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from syncer.exchange.variables import Reader, handed_over

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.sensitive import Sensitive

_POWERFUL = re.compile(r"(LD|DYLD)_.*|PATH|IFS|ENV|BASH_ENV")
"""Variables that change which code is run, whatever program it is."""


def environment(values: Mapping[str, Sensitive], prefix: str) -> dict[bytes, bytes]:
    """Give values by ref as variables. Raise Unsupported that names all which a program would not get as they are."""
    reader = Reader(
        called="the program", fault=_fault, hint="rename them, or begin their names with --prefix", prefix=prefix
    )
    return {name.encode(): value.reveal() for name, value in reader.variables(values)}


def _fault(name: str, value: Sensitive) -> str | None:
    if _POWERFUL.fullmatch(name):
        return "this variable would change what is run"
    return handed_over(name, value)
