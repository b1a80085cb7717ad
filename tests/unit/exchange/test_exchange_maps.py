"""Flat maps: JSON and YAML, and those of the Datadog Agent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml
from exchange_samples import TEXTS, faults, sensitive
from hypothesis import given
from hypothesis import strategies as st

from syncer.exchange.datadog import json_file, yaml_file
from syncer.exchange.formats import FORMATS
from syncer.exchange.maps import json_map, yaml_map

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncer.sensitive import Sensitive

ALL = {
    **TEXTS,
    "nul": "a\0b",
    "carriage": "\r\nvalue\r\n",
    "braces": "${X}",
    "prod/db-password": "v",
    "1e3": "v",
    "no": "n",
}
MAPS = ["json", "yaml", "datadog-json", "datadog-yaml"]
TEN_MIB = 10 * 1024 * 1024


def read(form: str, document: bytes) -> object:
    """Read as a program would."""
    return json.loads(document) if form.endswith("json") else yaml.safe_load(document)


@pytest.mark.parametrize("form", MAPS)
def test_every_text_comes_back(form: str) -> None:
    """As a string, whatever it looks like; sorted by ref."""
    document = FORMATS[form].document(sensitive(ALL)).reveal()
    found = read(form, document)
    assert found == ALL
    assert list(found) == sorted(ALL)  # type: ignore[call-overload]  # a dictionary, as the line above says
    assert document.endswith(b"\n")


@pytest.mark.parametrize("form", MAPS)
@given(
    texts=st.dictionaries(st.from_regex(r"[a-z0-9_][a-z0-9._/-]{0,8}", fullmatch=True), st.text(min_size=1), max_size=5)
)
def test_any_text_comes_back(form: str, texts: dict[str, str]) -> None:
    """Whatever the characters."""
    assert read(form, FORMATS[form].document(sensitive(texts)).reveal()) == texts


@pytest.mark.parametrize("form", MAPS)
def test_nothing(form: str) -> None:
    """Is an empty map."""
    assert read(form, FORMATS[form].document({}).reveal()) == {}


def test_documents() -> None:
    """A line for each secret; what is not printable is escaped in YAML, where it would break lines."""
    values = sensitive({"b": 'q"\\\n', "a/é".replace("é", "x"): "é\u2028\x07\U0001f511"})
    assert json_map(values).reveal().decode() == '{\n  "a/x": "é\u2028\\u0007🔑",\n  "b": "q\\"\\\\\\n"\n}\n'
    assert yaml_map(values).reveal().decode() == '"a/x": "é\\U00002028\\U00000007🔑"\n"b": "q\\"\\\\\\n"\n'


@pytest.mark.parametrize("write", [json_map, yaml_map])
def test_what_is_no_text(write: Callable[..., Sensitive]) -> None:
    """Named at once; an empty value is one."""
    told = faults(lambda: write(sensitive({"raw": b"canary\xff", "b": b"\xc3", "empty": b"", "fine": "v"})))
    assert told == ["b: the value is not UTF-8 text", "raw: the value is not UTF-8 text"]
    assert FORMATS["json"].document(sensitive({"empty": b""})).reveal() == b'{\n  "empty": ""\n}\n'


@pytest.mark.parametrize("write", [json_file, yaml_file])
def test_what_the_agent_refuses(write: Callable[..., Sensitive]) -> None:
    """Empty values too, and a document that is too long."""
    told = faults(lambda: write(sensitive({"raw": b"canary\xff", "empty": b""})))
    assert told == [
        "empty: the value is empty, which the Datadog Agent takes for an error",
        "raw: the value is not UTF-8 text",
    ]
    values = sensitive({"a": "x" * (TEN_MIB - 100)})
    assert len(write(values).reveal()) <= TEN_MIB
    (told_once,) = faults(lambda: write(values | sensitive({"b": "x" * 100})))
    assert told_once.endswith("bytes, and the Datadog Agent reads 10485760")
