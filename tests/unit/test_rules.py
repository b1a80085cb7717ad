"""Expressions of a policy: the whole text, in linear time, or refused."""

from __future__ import annotations

import time

import pytest

from syncer.errors import InvalidConfiguration
from syncer.rules import matcher


@pytest.mark.parametrize(
    ("expression", "fitting", "others"),
    [
        ("[a-z]+", ("a", "abc"), ("", "A", "ab1", "1ab", "abc\n", "\nabc", "ab\nc")),
        ("a|bc", ("a", "bc"), ("ac", "abc", "ab")),
        ("^a$", ("a",), ("a\n",)),
        (r"\d{4}", ("2024",), ("24", "20245", "٢٠٢٤")),
        ("(?i)team-.*", ("TEAM-A", "team-"), ("a team-",)),
        ("", ("",), ("a",)),
        ("é+", ("éé",), ("e",)),
    ],
)
def test_an_expression_is_about_the_whole_text(
    expression: str, fitting: tuple[str, ...], others: tuple[str, ...]
) -> None:
    """Nothing may stand around what it matches, not even a line break."""
    fits = matcher(expression)
    assert [text for text in fitting if not fits(text)] == []
    assert [text for text in others if fits(text)] == []


@pytest.mark.parametrize(
    "expression", ["[", "(?=a)", r"(a)\1", "a)|(b", "(?x)a #", "a{2,1}", r"\y", "((a{999}){999}){999}"]
)
def test_what_cannot_be_matched_is_refused(expression: str) -> None:
    """Also what would be one only with something around it, and what grows too large; it is not repeated."""
    with pytest.raises(InvalidConfiguration, match=r"\Anot a regular expression that can be matched") as caught:
        matcher(expression)
    assert expression not in caught.value.message
    assert caught.value.__context__ is None


@pytest.mark.parametrize("expression", ["(a+)+b", "(a|a)*b", "(a*)*b", "(.*a){20}b"])
def test_no_expression_is_catastrophic(expression: str) -> None:
    """What takes a backtracking engine longer than the world takes this one no time."""
    begin = time.process_time()
    assert not matcher(expression)("a" * 20_000)
    assert time.process_time() - begin < 2
