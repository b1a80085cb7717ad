"""One file of the manifest, read: its data, and where in the file each part of it stands."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yaml.nodes import MappingNode, Node, SequenceNode

from syncer.errors import InvalidConfiguration, Problem
from syncer.manifest.compose import Fault, compose
from syncer.manifest.data import Converter
from syncer.options import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MAX_BYTES = 32 << 20
"""The largest file that is read as a manifest."""

_SUGGESTIONS = 10

Place = tuple[str | int, ...]
"""Keys and indices that lead from the root of a document to one of its parts."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Document:
    """One file that is YAML. Its data may still have any shape."""

    name: str
    """As a user would type it."""
    raw: bytes
    root: Node
    data: Any

    _below: dict[int, dict[str | int, tuple[Node, Node]]] = field(default_factory=dict)

    def node(self, place: Place) -> Node:
        """Find a part; the nearest one above it where it is not there."""
        return self._find(place)[1]

    def key(self, place: Place) -> Node:
        """Find the key that leads to a part; in a list, the part itself."""
        return self._find(place)[0]

    def lines(self, place: Place) -> dict[str, int]:
        """Give the line of each key of a mapping, counted from 1."""
        node = self.node(place)
        pairs = node.value if isinstance(node, MappingNode) else ()
        return {key.value: key.start_mark.line + 1 for key, _ in pairs}

    def _find(self, place: Place) -> tuple[Node, Node]:
        found = (self.root, self.root)
        for step in place:
            below = self._parts(found[1]).get(step)
            if below is None:
                return found
            found = below
        return found

    def _parts(self, node: Node) -> dict[str | int, tuple[Node, Node]]:
        # Kept: a manifest of 10,000 secrets may hold as many faults.
        if id(node) not in self._below:
            self._below[id(node)] = dict(_named(node))
        return self._below[id(node)]


@dataclass(slots=True, kw_only=True)
class Report:
    """Every fault found so far."""

    problems: list[Problem] = field(default_factory=list)
    lost: bool = False
    """Whether a part could not be read that may declare things: then it is not known what is undeclared."""
    _suggestions: int = 0

    def at_value(self, document: Document, place: Place, message: str) -> None:
        """Note a fault in what stands at a place."""
        self._note(document, document.node(place), message)

    def at_key(self, document: Document, place: Place, message: str) -> None:
        """Note a fault in the key that leads to a place."""
        self._note(document, document.key(place), message)

    def faults(self, name: str, faults: Iterable[Fault]) -> None:
        """Note faults of a file that is no document yet."""
        self.problems += (Problem(file=name, line=f.line, column=f.column, message=f.message) for f in faults)

    def suggest(self, word: str, known: Iterable[str]) -> str:
        """Give `, did you mean X?` or nothing; nothing either once there are many faults, for it takes its time."""
        self._suggestions += 1
        return did_you_mean(word, known) if self._suggestions <= _SUGGESTIONS else ""

    @contextmanager
    def sparing(self, document: Document) -> Iterator[None]:
        """Drop what is noted meanwhile where a fault stands already: it would only follow from that one."""
        known = {(problem.line, problem.column) for problem in self.problems if problem.file == document.name}
        before = len(self.problems)
        yield
        self.problems[before:] = [p for p in self.problems[before:] if (p.line, p.column) not in known]

    def _note(self, document: Document, node: Node, message: str) -> None:
        self.faults(document.name, [Fault.at(node.start_mark, message)])


def read(path: Path, report: Report, *, if_missing: str = "no such file") -> Document | None:
    """Read and parse one file; None where it cannot be, with the reason in the report."""
    name = str(path)
    try:
        raw = load(path, if_missing)
        root = compose(raw)
        converter = Converter(len(raw), shared=b"&" in raw)
        data = converter.convert(root)
    except Fault as fault:
        report.faults(name, [fault])
        report.lost = True
        return None
    report.faults(name, converter.faults)
    return Document(name=name, raw=raw, root=root, data=data)


def spoken(error: InvalidConfiguration) -> str:
    """Put an error and its hint into one message."""
    return f"{error.message}; {error.hint}" if error.hint else error.message


def load(path: Path, if_missing: str = "no such file") -> bytes:
    """Read the bytes of one file. Raise Fault."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        message = if_missing
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        message = f"cannot be read: {reason.lower()}"
    else:
        if len(raw) <= MAX_BYTES:
            return raw
        message = f"larger than {MAX_BYTES >> 20} MiB; split it with `include`"
    raise Fault(message) from None


def _named(node: Node) -> Iterator[tuple[str | int, tuple[Node, Node]]]:
    if isinstance(node, MappingNode):
        yield from ((key.value, (key, value)) for key, value in node.value)
    elif isinstance(node, SequenceNode):
        yield from ((index, (item, item)) for index, item in enumerate(node.value))
