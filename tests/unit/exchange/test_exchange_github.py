"""What a runner makes of the lines that a step appends to $GITHUB_ENV."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exchange_samples import TEXTS, VARIABLES, faults, sensitive
from hypothesis import given
from hypothesis import strategies as st

from syncer.exchange import github
from syncer.exchange.github import env_file

if TYPE_CHECKING:
    import pytest


def in_runner(document: bytes) -> dict[str, str]:
    """Read blocks: a name and a delimiter, then lines up to one that is the delimiter, joined."""
    assert not document or document.endswith(b"\n")
    lines = iter(document.decode().split("\n")[:-1])
    found = {}
    for line in lines:
        name, delimiter = line.split("<<", 1)
        assert re.fullmatch(r"[A-Z_][A-Z0-9_]*", name)
        content: list[str] = []
        while (following := next(lines)) != delimiter:
            content.append(following)
        found[name] = "\n".join(content)
    return found


def test_every_value_comes_back() -> None:
    """Byte for byte, sorted."""
    odd = {"carriage": "\r\nvalue\r", "block": "A<<B\nvalue\nB\nC=d", "braces": "${{ secrets.X }}", "empty": ""}
    found = in_runner(env_file(sensitive(TEXTS | odd)).reveal())
    assert found == VARIABLES | {ref.upper(): text for ref, text in odd.items()}
    assert list(found) == sorted(found)
    assert env_file({}).reveal() == b""


@given(
    st.dictionaries(
        st.from_regex(r"[A-C_]{1,5}", fullmatch=True), st.text(st.characters(exclude_characters="\0", codec="utf-8"))
    )
)
def test_any_text_comes_back(texts: dict[str, str]) -> None:
    """Whatever the characters but NUL."""
    assert in_runner(env_file(sensitive(texts)).reveal()) == texts


def test_no_value_ends_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A delimiter that stands in a value is not taken, and each document has another one."""
    first = env_file(sensitive({"a": "v"})).reveal()
    assert first != env_file(sensitive({"a": "v"})).reveal()
    made = iter([b"\x00" * 16, b"\x11" * 16])
    monkeypatch.setattr(github.os, "urandom", lambda _size: next(made))
    value = f"x\nsyncer_{'00' * 16}\nNODE_OPTIONS=evil"
    assert in_runner(env_file(sensitive({"a": value})).reveal()) == {"A": value}


def test_what_a_runner_would_not_take() -> None:
    """At once, by name."""
    values = {
        "github-token": "canary",
        "runner_os": "canary",
        "node.options": "canary",
        "raw": b"canary\xff",
        "nul": "canary\0",
        "a-b": "canary",
        "a.b": "canary",
        "ci": "fine",
    }
    assert faults(lambda: env_file(sensitive(values))) == [
        "a-b, a.b: GitHub would call each of them A_B",
        "github-token: GitHub lets nobody set this variable (GITHUB_TOKEN)",
        "node.options: GitHub lets nobody set this variable (NODE_OPTIONS)",
        "nul: the value holds a NUL character, and a variable cannot (NUL)",
        "raw: the value is not UTF-8 text (RAW)",
        "runner_os: GitHub lets nobody set this variable (RUNNER_OS)",
    ]
