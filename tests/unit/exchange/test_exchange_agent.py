"""Requests and replies of the Datadog Agent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.errors import NotFound, SyncerError
from syncer.exchange.agent import Reply, Request, fault, parse_request, spoken
from syncer.sensitive import Sensitive


def request(**more: Any) -> Request:
    """Parse one of the newest kind."""
    return parse_request(json.dumps({"version": "1.1", "secrets": ["a"], **more}).encode())


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.9", "1", "1.x"])
def test_every_minor_version(version: str) -> None:
    """Only the first part counts."""
    assert request(version=version) == Request(handles=("a",))


def test_handles_come_once() -> None:
    """In the order in which they stand there first."""
    assert request(secrets=["b", "a", "b", ""]).handles == ("b", "a", "")


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (30, 30.0),
        (0.5, 0.5),
        (10**30, 3600.0),
        (float("inf"), 3600.0),
        (float("nan"), None),
        (0, None),
        (-1, None),
        (True, None),
        ("30", None),
        (None, None),
        ([], None),
    ],
)
def test_how_long_the_agent_waits(given: object, seconds: float | None) -> None:
    """A number of seconds; anything else is as good as nothing."""
    assert request(secret_backend_timeout=given).seconds == seconds


@pytest.mark.parametrize("raw", [b"", b"x", b"\xff", b"[]", b'"a"', b"1" * 5000, b"[" * 100_000])
def test_garbage(raw: bytes) -> None:
    """One error, which holds nothing of it."""
    with pytest.raises(SyncerError, match="the request on standard input") as caught:
        parse_request(raw)
    assert caught.value.__context__ is None
    assert caught.value.exit_code == 1


def entries(reply: Reply) -> Any:
    """Read a reply."""
    return json.loads(reply.document().reveal())


def test_a_reply() -> None:
    """Values and errors under their handles, in the order asked for; what was never given has no room."""
    reply = Reply(["a", "b", "c", "d", "e"])
    reply.give("c", NotFound("one line\nand another", hint="not told"))
    reply.give("a", Sensitive("vé\0\n".encode()))
    reply.give("b", Sensitive(b""))
    reply.give("e", Sensitive(b"\xff"))
    found = entries(reply)
    assert list(found) == ["a", "b", "c", "d", "e"]
    assert found == {
        "a": {"value": "vé\0\n", "error": None},
        "b": {"value": None, "error": "the value is empty"},
        "c": {"value": None, "error": "one line; and another"},
        "d": {"value": None, "error": "no room in the reply"},
        "e": {"value": None, "error": "the value is not UTF-8 text"},
    }


def test_a_number_is_a_string() -> None:
    """Whatever a value looks like."""
    reply = Reply(["a"])
    reply.give("a", Sensitive(b"00123"))
    assert entries(reply)["a"]["value"] == "00123"


def test_a_handle_that_is_no_unicode_comes_back_as_it_came() -> None:
    """Half a surrogate pair is escaped."""
    reply = Reply(["\ud800"])
    reply.give("\ud800", Sensitive(b"v"))
    assert reply.document().reveal() == b'{"\\ud800":{"value":"v","error":null}}'


def test_short_values_make_room_for_others() -> None:
    """Where the places of all were too long, those of short values leave some over."""
    handles = [f"h{number}" for number in range(100)]
    reply = Reply(handles, limit=100 * len('"h00":{"value":"v","error":null},'))
    for handle in handles:
        reply.give(handle, Sensitive(b"v"))
    assert list(entries(reply)) == handles
    assert {entry["value"] for entry in entries(reply).values()} == {"v"}


@given(
    st.dictionaries(st.text(max_size=20), st.binary(max_size=60), max_size=30),
    st.integers(min_value=2, max_value=3000),
)
def test_a_reply_is_whole_and_never_longer_than_allowed(values: dict[str, bytes], limit: int) -> None:
    """Whatever is given; and the same reply twice."""
    replies = []
    for _ in range(2):
        reply = Reply(values, limit)
        for handle, value in values.items():
            reply.give(handle, Sensitive(value))
        replies.append(reply.document().reveal())
    assert replies[0] == replies[1]
    assert len(replies[0]) <= limit
    for handle, entry in json.loads(replies[0]).items():
        assert (entry["value"] is None) is (entry["error"] is not None)
        assert entry["value"] in (None, values[handle].decode(errors="replace"))


def test_what_an_agent_cannot_take() -> None:
    """Nothing, and what is no text."""
    assert [fault(Sensitive(value)) for value in (b"v", b"", b"\xff")] == [
        None,
        "the value is empty",
        "the value is not UTF-8 text",
    ]
    assert spoken(SyncerError("a\nb")) == "a; b"
