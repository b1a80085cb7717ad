"""YAML and JSON of other programs as trees of nodes, so that what is not touched is written as it was read.

A number, a date or an octal stays the text that it is. What is lost are comments and the layout of the lines.
"""

from __future__ import annotations

import json
import re
from bisect import bisect
from typing import TYPE_CHECKING

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from syncer.errors import InvalidManifest, Problem
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_BYTES = 10 << 20
"""The largest document that is read."""
MAX_DEPTH = 100

STR, MAP, SEQ = (f"tag:yaml.org,2002:{name}" for name in ("str", "map", "seq"))
_VERBATIM = "tag:yaml.org,2002:float"
"""Of what JSON has beside texts, maps and lists; nobody asks which it is."""

_GAP = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()
_TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep"
_ENDLESS = 1 << 30


def read_nodes(raw: bytes, file: str) -> list[Node]:
    """Read all documents of a file; a name that ends in `.json` says that it is JSON. Raise InvalidManifest."""
    if len(raw) > MAX_BYTES:
        raise _fault(file, f"larger than {MAX_BYTES >> 20} MiB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = None
    if text is None:
        raise _fault(file, "not UTF-8 text")
    return _read_json(text, file) if is_json(file) else _read_yaml(text, file)


def write_nodes(nodes: Sequence[Node], file: str) -> Sensitive:
    """Write what `read_nodes` has read."""
    if is_json(file):
        return Sensitive("".join(f"{_json(node)}\n" for node in nodes).encode())
    text: bytes = yaml.serialize_all(
        nodes, Dumper=yaml.CSafeDumper, encoding="utf-8", allow_unicode=True, width=_ENDLESS
    )
    return Sensitive(text)


def is_json(file: str) -> bool:
    """Whether a file is JSON, by its name."""
    return file.lower().endswith(".json")


def text_node(text: str) -> ScalarNode:
    """Make a text, in quotes, because it may look like something else."""
    return ScalarNode(STR, text, style='"')


def text_of(node: Node | None) -> str | None:
    """Give a text; None for what is none."""
    return node.value if isinstance(node, ScalarNode) and node.tag == STR else None


def below(node: Node | None, key: str) -> Node | None:
    """Give what a mapping has under a key; None where it has not, or is no mapping."""
    pairs = node.value if isinstance(node, MappingNode) else ()
    return next((value for name, value in pairs if text_of(name) == key), None)


def line_of(node: Node) -> int:
    """Give the line where a node begins, counted from 1."""
    return int(node.start_mark.line) + 1


def _fault(file: str, message: str, line: int = 1, column: int = 1) -> InvalidManifest:
    return InvalidManifest([Problem(file=file, line=line, column=column, message=message)])


class _TooDeep(Exception):
    """Where it is, in lines."""


class _Loader(yaml.CSafeLoader):
    """Keeps libyaml from recursing without end: it calls one hook on the way down to a node and one on the way up."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def descend_resolver(self, node: Node | None, _index: object) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _TooDeep(line_of(node) if node else 1)

    def ascend_resolver(self) -> None:
        self._depth -= 1


def _read_yaml(text: str, file: str) -> list[Node]:
    try:
        return list(yaml.compose_all(text, Loader=_Loader))
    except _TooDeep as error:
        fault = _fault(file, _TOO_DEEP, *error.args)
    except yaml.MarkedYAMLError as error:  # whose words are fixed texts, but it holds the file
        mark = error.problem_mark
        fault = _fault(file, f"not valid YAML: {error.problem}", *((mark.line + 1, mark.column + 1) if mark else ()))
    except yaml.YAMLError:
        fault = _fault(file, "a control character that no YAML file may hold")
    raise fault


def _read_json(text: str, file: str) -> list[Node]:
    try:
        json.loads(text)
        return [_Scan(text).node()]
    except json.JSONDecodeError as error:
        fault = _fault(file, f"not valid JSON: {error.msg.lower()}", error.lineno, error.colno)
    except (ValueError, RecursionError, _TooDeep):  # too deep, or a number of thousands of digits
        fault = _fault(file, _TOO_DEEP)
    raise fault


class _Scan:
    """Makes nodes of a text that is known to be JSON."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._breaks = [found.start() for found in re.finditer("\n", text)]

    def node(self) -> Node:
        """Read the value that is next."""
        mark, first = self._mark(), self._peek()
        if first == '"':
            return ScalarNode(STR, self._string(), mark, style='"')
        if first not in "{[":
            return ScalarNode(_VERBATIM, self._word(), mark)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _TooDeep
        made = (
            MappingNode(MAP, list(self._pairs()), mark)
            if first == "{"
            else SequenceNode(SEQ, list(self._items()), mark)
        )
        self._depth -= 1
        return made

    def _pairs(self) -> Iterator[tuple[Node, Node]]:
        for _ in self._parts("}"):
            key = self.node()
            self._take()  # the colon
            yield key, self.node()

    def _items(self) -> Iterator[Node]:
        for _ in self._parts("]"):
            yield self.node()

    def _parts(self, end: str) -> Iterator[None]:
        """Stop before each part of what opens here, until its end."""
        self._take()
        while self._peek() != end:
            yield
            if self._peek() == ",":
                self._take()
        self._take()

    def _string(self) -> str:
        found, self._at = _DECODER.raw_decode(self._text, self._at)
        return str(found)

    def _word(self) -> str:
        begun = self._at
        _, self._at = _DECODER.raw_decode(self._text, begun)
        return self._text[begun : self._at]

    def _peek(self) -> str:
        gap = _GAP.match(self._text, self._at)
        self._at = gap.end() if gap else self._at
        return self._text[self._at]

    def _take(self) -> None:
        self._peek()
        self._at += 1

    def _mark(self) -> yaml.Mark:
        self._peek()
        return yaml.Mark("", self._at, bisect(self._breaks, self._at), 0, None, 0)


def _json(node: Node, indent: str = "") -> str:
    if isinstance(node, ScalarNode):
        return json.dumps(node.value) if node.tag == STR else str(node.value)
    inner = f"{indent}  "
    if isinstance(node, MappingNode):
        return _block("{}", (f"{_json(key)}: {_json(value, inner)}" for key, value in node.value), indent)
    return _block("[]", (_json(item, inner) for item in node.value), indent)


def _block(ends: str, parts: Iterable[str], indent: str) -> str:
    lines = ",\n".join(f"{indent}  {part}" for part in parts)
    return f"{ends[0]}\n{lines}\n{indent}{ends[1]}" if lines else ends
