"""The environment of a program that is started with values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from exchange_samples import TEXTS, VARIABLES, faults, sensitive

from syncer.exchange.github import env_file
from syncer.exchange.process import environment
from syncer.exchange.shell import dotenv_file
from syncer.exchange.variables import VARIABLE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncer.sensitive import Sensitive


def test_any_bytes() -> None:
    """But NUL; by name, with what it begins with."""
    values = sensitive(TEXTS | {"raw": b"\xff\xfe\r\n", "empty": ""})
    expected = {name.encode(): text.encode() for name, text in VARIABLES.items()}
    assert environment(values, "") == expected | {b"RAW": b"\xff\xfe\r\n", b"EMPTY": b""}
    assert environment(sensitive({"1st": "v", "path": "w"}), "DB_") == {b"DB_1ST": b"v", b"DB_PATH": b"w"}
    assert environment({}, "") == {}


@pytest.mark.parametrize("write", [lambda values: environment(values, ""), dotenv_file, env_file])
def test_what_would_change_what_is_run(write: Callable[[dict[str, Sensitive]], object]) -> None:
    """Is refused by all who hand variables over."""
    refs = ("path", "ifs", "env", "bash-env", "ld-preload", "dyld.x")
    told = faults(lambda: write(sensitive(dict.fromkeys((*refs, "node", "paths"), "canary"))))
    assert [line.partition(":")[0] for line in told] == sorted(refs)
    assert all(": this variable would change what is run (" in line for line in told)


def test_what_a_program_would_not_get() -> None:
    """At once, by name: also what would change which program it is."""
    values = {
        "nul": "canary\0",
        "long": "x" * (VARIABLE_BYTES - len("LONG=") + 1),
        "a-b": "canary",
        "A_B": "canary",
        "1st": "canary",
        "path": "canary",
        "ps4": "canary",
        "ld-preload": "canary",
        "ldap": "fine",
    }
    assert faults(lambda: environment(sensitive(values), "")) == [
        "1st: the program would call it 1ST, and a key has no digit first",
        "A_B, a-b: the program would call each of them A_B",
        "ld-preload: this variable would change what is run (LD_PRELOAD)",
        "long: 131072 bytes, and a variable holds 131071 (LONG)",
        "nul: the value holds a NUL character, and a variable cannot (NUL)",
        "path: this variable would change what is run (PATH)",
        "ps4: this variable would change what is run (PS4)",
    ]
