"""Parts of values that are JSON."""

from __future__ import annotations

import traceback

import pytest

from syncer.errors import NotFound, SyncerError, Unsupported
from syncer.exchange.fields import part
from syncer.sensitive import Sensitive
from syncer.testing.base import CANARY

DOCUMENT = """
{"user": "shop", "port": 5432, "ratio": 1.10, "big": 123456789012345678901234567890, "on": true, "off": false,
 "none": null, "empty": "", "text": "Gr\\u00fc\\u00dfe\\n", "half": "\\ud800",
 "deep": {"a": {"b": "c"}, "list": [1, {"x": "y"}, 2.50]}, "dots.in.it": "whole", "dots": {"in": {"it": "stepwise"}},
 "deep.a": {"b": "mixed"}, "": {"": "nothing"}, "infinite": 1e999, "inside": [1e999]}
"""


def got(path: str, document: str = DOCUMENT) -> bytes:
    """Take a part out."""
    return part(Sensitive(document.encode()), path).reveal()


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("user", "shop"),
        ("port", "5432"),
        ("ratio", "1.10"),
        ("big", "123456789012345678901234567890"),
        ("on", "true"),
        ("off", "false"),
        ("empty", ""),
        ("text", "Grüße\n"),
        ("deep.list.0", "1"),
        ("deep.list.1.x", "y"),
        ("deep.list.2", "2.50"),
        ("deep.list.1", '{"x": "y"}'),
        ("dots.in.it", "whole"),
        ("dots.in", '{"it": "stepwise"}'),
        ("deep.a.b", "c"),
        ("deep.a", '{"b": "mixed"}'),
        (".", "nothing"),
        ("infinite", "1e999"),
    ],
)
def test_parts(path: str, wanted: str) -> None:
    """A text as it is, all else as JSON writes it; a whole key goes before a path."""
    assert got(path) == wanted.encode()


def test_a_root_that_is_a_list() -> None:
    """Indices count from nought."""
    assert got("1", '["a", "b"]') == b"b"


@pytest.mark.parametrize(
    "path",
    ["nothing", "none", "user.x", "deep.nothing.x", "deep.list.9", "deep.list.-1", "deep.list.01", "deep.list.x"],
)
def test_what_leads_nowhere(path: str) -> None:
    """NotFound."""
    with pytest.raises(NotFound, match="nothing under that key"):
        got(path)


def test_what_no_json_can_write() -> None:
    """A list with a number beyond all bounds."""
    with pytest.raises(Unsupported, match="cannot be written as JSON"):
        got("inside")


def test_half_a_surrogate_pair_is_no_text() -> None:
    """It comes out as bytes that are no UTF-8, so whoever wants text refuses it."""
    with pytest.raises(UnicodeDecodeError):
        got("half").decode()


@pytest.mark.parametrize(
    "value",
    [CANARY, b'{"a": "' + CANARY, b"\xff" + CANARY, b"[" * 100_000, b'{"a": ' + b"1" * 5000 + b"}", b""],
    ids=["text", "cut", "binary", "deep", "digits", "empty"],
)
def test_what_is_no_json(value: bytes) -> None:
    """An error that holds nothing of it, nor does what it was raised from."""
    with pytest.raises(SyncerError, match="the value is no JSON") as caught:
        part(Sensitive(value), "a")
    assert caught.value.__context__ is None
    assert CANARY.decode() not in "".join(traceback.format_exception(caught.value))
