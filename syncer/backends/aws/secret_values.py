"""Values of Secrets Manager on the wire, and the token that makes writing one twice the same as once."""

from __future__ import annotations

import hmac
import uuid
from typing import TYPE_CHECKING

from syncer import crypto
from syncer.backends.aws.errors import refusal
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from syncer.backends.aws.api import Answer, Request
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
    """Take a value out of an answer, whichever way it was written."""
    if "SecretBinary" in answer:
        return Sensitive(answer["SecretBinary"])
    # Half a surrogate pair, which JSON can hold, must not become an error that holds the value.
    return Sensitive(answer["SecretString"].encode("utf-8", "surrogatepass"))


def read_batch(
    ask: Callable[[Request, int], Answer], names: Mapping[str, Address]
) -> Iterator[tuple[Address, Sensitive]]:
    """Give values by name, in one call unless AWS parts the answer. Raise what AWS says of a single one of them.

    `ask` makes a call that reads so many values.
    """
    request: Request = {"SecretIdList": list(names)}
    unread = len(names)
    while True:
        answer = ask(request, unread)
        for problem in answer.get("Errors", ()):
            thing = str(names.get(problem["SecretId"], "a secret"))
            raise refusal(problem["ErrorCode"], problem.get("Message", ""), _BATCH_RIGHT, thing)
        for entry in answer["SecretValues"]:
            yield names[entry["Name"]], given(entry)
        if not answer.get("NextToken"):
            return
        request, unread = {**request, "NextToken": answer["NextToken"]}, 0


def request_token(key: bytes, change: tuple[str, ...], value: Sensitive) -> str:
    """Name the version that a change makes: the same for the same change, and of no use to guess the value.

    AWS takes 32 to 64 characters, recommends the form of a UUID, and makes it the version's id.
    """
    return str(uuid.UUID(bytes=hmac.digest(key, crypto.bind(change) + value.reveal(), "sha256")[:16]))
