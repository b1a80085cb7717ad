"""YAML text to nodes that know their place: libyaml, and the core schema of YAML 1.2 for plain text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

from yaml._yaml import CParser
from yaml.error import MarkedYAMLError, YAMLError
from yaml.nodes import MappingNode, Node, ScalarNode

if TYPE_CHECKING:
    from collections.abc import Callable

    from yaml import Mark

MAX_DEPTH = 50
"""How deep a manifest may nest, aliases followed. libyaml and the schema's validator recurse, so there is a bound."""

_CORE = "tag:yaml.org,2002:"
STR = f"{_CORE}str"
NULL = f"{_CORE}null"
BOOL = f"{_CORE}bool"
INT = f"{_CORE}int"
FLOAT = f"{_CORE}float"
MAP = f"{_CORE}map"
SEQ = f"{_CORE}seq"
MERGE = f"{_CORE}merge"

TRUE = frozenset({"true", "True", "TRUE"})
FALSE = frozenset({"false", "False", "FALSE"})
EMPTY = frozenset({"", "~", "null", "Null", "NULL"})

# YAML 1.2 counts 017 as a number; whoever writes a leading zero means text.
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NUMERIC = frozenset("+-.0123456789")
_WORDS = {
    **dict.fromkeys(EMPTY, NULL),
    **dict.fromkeys(TRUE | FALSE, BOOL),
    "<<": MERGE,
}

# Compiled when it is needed, as that takes milliseconds.
_UNREADABLE = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"

# libyaml's words are fixed texts, so they hold nothing of the file; some are clearer said otherwise.
_SPOKEN = {
    "mapping values are not allowed in this context": "`:` does not belong here: check the indentation, or put "
    "the text in quotes",
    "did not find expected key": "a key was expected here: check the indentation and the quotes",
    "could not find expected ':'": "a key without `:` after it",
    "found character that cannot start any token": "text cannot start with this character: put it in quotes",
    "found undefined alias": "this alias has no anchor before it",
    "second occurrence": "an anchor of this name exists already",
    "but found another document": "a manifest is one YAML document, and here starts a second",
}


class Fault(Exception):
    """What is wrong in one file, and where; `line` and `column` count from 1."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column

    @classmethod
    def at(cls, mark: Mark | None, message: str) -> Fault:
        """Make one at a mark of the parser, or at the start of the file."""
        return cls(message, mark.line + 1, mark.column + 1) if mark else cls(message)


def compose(raw: bytes) -> Node:
    """Parse one document. Raise Fault, whose message never holds anything of the file."""
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    text = _decode(raw)
    try:
        root: Node | None = (_TagParser if b"!" in raw else _Parser)(raw).get_single_node()
    except MarkedYAMLError as error:
        raise _spoken(error, text) from None
    except YAMLError:
        _refuse_unreadable(text)
    if root is None:
        message = "the file is empty; a manifest starts with `version: 1`"
        raise Fault(message)
    return root


def _spoken(error: MarkedYAMLError, text: str) -> Fault:
    mark, problem = error.problem_mark, error.problem or ""
    if mark and text[mark.index : mark.index + 1] == "\t":
        return Fault.at(mark, "indent with spaces, not with tabs")
    return Fault.at(mark, _SPOKEN.get(problem, f"not valid YAML: {problem}"))


class _Parser(CParser):
    """Composes nodes, tells what plain text means, and keeps libyaml from recursing without end.

    libyaml calls one hook on the way down to each node and one on the way up. Methods of a dict do as such: they
    keep the open nodes by their parents and cost a tenth of the whole less than functions of ours, for which a file
    of 10,000 secrets would call 280,000 times.
    """

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self._open: dict[Node | None, object] = {}
        self.descend_resolver: Callable[[Node | None, object], object] = self._open.setdefault
        self.ascend_resolver = self._open.popitem

    def resolve(self, kind: type[Node], value: Any, implicit: Any) -> str:
        """Give the tag of a node that has none of its own; `implicit` says first whether text is plain."""
        if kind is not ScalarNode:
            self._check_depth()
            return MAP if kind is MappingNode else SEQ
        if not implicit[0]:
            return STR
        word = _WORDS.get(value)
        if word is not None:
            return word
        return _number(value) if value[0] in _NUMERIC else STR

    def _check_depth(self) -> None:
        if len(self._open) > MAX_DEPTH:
            raise too_deep(next(reversed(self._open)))


class _TagParser(_Parser):
    """For files that may hold tags: a node with a tag of its own is not asked for, so the way down must look."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self.descend_resolver = self._descend

    def _descend(self, parent: Node | None, index: object) -> None:
        self._open.setdefault(parent, index)
        self._check_depth()


def too_deep(node: Node | None) -> Fault:
    """Say that a node nests too deeply."""
    return Fault.at(node.start_mark if node else None, f"nested more than {MAX_DEPTH} levels deep")


def _number(text: str) -> str:
    if _INT.fullmatch(text):
        return INT
    return FLOAT if _FLOAT.fullmatch(text) else STR


def _decode(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        message = "the file is UTF-16; save it as UTF-8"
        raise Fault(message)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
    message = "the file is not UTF-8 text"
    raise Fault(message, *_position(before))


def _refuse_unreadable(text: str) -> NoReturn:
    found = re.search(_UNREADABLE, text)
    message = "a control character that no YAML file may hold"
    raise Fault(message, *_position(text[: found.start()] if found else "")) from None


def _position(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - before.rfind("\n")
