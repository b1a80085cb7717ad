"""Reads files of `KEY=VALUE` lines, such as `.env` and the one that Kestra is started with."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import TYPE_CHECKING

from syncer.errors import InvalidManifest, Problem
from syncer.exchange.kestra import PREFIX
from syncer.exchange.texts import is_text
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Iterator

_REF_CHARACTERS = 512
_BOM = b"\xef\xbb\xbf"

_LINE = re.compile(rb"(?P<before>[ \t]*(?:export[ \t]+)?)(?P<key>[^=]*)=(?P<value>.*)", re.DOTALL)
_KEY = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")

# What Java's basic decoder takes (java.util.Base64, RFC 4648): padding may be missing, but not be wrong.
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?")


class Encoding(StrEnum):
    """How the values of a file are written."""

    AUTO = auto()
    """In base64 where the key begins with `SECRET_`, as Kestra has it; else plain."""
    PLAIN = auto()
    BASE64 = auto()


def parse(document: Sensitive, file: str, encoding: Encoding = Encoding.AUTO) -> dict[str, Sensitive]:
    """Give the values by ref, in the order of the lines; a ref is the key, without `SECRET_` unless all is plain.

    A value is all that follows the first `=`, quotes and blanks too. Raise InvalidManifest with every line of `file`
    that is wrong. What stands in one is never told: it may be a part of a value that was meant to go on.
    """
    reading = _Reading(file=file, encoding=encoding)
    for number, line in _lines(document):
        reading.take(number, line)
    if not (reading.values or reading.problems):
        reading.refuse(1, 1, "there is no KEY=VALUE line in this file")
    if reading.problems:
        raise InvalidManifest(reading.problems)
    return reading.values


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What was read so far, and all that is wrong."""

    file: str
    encoding: Encoding
    values: dict[str, Sensitive] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _lines: dict[str, int] = field(default_factory=dict)
    """Ref in upper case to the line where it stands first."""

    def refuse(self, line: int, column: int, message: str) -> None:
        """Note what is wrong."""
        self.problems.append(Problem(file=self.file, line=line, column=column, message=message))

    def take(self, number: int, line: Sensitive) -> None:
        """Read one line that is no comment."""
        raw = line.reveal()
        if not is_text(line):
            self.refuse(number, 1, "this line is not UTF-8 text")
            return
        found = _LINE.fullmatch(raw)
        if found is None:
            self.refuse(number, 1, "no `=` in this line; to take in a value of several lines, `syncer seal` it")
            return
        column = found.start("key") + 1
        if not _KEY.fullmatch(found["key"]):
            message = "before the `=` stands no key: letters, digits and `_`, no digit first, no blank last"
            self.refuse(number, column, message)
            return
        self._take_pair(number, column, found["key"].decode("ascii"), Sensitive(found["value"]))

    def _take_pair(self, number: int, column: int, key: str, value: Sensitive) -> None:
        ref = key if self.encoding is Encoding.PLAIN else key.removeprefix(PREFIX)
        if not 0 < len(ref) <= _REF_CHARACTERS:
            self.refuse(number, column, f"a key has 1 to {_REF_CHARACTERS} characters, `{PREFIX}` not counted")
            return
        first = self._lines.setdefault(ref.upper(), number)
        if first != number:
            self.refuse(number, column, f"this key stands in line {first} already; case makes no difference")
        encoded = self.encoding is Encoding.BASE64 or (self.encoding is Encoding.AUTO and key.startswith(PREFIX))
        decoded = _from_base64(value) if encoded else value
        if decoded is None:
            self.refuse(number, column + len(key) + 1, "the value is not base64")
        elif decoded.empty:
            self.refuse(number, column + len(key) + 1, "the value is empty")
        else:
            self.values[ref] = decoded


def _lines(document: Sensitive) -> Iterator[tuple[int, Sensitive]]:
    """Give the lines that say something, counted from 1, without what ends them. The last needs no end."""
    for number, line in enumerate(document.reveal().removeprefix(_BOM).split(b"\n"), start=1):
        said = line.removesuffix(b"\r")
        if not said.strip(b" \t").startswith(b"#") and said.strip(b" \t"):
            yield number, Sensitive(said)


def _from_base64(value: Sensitive) -> Sensitive | None:
    raw = value.reveal()
    if not _BASE64.fullmatch(raw):
        return None
    return Sensitive(binascii.a2b_base64(raw + b"=" * (-len(raw) % 4)))
