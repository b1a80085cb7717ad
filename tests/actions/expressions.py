"""The expressions of GitHub's workflows, as far as ours use them; everything else is an error.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>'(?:[^']|'')*') | (?P<number>\d+) | (?P<name>[A-Za-z_][\w-]*) | (?P<sign>&&|\|\||[!=]=|[!().,])
    )""",
    re.VERBOSE,
)
PLACE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
WORDS = {"true": True, "false": False, "null": None}
STATUS = ("success", "failure", "always", "cancelled")


class UnknownExpressionError(Exception):
    """Something that this reader has not been taught."""


class Strict(dict[str, Any]):
    """A context of which every name is known, so that a misspelt one is no empty text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What an expression sees."""

    contexts: Mapping[str, Any]
    failed: bool = False
    """Whether a step before it failed."""

    def interpolate(self, text: Any) -> str:
        """Give a text with its expressions replaced."""
        return PLACE.sub(lambda found: as_text(self.value(found[1])), as_text(text))

    def condition(self, text: Any) -> bool:
        """Say whether an `if` holds; without a function of its own it wants success, too."""
        if text is None:
            return not self.failed
        whole = PLACE.fullmatch(str(text).strip())
        inner = whole[1] if whole else str(text)
        asked = any(re.search(rf"\b{name}\(", inner) for name in STATUS)
        return (asked or not self.failed) and truthy(self.value(inner))

    def value(self, text: str) -> Any:
        """Evaluate one expression."""
        reader = Reader(self, tokens(text))
        found = reader.alternatives()
        if reader.rest:
            raise UnknownExpressionError(text)
        return found


def tokens(text: str) -> list[tuple[str, str]]:
    """Take an expression apart."""
    found, position = [], 0
    while text[position:].strip():
        match = TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise UnknownExpressionError(text)
        found.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return found


class Reader:
    """Evaluates while it reads, from the loosest operator to the tightest."""

    def __init__(self, scope: Scope, rest: list[tuple[str, str]]) -> None:
        self.scope = scope
        self.rest = rest

    def alternatives(self) -> Any:
        """Read `a || b`."""
        found = self.both()
        while self.taken("||"):
            other = self.both()
            found = found if truthy(found) else other
        return found

    def both(self) -> Any:
        """Read `a && b`."""
        found = self.equality()
        while self.taken("&&"):
            other = self.equality()
            found = other if truthy(found) else found
        return found

    def equality(self) -> Any:
        """Read `a == b` and `a != b`."""
        found = self.negation()
        while self.rest and self.rest[0][1] in {"==", "!="}:
            wanted = self.rest.pop(0)[1] == "=="
            found = equal(found, self.negation()) == wanted
        return found

    def negation(self) -> Any:
        """Read `!a`."""
        return not truthy(self.negation()) if self.taken("!") else self.single()

    def single(self) -> Any:
        """Read a literal, a call, a property, or something in parentheses."""
        if self.taken("("):
            found = self.alternatives()
            self.expect(")")
            return found
        kind, text = self.rest.pop(0) if self.rest else ("", "")
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text)
        if kind != "name":
            raise UnknownExpressionError(text)
        if text in WORDS:
            return WORDS[text]
        return self.call(text) if self.taken("(") else self.property(text)

    def call(self, name: str) -> Any:
        """Call a function, its opening parenthesis being read."""
        given: list[Any] = []
        while not self.taken(")"):
            given.append(self.alternatives())
            if not self.taken(","):
                self.expect(")")
                break
        if name in STATUS and not given:
            return {"success": not self.scope.failed, "failure": self.scope.failed, "always": True}.get(name, False)
        if name not in FUNCTIONS:
            raise UnknownExpressionError(name)
        return FUNCTIONS[name](*given)

    def property(self, name: str) -> Any:
        """Look up `context.name.name`; what is not there is null."""
        if name not in self.scope.contexts:
            message = f"there is no context {name} here"
            raise UnknownExpressionError(message)
        found = self.scope.contexts[name]
        while self.taken("."):
            kind, key = self.rest.pop(0)
            if kind != "name" or (isinstance(found, Strict) and key not in found):
                message = f"{name} has no {key}"
                raise UnknownExpressionError(message)
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def taken(self, sign: str) -> bool:
        """Take a sign if it comes next."""
        if self.rest and self.rest[0] == ("sign", sign):
            self.rest.pop(0)
            return True
        return False

    def expect(self, sign: str) -> None:
        """Take a sign that must come next."""
        if not self.taken(sign):
            raise UnknownExpressionError(sign)


def truthy(value: Any) -> bool:
    """Say what counts as true."""
    return value not in (None, False, 0, "")


def equal(one: Any, other: Any) -> bool:
    """Compare as GitHub does: texts in any case, what differs in type as numbers."""
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    if type(one) is type(other):
        return bool(one == other)
    return number(one) == number(other)


def number(value: Any) -> float:
    """Give what a value counts as; NaN for what is no number."""
    if isinstance(value, str) and value.strip():
        return float(value) if re.fullmatch(r"\d+", value.strip()) else math.nan
    return float(value or 0) if not isinstance(value, dict | list) else math.nan


def as_text(value: Any) -> str:
    """Give what stands in a text for a value."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, int | float):
        return f"{value:g}"
    message = f"a {type(value).__name__} is no text"
    raise UnknownExpressionError(message)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "contains": lambda whole, part: as_text(part).lower() in as_text(whole).lower(),
    "format": lambda text, *given: re.sub(r"\{(\d+)\}", lambda found: as_text(given[int(found[1])]), text),
    "startsWith": lambda whole, part: as_text(whole).lower().startswith(as_text(part).lower()),
}
