"""Options as a manifest gives them, turned into frozen dataclasses; and the nearest right word for a wrong one."""

from __future__ import annotations

from dataclasses import MISSING, fields
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


def parse_options(cls: type[T], given: Mapping[str, Any]) -> T:
    """Build an options dataclass; its fields are plain classes, `list`, `dict` or unions of them.

    Raise InvalidConfiguration naming the option: unknown, missing, or of another type. The message must never
    repeat what stood there: a value may have been typed by mistake.
    """
    hints = get_type_hints(cls)
    for name in given:
        if name not in hints:
            message = f"unknown option `{name}`{did_you_mean(name, hints)}"
            raise InvalidConfiguration(message)
    for field in fields(cls):  # type: ignore[arg-type]  # every options class is a dataclass
        if field.name in given:
            _check_type(field.name, given[field.name], hints[field.name])
        elif field.default is MISSING and field.default_factory is MISSING:
            message = f"option `{field.name}` is missing"
            raise InvalidConfiguration(message)
    return cls(**given)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give `, did you mean X?` where a known word is close, else nothing."""
    from difflib import get_close_matches  # noqa: PLC0415  # only a mistake needs it

    close = get_close_matches(word, sorted(known), n=1)
    return f", did you mean `{close[0]}`?" if close else ""


def _check_type(name: str, value: object, hint: Any) -> None:
    allowed = tuple(get_origin(a) or a for a in (get_args(hint) if isinstance(hint, UnionType) else (hint,)))
    # bool is an int to Python, but not to the person who wrote `days: true`.
    fits = isinstance(value, allowed) and (not isinstance(value, bool) or bool in allowed)
    if not fits:
        message = f"option `{name}` must be {' or '.join(_SPOKEN.get(a, a.__name__) for a in allowed)}"
        raise InvalidConfiguration(message)
