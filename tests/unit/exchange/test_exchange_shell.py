"""`.env` files, read by the shells that are here and by the rules of the other readers."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from exchange_samples import TEXTS, VARIABLES, faults, sensitive
from hypothesis import given
from hypothesis import strategies as st

from syncer.errors import Unsupported
from syncer.exchange.shell import dotenv_file
from syncer.exchange.variables import VARIABLE_BYTES

if TYPE_CHECKING:
    from pathlib import Path

SHELLS = ["sh", "bash"]
ODD = st.text(st.sampled_from("'\"\\$`# \n\tanr{}=!é\x85~;"), min_size=1, max_size=8)

_WORD = re.compile(r"([A-Z_][A-Z0-9_]*)=('[^']*'|\"(?:\\.|[^\"\\])*\")\n", re.DOTALL)


def in_shell(document: bytes, shell: str, folder: Path) -> dict[str, str]:
    """Source a file, every variable exported, and ask a program what it got."""
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    (folder / "x.env").write_bytes(document)
    script = "set -a; . ./x.env; exec env -0"
    environ = {"PATH": "/usr/bin:/bin"}
    ended = subprocess.run([shell, "-c", script], cwd=folder, env=environ, capture_output=True, check=True)
    assert ended.stderr == b""
    return dict(pair.split("=", 1) for pair in ended.stdout.decode().split("\0")[:-1])


def by_the_rules(document: bytes) -> dict[str, str]:
    """Read as Compose and python-dotenv do: by the rules of both, which must not differ on what is there."""
    text = document.decode()
    found = dict(_WORD.findall(text))
    assert "".join(f"{name}={word}\n" for name, word in found.items()) == text
    assert "\r" not in text, "python reads files with universal newlines"
    return {name: _unquoted(word) for name, word in found.items()}


def _unquoted(word: str) -> str:
    quote, inside = word[0], word[1:-1]
    assert "${" not in inside, "python-dotenv expands it within any quotes"
    assert not inside.endswith("\\"), "both take the quote behind it for escaped"
    if quote == "'":
        assert "\\\\" not in inside, "python-dotenv takes one for two"
        return inside
    assert not {"$", "`"} & set(inside), "Compose and a shell expand it"
    assert not inside.endswith('"'), "Compose drops it together with the quote behind it"
    assert not re.search(r'\\[^\\"]', re.sub(r"\\\\", "", inside)), "python-dotenv knows more escapes than a shell"
    return re.sub(r'\\([\\"])', r"\1", inside)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_reads_every_value(shell: str, tmp_path: Path) -> None:
    """Byte for byte, and so do the other readers."""
    document = dotenv_file(sensitive(TEXTS)).reveal()
    found = in_shell(document, shell, tmp_path)
    assert {name: found[name] for name in VARIABLES} == VARIABLES
    assert by_the_rules(document) == VARIABLES


@given(st.lists(ODD, min_size=1, max_size=20))
def test_what_is_taken_is_read_alike(texts: list[str]) -> None:
    """By all rules; what cannot be is refused."""
    for text in texts:
        try:
            document = dotenv_file(sensitive({"a": text})).reveal()
        except Unsupported:
            assert "${" in text or {"\\", "'"} & set(text)
        else:
            assert by_the_rules(document) == {"A": text}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_reads_what_is_taken(shell: str, tmp_path: Path) -> None:
    """Every two odd characters between two others, as far as they can be written."""
    letters = "'\"\\$`#! \n\tan{}=;é"
    texts = [f"{a}{b}{c}" for a in letters for b in letters for c in "x'\""]
    taken = {}
    for number, text in enumerate(texts):
        try:
            dotenv_file(sensitive({"a": text}))
        except Unsupported:
            continue
        taken[f"V{number}"] = text
    found = in_shell(dotenv_file(sensitive(taken)).reveal(), shell, tmp_path)
    assert {name: found[name] for name in taken} == taken
    assert len(taken) > 0.7 * len(texts)


def test_lines() -> None:
    """Single quotes where they do, sorted; nothing for nothing."""
    document = dotenv_file(sensitive({"b/c": "it's", "a": 'say "x"', "d": "a\\\\b", "e": ""})).reveal()
    assert document == b"""A='say "x"'\nB_C="it's"\nD="a\\\\\\\\b"\nE=''\n"""
    assert dotenv_file({}).reveal() == b""


def test_what_is_read_differently_is_named_at_once() -> None:
    """By ref and variable, never by value."""
    values = {
        "a-b": "canary",
        "a.b": "canary",
        "1st": "canary",
        "uid": "canary",
        "raw": b"canary\xff",
        "nul": "canary\0",
        "carriage": "canary\r\n",
        "braces": "canary${HOME}",
        "end": "canary\\",
        "both": "canary'$",
        "back": "canary'`",
        "last": "canary'\"",
        "long": "x" * (VARIABLE_BYTES - len("LONG=") + 1),
        "fine": "x" * (VARIABLE_BYTES - len("FINE=")),
    }
    told = faults(lambda: dotenv_file(sensitive(values)))
    assert told == [
        "1st: a program would call it 1ST, and a key has no digit first",
        "a-b, a.b: a program would call each of them A_B",
        "back: the value holds `'` or two backslashes, and beside that `$` or a backquote (BACK)",
        "both: the value holds `'` or two backslashes, and beside that `$` or a backquote (BOTH)",
        "braces: the value holds `${`, which python-dotenv replaces inside of any quotes (BRACES)",
        "carriage: the value holds a carriage return, which python-dotenv takes for a newline (CARRIAGE)",
        "end: the value ends in a backslash, which Compose takes to belong to the quote behind it (END)",
        "last: the value holds `'` or two backslashes, and ends in a double quote, which Compose drops (LAST)",
        "long: 131072 bytes, and a variable holds 131071 (LONG)",
        "nul: the value holds a NUL character, and a variable cannot (NUL)",
        "raw: the value is not UTF-8 text (RAW)",
        "uid: a shell lets nobody set this variable (UID)",
    ]


@pytest.mark.parametrize("ref", ["random", "srandom", "optind", "histcmd", "seconds", "lineno", "bash/argv0"])
def test_what_a_shell_would_run(ref: str) -> None:
    """Bash takes what is set for some of its own variables for arithmetic, in whatever quotes."""
    (told,) = faults(lambda: dotenv_file(sensitive({ref: "a[$(touch canary)]"})))
    assert told.startswith(f"{ref}: a shell keeps this variable itself, and may run what is in a value (")
