"""Whatever a manifest looks like, formatting keeps its data and its comments, and a second time changes nothing.

`SYNCER_FUZZ_EXAMPLES` says how many texts to try, 300 where it is not set.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_manifest_fuzz import CANARIES, CORPUS, FUZZ, PIECES, SHOWN, mutations

from syncer.errors import SyncerError
from syncer.manifest.compose import Fault, compose
from syncer.manifest.data import Converter
from syncer.manifest.fmt.format import formatted

VALID = [
    path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parent / "manifests/valid").rglob("*.yaml"))
]
WORDS = st.sampled_from(["a", "b/c", "zeta", "'q'", '"d-e"', "on", "017", "source", "tags", "secrets", "scopes", "x-y"])
SCALARS = st.sampled_from(["1", "text", "two words", "'q # q'", '"a # b"', "~", "true", "http://h/#x", "12:30", "a#b"])
FLOWS = st.sampled_from(
    ["{source: {env: A}, tags: {z: a, b: c}}", "[ a,b , c]", "{}", "[]", "{ on_remove: delete,  source: {env: A} }",
     "[a: b]", "{a, b: c}", '{"a":1}', "{a: }", "[[a], {b: c}]", "{? a : b}"]
)  # fmt: skip
FLOWING = st.sampled_from(
    [
        "{ # NOTE\n{i}source: {env: A}, # NOTE\n{i}# NOTE\n{i}tags: {a: b}}",
        "[a,\n{i}b,\n\n{i}# NOTE\n{i}c\n{i}]",
        "plain text\n{i}over lines\n\n{i}of it",
        '"quoted # text\n{i}over\n\n{i}lines\\\n{i} of it"',
        "'quoted text\n{i}# over lines'",
    ]
)
BLOCKS = st.sampled_from(
    [
        "|\n{i}text\n{i}# text\n\n{i}  text",
        ">- # NOTE\n{i}text\n\n{i}text",
        "|+\n{i}text\n\n",
        "|2-\n{2}  text\n{2}text",
    ]
)


class Writer:
    """Draws a manifest line by line; each comment has a text of its own."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.notes = 0
        self.anchors: list[str] = []

    def note(self) -> str:
        """Give a new comment."""
        self.notes += 1
        return f"# note {self.notes}"

    def noted(self, text: str) -> str:
        """Put comments where a text has room for them."""
        return re.sub("# NOTE", lambda _: self.note(), text)

    def eol(self) -> str:
        """Give the end of a line."""
        return self.draw(st.sampled_from(["", "", "", f" {self.note()}", f"   {self.note()} ", "  "]))

    def above(self, indent: int) -> str:
        """Give comments and blank lines, mostly where they belong."""
        lines = [
            " " * max(indent + self.draw(st.sampled_from([0, 0, 0, 2, -2, 1])), 0) + self.note() if kind else ""
            for kind in self.draw(st.lists(st.booleans(), max_size=3))
        ]
        return "".join(f"{line}\n" for line in lines)

    def mapping(self, indent: int, depth: int) -> str:
        """Draw a block mapping."""
        keys = self.draw(st.lists(WORDS, min_size=1, max_size=4, unique_by=lambda word: word.strip("'\"")))
        return "".join(self.above(indent) + " " * indent + f"{key}:" + self.value(indent, depth) for key in keys)

    def sequence(self, indent: int, depth: int) -> str:
        """Draw a block sequence."""
        count = self.draw(st.integers(1, 3))
        return "".join(self.above(indent) + " " * indent + "-" + self.item(indent, depth) for _ in range(count))

    def item(self, indent: int, depth: int) -> str:
        """Draw what stands behind a dash; a mapping often begins beside it."""
        if depth and self.draw(st.booleans()):
            return (
                " " + self.mapping(indent + 2, depth - 1).lstrip(" \n") if self.notes % 2 else self.value(indent, depth)
            )
        return self.value(indent, depth)

    def value(self, indent: int, depth: int) -> str:
        """Draw what stands behind a colon or dash, to the end of its last line."""
        further = indent + self.draw(st.integers(1, 4))
        kinds = [self.leaf, self.leaf, self.leaf, self.below] if depth else [self.leaf]
        return self.draw(st.sampled_from(kinds))(indent, further, depth - 1)

    def leaf(self, indent: int, further: int, _depth: int) -> str:
        """Draw a text, a flow collection, an alias or nothing."""
        aliases = [f" *{name}" for name in self.anchors]
        later = f"{self.eol()}\n{self.above(further)}{' ' * further}{self.draw(SCALARS)}"
        short = self.draw(st.sampled_from(["", f" {self.draw(SCALARS)}", f"  {self.draw(FLOWS)}", later, *aliases]))
        wide = self.draw(st.sampled_from([None, None, FLOWING, BLOCKS]))
        if wide is None:
            return f"{short}{self.eol()}\n"
        text = self.draw(wide).replace("{i}", " " * further).replace("{2}", " " * (indent + 2))
        return f" {self.noted(text)}{'' if wide is BLOCKS else self.eol()}\n"

    def below(self, indent: int, further: int, depth: int) -> str:
        """Draw a block collection on the lines below."""
        name = f"n{self.notes}"
        props = self.draw(st.sampled_from(["", "", "", f" &{name}", " !!map"]))
        mapping = props == " !!map" or self.draw(st.booleans())
        head = f"{props}{self.eol()}\n"
        if mapping:
            text = head + self.merge(further) + self.mapping(further, depth)
        else:
            text = head + self.sequence(self.draw(st.sampled_from([indent, further])), depth)
        if "&" in props and mapping:
            self.anchors.append(name)
        return text

    def merge(self, indent: int) -> str:
        """Draw a merge key, where there is something to merge."""
        names = self.draw(st.lists(st.sampled_from(self.anchors), max_size=2)) if self.anchors else []
        return "".join(f"{' ' * indent}<<: *{name}\n" for name in names)


@st.composite
def manifests(draw: st.DrawFn) -> str:
    """Draw a file with comments in every place."""
    writer = Writer(draw)
    start = draw(st.sampled_from(["", "", "---\n", f"{writer.note()}\n---\n", "%YAML 1.2\n---\n"]))
    end = draw(st.sampled_from(["", "", f"{writer.note()}\n", f"\n\n{writer.note()}\n\n", f"...\n{writer.note()}\n"]))
    return start + writer.mapping(0, 3) + writer.above(0) + end


def data(raw: bytes) -> object:
    """Read as the loader does; None where it refuses."""
    try:
        converter = Converter(len(raw))
        found = converter.convert(compose(raw))
    except Fault:
        return None
    return None if converter.faults else (found,)


def check(text: str) -> None:
    """Hold the formatted text against what it was."""
    raw = text.encode()
    before = data(raw)
    if before is None:
        return
    made = formatted(raw, "syncer.yaml")
    assert repr(canonical(data(made))) == repr(canonical(before))
    assert notes(made.decode()) == notes(text)
    assert formatted(made, "syncer.yaml") == made


def canonical(found: object) -> object:
    """Put mappings into one order."""
    if isinstance(found, dict):
        return {key: canonical(found[key]) for key in sorted(found)}
    return [canonical(item) for item in found] if isinstance(found, list | tuple) else found


def notes(text: str) -> Counter[str]:
    """Count the comments that a test put into a text."""
    return Counter(re.findall(r"# note \d+", text))


@FUZZ
@given(manifests())
def test_generated_manifests(text: str) -> None:
    """Comments above, below, behind and inside everything; every indentation and style."""
    check(text)


@FUZZ
@given(st.data())
def test_comments_anywhere_in_valid_manifests(given_data: st.DataObject) -> None:
    """Comments and blank lines between any two lines of a manifest, and behind any."""
    lines = given_data.draw(st.sampled_from(VALID)).splitlines()
    for number in range(given_data.draw(st.integers(1, 5))):
        at = given_data.draw(st.integers(0, len(lines)))
        if given_data.draw(st.booleans()) and at < len(lines):
            lines[at] += f" # note {number}"
        else:
            lines.insert(at, given_data.draw(st.sampled_from(["", *(" " * n + f"# note {number}" for n in range(9))])))
    check("\n".join(lines) + "\n")


@pytest.mark.parametrize("text", VALID)
def test_valid_manifests(text: str) -> None:
    """Each is formatted, and then as it must be."""
    check(text)


@FUZZ
@given(mutations() | st.lists(PIECES | CANARIES, max_size=30).map("".join) | st.sampled_from(CORPUS))
def test_damaged_manifests(text: str) -> None:
    """A fault of the manifest, or one of ours that says so; never another error, never a word of a value."""
    found = tried(text.encode("utf-8", "replace"))
    if isinstance(found, SyncerError):
        assert not SHOWN.search(f"{found} {found.hint}")
        assert found.__context__ is None
    else:
        assert formatted(found, "syncer.yaml") == found


def tried(raw: bytes) -> bytes | SyncerError:
    """Format it, or give the error."""
    try:
        return formatted(raw, "syncer.yaml")
    except SyncerError as error:
        return error
