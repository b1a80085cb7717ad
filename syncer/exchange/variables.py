"""Values as the variables of an environment: `prod/db-password` is `PROD_DB_PASSWORD`."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.exchange.texts import refuse
from syncer.naming import upper_snake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from syncer.sensitive import Sensitive

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""What POSIX calls a name (XBD 3.216), and every reader takes for one."""

_POWERFUL = re.compile(r"(LD|DYLD)_.*|PATH|IFS|ENV|BASH_ENV|SHELLOPTS|BASHOPTS|PS4|GCONV_PATH|GLIBC_TUNABLES")
"""Variables that change which code is run, whatever program it is."""

VARIABLE_BYTES = 128 * 1024 - 1
"""Of a name, `=` and a value at most: what Linux hands to a program (MAX_ARG_STRLEN in execve(2), less its NUL)."""


ELSEWHERE = "a value that no variable can hold goes into a file, by `syncer export --format files`"
"""What to do with those, for hints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Whoever takes values from variables, and what it cannot take."""

    called: str
    """Its name, for errors."""
    fault: Callable[[str, Sensitive], str | None]
    """Says what keeps a value from coming out as it is in the variable of that name."""
    hint: str
    prefix: str = ""
    """What stands before each name."""

    def variables(self, values: Mapping[str, Sensitive]) -> list[tuple[str, Sensitive]]:
        """Give values by ref as name and value, by name. Raise Unsupported for all that cannot be one, at once."""
        refs: dict[str, list[str]] = defaultdict(list)
        for ref in sorted(values):
            refs[self.prefix + upper_snake(ref)].append(ref)
        refuse(self._faults(refs, values), self.hint)
        return [(name, values[ref]) for name, (ref,) in sorted(refs.items())]

    def _faults(self, refs: Mapping[str, list[str]], values: Mapping[str, Sensitive]) -> Iterator[str]:
        for name, sharing in sorted(refs.items()):
            if len(sharing) > 1:
                yield f"{', '.join(sharing)}: {self.called} would call each of them {name}"
            if not NAME.fullmatch(name):
                yield f"{', '.join(sharing)}: {self.called} would call it {name}, and a key has no digit first"
            for ref in sharing:
                fault = self.fault(name, values[ref])
                if fault:
                    yield f"{ref}: {fault} ({name})"


def handed_over(name: str, value: Sensitive) -> str | None:
    """Say what keeps a variable from being handed to a program as it is, by Linux or by caution."""
    if _POWERFUL.fullmatch(name):
        return "this variable would change what is run"
    raw = value.reveal()
    if b"\0" in raw:
        return "the value holds a NUL character, and a variable cannot"
    return oversize(len(name) + len("=") + len(raw))


def oversize(size: int, form: str = "") -> str | None:
    """Say that a variable of so many bytes is too long."""
    return f"{size} bytes{form}, and a variable holds {VARIABLE_BYTES}" if size > VARIABLE_BYTES else None
