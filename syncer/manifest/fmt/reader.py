"""The tokens of a file put together to a tree, each comment beside what it belongs to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from syncer.manifest.fmt.cursor import CLOSING, OPENING, Cursor, Unreadable
from syncer.manifest.fmt.tree import Block, Entry, Flow, Kind, Node, Text, Tree

if TYPE_CHECKING:
    from syncer.manifest.fmt.cursor import Line, Token

_BLOCKS = frozenset({"BlockMappingStart", "BlockSequenceStart"})
_HANGING = _BLOCKS | {"BlockEntry"}
"""With the sequence whose dashes stand below the key that it belongs to."""
_PROPS = {"Anchor", "Tag"}


def read(text: str, tokens: list[Token], *, cut: bool) -> Tree:
    """Read a text that ends with a line break; `cut` says that it had none. Raise Unreadable for the oddest forms."""
    return _Reader(Cursor(text, tokens), cut=cut).tree()


def _texts(lines: list[Line]) -> list[str]:
    return [line.text for line in lines]


class _Reader:
    def __init__(self, cursor: Cursor, *, cut: bool) -> None:
        self._cursor = cursor
        self._text = cursor.text
        self._cut = cut
        self._columns = [-1]
        self._anchors: dict[str, int] = {}
        self._aliases: list[tuple[int, str]] = []
        self._plain = True
        """Whether the flow collection at hand has no odd part so far."""

    def tree(self) -> Tree:
        cursor = self._cursor
        cursor.take()  # the start of the stream
        prefix = self._prefix()
        head = _texts(cursor.take_all())
        root = self._node()
        eol = cursor.take_eol()
        foot = _texts(cursor.take_all())
        suffix = self._suffix()
        return Tree(
            text=self._text,
            prefix=prefix,
            head=head,
            root=root,
            eol=eol,
            foot=foot,
            suffix=suffix,
            anchors=self._anchors,
            aliases=self._aliases,
        )

    def _prefix(self) -> list[str]:
        cursor = self._cursor
        if cursor.kind not in {"Directive", "DocumentStart"}:
            return []
        while cursor.kind == "Directive":
            cursor.take()
        cursor.take()
        if not cursor.broken:
            raise Unreadable  # the document begins behind the dashes
        cursor.take_eol()
        end = self._text.index("\n", cursor.done)
        return [line.rstrip() for line in self._text[:end].split("\n")]

    def _suffix(self) -> list[str]:
        cursor = self._cursor
        if cursor.kind == "StreamEnd":
            return []
        if cursor.kind != "DocumentEnd":
            raise Unreadable
        return [line.rstrip() for line in self._text[cursor.token.start :].rstrip().split("\n")]

    def _node(self, starts: frozenset[str] = _BLOCKS) -> Node:
        cursor = self._cursor
        start, column = cursor.token.start, cursor.token.column
        end = self._props()
        if cursor.kind in starts:
            props = self._text[start:end] if end else ""
            eol = cursor.take_eol() if end else ""
            return self._block(props, eol, start, column)
        if cursor.kind in OPENING:
            return self._flow(start, column)
        if cursor.kind in {"Scalar", "Alias"}:
            return self._scalar(start, column)
        return Text(kind=Kind.PLAIN if end else Kind.EMPTY, start=start if end else 0, end=end, column=column)

    def _props(self) -> int:
        """Go past anchor and tag; give where they end, 0 without any."""
        end = 0
        while self._cursor.kind in _PROPS:
            token = self._cursor.take()
            end = token.end
            if token.kind == "Anchor":
                self._anchors[token.value] = token.start
        return end

    def _scalar(self, start: int, column: int) -> Text:
        token = self._cursor.token
        if token.style in {"|", ">"}:
            end = block_end(self._text, token.start, self._columns[-1])
            self._cursor.take(end)
            cut = self._cut and end >= len(self._text) - 1
            return Text(kind=Kind.BLOCK, start=start, end=end, column=column, cut=cut)
        self._cursor.take()
        kind = Kind.QUOTED if token.style else Kind.PLAIN
        if token.kind == "Alias":
            kind = Kind.ALIAS
            self._aliases.append((token.start, token.value))
        return Text(kind=kind, start=start, end=token.end, column=column, name=token.value)

    # Block collections.

    def _block(self, props: str, eol: str, start: int, column: int) -> Block:
        cursor = self._cursor
        mapping, hanging = cursor.kind == "BlockMappingStart", cursor.kind == "BlockEntry"
        at = cursor.token.column
        block = Block(props=props, mapping=mapping, start=start, column=column, eol=eol)
        if not hanging:
            cursor.take()
            self._columns.append(at)
        while cursor.kind in ({"Key", "Value"} if mapping else {"BlockEntry"}):
            block.entries.append(self._pair(at) if mapping else self._item(at))
        if not hanging:  # else its dashes stand below its key, where a comment is one of the next key
            self._columns.pop()
            if cursor.kind != "BlockEnd":
                raise Unreadable
            cursor.take()
            block.foot = _texts(cursor.take_lines(at))
        block.end = cursor.done
        return block

    def _pair(self, column: int) -> Entry:
        cursor = self._cursor
        entry = self._entry(column)
        if cursor.kind == "Key":
            token = cursor.take()
            entry.odd = token.end > token.start  # it has a question mark
            key = self._node() if cursor.kind != "Value" else None
            entry.key = key if isinstance(key, Text) else None
        entry.odd |= entry.key is None or cursor.kind != "Value"
        if cursor.kind == "Value":
            self._fill(entry, _HANGING)
        return self._close(entry)

    def _item(self, column: int) -> Entry:
        entry = self._entry(column)
        self._fill(entry, _BLOCKS)
        return self._close(entry)

    def _entry(self, column: int) -> Entry:
        """Begin an entry with the comments above it."""
        cursor = self._cursor
        above = _texts(cursor.take_all())
        split = next((n for n in range(len(above), 0, -1) if not above[n - 1]), 0)
        title, lead = above[:split], above[split:]
        entry = Entry(
            start=cursor.token.start,
            column=column,
            value=Text(kind=Kind.EMPTY, start=0, end=0, column=0),
            blank=bool(title),
            lead=lead,
        )
        if any(title):
            entry.title, entry.title_blank = title, not title[0]
        return entry

    def _fill(self, entry: Entry, starts: frozenset[str]) -> None:
        """Go past the colon or dash, and read the value."""
        cursor = self._cursor
        cursor.take()
        later, entry.begin = cursor.broken, cursor.take_eol()
        if cursor.kind in {"Scalar", "Alias", *OPENING, *_PROPS}:
            entry.later, entry.inner = later, _texts(cursor.take_lines())
            entry.value = self._node(starts)
            if isinstance(entry.value, Block):
                entry.odd |= entry.later or "\n" in entry.value.props
        elif cursor.kind in starts:
            entry.value = self._node(starts)

    def _close(self, entry: Entry) -> Entry:
        cursor = self._cursor
        if not isinstance(entry.value, Block):
            entry.eol = cursor.take_eol()
        # Below a block scalar a comment that is moved right could become part of it.
        if not (isinstance(entry.value, Text) and entry.value.kind is Kind.BLOCK):
            entry.tail = _texts(cursor.take_lines(entry.column + 1))
        entry.end = cursor.done
        return entry

    # Flow collections.

    def _flow(self, start: int, column: int) -> Text | Flow:
        end = self._cursor.closing()
        self._plain = "\n" not in self._text[start:end]
        found = self._flow_on_line(start, column) if self._plain else None
        if self._plain and found:
            return found
        self._skip(end)
        return Text(kind=Kind.FLOW, start=start, end=end, column=column)

    def _skip(self, end: int) -> None:
        """Go past the rest of a collection, and note the anchors and aliases in it."""
        while self._cursor.token.start < end and self._cursor.kind != "StreamEnd":
            token = self._cursor.take()
            if token.kind == "Anchor":
                self._anchors[token.value] = token.start
            elif token.kind == "Alias":
                self._aliases.append((token.start, token.value))

    def _flow_on_line(self, start: int, column: int) -> Flow:
        cursor = self._cursor
        mapping = cursor.kind == "FlowMappingStart"
        flow = Flow(props=self._text[start : cursor.token.start].rstrip(), mapping=mapping, start=start, column=column)
        cursor.take()
        while cursor.kind not in CLOSING:
            if cursor.kind == "FlowEntry":
                cursor.take()
                continue
            before = cursor.token
            flow.entries.append(self._flow_entry(mapping=mapping))
            if cursor.token is before:
                raise Unreadable
        flow.end = cursor.take().end
        return flow

    def _flow_entry(self, *, mapping: bool) -> Entry:
        cursor = self._cursor
        entry = Entry(
            start=cursor.token.start,
            column=cursor.token.column,
            value=Text(kind=Kind.EMPTY, start=0, end=0, column=0),
        )
        if cursor.kind == "Key":
            token = cursor.take()
            key = self._flow_node()
            entry.key = key if isinstance(key, Text) and key.kind is not Kind.EMPTY else None
            self._plain &= mapping and token.end == token.start
        self._plain &= (entry.key is not None) == mapping
        if cursor.kind == "Value":
            cursor.take()
        elif mapping and entry.key is not None:
            self._plain = False
            return self._ended(entry)
        entry.value = self._flow_node()
        return self._ended(entry)

    def _ended(self, entry: Entry) -> Entry:
        entry.end = self._cursor.done
        return entry

    def _flow_node(self) -> Node:
        cursor = self._cursor
        start, column = cursor.token.start, cursor.token.column
        end = self._props()
        if cursor.kind in OPENING:
            return self._flow_on_line(start, column)
        if cursor.kind in {"Scalar", "Alias"}:
            return self._scalar(start, column)
        self._plain = False
        return Text(kind=Kind.EMPTY, start=start, end=end, column=column)


def block_end(text: str, start: int, parent: int) -> int:
    """Find where a block scalar ends, before its last line break; `parent` is the column of what holds it."""
    line_end = text.index("\n", start)
    header = re.match(r"[|>][-+0-9]*", text[start:line_end])
    marks = header[0] if header else ""
    digits = re.sub(r"[^0-9]", "", marks)
    indent = max(parent, 0) + int(digits) if digits else 0
    end = last = line_end
    while line_end + 1 < len(text):
        begin, line_end = line_end + 1, text.index("\n", line_end + 1)
        width = len(line := text[begin:line_end]) - len(line.lstrip(" "))
        if width == len(line):
            end = line_end if indent and width > indent else end
            last = line_end
            continue
        indent = indent or (width if width > parent else len(text))
        if width < indent:
            break
        end = last = line_end
    return last if "+" in marks else end
