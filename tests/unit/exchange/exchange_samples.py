"""Values that a careless writer or reader would change, and how the tests hand them over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from syncer.errors import Unsupported
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TEXTS = {
    "plain": "value",
    "quotes": 'it\'s "quoted" so',
    "single": "it's",
    "double": '"quoted"',
    "dollars": "$HOME $X $$ $(id)",
    "backquote": "`id`",
    "equals": "a=b==",
    "unicode": "pässwörd \U0001f511 \u2028 \x85 \u00a0 e\u0301 \ufeff \U000e0001",
    "lines": "\n\none\ntwo\n\n",
    "number": "00123",
    "word": "true",
    "none": "null",
    "blank": " \t ",
    "comment": "# no comment",
    "backslash": "a\\nb\\c",
    "controls": "\x01\x07\x0b\x0c\x1b\x7f",
    "yaml": "- a: {b}\n...\n---\n! & * |",
    "long": "0123456789abcdef" * 400,
}
"""Ref to text: what every format of variables and maps holds."""

VARIABLES = {ref.upper(): text for ref, text in TEXTS.items()}


def sensitive(values: Mapping[str, str | bytes]) -> dict[str, Sensitive]:
    """Wrap values."""
    return {ref: Sensitive(value if isinstance(value, bytes) else value.encode()) for ref, value in values.items()}


def faults(write: Callable[[], object]) -> list[str]:
    """Write what cannot be written, and give the messages."""
    with pytest.raises(Unsupported) as caught:
        write()
    assert caught.value.__context__ is None
    assert caught.value.hint
    return caught.value.message.splitlines()
