"""One file formatted, and held against what it was: the same data, the same comments, or an error."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from syncer.errors import InvalidManifest, Problem, SyncerError
from syncer.manifest.compose import Fault, compose
from syncer.manifest.data import Converter
from syncer.manifest.fmt.cursor import Unreadable, scan
from syncer.manifest.fmt.layout import lay_out
from syncer.manifest.fmt.order import shape_of
from syncer.manifest.fmt.reader import read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncer.manifest.fmt.order import Shape

# What is so rare that such a file stays as it is: characters that end a line to libyaml and are text to others, and
# a document that begins on the line of its dashes.
_ODD = re.compile("[\x85\u2028\u2029]|^---[ \t]+[^#\\s]", re.MULTILINE)


def formatted(raw: bytes, name: str) -> bytes:
    """Format one file of a manifest. Raise InvalidManifest where it is no YAML, SyncerError where we fail."""
    data = parse(raw, name)
    text = _plain(raw)
    if _ODD.search(text):
        return raw
    try:
        made, kept = _format(text, shape_of(data))
        if kept and _told(parse(made, name)) == _told(data):
            return made
    except (Unreadable, InvalidManifest):
        pass
    message = f"{name} was left as it is: formatted, it would not be the same"
    hint = "this is a bug in syncer; please report where the file has comments and anchors, without any value"
    raise SyncerError(message, hint=hint)


def _format(text: str, shape: Shape | None) -> tuple[bytes, bool]:
    """Give the new text, and whether it has the comments of the old one."""
    ended = text if text.endswith("\n") else _ended(text)
    tokens, comments = scan(ended)
    made = lay_out(read(ended, tokens, cut=ended[:-1] == text), shape)
    return made.encode(), made == ended or scan(made)[1] == comments


def _plain(raw: bytes) -> str:
    return raw.decode().lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _ended(text: str) -> str:
    """End the last line; drop it where it is only spaces."""
    kept, line_break, last = text.rpartition("\n")
    return text + "\n" if last.strip() else kept + line_break


def parse(raw: bytes, name: str) -> object:
    """Read a file as the loader does. Raise InvalidManifest."""
    data: object = None
    try:
        root = compose(raw)
        converter = Converter(len(raw), shared=b"&" in raw)
        data = converter.convert(root)
        faults = converter.faults
    except Fault as fault:
        faults = [fault]
    if faults:
        raise refused(name, faults)
    return data


def refused(name: str, faults: Iterable[Fault]) -> InvalidManifest:
    """Say what is wrong with a file."""
    return InvalidManifest([Problem(file=name, line=f.line, column=f.column, message=f.message) for f in faults])


def _told(data: object) -> str:
    """Put data into a text that tells 1, 1.0 and true apart."""
    return json.dumps(data, sort_keys=True)
