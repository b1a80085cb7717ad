"""Sealing, fingerprints, MACs and sub-keys."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer import crypto
from syncer.model import Address
from syncer.sensitive import Sensitive

KEY = bytes(range(32))
HERE = Address("payments", "db")

PINNED = ["0c51eec3aeeb64f5", "ba167073951792a5", "fca9ca9ec49f2f77"]
PINNED_MACS = ["9dcf86dc677aee78", "2aa585ff59ea8b17", "ca860197a59a17e7"]

keys = st.binary(min_size=32, max_size=32)
addresses = st.builds(Address, st.text(min_size=1), st.text(min_size=1))


def test_derive_follows_rfc_5869() -> None:
    """Test case 3: neither salt nor info. The first 32 bytes of a longer output are the shorter output."""
    assert crypto.derive(b"\x0b" * 22, "").hex() == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"


def test_every_label_has_its_own_sub_key() -> None:
    """No sub-key serves two purposes."""
    labels = [
        crypto.FINGERPRINTS,
        crypto.STORE,
        crypto.SEALED,
        crypto.STATE_MAC,
        crypto.JOURNAL_MAC,
        crypto.PLAN_MAC,
        crypto.EXPORT_NAMES,
        crypto.KEY_ID,
    ]
    derived = {crypto.derive(KEY, label) for label in labels}
    assert len(derived) == len(labels)
    assert {len(key) for key in derived} == {crypto.KEY_BYTES}


def test_sub_keys_are_pinned() -> None:
    """Another label or construction would make every state, store and sealed value unreadable."""
    made = [crypto.derive(KEY, label).hex()[:16] for label in (crypto.FINGERPRINTS, crypto.STORE, crypto.SEALED)]
    macs = [crypto.derive(KEY, label).hex()[:16] for label in (crypto.STATE_MAC, crypto.JOURNAL_MAC, crypto.PLAN_MAC)]
    assert made == PINNED
    assert macs == PINNED_MACS


def test_a_key_id_is_public_and_stable() -> None:
    """The same for the same key, another for another, and no part of the key."""
    assert crypto.key_id(KEY) == crypto.key_id(KEY)
    assert crypto.key_id(KEY) != crypto.key_id(bytes(32))
    assert len(crypto.key_id(KEY)) == 16
    assert crypto.key_id(KEY) not in KEY.hex()


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    ],
)
def test_mac_follows_rfc_4231(key: bytes, text: bytes, expected: str) -> None:
    """Test cases 1 to 3."""
    assert crypto.mac(key, text) == "hmac:" + expected


def test_macs_are_compared_whole() -> None:
    """Equal or not, of any length, beyond ASCII too."""
    made = crypto.mac(KEY, b"text")
    assert crypto.same_mac(made, crypto.mac(KEY, b"text"))
    assert not crypto.same_mac(made, crypto.mac(KEY, b"texu"))
    assert not crypto.same_mac(made, made[:-1])
    assert not crypto.same_mac(made, "")
    assert not crypto.same_mac(made, "ä")


def test_unseal_follows_the_gcm_specification() -> None:
    """Test case 16 of McGrew and Viega, "The Galois/Counter Mode of Operation": AES-256 with associated data."""
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    nonce = bytes.fromhex("cafebabefacedbaddecaf888")
    ciphertext = bytes.fromhex(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
    )
    tag = bytes.fromhex("76fc6ece0f4e1768cddf8853bb2d551b")
    associated = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    assert crypto.unseal(key, nonce + ciphertext + tag, associated).reveal().hex() == (
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )


@given(keys, st.binary(), st.binary())
def test_what_is_sealed_opens(key: bytes, raw: bytes, associated: bytes) -> None:
    """Any bytes, an empty value too; the sealed form adds nonce and tag and nothing else."""
    sealed = crypto.seal(key, Sensitive(raw), associated)
    assert len(sealed) == crypto.NONCE_BYTES + len(raw) + 16
    assert crypto.unseal(key, sealed, associated).reveal() == raw


def test_a_nonce_is_never_used_twice() -> None:
    """Sealing the same again gives another nonce."""
    nonces = {crypto.seal(KEY, Sensitive(b"x"), b"")[: crypto.NONCE_BYTES] for _ in range(500)}
    assert len(nonces) == 500


def test_every_changed_byte_is_noticed() -> None:
    """In the nonce, the ciphertext and the tag."""
    sealed = crypto.seal(KEY, Sensitive(b"a value"), b"here")
    for at in range(len(sealed)):
        for flip in (1, 0x80):
            damaged = bytearray(sealed)
            damaged[at] ^= flip
            with pytest.raises(crypto.CannotOpen):
                crypto.unseal(KEY, bytes(damaged), b"here")


def test_every_cut_is_noticed() -> None:
    """At either end, down to nothing."""
    sealed = crypto.seal(KEY, Sensitive(b"a value"), b"here")
    for at in range(len(sealed)):
        for damaged in (sealed[:at], sealed[at + 1 :]):
            with pytest.raises(crypto.CannotOpen):
                crypto.unseal(KEY, damaged, b"here")


@pytest.mark.parametrize(("key", "associated"), [(bytes(32), b"here"), (KEY, b"there"), (KEY, b"")])
def test_another_key_or_place_does_not_open(key: bytes, associated: bytes) -> None:
    """A sealed value moved elsewhere is of no use; the error carries nothing."""
    sealed = crypto.seal(KEY, Sensitive(b"a value"), b"here")
    with pytest.raises(crypto.CannotOpen) as caught:
        crypto.unseal(key, sealed, associated)
    assert caught.value.args == ()


@given(st.lists(st.text()), st.lists(st.text()))
def test_no_two_lists_of_parts_are_bound_alike(one: list[str], other: list[str]) -> None:
    """`a`, `bc` is not `ab`, `c`."""
    assert (crypto.bind(one) == crypto.bind(other)) == (one == other)


@given(st.text(min_size=1), st.data())
def test_moving_a_boundary_moves_the_binding(text: str, data: st.DataObject) -> None:
    """The same characters, cut elsewhere, bind to something else."""
    at, other = (data.draw(st.integers(0, len(text))) for _ in range(2))
    same = crypto.bind([text[:at], text[at:]]) == crypto.bind([text[:other], text[other:]])
    assert same == (at == other)
    assert crypto.bind([text]) != crypto.bind([text, ""])


def test_binding_is_pinned() -> None:
    """Another encoding would make every sealed value unreadable. Lengths are in bytes of UTF-8."""
    assert crypto.bind(["ab", "", "ä"]) == b"\0\0\0\x02ab\0\0\0\0\0\0\0\x02\xc3\xa4"


@given(keys, st.binary(), st.binary(), addresses)
def test_fingerprints_are_equal_when_values_are(key: bytes, one: bytes, other: bytes, address: Address) -> None:
    """At one address, under one key."""
    first = crypto.fingerprint(key, Sensitive(one), address)
    assert first == crypto.fingerprint(key, Sensitive(one), address)
    assert (first == crypto.fingerprint(key, Sensitive(other), address)) == (one == other)


@given(st.binary(), addresses, addresses)
def test_equal_values_at_two_addresses_do_not_show(raw: bytes, one: Address, other: Address) -> None:
    """The salt differs, and the MAC with it."""
    first, second = (crypto.fingerprint(KEY, Sensitive(raw), address) for address in (one, other))
    if str(one) != str(other):
        assert first.salt != second.salt
        assert first[22:] != second[22:]


def test_a_moved_secret_keeps_its_fingerprint() -> None:
    """The salt stays with the secret, not with its address."""
    first = crypto.fingerprint(KEY, Sensitive(b"x"), HERE)
    there = Address("global", "db")
    assert crypto.fingerprint(KEY, Sensitive(b"x"), there, first) == first
    assert crypto.fingerprint(KEY, Sensitive(b"y"), there, first)[22:] != first[22:]


def test_a_fingerprint_needs_the_key() -> None:
    """Another key gives another MAC, under the same salt."""
    one, other = (crypto.fingerprint(key, Sensitive(b"x"), HERE) for key in (KEY, bytes(32)))
    assert one.salt == other.salt
    assert one[22:] != other[22:]


def test_a_short_name_is_of_the_content_and_the_key() -> None:
    """16 hex digits, the same for the same bytes; under another key another one, and never a plain hash."""
    name = crypto.short_name(KEY, Sensitive(b"content"))
    assert re.fullmatch(r"[0-9a-f]{16}", name)
    others = [crypto.short_name(KEY, Sensitive(b"content\n")), crypto.short_name(bytes(32), Sensitive(b"content"))]
    plain = [hashlib.new(kind, b"content").hexdigest()[:16] for kind in ("sha256", "sha1", "md5", "blake2b")]
    assert name not in [*others, *plain]
    assert name == crypto.short_name(KEY, Sensitive(b"content"))
