"""Values of Secrets Manager on the wire, and the token that makes writing one twice the same as once."""

from __future__ import annotations

import hmac
import uuid
from typing import TYPE_CHECKING

from syncer import crypto
from syncer.backends.aws.answers import optional, text
from syncer.backends.aws.errors import refusal
from syncer.backends.aws.paging import page_of
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.backends.aws.api import Answer
    from syncer.backends.aws.paging import Page
    from syncer.model import Address

REQUEST_TOKENS = "syncer/1/aws-request-token"
"""Label of the sub-key; no other use has it."""
_BATCH_RIGHT = "secretsmanager:GetSecretValue"
"""What IAM asks about each secret of a batch."""


def written(value: Sensitive, *, binary: bool) -> dict[str, str | bytes]:
    """Give the part of a request that holds a value. What is not binary must be text."""
    if binary:
        return {"SecretBinary": value.reveal()}
    return {"SecretString": value.reveal().decode()}


def given(answer: Answer) -> Sensitive:
    """Take a value out of an answer, whichever way it was written. Raise LookupError or AttributeError for none."""
    if "SecretBinary" in answer:
        return Sensitive(answer["SecretBinary"])
    # Half a surrogate pair, which JSON can hold, must not become an error that holds the value.
    return Sensitive(answer["SecretString"].encode("utf-8", "surrogatepass"))


def batch_page(answer: Answer, names: Mapping[str, Address]) -> Page[tuple[Address, Sensitive]]:
    """Read a page of values by name. Raise what AWS says of a single one of them."""
    for problem in answer.get("Errors", ()):
        thing = str(names.get(text(problem, "SecretId"), "a secret"))
        raise refusal(text(problem, "ErrorCode"), optional(problem, "Message"), _BATCH_RIGHT, thing)
    return page_of(answer, ((names[entry["Name"]], given(entry)) for entry in answer["SecretValues"]))


def request_token(key: bytes, change: tuple[str, ...], value: Sensitive) -> str:
    """Name the version that a change makes: the same for the same change, and of no use to guess the value.

    AWS takes 32 to 64 characters, recommends the form of a UUID, and makes it the version's id.
    """
    return str(uuid.UUID(bytes=hmac.digest(key, crypto.bind(change) + value.reveal(), "sha256")[:16]))
