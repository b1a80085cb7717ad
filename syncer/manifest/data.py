"""Nodes to plain data: merge keys, aliases and tags taken care of, nothing expanded without bound."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from syncer.manifest.compose import (
    BOOL,
    EMPTY,
    FALSE,
    FLOAT,
    INT,
    MAP,
    MAX_DEPTH,
    MERGE,
    NULL,
    SEQ,
    STR,
    TRUE,
    Fault,
    too_deep,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_FREE = 10_000
"""Nodes that aliases may add to any file, however small; beyond, as many as the file has bytes."""
_MOST = 1_000_000
_DIGITS = 18

Pair = tuple[Node, Node]


class Converter:
    """Turns the nodes of one file into dicts, lists, strings, numbers, booleans and None.

    A mapping with merge keys is rewritten in place, so that its node and its data have the same keys. `faults` are
    those that let the rest be read; what bounds the work is raised.
    """

    def __init__(self, size: int, *, shared: bool = True) -> None:
        """Expect a file of `size` bytes; without anchors in it, no node can be `shared`, and none is watched."""
        self.faults: list[Fault] = []
        self._shared = shared
        self._seen: set[int] = set()
        self._open: set[int] = set()
        self._budget = min(_FREE + size, _MOST)

    def convert(self, node: Node) -> Any:
        """Convert a node and all below it. Raise Fault for aliases that recurse or multiply, and for deep nesting."""
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if not self._shared:
            return self._mapping(node) if isinstance(node, MappingNode) else self._sequence(node)
        self._enter(node)
        data = self._mapping(node) if isinstance(node, MappingNode) else self._sequence(node)
        self._open.remove(id(node))
        return data

    def _enter(self, node: Node) -> None:
        key = id(node)
        if key in self._seen:
            if key in self._open:
                raise _at(node, "this holds an alias of itself")
            self._spend(node, len(node.value))
        if len(self._open) >= MAX_DEPTH:
            raise too_deep(node)
        self._seen.add(key)
        self._open.add(key)

    def _spend(self, node: Node, nodes: int) -> None:
        self._budget -= nodes
        if self._budget < 0:
            raise _at(node, "aliases stand for too much here")

    def _mapping(self, node: MappingNode) -> dict[str, Any]:
        if node.tag != MAP:
            self._refuse_tag(node)
        data: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag != STR or not isinstance(key, ScalarNode):
                node.value = self._clean(node)
                return self._mapping(node)
            data[key.value] = value.value if value.tag == STR and isinstance(value, ScalarNode) else self.convert(value)
        if len(data) != len(node.value):
            self._refuse_duplicates(node)
        return data

    def _sequence(self, node: Node) -> list[Any]:
        if node.tag != SEQ:
            self._refuse_tag(node)
        return [self.convert(item) for item in node.value]

    def _clean(self, node: MappingNode) -> list[Pair]:
        """Give the pairs with merge keys replaced by what they bring, and without keys that are no strings."""
        own: list[Pair] = []
        merged: list[Node] = []
        for key, value in node.value:
            if key.tag == MERGE:
                merged.append(value)
            elif key.tag == STR and isinstance(key, ScalarNode):
                own.append((key, value))
            else:
                self.faults.append(_at(key, "a key must be a string: put it in quotes"))
        names = {key.value for key, _ in own}
        for value in merged:
            own += self._brought(value, names)
        return own

    def _brought(self, value: Node, names: set[str]) -> list[Pair]:
        """Give the pairs of merged mappings whose keys are not in `names` yet, and add them there."""
        found: list[Pair] = []
        for mapping in value.value if isinstance(value, SequenceNode) else (value,):
            for key, item in self._merged_pairs(mapping):
                if key.value not in names:
                    names.add(key.value)
                    found.append((key, item))
        return found

    def _merged_pairs(self, node: Node) -> list[Pair]:
        if not isinstance(node, MappingNode):
            self.faults.append(_at(node, "`<<` takes a mapping or a list of mappings"))
            return []
        self._enter(node)
        self._spend(node, len(node.value) + 1)
        if any(key.tag != STR or not isinstance(key, ScalarNode) for key, _ in node.value):
            node.value = self._clean(node)
        self._open.remove(id(node))
        pairs: list[Pair] = node.value
        return pairs

    def _scalar(self, node: ScalarNode) -> Any:
        reader = _READERS.get(node.tag)
        if reader is None:
            self._refuse_tag(node)
            return None
        try:
            return reader(node.value)
        except ValueError:
            self.faults.append(_at(node, "not what its YAML type allows: put it in quotes if it is text"))
            return None

    def _refuse_tag(self, node: Node) -> None:
        # The tag is not repeated: a password may start with `!`.
        self.faults.append(_at(node, "a YAML tag that means nothing here: put text that starts with `!` in quotes"))

    def _refuse_duplicates(self, node: MappingNode) -> None:
        first: dict[str, int] = {}
        for key, _ in node.value:
            if key.value in first:
                self.faults.append(_at(key, f"duplicate key, first on line {first[key.value]}"))
            first.setdefault(key.value, key.start_mark.line + 1)


def _at(node: Node, message: str) -> Fault:
    return Fault.at(node.start_mark, message)


def _null(text: str) -> None:
    if text not in EMPTY:
        raise ValueError


def _bool(text: str) -> bool:
    if text not in TRUE | FALSE:
        raise ValueError
    return text in TRUE


def _int(text: str) -> int:
    # Longer ones are no quantities but identifiers, which no validator would keep exactly.
    if len(text) > _DIGITS:
        raise ValueError
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError
    return number


_READERS: dict[str, Callable[[str], Any]] = {
    STR: str,
    MERGE: str,
    NULL: _null,
    BOOL: _bool,
    INT: _int,
    FLOAT: _float,
}
