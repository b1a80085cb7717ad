"""How a value lies in the fields of a KV secret: in one of them, or each key of a JSON object in its own."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, NoReturn

from syncer.backends.vault.marks import FIELDS, MAX_TEXT
from syncer.errors import Unsupported
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from syncer.backends.vault.marks import Marks
    from syncer.backends.vault.messages import Json
    from syncer.model import Address


class Layout(ABC):
    """Where a value stands among the fields of a KV secret; the others are somebody else's."""

    marked: ClassVar[bool] = False
    """Whether a mark says which fields are ours."""

    def shape(self, value: Sensitive) -> Sensitive:
        """Give the value as `value` will give it back."""
        return value

    def check(self, _address: Address, _value: Sensitive) -> None:
        """Raise Unsupported for a value that cannot lie so."""

    @abstractmethod
    def fields(self, value: Sensitive) -> Json:
        """Give the fields to write."""

    @abstractmethod
    def value(self, fields: Json, custom: Mapping[str, str]) -> Sensitive | None:
        """Give the value out of all fields; None where it is not there."""

    def held(self, _custom: Mapping[str, str]) -> frozenset[str]:
        """Name the fields that our mark says are ours; none where no mark is needed to know them."""
        return frozenset()

    def mark(self, _names: Collection[str]) -> Marks:
        """Give the mark that says so."""
        return {}


class OneField(Layout):
    """The value is the text of one field."""

    def __init__(self, name: str) -> None:
        self._name = name

    def fields(self, value: Sensitive) -> Json:
        """Give the field."""
        return {self._name: value.reveal().decode()}

    def value(self, fields: Json, _custom: Mapping[str, str]) -> Sensitive | None:
        """Give its text; JSON of what somebody put there that is no text, and never what we wrote."""
        found = fields.get(self._name)
        if found is None:
            return None
        return Sensitive((found if isinstance(found, str) else json.dumps(found)).encode(errors="replace"))


class JsonFields(Layout):
    """The value is a JSON object, and each of its keys a field.

    Objects that mean the same give the same bytes: keys sorted, no spaces, UTF-8. The server keeps numbers as doubles,
    so only such are taken as come back as they were.
    """

    marked = True

    def __init__(self, *, reader: str | None = None) -> None:
        self._reader = reader
        """Who reads fields that are strings, and no others."""

    def shape(self, value: Sensitive) -> Sensitive:
        """Give the bytes for all objects that mean the same; what is no object, as it is."""
        text = _canonical(value.reveal())
        return value if text is None else Sensitive(text)

    def check(self, address: Address, value: Sensitive) -> None:
        """Raise Unsupported for what is no such object, or has more keys than our mark can name."""
        if len(self.mark(self._object(address, value))[FIELDS] or "") > MAX_TEXT:
            message = f"{address}: the names of its keys are longer than {MAX_TEXT} bytes together"
            raise Unsupported(message)

    def fields(self, value: Sensitive) -> Json:
        """Give the object."""
        return self._object("the value", value)

    def value(self, fields: Json, custom: Mapping[str, str]) -> Sensitive | None:
        """Give the fields that are ours; all of them where no mark says which."""
        names = self.held(custom) or fields.keys()
        ours = {name: fields[name] for name in names if name in fields}
        text = json.dumps(ours).encode()
        return Sensitive(_canonical(text) or text) if ours else None

    def held(self, custom: Mapping[str, str]) -> frozenset[str]:
        """Read our mark."""
        with suppress(ValueError):
            names = json.loads(custom.get(FIELDS, "[]"))
            return frozenset(map(str, names)) if isinstance(names, list) else frozenset()
        return frozenset()

    def mark(self, names: Collection[str]) -> Marks:
        """Give our mark, in ASCII: all of it is printable."""
        return {FIELDS: json.dumps(sorted(names), separators=(",", ":"))}

    def _object(self, address: Address | str, value: Sensitive) -> Json:
        text = _canonical(value.reveal())
        if text is None:
            message = f"{address}: with `format: json`, a value is a JSON object with one key at least"
            hint = "no key twice, and no number with more digits than a double holds: write it as a string"
            raise Unsupported(message, hint=hint)
        found: Json = json.loads(text)
        if self._reader is not None and not all(isinstance(field, str) and field for field in found.values()):
            message = f"{address}: with `reader: {self._reader}`, each field is a string that is not empty"
            raise Unsupported(message, hint="write numbers and the like as strings")
        return found


def merges(fields: Json) -> bool:
    """Whether a merge patch (RFC 7396) sets exactly these fields: it takes null for `away` and looks into objects."""
    return all(isinstance(found, str | int | float) for found in fields.values())


def _canonical(text: bytes) -> bytes | None:
    """Give the bytes for all objects that mean the same; None for what is no object that can be kept."""
    with suppress(ValueError, ArithmeticError, RecursionError):
        found = json.loads(
            text.decode(), object_pairs_hook=_once, parse_int=_number, parse_float=_number, parse_constant=_no_number
        )
        if found and isinstance(found, dict):
            return json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _number(text: str) -> float:
    near = Decimal(repr(float(text)))
    if near != Decimal(text):
        raise ValueError
    return int(near) if near == near.to_integral_value() else float(text)


def _no_number(_name: str) -> NoReturn:
    raise ValueError
