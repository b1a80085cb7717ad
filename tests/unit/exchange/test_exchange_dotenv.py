"""`.env` files: what a line means, and what is wrong with the others."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.errors import InvalidManifest
from syncer.exchange.dotenv import Encoding, parse
from syncer.exchange.kestra import env_file
from syncer.sensitive import Sensitive

LINE = st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1, max_size=30)
KEYS = st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True)


def read(text: bytes, encoding: Encoding = Encoding.AUTO) -> dict[str, bytes]:
    """Parse, and unwrap."""
    return {ref: value.reveal() for ref, value in parse(Sensitive(text), ".env", encoding).items()}


def faults(text: bytes, encoding: Encoding = Encoding.AUTO) -> list[str]:
    """Parse what is wrong, and give the messages."""
    with pytest.raises(InvalidManifest) as caught:
        parse(Sensitive(text), ".env", encoding)
    assert caught.value.__context__ is None
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b"K=plain", b"plain"),
        (b"K=a=b=", b"a=b="),
        (b"K=abc=", b"abc="),
        (b'K="quoted value"', b'"quoted value"'),
        (b"K='single'", b"'single'"),
        (b"K= lead and trail \t", b" lead and trail \t"),
        (b"K=$HOME ${X} $(id) # no comment", b"$HOME ${X} $(id) # no comment"),
        (b"K=a\\nb\\\\c", b"a\\nb\\\\c"),
        (b"K=-n", b"-n"),
        (b"K=caf\xc3\xa9\r\n", b"caf\xc3\xa9"),
        (b"K=a\rb", b"a\rb"),
        (b"K=a\x00b", b"a\x00b"),
        (b"export K=v", b"v"),
        (b"  \texport\t K=v", b"v"),
        (b"\xef\xbb\xbfK=v", b"v"),
        (b"\n  \n# comment=x\n  # too\n\r\nK=v\n\n", b"v"),
        (b"K=" + b"x" * 65536, b"x" * 65536),
    ],
)
def test_a_value_is_taken_verbatim(line: bytes, value: bytes) -> None:
    """All that follows the first `=`, the last line's too where no newline ends it."""
    assert read(line) == {"K": value}


def test_order_and_case_are_kept() -> None:
    """Refs are the keys as they stand."""
    assert list(read(b"b=1\nA=2\n_x9=3\nexport_me=4\n")) == ["b", "A", "_x9", "export_me"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"YWJj", b"abc"),
        (b"YQ==", b"a"),
        (b"YQ", b"a"),
        (b"YWI=", b"ab"),
        (b"YWI", b"ab"),
        (b"YR==", b"a"),
        (b"++//", b"\xfb\xef\xff"),
        (base64.b64encode(b"x" * 65536), b"x" * 65536),
    ],
)
def test_base64_is_decoded_as_kestra_does(text: bytes, value: bytes) -> None:
    """Padding may be missing; bits that do not count may be set."""
    assert read(b"SECRET_K=" + text) == {"K": value}


@pytest.mark.parametrize(
    "text", [b"Y", b"YQ=", b"YQ===", b"YWI==", b"YWJj=", b"=", b"YQ==YQ==", b"YW Jj", b" YWJj", b"YWJj ", b'"YWJj"']
)
def test_what_kestra_would_not_decode(text: bytes) -> None:
    """Is refused, and not shown."""
    assert faults(b"SECRET_K=" + text) == [".env:1:10: the value is not base64"]


@pytest.mark.parametrize("text", [b"--__", b"YW\x0bJj", "YW\u2028Jj".encode(), b"YQ==\t", b"\xd0\x90"])
def test_other_alphabets_are_not_base64(text: bytes) -> None:
    """Neither the one for URLs, nor breaks inside of a line."""
    assert faults(b"SECRET_K=" + text) == [".env:1:10: the value is not base64"]


def test_the_encoding_can_be_said() -> None:
    """`plain` keeps key and value as they are; `base64` is for all of them."""
    both = b"SECRET_A=YQ==\nB=Yg==\n"
    assert read(both) == {"A": b"a", "B": b"Yg=="}
    assert read(both, Encoding.PLAIN) == {"SECRET_A": b"YQ==", "B": b"Yg=="}
    assert read(both, Encoding.BASE64) == {"A": b"a", "B": b"b"}


def test_every_fault_at_once() -> None:
    """Each with its place; nothing of what stands there."""
    canary = b"canary"
    lines = [
        b"GOOD=" + canary,
        canary,
        b"1" + canary + b"=x",
        canary + b" =x",
        b"=" + canary,
        b"export " + canary,
        b"EMPTY=",
        b"SECRET_EMPTY2=",
        b"  export good=" + canary,
        b"SECRET_GOOD=" + base64.b64encode(canary),
        b"SECRET_BAD=" + canary + b"!",
        b"SECRET_=" + canary,
        b"X" * 513 + b"=" + canary,
        canary + b"\xff=x",
    ]
    told = faults(b"\r\n".join(lines))
    key = "before the `=` stands no key: letters, digits and `_`, no digit first, no blank last"
    assert told == [
        ".env:2:1: no `=` in this line; to take in a value of several lines, `syncer seal` it",
        f".env:3:1: {key}",
        f".env:4:1: {key}",
        f".env:5:1: {key}",
        ".env:6:1: no `=` in this line; to take in a value of several lines, `syncer seal` it",
        ".env:7:7: the value is empty",
        ".env:8:15: the value is empty",
        ".env:9:10: this key stands in line 1 already; case makes no difference",
        ".env:10:1: this key stands in line 1 already; case makes no difference",
        ".env:11:12: the value is not base64",
        ".env:12:1: a key has 1 to 512 characters, `SECRET_` not counted",
        ".env:13:1: a key has 1 to 512 characters, `SECRET_` not counted",
        ".env:14:1: this line is not UTF-8 text",
    ]


@pytest.mark.parametrize("text", [b"", b"\n", b"# only a comment", b"\xef\xbb\xbf"])
def test_a_file_without_a_pair(text: bytes) -> None:
    """Is a mistake upstream."""
    assert faults(text) == [".env:1:1: there is no KEY=VALUE line in this file"]


def test_a_key_in_several_lines() -> None:
    """A private key pasted as it is shows up nowhere, though each of its lines could be a name."""
    pem = b'KEY="-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nabcdefGH==\n-----END PRIVATE KEY-----"\n'
    assert len(faults(pem)) == 2
    assert not any(word in line for line in faults(pem) for word in ("MII", "abc", "BEGIN"))


@given(st.dictionaries(KEYS, LINE, min_size=1, max_size=5))
def test_plain_lines_come_back(texts: dict[str, str]) -> None:
    """Whatever the characters but a newline; a carriage return at the very end is the line's."""
    document = "".join(f"{key}={text}\n" for key, text in texts.items()).encode()
    expected = {key: text.removesuffix("\r").encode() for key, text in texts.items()}
    if all(expected.values()):
        assert read(document, Encoding.PLAIN) == expected


@given(st.dictionaries(KEYS, st.text(st.characters(codec="utf-8"), min_size=1, max_size=30), min_size=1, max_size=5))
def test_what_is_written_for_kestra_comes_back(texts: dict[str, str]) -> None:
    """Byte for byte, newlines and all."""
    values = {key: text.encode() for key, text in texts.items()}
    document = env_file({key: Sensitive(value) for key, value in values.items()})
    assert {ref: value.reveal() for ref, value in parse(document, "kestra.env").items()} == values
