"""A file as it is written: its parts by their places in the text, each with the comments that belong to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto


class Kind(Enum):
    """What a part is that keeps its text."""

    EMPTY = auto()
    PLAIN = auto()
    QUOTED = auto()
    BLOCK = auto()
    """A block scalar, whose spaces are content."""
    ALIAS = auto()
    FLOW = auto()
    """A flow mapping or sequence over several lines, or of an odd form."""


@dataclass(slots=True, kw_only=True)
class Text:
    """A part that keeps its text, with what stands before it: an anchor, a tag."""

    kind: Kind
    start: int
    end: int
    column: int
    name: str = ""
    """What it says, where it is a scalar: what it is sorted by."""
    cut: bool = False
    """Whether it is a block scalar that the end of the file cuts off before its last line break."""


@dataclass(slots=True, kw_only=True)
class Flow:
    """A flow mapping or sequence on one line."""

    props: str
    mapping: bool
    start: int
    column: int
    end: int = 0
    entries: list[Entry] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Block:
    """A block mapping or sequence."""

    props: str
    mapping: bool
    start: int
    column: int
    end: int = 0
    entries: list[Entry] = field(default_factory=list)
    eol: str = ""
    """The comment behind its anchor or tag."""
    foot: list[str] = field(default_factory=list)
    """The comments below its last entry that stand as far left as it does; empty texts are blank lines."""


Node = Text | Flow | Block


@dataclass(slots=True, kw_only=True)
class Entry:
    """A pair of a mapping or an item of a sequence, and the comments that go where it goes."""

    start: int
    column: int
    key: Text | None = None
    value: Node
    end: int = 0
    blank: bool = False
    """Whether a blank line stands above it and its comments."""
    lead: list[str] = field(default_factory=list)
    """The comments right above it."""
    title: list[str] = field(default_factory=list)
    """Those that a blank line separates from it: they begin a section, and no entry is moved past them."""
    title_blank: bool = False
    eol: str = ""
    """The comment at the end of its line, with the spaces before it."""
    begin: str = ""
    """The same behind its colon or dash, where the value stands on a later line."""
    later: bool = False
    inner: list[str] = field(default_factory=list)
    """The comments above a value on a later line."""
    tail: list[str] = field(default_factory=list)
    """The comments below it that stand further right than it does."""
    odd: bool = False
    """Whether its form is so rare that its text is only shifted."""


@dataclass(slots=True, kw_only=True)
class Tree:
    """A whole file."""

    text: str
    prefix: list[str]
    """The lines to the one that starts the document with `---`."""
    head: list[str]
    root: Node
    eol: str
    foot: list[str]
    suffix: list[str]
    """The lines from the one that ends the document with `...`."""
    anchors: dict[str, int]
    """Where each anchor stands."""
    aliases: list[tuple[int, str]]
    """Where each alias stands, and of which anchor, from the first to the last."""
