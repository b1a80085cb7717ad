"""What a request asks for, read off its path and its query as Dapr's sidecar reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.requests import Request

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_VERSION = "metadata.version_id"
_LONGEST = 8192
"""Bytes of a path: a ref has 512 characters at most, and each may be escaped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One secret of a store, or all of them."""

    store: str
    key: str | None
    """None for all."""
    version: str | None = None
    """As the backend calls it; None for the newest."""

    @classmethod
    def of(cls, request: Request) -> Asked:
        """Read a request. Raise HTTPException where its path is none of the API's, or cannot be decoded."""
        path: bytes = request.scope["raw_path"]
        if len(path) > _LONGEST:
            raise HTTPException(HTTPStatus.REQUEST_URI_TOO_LONG)
        # The router goes by the decoded path; a proxy before us that guards a store may not have seen `%2F` as a slash.
        match [part for part in path.split(b"/") if part]:
            case [b"v1.0", b"secrets", store, b"bulk"]:
                return cls(store=_decoded(store), key=None)
            case [b"v1.0", b"secrets", store, key]:
                version = next(iter(request.query_params.getlist(_VERSION)), None)
                return cls(store=_decoded(store), key=_decoded(key), version=version or None)
            case _:
                raise HTTPException(HTTPStatus.NOT_FOUND)


def _decoded(part: bytes) -> str:
    """Decode a part of a path by the rules of queries: `%2F` is a slash, `+` a space, `%2B` a plus."""
    if not _BAD_ESCAPE.search(part):
        try:
            return unquote_to_bytes(part.replace(b"+", b" ")).decode()
        except UnicodeDecodeError:
            pass
    raise HTTPException(HTTPStatus.BAD_REQUEST)
