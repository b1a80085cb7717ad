"""Values of Secrets Manager on the wire, and the token that makes writing one twice the same as once."""

from __future__ import annotations

import hmac
import uuid
from typing import TYPE_CHECKING, Any

from syncer import crypto
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUEST_TOKENS = "syncer/1/aws-request-token"
"""Label of the sub-key; no other use has it."""


def written(value: Sensitive, *, binary: bool) -> dict[str, str | bytes]:
    """Give the part of a request that holds a value. What is not binary must be text."""
    if binary:
        return {"SecretBinary": value.reveal()}
    return {"SecretString": value.reveal().decode()}


def given(answer: Mapping[str, Any]) -> Sensitive:
    """Take a value out of an answer, whichever way it was written."""
    if "SecretBinary" in answer:
        return Sensitive(answer["SecretBinary"])
    # Half a surrogate pair, which JSON can hold, must not become an error that holds the value.
    return Sensitive(answer["SecretString"].encode("utf-8", "surrogatepass"))


def request_token(key: bytes, change: tuple[str, ...], value: Sensitive) -> str:
    """Name the version that a change makes: the same for the same change, of no use to guess the value without the key.

    AWS takes 32 to 64 characters and recommends the form of a UUID. It becomes the version's id.
    """
    return str(uuid.UUID(bytes=hmac.digest(key, crypto.bind(change) + value.reveal(), "sha256")[:16]))
