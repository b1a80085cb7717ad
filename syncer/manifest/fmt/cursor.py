"""The tokens of a file one by one, and the comments between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ruamel.yaml.tokens import Token as RawToken


OPENING = frozenset({"FlowMappingStart", "FlowSequenceStart"})
CLOSING = frozenset({"FlowMappingEnd", "FlowSequenceEnd"})


class Unreadable(Exception):
    """The text is no YAML to ruamel.yaml, or has a form that is not understood here."""


class Token(NamedTuple):
    """One token of YAML; those that only say where something begins or ends have no text."""

    kind: str
    start: int
    end: int
    column: int
    value: str
    style: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line that holds a comment alone, or nothing."""

    text: str
    column: int
    end: int


def scan(text: str) -> tuple[list[Token], list[str]]:
    """Give the tokens of a text, and its comments as ruamel.yaml has them, sorted. Raise Unreadable."""
    # ruamel.yaml takes no tab between tokens or in plain text, libyaml does. A space stands in the same place for it.
    for taken in (text.replace("\t", " "), text):
        tokens: list[Token] = []
        comments: list[str] = []
        try:
            for found in YAML().scan(taken):
                tokens.append(_token(found))
                comments += _comments(found.comment)
        except (YAMLError, ValueError):
            continue  # what it says may hold something of the file
        return tokens, sorted(comments)
    raise Unreadable


def _token(found: RawToken) -> Token:
    value = getattr(found, "value", "")
    plain = getattr(found, "plain", True)
    return Token(
        kind=type(found).__name__.removesuffix("Token"),
        start=found.start_mark.index,
        end=found.end_mark.index,
        column=found.start_mark.column,
        value=value if isinstance(value, str) else "",
        style="" if plain else getattr(found, "style", ""),
    )


def _comments(attached: object) -> Iterator[str]:
    """Take apart what ruamel.yaml hangs on a token: lists in lists of comments, each of one or more lines."""
    if isinstance(attached, list | tuple):
        for part in attached:
            yield from _comments(part)
        return
    text = attached if isinstance(attached, str) else getattr(attached, "value", "")
    yield from (line.strip() for line in text.split("\n") if line.strip())


class Cursor:
    """Goes through the tokens. What follows the last one that has text is in `eol` and `lines` until it is taken."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text = text
        self.eol = ""
        self.lines: list[Line] = []
        self.broken = True
        """Whether the token at hand stands on another line than the one before it."""
        self.done = 0
        """How far the text has been taken, comments too."""
        self._tokens = tokens
        self._at = 0
        self._next = _visible(tokens, len(text))
        self._read_lines(0, self._next[0])

    @property
    def token(self) -> Token:
        """The token at hand."""
        return self._tokens[self._at]

    @property
    def kind(self) -> str:
        """Its kind, in YAML's own word."""
        return self._tokens[self._at].kind

    def take(self, end: int | None = None) -> Token:
        """Give the token at hand and go on; `end` is where it ends, if ruamel.yaml has that otherwise."""
        token = self._tokens[self._at]
        if token.kind == "StreamEnd":
            raise Unreadable
        self._at += 1
        if token.end > token.start:
            self.done = token.end if end is None else end
            self._read_gap(self.done, self._next[self._at])
        return token

    def take_eol(self) -> str:
        """Give the comment that ends the line, with the spaces before it."""
        eol, self.eol = self.eol, ""
        if eol:
            self.done = self._eol_end
        return eol

    def take_lines(self, column: int = 0) -> list[Line]:
        """Give the lines up to the last comment in a row that stands at that column or further right."""
        count = 0
        for number, line in enumerate(self.lines, 1):
            if line.text and line.column < column:
                break
            count = number if line.text else count
        found, self.lines = self.lines[:count], self.lines[count:]
        if found:
            self.done = found[-1].end
        return found

    def take_all(self) -> list[Line]:
        """Give every line, blank ones at the end too."""
        found, self.lines = self.lines, []
        return found

    def closing(self) -> int:
        """Give where the flow collection ends that starts with the token at hand."""
        open_ones = 0
        for number in range(self._at, len(self._tokens)):
            token = self._tokens[number]
            open_ones += (token.kind in OPENING) - (token.kind in CLOSING)
            if not open_ones:
                return token.end
        raise Unreadable

    def _read_gap(self, start: int, end: int) -> None:
        self.eol, self.lines, self.broken = "", [], False
        line_end = self.text.find("\n", start, end)
        first = self.text[start : end if line_end < 0 else line_end]
        if "#" in first:
            self.eol = first.rstrip() if "\t" not in first else f" {first.strip()}"
            self._eol_end = start + len(first)
        if line_end >= 0:
            self.broken = True
            self._read_lines(line_end + 1, end)

    def _read_lines(self, start: int, end: int) -> None:
        for line in self.text[start:end].split("\n")[:-1]:
            start += len(line) + 1
            text = line.strip()
            self.lines.append(Line(text, len(line) - len(line.lstrip()), start - 1))


def _visible(tokens: list[Token], end: int) -> list[int]:
    """Give for each token where the next one with text starts, itself counted."""
    found = [end] * (len(tokens) + 1)
    for number in range(len(tokens) - 1, -1, -1):
        token = tokens[number]
        found[number] = token.start if token.end > token.start else found[number + 1]
    return found
