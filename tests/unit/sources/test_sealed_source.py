"""The source `sealed`."""

from __future__ import annotations

import base64
import string
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncer.errors import InvalidConfiguration, SourceError
from syncer.sensitive import Sensitive
from syncer.sources.sealed import PREFIX, seal_text

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = b"canary-7fa1c0de"
reusing = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@given(raw=st.binary(min_size=1))
@reusing
def test_what_is_sealed_opens(declare: Callable[..., Any], context: Callable[..., Any], raw: bytes) -> None:
    """For the same project, address and key."""
    text = seal_text(Sensitive(raw), context())
    assert text.startswith(PREFIX)
    assert set(text.removeprefix(PREFIX)) <= set(string.ascii_letters + string.digits + "-_")
    assert declare("sealed", text).resolve(context()).reveal() == raw


def test_sealing_twice_gives_two_texts(context: Callable[..., Any]) -> None:
    """Equal values must not look equal."""
    assert seal_text(Sensitive(CANARY), context()) != seal_text(Sensitive(CANARY), context())


@pytest.mark.parametrize(
    "other",
    [
        {"address": "payments:db2"},
        {"address": "global:db"},
        {"address": "paymentsd:b"},
        {"project": "shop2"},
        {"key": bytes(32)},
    ],
)
def test_it_opens_nowhere_else(
    declare: Callable[..., Any], context: Callable[..., Any], shown: Callable[..., Any], other: dict[str, object]
) -> None:
    """Another address, project or key is refused, saying what to do."""
    source = declare("sealed", seal_text(Sensitive(CANARY), context()))
    with pytest.raises(SourceError, match="sealed for another address or under another key") as caught:
        source.resolve(context(**other))
    assert f"`syncer seal {other.get('address', 'payments:db')}`" in str(caught.value.hint)
    assert CANARY.decode() not in shown(caught.value)


@given(data=st.data())
@reusing
def test_one_changed_character_is_noticed(
    declare: Callable[..., Any], context: Callable[..., Any], data: st.DataObject
) -> None:
    """Wherever it stands: it is refused at load, or does not open."""
    text = seal_text(Sensitive(CANARY), context())
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda c: c != text[at]))
    with pytest.raises((InvalidConfiguration, SourceError)):
        declare("sealed", text[:at] + other + text[at + 1 :]).resolve(context())


@given(body=st.text(st.characters(codec="utf-8")) | st.text(string.ascii_letters + "-_+/= \n", max_size=80))
@reusing
def test_any_other_text_is_refused_or_does_not_open(
    declare: Callable[..., Any], context: Callable[..., Any], body: str
) -> None:
    """No text makes it fail in another way."""
    for text in (body, PREFIX + body):
        with pytest.raises((InvalidConfiguration, SourceError)):
            declare("sealed", text).resolve(context())


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.parametrize(
    "argument",
    [
        None,
        5,
        ["syncer:v1:" + _b64(bytes(40))],
        "",
        PREFIX,
        _b64(bytes(40)),
        "syncer:v2:" + _b64(bytes(40)),
        PREFIX + _b64(bytes(28)),
        PREFIX + _b64(bytes(40)) + "==",
        PREFIX + _b64(bytes(39)) + "A",
        PREFIX + _b64(bytes(40)) + "\n",
        PREFIX + _b64(bytes(40))[:-1] + "B",
        PREFIX + _b64(b"\xff" * 40).replace("_", "/"),
        PREFIX + PREFIX + _b64(bytes(40)),
    ],
)
def test_a_damaged_text_is_refused_offline(declare: Callable[..., Any], argument: object) -> None:
    """Without the key, and without repeating it."""
    with pytest.raises(InvalidConfiguration) as caught:
        declare("sealed", argument)
    assert caught.value.message == "`sealed` must be a whole syncer:v1:... string"


def test_the_shortest_value_is_one_byte(declare: Callable[..., Any], context: Callable[..., Any]) -> None:
    """An empty one is refused before it is sealed."""
    assert declare("sealed", seal_text(Sensitive(b"\0"), context())).resolve(context()).reveal() == b"\0"
    with pytest.raises(SourceError, match="empty value"):
        seal_text(Sensitive(b""), context())


def test_a_plaintext_typed_by_mistake_is_not_echoed(declare: Callable[..., Any], shown: Callable[..., Any]) -> None:
    """The most likely mistake of all."""
    with pytest.raises(InvalidConfiguration) as caught:
        declare("sealed", CANARY.decode())
    assert CANARY.decode() not in shown(caught.value)
