"""Takes one part out of a value that is JSON."""

from __future__ import annotations

import json
import re

from syncer.errors import NotFound, SyncerError, Unsupported
from syncer.sensitive import Sensitive

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


class _Number(float):
    """A number that remembers how it is written: a reader shall get `1.10` as it stands there."""

    text: str

    @classmethod
    def read(cls, text: str) -> _Number:
        """Read one."""
        number = cls(text)
        number.text = text
        return number


class _Nothing:
    """What is at the end of a path that leads nowhere."""


def part(value: Sensitive, path: str) -> Sensitive:
    """Give what a dotted path leads to in a value that is JSON: a text as it is, all else as JSON writes it.

    A key with dots in it may stand there whole. Raise Unsupported for a value that is no JSON, NotFound for nothing
    or null at the end of the path; neither repeats the path or anything of the value.
    """
    document = _parsed(value)
    if isinstance(document, SyncerError):
        raise document
    found = _follow(document, path)
    if found is None or isinstance(found, _Nothing):
        message = "the value has nothing under that key"
        raise NotFound(message)
    text = found if isinstance(found, str) else _written(found)
    if text is None:
        message = "what the value has under that key cannot be written as JSON"
        raise Unsupported(message)
    return Sensitive(text.encode(errors="surrogatepass"))


def _parsed(value: Sensitive) -> object:
    try:
        return json.loads(value.reveal(), parse_float=_Number.read)
    except (ValueError, RecursionError):  # it would hold the value
        return Unsupported("the value is no JSON, so it has no keys")


def _follow(found: object, path: str) -> object:
    while True:
        if isinstance(found, dict) and path in found:
            return found[path]
        step, dot, path = path.partition(".")
        found = _step(found, step)
        if not dot or isinstance(found, _Nothing):
            return found


def _step(found: object, step: str) -> object:
    if isinstance(found, dict):
        return found.get(step, _Nothing())
    if isinstance(found, list) and _INDEX.fullmatch(step) and int(step) < len(found):
        return found[int(step)]
    return _Nothing()


def _written(found: object) -> str | None:
    if isinstance(found, _Number):
        return found.text
    try:
        return json.dumps(found, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return None
