r"""`.env` files that programs read alike: Docker Compose, a POSIX shell's `. FILE`, python-dotenv.

Between single quotes they take everything as it stands, but not `'`; between double quotes they all know `\"` and
`\\`, and differ on `$` and on the backquote. Nobody wrote a rule down for all of them, so what one of them would read
otherwise is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from syncer.exchange.texts import is_text
from syncer.exchange.variables import ELSEWHERE, Reader, handed_over
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Mapping

_READONLY = frozenset({"_", "UID", "EUID", "PPID", "SHELLOPTS", "BASHOPTS", "BASH_VERSINFO"})
"""Variables that bash lets nobody set."""
_OWN = re.compile(
    "BASH(PID|_ARG[CV]|_ARGV0|_COMMAND|_LINENO|_MONOSECONDS|_SOURCE|_SUBSHELL)|EPOCH(SECONDS|REALTIME)"
    "|DIRSTACK|FUNCNAME|GROUPS|HISTCMD|LINENO|OPTIND|RANDOM|SECONDS|SRANDOM"
)
"""Variables that a shell keeps itself; bash reads some as arithmetic, and so runs what is in `a[$(...)]`."""


def dotenv_file(values: Mapping[str, Sensitive]) -> Sensitive:
    """Write `KEY='value'` lines, sorted. Raise Unsupported that names all which the readers would not read alike."""
    return Sensitive(b"".join(b"%s=%s\n" % (name.encode(), _quoted(value)) for name, value in _SHELL.variables(values)))


def _quoted(value: Sensitive) -> bytes:
    raw = value.reveal()
    if b"'" not in raw and b"\\\\" not in raw:
        return b"'%s'" % raw
    return b'"%s"' % raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def _fault(name: str, value: Sensitive) -> str | None:
    if name in _READONLY:
        return "a shell lets nobody set this variable"
    if _OWN.fullmatch(name):
        return "a shell keeps this variable itself, and may run what is in a value"
    if not is_text(value):
        return "the value is not UTF-8 text"
    return handed_over(name, value) or _unlike(value.reveal())


def _unlike(raw: bytes) -> str | None:
    """Say what the readers take for different things."""
    if b"\r" in raw:
        return "the value holds a carriage return, which python-dotenv takes for a newline"
    if b"${" in raw:
        return "the value holds `${`, which python-dotenv replaces inside of any quotes"
    if raw.endswith(b"\\"):
        return "the value ends in a backslash, which Compose takes to belong to the quote behind it"
    in_double = b"'" in raw or b"\\\\" in raw
    if in_double and (b"$" in raw or b"`" in raw):
        return "the value holds `'` or two backslashes, and beside that `$` or a backquote"
    if in_double and raw.endswith(b'"'):
        return "the value holds `'` or two backslashes, and ends in a double quote, which Compose drops"
    return None


_SHELL = Reader(
    called="a program",
    fault=_fault,
    hint=f"rename them, keep them in a scope of their own, or `syncer run` the program; {ELSEWHERE}",
)
