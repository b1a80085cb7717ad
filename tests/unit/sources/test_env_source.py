"""The source `env`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.errors import InvalidConfiguration, SourceError
from syncer.model import Address, SourceSpec
from syncer.sources.base import SourceContext
from syncer.sources.env import EnvSource

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = "canary-7fa1c0de"


@given(st.binary(min_size=1))
def test_any_bytes_come_through_verbatim(raw: bytes) -> None:
    """What the operating system holds is what is yielded, UTF-8 or not."""
    spec = SourceSpec(type="env", argument="NAME", options={}, folder=Path())
    environ = {"NAME": os.fsdecode(raw)}
    run = SourceContext(project="p", address=Address("s", "r"), environ=environ, subkey=str.encode)
    assert EnvSource(spec).resolve(run).reveal() == raw


def test_the_real_environment_is_read_byte_by_byte(
    declare: Callable[..., Any], context: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that are not UTF-8 survive the way through os.environ."""
    monkeypatch.setitem(os.environb, b"SYNCER_TEST_BYTES", b"\xff\xfe 00123\n")
    assert declare("env", "SYNCER_TEST_BYTES").resolve(context(os.environ)).reveal() == b"\xff\xfe 00123\n"


def test_an_unset_variable_is_named(declare: Callable[..., Any], context: Callable[..., Any]) -> None:
    """The error says which variable is not set."""
    with pytest.raises(SourceError) as caught:
        declare("env", "PROD_DB").resolve(context({"PROD": CANARY}))
    assert caught.value.message == "environment variable PROD_DB is not set"


def test_an_empty_variable_is_refused(declare: Callable[..., Any], context: Callable[..., Any]) -> None:
    """Set to nothing is a mistake upstream."""
    with pytest.raises(SourceError, match="empty value"):
        declare("env", "A").resolve(context({"A": ""}))


def test_text_without_bytes_is_refused_without_showing_it(
    declare: Callable[..., Any], context: Callable[..., Any], shown: Callable[..., Any]
) -> None:
    """A mapping that no operating system made may hold what has no bytes; the error must not carry it."""
    with pytest.raises(SourceError, match="cannot be turned into bytes") as caught:
        declare("env", "A").resolve(context({"A": CANARY + "\ud800"}))
    assert CANARY not in shown(caught.value)


@pytest.mark.parametrize("argument", ["", "1A", "A-B", "A B", "A\n", "Ä", "$A", None, 1, True, ["A"], {"A": "B"}])
def test_what_is_no_name_is_refused(declare: Callable[..., Any], argument: object) -> None:
    """Offline, and without repeating what stood there."""
    with pytest.raises(InvalidConfiguration, match=r"^`env` must be the name of an environment variable"):
        declare("env", argument)


def test_a_value_in_place_of_the_name_is_not_echoed(declare: Callable[..., Any], shown: Callable[..., Any]) -> None:
    """Whoever types the value itself must not find it in a log."""
    with pytest.raises(InvalidConfiguration) as caught:
        declare("env", CANARY)
    assert CANARY not in shown(caught.value)


def test_an_option_is_refused(declare: Callable[..., Any]) -> None:
    """`env` takes none but `decode`."""
    with pytest.raises(InvalidConfiguration, match="unknown option `trim`"):
        declare("env", "A", trim=True)


@pytest.mark.parametrize(("how", "text"), [("base64", "aGVs\nbG8="), ("hex", "68656c6c6f")])
def test_decode_is_applied_last(declare: Callable[..., Any], context: Callable[..., Any], how: str, text: str) -> None:
    """`decode` turns text into the bytes that it stands for."""
    assert declare("env", "A", decode=how).resolve(context({"A": text})).reveal() == b"hello"


@pytest.mark.parametrize("how", ["base64", "hex"])
def test_what_cannot_be_decoded_is_not_echoed(
    declare: Callable[..., Any], context: Callable[..., Any], how: str
) -> None:
    """The error names the encoding only."""
    with pytest.raises(SourceError, match=f"is not {how}") as caught:
        declare("env", "A", decode=how).resolve(context({"A": CANARY + "!"}))
    assert CANARY not in repr(caught.value)


@pytest.mark.parametrize("how", ["", "rot13", 64, ["hex"]])
def test_an_unknown_encoding_is_refused(declare: Callable[..., Any], how: object) -> None:
    """Offline, at load."""
    with pytest.raises(InvalidConfiguration, match="base64 or hex"):
        declare("env", "A", decode=how)


def test_the_project_key_is_no_value(declare: Callable[..., Any]) -> None:
    """Whoever can read the store could then read all of it."""
    with pytest.raises(InvalidConfiguration, match="SYNCER_KEY holds the project key"):
        declare("env", "SYNCER_KEY")
