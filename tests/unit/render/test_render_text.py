"""Quoting that nothing escapes, and small words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.render.text import Style, attribute, clean, quantity, quote


@given(st.text())
def test_quoted_text_is_printable_and_reads_back(text: str) -> None:
    """A quoted text is one line of printable characters and a JSON string of the same text."""
    quoted = quote(text)
    assert quoted.isprintable()
    assert json.loads(quoted) == text


@given(st.text())
def test_cleaned_text_is_printable(text: str) -> None:
    """Nothing that a terminal acts on is left; what is harmless stays as it is."""
    assert clean(text).isprintable()
    assert clean(text) == text or not text.isprintable()


@pytest.mark.parametrize("char", ["\u202a", "\u202e", "\u2066", "\u2069", "\x1b", "\x9b", "\x7f", "\u2028", "\u200b"])
def test_each_dangerous_character_is_escaped(char: str) -> None:
    """As JSON writes it."""
    assert clean(f"a{char}b") == f"a\\u{ord(char):04x}b"


def test_attributes_with_odd_keys_are_quoted() -> None:
    """A plain key stands bare."""
    assert attribute(("tags", "app.kubernetes.io/name")) == "tags.app.kubernetes.io/name"
    assert attribute(("tags", 'a = "b"')) == 'tags["a = \\"b\\""]'
    assert attribute(("tags", "")) == 'tags[""]'
    assert attribute(("description",)) == "description"


def test_quantities() -> None:
    """One is singular."""
    assert [quantity(1, "address"), quantity(2, "address"), quantity(0, "value")] == [
        "1 address",
        "2 addresses",
        "0 values",
    ]


def test_plain_style_paints_nothing() -> None:
    """Colour is asked for, and an empty hue is none."""
    assert Style().paint("x", "31") == "x"
    assert Style(color=True).paint("x", "31") == "\x1b[31mx\x1b[0m"
    assert Style(color=True).paint(" ", "") == " "
