"""The source `generate`."""

from __future__ import annotations

import base64
import math
import re
import string
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncer.errors import InvalidConfiguration
from syncer.sources.generate import ALPHABETS, TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

reusing = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)


@pytest.fixture
def make(declare: Callable[..., Any], context: Callable[..., Any]) -> Callable[[dict[str, Any]], bytes]:
    """Make one value."""

    def once(argument: dict[str, Any]) -> bytes:
        value: bytes = declare("generate", argument).resolve(context()).reveal()
        return value

    return once


def test_a_password_is_the_default(make: Callable[..., Any]) -> None:
    """32 alphanumeric characters where nothing is said."""
    assert re.fullmatch(rb"[A-Za-z0-9]{32}", make({}))
    assert re.fullmatch(rb"[A-Za-z0-9]{40}", make({"length": 40}))


@given(length=st.sampled_from([8, 9, 31, 1024]), alphabet=st.sampled_from(sorted(ALPHABETS)))
@reusing
def test_a_password_has_its_length_and_every_class(make: Callable[..., Any], length: int, alphabet: str) -> None:
    """Only characters of the alphabet, and at least one of each of its classes."""
    password = make({"type": "password", "length": length, "alphabet": alphabet}).decode()
    assert len(password) == length
    assert set(password) <= set("".join(ALPHABETS[alphabet]))
    assert all(set(password) & set(members) for members in ALPHABETS[alphabet])


@given(characters=st.lists(st.sampled_from(string.printable[:95]), min_size=2, unique=True).map("".join))
@reusing
def test_a_password_of_chosen_characters(make: Callable[..., Any], characters: str) -> None:
    """`characters` is an alphabet of one's own."""
    password = make({"characters": characters, "length": 64}).decode()
    assert len(password) == 64
    assert set(password) <= set(characters)


def test_every_character_is_equally_likely(make: Callable[..., Any]) -> None:
    """Drawn 62,000 times, no character strays seven standard deviations: chance does that once in 10^9 runs."""
    drawn = Counter("".join(make({"length": 1000}).decode() for _ in range(62)))
    expected, deviation = 1000, math.sqrt(62_000 * (1 / 62) * (61 / 62))
    assert set(drawn) == set(string.ascii_letters + string.digits)
    assert all(abs(count - expected) < 7 * deviation for count in drawn.values())


@pytest.mark.parametrize("kind", sorted(set(TYPES) - {"rsa"}))
def test_each_value_is_another(declare: Callable[..., Any], context: Callable[..., Any], kind: str) -> None:
    """One source asked twice yields two values: only an apply may ask it."""
    source = declare("generate", {"type": kind})
    assert source.made_at_apply
    assert source.resolve(context()).reveal() != source.resolve(context()).reveal()


def test_a_length_of_random_bytes(make: Callable[..., Any]) -> None:
    """For `hex` and `base64url` the length counts the random bytes, not the characters."""
    assert len(bytes.fromhex(make({"type": "hex"}).decode())) == 32
    assert re.fullmatch(rb"[0-9a-f]{2048}", make({"type": "hex", "length": 1024}))
    assert re.fullmatch(rb"[A-Za-z0-9_-]{43}", make({"type": "base64url"}))
    assert len(base64.urlsafe_b64decode(make({"type": "base64url", "length": 16}) + b"==")) == 16


def test_a_uuid_is_version_4(make: Callable[..., Any]) -> None:
    """In the usual form, random."""
    text = make({"type": "uuid"}).decode()
    assert str(uuid.UUID(text)) == text
    assert uuid.UUID(text).version == 4


def test_an_ed25519_key_is_pkcs8_in_pem(make: Callable[..., Any]) -> None:
    """Any library loads it."""
    pem = make({"type": "ed25519"})
    assert pem.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert isinstance(load_pem_private_key(pem, None), Ed25519PrivateKey)


@pytest.mark.parametrize(("argument", "bits"), [({}, 3072), ({"bits": 2048}, 2048)])
def test_an_rsa_key_is_pkcs8_in_pem(make: Callable[..., Any], argument: dict[str, int], bits: int) -> None:
    """Of the size asked for, 3072 bits where nothing is said."""
    pem = make({"type": "rsa", **argument})
    key = load_pem_private_key(pem, None)
    assert pem.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert isinstance(key, RSAPrivateKey)
    assert (key.key_size, key.public_key().public_numbers().e) == (bits, 65537)


def test_decode_applies_to_generated_values(declare: Callable[..., Any], context: Callable[..., Any]) -> None:
    """Raw random bytes are hex, decoded."""
    assert len(declare("generate", {"type": "hex"}, decode="hex").resolve(context()).reveal()) == 32


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        (None, "`generate` must be a mapping"),
        ("password", "`generate` must be a mapping"),
        ({"type": None}, "`type` must be one of"),
        ({"type": ["hex"]}, "`type` must be one of"),
        ({"type": "pasword"}, "did you mean `password`"),
        ({"lenght": 9}, "takes no `lenght`, did you mean `length`"),
        ({"typ": "hex"}, "takes no `typ`, did you mean `type`"),
        ({7: 9}, "takes no `7`"),
        ({"bits": 2048}, "`generate` of type password takes no `bits`"),
        ({"type": "uuid", "length": 9}, "`generate` of type uuid takes no `length`"),
        ({"type": "ed25519", "bits": 256}, "takes no `bits`"),
        ({"type": "hex", "alphabet": "hex"}, "takes no `alphabet`"),
        ({"length": 7}, "`length` must be from 8 to 1024"),
        ({"length": 1025}, "`length` must be from 8 to 1024"),
        ({"length": "32"}, "`length` must be a whole number"),
        ({"length": True}, "`length` must be a whole number"),
        ({"length": 32.0}, "`length` must be a whole number"),
        ({"type": "hex", "length": 15}, "`length` must be from 16 to 1024"),
        ({"type": "base64url", "length": 1025}, "`length` must be from 16 to 1024"),
        ({"type": "rsa", "bits": 1024}, "`bits` must be one of 2048, 3072, 4096"),
        ({"alphabet": "alphanumerics"}, "did you mean `alphanumeric`"),
        ({"alphabet": "hex", "characters": "ab"}, "exclude each other"),
        ({"characters": "a"}, "`characters` must be two or more"),
        ({"characters": "aba"}, "`characters` must be two or more"),
        ({"characters": "aä"}, "`characters` must be two or more"),
        ({"characters": "a\n"}, "`characters` must be two or more"),
        ({"characters": ["a", "b"]}, "`characters` must be a string"),
    ],
)
def test_a_wrong_recipe_is_refused(declare: Callable[..., Any], argument: object, message: str) -> None:
    """Offline, naming the key."""
    with pytest.raises(InvalidConfiguration, match=re.escape(message)):
        declare("generate", argument)


@pytest.mark.parametrize(
    "argument", ["canary7f", {"type": "canary7f"}, {"alphabet": "canary7f"}, {"characters": "canary77"}]
)
def test_what_stood_there_is_not_echoed(
    declare: Callable[..., Any], shown: Callable[..., Any], argument: object
) -> None:
    """A value may have been typed by mistake."""
    with pytest.raises(InvalidConfiguration) as caught:
        declare("generate", argument)
    assert "canary7" not in shown(caught.value)
