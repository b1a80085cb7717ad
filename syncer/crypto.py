"""Seal and open, keyed fingerprints and MACs, and the sub-keys that they use.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce, HKDF-SHA-256 (RFC 5869), HMAC-SHA-256 (RFC 2104).
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import TYPE_CHECKING

from syncer.model import Address, Fingerprint
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY_BYTES = 32
NONCE_BYTES = 12

# One label for each use, so that no sub-key serves two purposes. Changing one makes old data unreadable.
FINGERPRINTS = "syncer/1/fingerprint"
STORE = "syncer/1/local-store"
STORE_ROWS = "syncer/1/local-store-row"
SEALED = "syncer/1/sealed-source"
STATE_MAC = "syncer/1/state-mac"
JOURNAL_MAC = "syncer/1/journal-mac"
PLAN_MAC = "syncer/1/plan-mac"
EXPORT_NAMES = "syncer/1/export-name"
KEY_ID = "syncer/1/key-id"


class CannotOpen(Exception):
    """A sealed text was damaged, moved to another place, or sealed under another key. GCM cannot tell which."""


def derive(key: bytes, label: str) -> bytes:
    """Derive the 32-byte sub-key for a label. The project key is uniformly random, so HKDF needs no salt."""
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415  # 35 ms that `version` need not pay
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=label.encode()).derive(key)


def key_id(key: bytes) -> str:
    """Name a project key in public: 8 bytes in hex, derived, of no use to find the key."""
    return derive(key, KEY_ID)[:8].hex()


def bind(parts: Iterable[str]) -> bytes:
    """Encode parts as associated data: each with its length, so that no two lists of parts are alike."""
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode() for part in parts))


def seal(key: bytes, value: Sensitive, associated: bytes) -> bytes:
    """Encrypt under a sub-key: nonce, ciphertext and tag in one."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, value.reveal(), associated)


def unseal(key: bytes, sealed: bytes, associated: bytes) -> Sensitive:
    """Decrypt what `seal` made for the same associated data. Raise CannotOpen."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    try:
        return Sensitive(AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated))
    except (InvalidTag, ValueError):  # ValueError: shorter than nonce and tag
        raise CannotOpen from None


def fingerprint(key: bytes, value: Sensitive, address: Address, like: Fingerprint | None = None) -> Fingerprint:
    """Fingerprint a value under the fingerprint sub-key.

    The salt keeps equal values at two addresses from showing that they are equal. It comes from the address where
    the secret was first seen and stays with it (`like`), so that a moved secret keeps its fingerprint.
    """
    salt = like.salt if like else hashlib.sha256(str(address).encode()).hexdigest()[:16]
    digest = hmac.digest(key, f"{salt}\0".encode() + value.reveal(), "sha256")
    return Fingerprint(f"hmac:{salt}:{digest.hex()}")


def mac(key: bytes, text: bytes) -> str:
    """Authenticate a text that is no secret: state, journal, plan."""
    return "hmac:" + hmac.digest(key, text, "sha256").hex()


def short_name(key: bytes, content: Sensitive) -> str:
    """Name a content in 16 hex digits: the same for the same content, and of no use to whoever has not the key."""
    return hmac.digest(key, content.reveal(), "sha256")[:8].hex()


def same_mac(one: str, other: str) -> bool:
    """Compare two MACs in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())
