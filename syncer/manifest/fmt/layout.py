"""A tree back to text: two spaces a level, keys in order, everything else as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.manifest.fmt.order import Order
from syncer.manifest.fmt.tree import Block, Entry, Flow, Kind, Node, Text, Tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.manifest.fmt.order import Shape

_STEP = 2


def lay_out(tree: Tree, shape: Shape | None) -> str:
    """Give the text of a file, whose root is what `shape` says."""
    writer = _Writer(tree, shape)
    writer.write()
    return "\n".join(writer.lines) + "\n"


class _Writer:
    def __init__(self, tree: Tree, shape: Shape | None) -> None:
        self.lines: list[str] = []
        self._tree = tree
        self._text = tree.text
        self._shape = shape
        self._order = Order(tree)
        self._marker = ""
        """The dashes of items whose first line is still to come."""
        self._open = False
        """Whether a blank line would be content of the block scalar above it."""

    def write(self) -> None:
        tree = self._tree
        self.lines += tree.prefix
        self._remarks(tree.head, 0)
        if isinstance(tree.root, Block):
            if tree.root.props:
                self._line(0, tree.root.props + tree.root.eol)
            self._block(tree.root, 0, self._shape, headed=True)
        else:
            self._value(Entry(start=0, column=0, value=tree.root, eol=tree.eol), 0, "", self._shape)
        self._remarks(tree.foot, 0)
        while self.lines[-1:] == [""] and not self._open:
            self.lines.pop()
        self.lines += tree.suffix

    # Lines.

    def _line(self, indent: int, text: str) -> None:
        self.lines.append(f"{self._marker or ' ' * indent}{text}".rstrip())
        self._marker = ""
        self._open = False

    def _remarks(self, remarks: Sequence[str], indent: int) -> None:
        for remark in remarks:
            if not remark:
                self._blank()
                continue
            self._flush()
            self._line(indent, remark)

    def _blank(self) -> None:
        if not self._open and self.lines and self.lines[-1]:
            self.lines.append("")

    def _flush(self) -> None:
        """Let dashes stand alone on their line."""
        if self._marker:
            self._line(0, "")

    # Collections.

    def _block(self, block: Block, indent: int, shape: Shape | None, *, headed: bool = False) -> None:
        """Write a collection; `headed` says that a blank line may stand above the first entry."""
        if block.mapping:
            self._mapping(block, indent, shape, headed=headed)
        else:
            for number, entry in enumerate(block.entries):
                self._above(entry, indent, first=not number)
                self._item(entry, indent, shape.items if shape else None)
        self._remarks(block.foot, indent)

    def _mapping(self, block: Block, indent: int, shape: Shape | None, *, headed: bool) -> None:
        before: Entry | None = None
        for section in self._order.sections(block, shape):
            for entry in section:
                if shape and shape.spaced and before and (_is_long(before) or _is_long(entry)):
                    self._blank()
                self._above(entry, indent, first=before is None and not headed)
                self._pair(entry, indent, shape)
                before = entry

    def _above(self, entry: Entry, indent: int, *, first: bool) -> None:
        if (entry.title_blank if entry.title else entry.blank) and not first:
            self._blank()
        self._remarks(entry.title[1 if entry.title_blank else 0 :], indent)
        self._remarks(entry.lead, indent)

    def _pair(self, entry: Entry, indent: int, shape: Shape | None) -> None:
        if entry.odd or entry.key is None:
            self._shifted(entry, indent)
            return
        key = self._key(entry.key)
        self._value(entry, indent, key, shape.below(entry.key.name) if shape else None)

    def _item(self, entry: Entry, indent: int, shape: Shape | None) -> None:
        if entry.odd:
            self._shifted(entry, indent)
            return
        self._marker = f"{self._marker or ' ' * indent}- "
        self._value(entry, indent, "", shape)

    def _key(self, key: Text) -> str:
        # Behind an alias a colon could be taken for a part of its name.
        return self._text[key.start : key.end] + (" :" if key.kind is Kind.ALIAS else ":")

    # Values.

    def _value(self, entry: Entry, indent: int, key: str, shape: Shape | None) -> None:
        value = entry.value
        if isinstance(value, Block):
            head = f"{key} {value.props}".strip() + (entry.begin or value.eol)
            if head:
                self._line(indent, head.strip())
            self._block(value, indent + _STEP, shape)
        elif isinstance(value, Text) and value.kind is Kind.EMPTY:
            self._line(indent, (key + entry.begin + entry.eol).strip())
        elif entry.later:
            self._line(indent, (key + entry.begin).strip())
            self._remarks(entry.inner, indent + _STEP)
            self._put(value, "", indent + _STEP, value.column, shape)
        else:
            self._put(value, f"{key} " if key else "", indent, entry.column, shape)
        if entry.eol and not (isinstance(value, Text) and value.kind is Kind.EMPTY):
            self.lines[-1] += entry.eol
        self._remarks(entry.tail, indent + _STEP)

    def _put(self, value: Node, before: str, indent: int, column: int, shape: Shape | None) -> None:
        """Write what is no block collection; lines after the first move as far as `column` does, to `indent`."""
        if not isinstance(value, Text):
            self._line(indent, before + self._inline(value, shape))
            return
        first, *rest = self._raw(value).split("\n")
        self._line(indent, before + first)
        for line in rest:
            self.lines.append(_shifted(line, indent - column, value.kind, indent))
        self._open = bool(value.kind is Kind.BLOCK and "+" in first)

    def _raw(self, value: Text) -> str:
        text = self._text[value.start : value.end]
        if not value.cut:
            return text
        # The line break that the file gets at its end must not become one of the text.
        header, line_break, rest = text.partition("\n")
        return f"{header.replace('+', '')}-{line_break}{rest}" if "-" not in header else text

    def _inline(self, node: Node, shape: Shape | None) -> str:
        if not isinstance(node, Flow):
            return self._text[node.start : node.end]
        entries = node.entries
        if node.mapping:
            entries = [entry for section in self._order.sections(node, shape) for entry in section]
        parts = ", ".join(self._inline_entry(entry, shape) for entry in entries)
        inside = f"{{{parts}}}" if node.mapping else f"[{parts}]"
        return f"{node.props} {inside}" if node.props else inside

    def _inline_entry(self, entry: Entry, shape: Shape | None) -> str:
        if entry.key is None:
            return self._inline(entry.value, shape.items if shape else None)
        below = shape.below(entry.key.name) if shape else None
        return f"{self._key(entry.key)} {self._inline(entry.value, below)}"

    def _shifted(self, entry: Entry, indent: int) -> None:
        """Write an odd entry: its own text, further left or right."""
        first, *rest = self._text[entry.start : entry.end].split("\n")
        self._line(indent, first)
        self.lines += (_shifted(line, indent - entry.column, Kind.BLOCK, indent) for line in rest)


def _shifted(line: str, by: int, kind: Kind, indent: int) -> str:
    text = line.lstrip(" ")
    if not text:
        return " " * max(len(line) + by, 0) if line and kind is Kind.BLOCK else ""
    width = len(line) - len(text) + by
    # The lines of a text must stand further right than its key; how much further means nothing.
    least = indent + 1 if kind in {Kind.PLAIN, Kind.QUOTED} else 0
    return " " * max(width, least) + text


def _is_long(entry: Entry) -> bool:
    """Whether it takes more than one line."""
    return isinstance(entry.value, Block) or bool(entry.lead or entry.title or entry.tail or entry.later or entry.odd)
