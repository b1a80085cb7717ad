"""The fields of a request, read as leniently as Go's mapstructure reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from conformance.fakes.vault.replies import Document, Refused, errors
from conformance.fakes.vault.requests import FALSE, TRUE

if TYPE_CHECKING:
    from conformance.fakes.vault.flavours import Flavour

VALIDATION = "Field validation failed: "
DECODING = "decoding failed due to the following error(s):"


class Unreadable(Exception):
    """A value that does not become the wanted type; says why."""


def go_type(value: Any) -> str:
    """Name the type that Go's decoder gives a JSON value."""
    names: dict[type, str] = {
        str: "string",
        bool: "bool",
        int: "json.Number",
        float: "json.Number",
        list: "[]interface {}",
        dict: "map[string]interface {}",
    }
    return names[type(value)]


def go_text(value: Any) -> str:
    """Print a value as Go's `%v` does."""
    match value:
        case dict():
            return "map[" + " ".join(f"{name}:{go_text(value[name])}" for name in sorted(value)) + "]"
        case list():
            return "[" + " ".join(map(go_text, value)) + "]"
        case bool():
            return str(value).lower()
        case None:
            return "<nil>"
        case _:
            return str(value)


def unconvertible(where: str, wanted: str, value: Any, flavour: Flavour) -> Unreadable:
    """Say that no value of this type becomes another; only Vault quotes the value."""
    quoted = f", value: '{go_text(value)}'" if flavour.quotes_values else ""
    return Unreadable(f"'{where}' expected type '{wanted}', got unconvertible type '{go_type(value)}'{quoted}")


def unparsable(where: str, wanted: str, parser: str, text: str, flavour: Flavour) -> Unreadable:
    """Say that a text is no number or no switch; only Vault quotes the text."""
    if flavour.quotes_values:
        return Unreadable(f"cannot parse '{where}' as {wanted}: strconv.{parser}: parsing \"{text}\": invalid syntax")
    return Unreadable(f"'{where}' cannot parse value as '{wanted}': strconv.{parser}: invalid syntax")


def not_a_map(where: str, kind: str) -> Unreadable:
    """Say it in Vault's words."""
    return Unreadable(f"'{where}' expected a map, got '{kind}'")


def integer(value: Any, flavour: Flavour, where: str = "") -> int:
    """Read an integer; null and the empty text are 0, `0x1f` is 31, 3.0 is none."""
    match value:
        case None:
            return 0
        case str() if not value:
            return 0
        case bool() | int():
            return int(value)
        case str() | float():
            return parsed(str(value), flavour, where)
        case _:
            raise unconvertible(where, "int", value, flavour)


def parsed(text: str, flavour: Flavour, where: str) -> int:
    """Read digits; Go takes no white space around them."""
    if text.strip() == text:
        try:
            return int(text, 0)
        except ValueError:
            pass
    raise unparsable(where, "int", "ParseInt", text, flavour)


def boolean(value: Any, flavour: Flavour, where: str = "") -> bool:
    """Read a switch; null and the empty text are off, numbers but 0 on."""
    match value:
        case None:
            return False
        case str() if not value:
            return False
        case bool() | int() | float():
            return bool(value)
        case str() if value in TRUE | FALSE:
            return value in TRUE
        case str():
            raise unparsable(where, "bool", "ParseBool", value, flavour)
        case _:
            raise unconvertible(where, "bool", value, flavour)


def mapping(value: Any, flavour: Flavour) -> Document | None:
    """Read an object; null stays null, an empty list is an empty object."""
    match value:
        case None | dict():
            return value
        case list() if not value:
            return {}
        case list():
            where, value = "[0]", value[0]
        case _:
            where = ""
    if not flavour.quotes_values:
        raise unconvertible(where, "map[string]interface {}", value, flavour)
    kind = "string" if go_type(value) == "json.Number" else go_type(value)
    raise not_a_map(where, kind)


def integers(value: Any, flavour: Flavour) -> list[int]:
    """Read a list of integers, or a text with commas between them."""
    items = value.split(",") if isinstance(value, str) and value else value
    if items is None or items in ("", {}):
        return []
    listed = items if isinstance(items, list) else [items]
    head = "1 error(s) decoding:\n\n* " if flavour.quotes_values else f"{DECODING}\n\n"
    try:
        return [integer(item, flavour, f"[{at}]") for at, item in enumerate(listed)]
    except Unreadable as unreadable:
        raise Unreadable(head + str(unreadable)) from None


def text(value: Any, flavour: Flavour, where: str = "") -> str:
    """Read a text; null is empty, a switch is 0 or 1, numbers are as they were written."""
    match value:
        case None:
            return ""
        case bool():
            return str(int(value))
        case str() | int() | float():
            return str(value)
        case _:
            raise unconvertible(where, "string", value, flavour)


def anything(value: Any, flavour: Flavour) -> Any:  # noqa: ARG001  # one signature for all
    """Read nothing into a value."""
    return value


Reader = Callable[[Any, "Flavour"], Any]


def read(raw: Document, readers: Mapping[str, Reader], flavour: Flavour, prefix: str) -> Document:
    """Read every field that has a reader; must be refused with the first that cannot be read.

    The prefix begins the error: nothing where the server looks whether an entry exists before it validates.
    """
    given: Document = {}
    for name in [name for name in readers if name in raw]:
        try:
            given[name] = readers[name](raw[name], flavour)
        except Unreadable as unreadable:
            message = f'{prefix}error converting input for field "{name}": {unreadable}'
            raise Refused(errors(400, message)) from None
    return given
