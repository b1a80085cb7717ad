"""What Kestra makes of the documents that are written for it."""

from __future__ import annotations

import base64
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from syncer.errors import InvalidConfiguration, Unsupported
from syncer.exchange.formats import FORMATS
from syncer.exchange.kestra import compose_file, env_file, kubernetes_secret
from syncer.sensitive import Sensitive

LONGEST = (128 * 1024 - 1 - len("SECRET_A=")) // 4 * 3
"""Bytes of a value whose variable Linux just hands over."""

LETTERS = st.characters(codec="utf-8")
TEXTS = st.text(LETTERS, min_size=1, max_size=40)
KEYS = st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True)


def sensitive(values: dict[str, bytes]) -> dict[str, Sensitive]:
    """Wrap values."""
    return {ref: Sensitive(value) for ref, value in values.items()}


def environment(document: bytes) -> dict[str, str]:
    """Read a file as `docker run --env-file` does: a variable a line, all behind the first `=` its content."""
    assert document == b"" or document.endswith(b"\n")
    return dict(line.split("=", 1) for line in document.decode("ascii").split("\n")[:-1])


def decoded(variables: dict[str, str]) -> dict[str, str]:
    """Read variables as Kestra does: no line breaks, standard base64 and nothing else, UTF-8, keys in upper case."""
    found = {}
    for name, content in variables.items():
        if name.startswith("SECRET_"):
            joined = re.sub("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]", "", content)
            raw = base64.b64decode(joined, validate=True)
            found[name.removeprefix("SECRET_").upper()] = raw.decode("utf-8", errors="replace")
    return found


def test_lines_are_sorted_and_end() -> None:
    """By key; one line each, the last one ended too; nothing for nothing."""
    values = sensitive({"prod/db-password": b"b", "A": b"a", "prod.api": b"c"})
    assert env_file(values).reveal() == b"SECRET_A=YQ==\nSECRET_PROD_API=Yw==\nSECRET_PROD_DB_PASSWORD=Yg==\n"
    assert env_file({}).reveal() == b""


@given(st.dictionaries(KEYS, TEXTS, max_size=5))
def test_every_text_comes_back(texts: dict[str, str]) -> None:
    """In each form, whatever the characters."""
    values = {key: Sensitive(text.encode()) for key, text in texts.items()}
    assert decoded(environment(env_file(values).reveal())) == texts
    composed = yaml.safe_load(compose_file(values).reveal())
    assert decoded(composed["services"]["kestra"]["environment"]) == texts
    assert decoded(yaml.safe_load(kubernetes_secret(values, "x").reveal())["stringData"]) == texts


def test_a_wrapped_value_never_occurs() -> None:
    """What `base64` without options breaks into lines stays one, up to the longest variable there is."""
    for size in (57, 58, 1000, LONGEST):
        lines = env_file(sensitive({"A": b"x" * size})).reveal().splitlines()
        assert (len(lines), decoded(environment(lines[0] + b"\n"))) == (1, {"A": "x" * size})


def test_compose() -> None:
    """A fragment for the service `kestra`; there is nothing in it that Compose would replace."""
    document = compose_file(sensitive({"b": b"$HOME ${X}", "a": b"123456"})).reveal()
    assert document == (
        b'services:\n  kestra:\n    environment:\n      SECRET_A: "MTIzNDU2"\n      SECRET_B: "JEhPTUUgJHtYfQ=="\n'
    )
    assert b"$" not in document
    assert yaml.safe_load(compose_file({}).reveal()) == {"services": {"kestra": {"environment": {}}}}


def test_kubernetes() -> None:
    """One Secret, its data in Kestra's base64 and not in Kubernetes' own on top of it."""
    assert yaml.safe_load(kubernetes_secret(sensitive({"a": b"v"}), "shop.secrets-1").reveal()) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "shop.secrets-1"},
        "type": "Opaque",
        "stringData": {"SECRET_A": "dg=="},
    }
    assert yaml.safe_load(kubernetes_secret({}, "x").reveal())["stringData"] == {}


@pytest.mark.parametrize("name", ["a", "0", "null", "1e3", "a.b", "a-b.c", "a" * 253])
def test_names_of_a_kubernetes_secret(name: str) -> None:
    """Stay text, whatever they look like."""
    assert yaml.safe_load(kubernetes_secret({}, name).reveal())["metadata"] == {"name": name}


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a..b", ".a", "a.", "a/b", "a\n", 'a"', "é", "a" * 254])
def test_what_no_kubernetes_secret_is_called(name: str) -> None:
    """Refused with the rule (RFC 1123)."""
    with pytest.raises(InvalidConfiguration, match="the name of a Kubernetes Secret"):
        kubernetes_secret({}, name)


def test_a_kubernetes_secret_has_a_size() -> None:
    """What the server would refuse is refused here."""
    values = sensitive({f"v{number}": b"x" * 90_000 for number in range(8)})
    kubernetes_secret(values, "x")
    with pytest.raises(Unsupported, match="1080000 bytes in base64, and a Kubernetes Secret holds 1048576"):
        kubernetes_secret(values | sensitive({"v8": b"x" * 90_000}), "x")


@pytest.mark.parametrize("form", [form for form in FORMATS if form.startswith("kestra-")])
def test_everything_that_kestra_could_not_read_is_named_at_once(form: str) -> None:
    """By ref and key, never by value; nothing is written."""
    values = sensitive(
        {
            "good": b"canary",
            "a-b": b"canary",
            "a.b": b"canary",
            "1st": b"canary",
            "none": b"",
            "raw": b"canary\xff",
            "long": b"x" * (LONGEST + 3),
        }
    )
    with pytest.raises(Unsupported) as caught:
        FORMATS[form].document(values)
    assert caught.value.message.splitlines() == [
        "1st: Kestra would call it 1ST, and a key has no digit first",
        "a-b, a.b: Kestra would call each of them A_B",
        "long: 131076 bytes in base64, and a variable holds 131071 (LONG)",
        "none: the value is empty (NONE)",
        "raw: the value is not UTF-8 text, and Kestra knows no other (RAW)",
    ]
    assert caught.value.__context__ is None


def test_refs_that_differ_in_case_only_collide() -> None:
    """Kestra looks keys up in upper case."""
    with pytest.raises(Unsupported, match="Token, token: Kestra would call each of them TOKEN"):
        env_file(sensitive({"token": b"a", "Token": b"b"}))
