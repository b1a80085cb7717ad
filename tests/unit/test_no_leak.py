"""What the suite takes for a leak, and that the errors of sources are none."""

from __future__ import annotations

import json

import pytest

from syncer.errors import SourceError
from syncer.sensitive import Sensitive
from syncer.sources.base import decoder
from syncer.testing.base import CANARY, assert_no_leak


def _raised(message: str, *, by: Exception, cause: bool = False) -> SourceError:
    """Make an error as if it was raised while `by` was handled."""
    error = SourceError(message)
    error.__cause__ = by if cause else None  # which also hides the context
    error.__context__ = by
    return error


class _Told(Exception):
    """Keeps something beside its message."""

    def __init__(self, body: bytes) -> None:
        super().__init__("refused")
        self.body = body


@pytest.mark.parametrize(
    "by",
    [
        ValueError(CANARY.decode()),
        UnicodeDecodeError("ascii", CANARY, 0, 1, "no"),
        json.JSONDecodeError("no", CANARY.decode(), 0),
        _Told(CANARY),
        _raised("inner", by=_Told(CANARY)),
        ExceptionGroup("several", [_Told(CANARY)]),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("cause", [True, False])
def test_a_hidden_error_that_holds_the_value_is_a_leak(by: Exception, *, cause: bool) -> None:
    """Not shown is not gone: a crash reporter walks the chain."""
    error = _raised("harmless", by=by, cause=cause)
    with pytest.raises(AssertionError, match="a value shows in the text of a SourceError"):
        assert_no_leak(CANARY, error)


def test_an_error_that_comes_round_to_itself_is_followed_once() -> None:
    """And what holds nothing is no leak."""
    error = _raised("harmless", by=ValueError("as harmless"))
    assert error.__context__ is not None
    error.__context__.__context__ = error
    assert_no_leak(CANARY, error, Sensitive(CANARY), "text")


@pytest.mark.parametrize("name", ["base64", "hex"])
@pytest.mark.parametrize("value", [CANARY, CANARY + "ä".encode()])
def test_what_cannot_be_decoded_comes_from_nothing(name: str, value: bytes) -> None:
    """Python's error for it would hold the value."""
    decode = decoder(name)
    assert decode is not None
    with pytest.raises(SourceError, match=f"not {name}") as caught:
        decode(Sensitive(value))
    assert caught.value.__context__ is None
    assert_no_leak(CANARY, caught.value)
