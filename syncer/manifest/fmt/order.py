"""The order of keys: the schema's where it knows them, the alphabet's for names; no alias before its anchor."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from syncer.schemas import load_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syncer.manifest.fmt.tree import Block, Entry, Flow, Tree

_MERGE = "<<"
_USERS = "x-"
"""What the user's own keys start with: what they hold is for the rest of the file, so they stand above it."""
_OURS_END = "project"


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What a schema knows of a part."""

    schema: Mapping[str, object]
    root: Mapping[str, object]
    """The whole schema, to which it refers."""

    def below(self, name: str) -> Shape | None:
        """Give what is known of the value of a key."""
        return self._shape(_section(self.schema, "properties").get(name) or self.schema.get("additionalProperties"))

    @property
    def items(self) -> Shape | None:
        """Give what is known of the items of a sequence."""
        return self._shape(self.schema.get("items"))

    def rank(self, name: str) -> float:
        """Say where a key stands; keys of one rank stay as they are to each other."""
        known = list(_section(self.schema, "properties"))
        if name in known:
            return known.index(name)
        if name == _MERGE:
            return -1
        if name.startswith(_USERS):
            return known.index(_OURS_END) + 0.5 if _OURS_END in known else -0.5
        return len(known)

    @property
    def named(self) -> bool:
        """Whether its keys are names that the user gives."""
        return isinstance(self.schema.get("additionalProperties"), dict) and not self.schema.get("properties")

    @property
    def spaced(self) -> bool:
        """Whether blank lines stand between its entries: between scopes."""
        return self.named and self.schema is _section(_section(self.root, "$defs"), "scopes")

    def refer(self, reference: str) -> Shape | None:
        """Give what a schema refers to as `#/...`."""
        found: object = self.root
        for step in reference.removeprefix("#/").split("/"):
            found = found.get(step) if isinstance(found, dict) else None
        return self._shape(found)

    def _shape(self, schema: object) -> Shape | None:
        if not isinstance(schema, dict):
            return None
        return self.refer(schema["$ref"]) if "$ref" in schema else Shape(schema, self.root)


def shape_of(data: object) -> Shape | None:
    """Give what is known of a file, by the keys that it has; a file that is included has some of the manifest's."""
    keys = data.keys() if isinstance(data, dict) else set[str]()
    if keys & {"project", "scopes"}:
        return _whole()
    return _whole().refer("#/$defs/policy_file") if "rules" in keys else None


@cache
def _whole() -> Shape:
    schema = load_schema("manifest")
    return Shape(schema, schema)


class Order:
    """Brings the entries of one file's mappings into order."""

    def __init__(self, tree: Tree) -> None:
        self._anchors = tree.anchors
        self._aliases = sorted(tree.aliases)

    def sections(self, node: Block | Flow, shape: Shape | None) -> list[list[Entry]]:
        """Give a mapping's entries in order, each section for itself; as they are where an alias needs them so."""
        sections = list(_sections(node.entries))
        if shape is None or not all(entry.key and entry.key.name for entry in node.entries):
            return sections
        found = [_sorted(section, shape) for section in sections]
        return found if self._keeps_anchors(node, [entry for section in found for entry in section]) else sections

    def _keeps_anchors(self, node: Block | Flow, entries: Sequence[Entry]) -> bool:
        first = bisect_left(self._aliases, (node.start, ""))
        last = bisect_right(self._aliases, (node.end, ""))
        if first == last:
            return True
        starts = [entry.start for entry in node.entries]
        place = {entry.start: number for number, entry in enumerate(entries)}
        for position, name in self._aliases[first:last]:
            anchor = self._anchors.get(name, -1)
            if anchor >= node.start and place[_above(starts, anchor)] > place[_above(starts, position)]:
                return False
        return True


def _above(starts: Sequence[int], position: int) -> int:
    """Give the start of the entry in which something stands."""
    return starts[max(bisect_right(starts, position) - 1, 0)]


def _sections(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    section: list[Entry] = []
    for entry in entries:
        if entry.title and section:
            yield section
            section = []
        section.append(entry)
    yield section


def _sorted(entries: list[Entry], shape: Shape) -> list[Entry]:
    """Sort a section; the comments that begin it stay in front of it."""
    found = sorted(entries, key=lambda entry: _key(entry, shape))
    first = entries[0] if entries else None
    if first and found[0] is not first and first.title:
        found[0].title, found[0].title_blank = first.title, first.title_blank
        first.title, first.blank = [], False
    return found


def _key(entry: Entry, shape: Shape) -> tuple[float, str]:
    name = entry.key.name if entry.key else ""
    return (-1 if name == _MERGE else 0, name if name != _MERGE else "") if shape.named else (shape.rank(name), "")


def _section(schema: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = schema.get(name)
    return found if isinstance(found, dict) else {}
