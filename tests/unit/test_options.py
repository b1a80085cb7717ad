"""Options turned into dataclasses, durations, and the nearest right word."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncer.errors import InvalidConfiguration
from syncer.options import did_you_mean, duration, parse_options

CANARY = "canary-7fa1c0de"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One of each."""

    region: str
    port: int = 8200
    secure: bool = True
    names: list[str] = field(default_factory=list)
    labels: dict[str, str] | None = None
    size: int | str = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Optional:
    """Nothing is required."""

    names: list[str] = field(default_factory=list)


def test_what_is_given_is_set_and_the_rest_has_its_default() -> None:
    """Every field, by its name."""
    given_options: dict[str, Any] = {
        "region": "west",
        "port": 1,
        "secure": False,
        "names": ["a"],
        "labels": {"a": "b"},
        "size": "x",
    }
    assert parse_options(Options, given_options) == Options(**given_options)
    assert parse_options(Options, {"region": "west"}) == Options(region="west")
    assert parse_options(Options, {"region": "west", "labels": None}).labels is None


def test_two_parsed_options_share_nothing() -> None:
    """Also where nothing was given."""
    assert parse_options(Optional, {}).names is not parse_options(Optional, {}).names


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "option `region` is missing"),
        ({"port": 1}, "option `region` is missing"),
        ({"region": "west", "regoin": CANARY}, "unknown option `regoin`, did you mean `region`?"),
        ({"region": "west", "zzz": CANARY}, "unknown option `zzz`"),
        ({"region": "west", 7: CANARY}, "unknown option `7`"),
        ({"region": None}, "option `region` must be a string"),
        ({"region": 5}, "option `region` must be a string"),
        ({"region": "west", "port": CANARY}, "option `port` must be a whole number"),
        ({"region": "west", "port": True}, "option `port` must be a whole number"),
        ({"region": "west", "port": 1.0}, "option `port` must be a whole number"),
        ({"region": "west", "secure": 1}, "option `secure` must be true or false"),
        ({"region": "west", "secure": CANARY}, "option `secure` must be true or false"),
        ({"region": "west", "names": CANARY}, "option `names` must be a list"),
        ({"region": "west", "labels": CANARY}, "option `labels` must be a mapping or null"),
        ({"region": "west", "size": [CANARY]}, "option `size` must be a whole number or a string"),
    ],
)
def test_what_is_wrong_is_named_and_not_repeated(options: dict[Any, Any], message: str) -> None:
    """The option and what it must be; never what stood there."""
    with pytest.raises(InvalidConfiguration) as caught:
        parse_options(Options, options)
    assert caught.value.message == message


@given(
    st.dictionaries(
        st.text() | st.sampled_from(["region", "port"]), st.none() | st.text() | st.integers() | st.booleans()
    )
)
def test_any_mapping_is_parsed_or_refused(options: dict[str, Any]) -> None:
    """It never fails in another way."""
    try:
        parsed = parse_options(Options, options)
    except InvalidConfiguration:
        return
    assert parsed.region == options["region"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1s", timedelta(seconds=1)),
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("24h", timedelta(days=1)),
        ("90d", timedelta(days=90)),
        ("4w", timedelta(weeks=4)),
        ("007d", timedelta(days=7)),
        ("36500d", timedelta(days=36500)),
        ("3153600000s", timedelta(days=36500)),
        ("0" * 10_000 + "1s", timedelta(seconds=1)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, expected: timedelta) -> None:
    """Up to 100 years."""
    assert duration(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "30",
        "0s",
        "00d",
        "-1s",
        "+1s",
        "1.5h",
        "1 s",
        " 1s",
        "1s\n",
        "1S",
        "1y",
        "1m30s",
        "36501d",
        "3153600001s",
        "9" * 5000 + "s",
        "٣s",
        CANARY,
    ],
)
def test_anything_else_is_no_duration(text: str) -> None:
    """Refused without repeating it."""
    with pytest.raises(
        InvalidConfiguration, match=r"^a duration is a positive whole number and s, m, h, d or w"
    ) as caught:
        duration(text)
    assert CANARY not in str(caught.value)


@given(st.integers(1, 36500), st.sampled_from("smhd"))
def test_durations_are_proportional(number: int, unit: str) -> None:
    """The number times the unit."""
    assert duration(f"{number}{unit}") == number * duration(f"1{unit}")


@pytest.mark.parametrize(("word", "close"), [("regoin", "region"), ("pasword", "password"), ("Type", "type")])
def test_a_close_word_is_offered(word: str, close: str) -> None:
    """For a slip of the fingers."""
    assert did_you_mean(word, ["region", "password", "type"]) == f", did you mean `{close}`?"


def test_nothing_is_offered_where_nothing_is_close() -> None:
    """A wild guess would only confuse."""
    assert did_you_mean("zzz", ["region"]) == ""
    assert did_you_mean("region", []) == ""


@given(st.text(), st.frozensets(st.text()))
@example("", frozenset({""}))
def test_did_you_mean_never_fails_and_offers_known_words_only(word: str, known: frozenset[str]) -> None:
    """Whatever was typed."""
    offer = did_you_mean(word, known)
    assert offer == "" or offer in {f", did you mean `{name}`?" for name in known}
