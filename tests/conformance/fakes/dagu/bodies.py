"""Bodies, read as Go reads JSON into a struct."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from conformance.fakes.dagu.replies import MALFORMED, Document, Refused

SURROGATE = re.compile("[\ud800-\udfff]")
SPACE = " \t\r\n"

Fields = dict[str, type]
"""What a body may have, and the type of each; everything else is ignored."""


def document(body: bytes, fields: Fields) -> Document:
    """Read the first JSON value of a body; whatever follows is not looked at, and its content type never is."""
    try:
        value, _ = json.JSONDecoder(parse_constant=_refuse).raw_decode(body.decode("utf-8", "replace").lstrip(SPACE))
    except ValueError:
        raise Refused(MALFORMED) from None
    return typed(value, fields)


def typed(value: Any, fields: Fields) -> Document:
    """Pick the known fields, whatever the case of their names; null is as good as absent."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(MALFORMED)
    folded = {name.lower(): inner for name, inner in value.items()}
    given = {name: folded[name.lower()] for name in fields if folded.get(name.lower()) is not None}
    return {name: _whole(inner, fields[name]) for name, inner in given.items()}


def _whole(value: Any, wanted: type) -> Any:
    if not isinstance(value, wanted) or (wanted is not bool and isinstance(value, bool)):
        raise Refused(MALFORMED)
    return SURROGATE.sub("\ufffd", value) if isinstance(value, str) else value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def texts(values: list[Any]) -> list[str]:
    """Require texts in a list."""
    if not all(isinstance(value, str) for value in values):
        raise Refused(MALFORMED)
    return values
