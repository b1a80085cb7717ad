"""The source `sealed`: ciphertext in the manifest, bound to its address."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from syncer import crypto
from syncer.errors import InvalidConfiguration, SourceError
from syncer.sources.base import NoOptions, Source, SourceContext

if TYPE_CHECKING:
    from syncer.sensitive import Sensitive

PREFIX = "syncer:v1:"

# Nonce, one byte of value, tag: an empty value is never sealed.
_MIN_BYTES = crypto.NONCE_BYTES + 1 + 16


class SealedSource(Source):
    """Yields what `seal_text` sealed for the same project and address under the same key."""

    type_name = "sealed"
    Options = NoOptions
    opened_by_key = True

    def check(self) -> None:
        """Refuse an argument that `seal_text` cannot have made; whether it opens shows only with the key."""
        self._ciphertext = _ciphertext(self.argument) if isinstance(self.argument, str) else b""
        if len(self._ciphertext) < _MIN_BYTES:
            message = f"`sealed` must be a whole {PREFIX}... string"
            raise InvalidConfiguration(message, hint="`syncer seal ADDRESS` prints one")

    def produce(self, context: SourceContext) -> Sensitive:
        """Open it. Raise SourceError where project, address or key are not those that it was sealed for."""
        try:
            return crypto.unseal(context.subkey(crypto.SEALED), self._ciphertext, _bound_to(context))
        except crypto.CannotOpen:
            message = "`sealed` cannot be opened: sealed for another address or under another key, or damaged"
            hint = f"run `syncer seal {context.address}` and put what it prints into the manifest"
            raise SourceError(message, hint=hint) from None


def seal_text(value: Sensitive, context: SourceContext) -> str:
    """Seal a value for the context's project and address: text for a manifest. Raise SourceError for an empty one."""
    if value.empty:
        message = "an empty value is never sealed"
        raise SourceError(message)
    return PREFIX + _encode(crypto.seal(context.subkey(crypto.SEALED), value, _bound_to(context)))


def _bound_to(context: SourceContext) -> bytes:
    return crypto.bind(["sealed", context.project, context.address.scope, context.address.ref])


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _ciphertext(text: str) -> bytes:
    body = text.removeprefix(PREFIX)
    try:
        raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except (binascii.Error, ValueError):  # a length that base64 cannot have; characters beyond ASCII
        return b""
    # Python's decoder skips what is not base64, so only a text that comes out the same again is one.
    return raw if text == PREFIX + _encode(raw) else b""
