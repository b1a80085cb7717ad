"""The source `generate`: a value made at apply, from the operating system's generator."""

from __future__ import annotations

import secrets
import string
import uuid
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Protocol

from syncer.errors import InvalidConfiguration
from syncer.options import did_you_mean, parse_options
from syncer.sensitive import Sensitive
from syncer.sources.base import NoOptions, Source, SourceContext

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

# The marks that RFC 3986 calls unreserved: a URL takes them as they are, and so do shells, YAML and JSON.
_SYMBOLS = "-._~"

ALPHABETS: dict[str, tuple[str, ...]] = {
    "alphanumeric": (string.ascii_lowercase, string.ascii_uppercase, string.digits),
    "letters": (string.ascii_letters,),
    "digits": (string.digits,),
    "hex": ("0123456789abcdef",),
    "symbols": (string.ascii_lowercase, string.ascii_uppercase, string.digits, _SYMBOLS),
}
"""Name to classes of characters; a password has at least one character of each class."""

RSA_BITS = (2048, 3072, 4096)


class _Recipe(Protocol):
    """What is to be made: the keys of the argument beside `type`."""

    def check(self) -> None:
        """Raise InvalidConfiguration for keys that cannot work."""

    def make(self) -> bytes:
        """Make a new value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Password:
    """Characters drawn uniformly from an alphabet."""

    length: int = 32
    """In characters, 8 to 1024."""
    alphabet: str | None = None
    """A name in `ALPHABETS`; `alphanumeric` where nothing is said."""
    characters: str | None = None
    """The alphabet itself, instead of a name: two or more distinct characters of printable ASCII."""

    def check(self) -> None:
        """Refuse a length or an alphabet out of bounds."""
        _check_between("length", self.length, 8, 1024)
        if self.characters is not None:
            self._check_characters(self.characters)
        elif self.alphabet is not None and self.alphabet not in ALPHABETS:
            message = f"`alphabet` must be one of {', '.join(ALPHABETS)}{did_you_mean(self.alphabet, ALPHABETS)}"
            raise InvalidConfiguration(message)

    def _check_characters(self, characters: str) -> None:
        if self.alphabet is not None:
            message = "`alphabet` and `characters` exclude each other"
            raise InvalidConfiguration(message)
        distinct = len(set(characters)) == len(characters) > 1
        if not (distinct and characters.isascii() and characters.isprintable()):
            message = "`characters` must be two or more distinct characters of printable ASCII"
            raise InvalidConfiguration(message)

    def make(self) -> bytes:
        """Draw whole passwords until one has every class: to place a missing one by hand would skew the rest."""
        classes = ALPHABETS[self.alphabet or "alphanumeric"] if self.characters is None else (self.characters,)
        alphabet = "".join(classes)
        while True:
            drawn = "".join(secrets.choice(alphabet) for _ in range(self.length))
            if all(set(drawn) & set(members) for members in classes):
                return drawn.encode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hex:
    """Random bytes in hexadecimal digits."""

    length: int = 32
    """In random bytes, 16 to 1024; the value has twice as many digits."""

    def check(self) -> None:
        """Refuse a length out of bounds."""
        _check_between("length", self.length, 16, 1024)

    def make(self) -> bytes:
        """Draw the bytes."""
        return secrets.token_hex(self.length).encode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class Base64Url:
    """Random bytes in the URL-safe base64 of RFC 4648, section 5, without padding."""

    length: int = 32
    """In random bytes, 16 to 1024; the value is a third longer."""

    def check(self) -> None:
        """Refuse a length out of bounds."""
        _check_between("length", self.length, 16, 1024)

    def make(self) -> bytes:
        """Draw the bytes."""
        return secrets.token_urlsafe(self.length).encode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class Uuid:
    """A random UUID, version 4 of RFC 9562."""

    def check(self) -> None:
        """Accept: there is nothing to choose."""

    def make(self) -> bytes:
        """Draw it."""
        return str(uuid.uuid4()).encode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ed25519:
    """An Ed25519 private key, PKCS#8 in PEM (RFC 8410)."""

    def check(self) -> None:
        """Accept: there is nothing to choose."""

    def make(self) -> bytes:
        """Make the key."""
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415  # slow: only for key pairs

        return _pem(ed25519.Ed25519PrivateKey.generate())


@dataclass(frozen=True, slots=True, kw_only=True)
class Rsa:
    """An RSA private key, PKCS#8 in PEM (RFC 5208)."""

    bits: int = 3072
    """Of the modulus: 2048, 3072 or 4096."""

    def check(self) -> None:
        """Refuse other sizes."""
        if self.bits not in RSA_BITS:
            message = f"`bits` must be one of {', '.join(map(str, RSA_BITS))}"
            raise InvalidConfiguration(message)

    def make(self) -> bytes:
        """Make the key; takes up to a few seconds."""
        from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415  # slow: only for key pairs

        return _pem(rsa.generate_private_key(public_exponent=65537, key_size=self.bits))


TYPES: dict[str, type[Password | Hex | Base64Url | Uuid | Ed25519 | Rsa]] = {
    "password": Password,
    "hex": Hex,
    "base64url": Base64Url,
    "uuid": Uuid,
    "ed25519": Ed25519,
    "rsa": Rsa,
}


class GenerateSource(Source):
    """Yields a value that nobody knew before: another one each time."""

    type_name = "generate"
    Options = NoOptions
    made_at_apply = True

    def check(self) -> None:
        """Refuse an unknown type, and keys that are unknown, do not go with the type or are out of bounds."""
        if not isinstance(self.argument, dict):
            message = "`generate` must be a mapping, such as {type: password, length: 32}"
            raise InvalidConfiguration(message)
        self._recipe = self._parse(self.argument.get("type", "password"))
        self._recipe.check()

    def produce(self, context: SourceContext) -> Sensitive:  # noqa: ARG002  # chance does not depend on the address
        """Make a new value."""
        return Sensitive(self._recipe.make())

    def _parse(self, kind: object) -> _Recipe:
        if not (isinstance(kind, str) and kind in TYPES):
            close = did_you_mean(kind, TYPES) if isinstance(kind, str) else ""
            message = f"`type` must be one of {', '.join(TYPES)}{close}"
            raise InvalidConfiguration(message)
        known = ["type", *(field.name for field in fields(TYPES[kind]))]
        for key in self.argument:
            if key not in known:
                message = f"`generate` of type {kind} takes no `{key}`{did_you_mean(str(key), known)}"
                raise InvalidConfiguration(message)
        return parse_options(TYPES[kind], {key: value for key, value in self.argument.items() if key != "type"})


def _check_between(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        message = f"`{name}` must be from {low} to {high}"
        raise InvalidConfiguration(message)


def _pem(key: Ed25519PrivateKey | RSAPrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415  # slow: only for key pairs
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
