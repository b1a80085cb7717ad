"""The file that steps of a GitHub workflow append variables to.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#setting-an-environment-variable
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from syncer.exchange.texts import is_text
from syncer.exchange.variables import Reader, handed_over
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_RESERVED = re.compile(r"(GITHUB|RUNNER)_.*|NODE_OPTIONS")


def env_file(values: Mapping[str, Sensitive]) -> Sensitive:
    """Write `NAME<<DELIMITER` blocks, sorted. Raise Unsupported that names all which a runner would not take."""
    pairs = _RUNNER.variables(values)
    end = _delimiter(values.values())
    return Sensitive(b"".join(b"%s<<%s\n%s\n%s\n" % (name.encode(), end, value.reveal(), end) for name, value in pairs))


def _delimiter(values: Iterable[Sensitive]) -> bytes:
    """Make up a line that no value holds and nobody can foresee, so that no value can end itself and set more."""
    held = b"\n".join(value.reveal() for value in values)
    while True:
        delimiter = f"syncer_{os.urandom(16).hex()}".encode()
        if delimiter not in held:
            return delimiter


def _fault(name: str, value: Sensitive) -> str | None:
    if _RESERVED.fullmatch(name):
        return "GitHub lets nobody set this variable"
    if not is_text(value):
        return "the value is not UTF-8 text"
    return handed_over(name, value)


_RUNNER = Reader(called="GitHub", fault=_fault, hint="rename them, or keep them in a scope of their own")
