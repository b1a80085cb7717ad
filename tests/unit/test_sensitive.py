"""The only carrier of a plaintext value: every way in which it could get out by accident."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import logging
import pickle
import pprint
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.errors import SyncerError
from syncer.model import NO_ROTATION, Address, Desired, OnRemove, Origin, Secret, SourceSpec
from syncer.sensitive import MASK, Sensitive

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = "canary-7fa1c0de"
VALUE = Sensitive(CANARY.encode())


def desired() -> Desired:
    """Make a Desired that holds the canary."""
    spec = SourceSpec(type="env", argument="A", options={}, folder=Path())
    secret = Secret(
        address=Address("global", "db"),
        source=spec,
        tags={},
        enabled=True,
        description="",
        rotate=NO_ROTATION,
        on_remove=OnRemove.DISABLE,
        backend="default",
        origin=Origin(file="syncer.yaml", line=1),
    )
    return Desired(secret=secret, value=VALUE)


@given(st.binary())
def test_reveal_gives_the_bytes_verbatim(raw: bytes) -> None:
    """Nothing is stripped or coerced; emptiness is the one fact that may be asked."""
    assert Sensitive(raw).reveal() == raw
    assert Sensitive(raw).empty == (raw == b"")


@pytest.mark.parametrize("value", [CANARY, bytearray(CANARY.encode()), memoryview(CANARY.encode()), 7, None, VALUE])
def test_a_value_is_bytes(value: object) -> None:
    """Anything else is refused by its type, without repeating it."""
    with pytest.raises(TypeError, match=f"^a value is bytes, not {type(value).__name__}$") as caught:
        Sensitive(value)  # type: ignore[arg-type]
    assert CANARY not in str(caught.value)


SHOWING: list[Callable[[Sensitive], str]] = [
    repr,
    str,
    ascii,
    format,
    lambda value: f"{value}",
    lambda value: f"{value!r:>40}",
    lambda value: f"{value:x}",
    lambda value: "%s %r" % (value, value),  # noqa: UP031
    "{0} {0!r} {0:>9}".format,
    lambda value: str([value, {"value": value}, (value,)]),
    pprint.pformat,
    lambda value: repr(dataclasses.replace(desired(), value=value)),
    lambda value: json.dumps({"value": value}, default=str),
    lambda value: repr(SyncerError("message", hint=f"{value}")),
    lambda value: str(Exception(value)),
]


@pytest.mark.parametrize("show", SHOWING)
def test_it_shows_as_a_mask(show: Callable[[Sensitive], str]) -> None:
    """However it is turned into text."""
    text = show(VALUE)
    assert CANARY not in text
    if not text.startswith("SyncerError"):
        assert MASK in text


REFUSED: list[Callable[[Sensitive], object]] = [
    lambda value: value == VALUE,
    lambda value: value != VALUE,
    lambda value: value == CANARY.encode(),
    lambda value: CANARY.encode() == value,
    lambda value: Sensitive(b"a") in (value, value),
    lambda value: value < VALUE,  # type: ignore[operator]
    hash,
    lambda value: {value: 1},
    lambda value: {value},  # the same, as a member of a set
    bool,
    lambda value: value or b"",
    len,  # type: ignore[list-item]
    list,  # type: ignore[list-item]
    bytes,  # type: ignore[list-item]
    memoryview,  # type: ignore[list-item]
    lambda value: b"" + value,  # type: ignore[operator]
    lambda value: "" + value,  # type: ignore[operator]
    lambda value: value[0],  # type: ignore[index]
    lambda value: b"".join([value]),  # type: ignore[list-item]
    vars,
    lambda value: value.__getstate__(),  # type: ignore[func-returns-value]  # what it would return is the point
    copy.copy,
    copy.deepcopy,
    json.dumps,
    lambda value: json.dumps({"value": value}),
    lambda value: io.BytesIO().write(value),  # type: ignore[arg-type]
    lambda _: dataclasses.asdict(desired()),
    lambda _: dataclasses.astuple(desired()),
    lambda _: copy.deepcopy(desired()),
    lambda _: pickle.dumps(desired()),
    *[lambda value, n=n: pickle.dumps(value, n) for n in range(pickle.HIGHEST_PROTOCOL + 1)],
]


@pytest.mark.parametrize("use", REFUSED)
def test_every_other_use_is_refused(use: Callable[[Sensitive], object]) -> None:
    """Comparing, hashing, measuring, copying, pickling and serialising raise, and the error shows nothing."""
    with pytest.raises(TypeError) as caught:
        use(VALUE)
    assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("name", ["value", "_value", "__value", "__dict__"])
def test_no_attribute_gives_it_by_a_likely_name(name: str) -> None:
    """`reveal()` is the one way."""
    assert not hasattr(VALUE, name)


def test_no_attribute_can_be_added() -> None:
    """Nothing can be kept beside it by accident."""
    with pytest.raises(AttributeError):
        VALUE.note = CANARY  # type: ignore[attr-defined]


def test_logging_shows_a_mask() -> None:
    """As the message, as its argument, and in a dictionary of them."""
    stream = io.StringIO()
    logger = logging.Logger("test")  # noqa: LOG001  # one that nobody else can reach
    logger.addHandler(logging.StreamHandler(stream))
    logger.error(VALUE)
    logger.error("wrote %s and %r", VALUE, VALUE)
    logger.error("wrote %(value)s", {"value": VALUE})
    assert stream.getvalue() == f"{MASK}\nwrote {MASK} and {MASK}\nwrote {MASK}\n"


def test_a_traceback_shows_a_mask() -> None:
    """Of an exception that has it among its arguments, with the local variables too."""
    value = VALUE
    try:
        raise RuntimeError("failed", value, [value])  # noqa: EM101, TRY301
    except RuntimeError as error:
        text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert f"('failed', {MASK}, [{MASK}])" in text
    assert f"value = {MASK}" in text
    assert CANARY not in text


def test_a_desired_shows_a_mask() -> None:
    """The dataclass that carries it through a run."""
    assert f"value={MASK}" in repr(desired())
    assert CANARY not in repr(desired())
