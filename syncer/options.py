"""Options as a manifest gives them, turned into frozen dataclasses; and the nearest right word for a wrong one."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from datetime import timedelta
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from syncer.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

T = TypeVar("T")

_SPOKEN = {
    str: "a string",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "a mapping",
    NoneType: "null",
}

_DURATION = re.compile(r"0*([1-9][0-9]{0,10})([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LONGEST = 100 * 365 * 86_400


def parse_options(cls: type[T], given: Mapping[str, Any]) -> T:
    """Build an options dataclass; its fields are plain classes, `list`, `dict` or unions of them.

    Raise InvalidConfiguration naming the option: unknown, missing, or of another type. The message must never
    repeat what stood there: a value may have been typed by mistake.
    """
    hints, required = _shape(cls)  # type: ignore[arg-type]  # every class is hashable
    if not given and not required:
        return cls()
    for name, value in given.items():
        if name not in hints:
            message = f"unknown option `{name}`{did_you_mean(str(name), hints)}"
            raise InvalidConfiguration(message)
        _check_type(name, value, hints[name])
    for name in required:
        if name not in given:
            message = f"option `{name}` is missing"
            raise InvalidConfiguration(message)
    return cls(**given)


def duration(text: str) -> timedelta:
    """Read a duration such as `30s`, `15m`, `24h`, `90d` or `4w`: positive, at most 100 years of 365 days.

    Raise InvalidConfiguration for anything else.
    """
    match = _DURATION.fullmatch(text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 0 < seconds <= _LONGEST:
        message = "a duration is a positive whole number and s, m, h, d or w, such as 90d; at most 100 years"
        raise InvalidConfiguration(message)
    return timedelta(seconds=seconds)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give `, did you mean X?` where a known word is close, else nothing."""
    from difflib import get_close_matches  # noqa: PLC0415  # only a mistake needs it

    close = get_close_matches(word, sorted(known), n=1)
    return f", did you mean `{close[0]}`?" if close else ""


# Worked out once for each class: reading hints is slow, and a manifest may declare 10,000 sources.
@cache
def _shape(cls: type[Any]) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    required = (field.name for field in fields(cls) if field.default is MISSING and field.default_factory is MISSING)
    return get_type_hints(cls), tuple(required)


def _check_type(name: str, value: object, hint: Any) -> None:
    allowed = tuple(get_origin(a) or a for a in (get_args(hint) if isinstance(hint, UnionType) else (hint,)))
    # bool is an int to Python, but not to the person who wrote `days: true`.
    fits = isinstance(value, allowed) and (not isinstance(value, bool) or bool in allowed)
    if not fits:
        message = f"option `{name}` must be {' or '.join(_SPOKEN.get(a, a.__name__) for a in allowed)}"
        raise InvalidConfiguration(message)
