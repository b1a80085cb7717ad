"""Answers that broke off, or were none: the SDK would take garbage for an empty one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import IncompleteReadError

if TYPE_CHECKING:
    from collections.abc import Mapping

_FAILED = 300


def refuse_garbled(operation_model: Any, response_dict: Mapping[str, Any], **_more: Any) -> None:
    """Raise IncompleteReadError for what broke off, or is no JSON where JSON was to come. Handles `before-parse`."""
    headers, body = response_dict["headers"], response_dict["body"]
    told = headers.get("content-length")
    cut = told is not None and "content-encoding" not in headers and len(body) < int(told)
    expected = operation_model.output_shape is not None and operation_model.output_shape.members
    json_wanted = expected and operation_model.metadata["protocol"] == "json" and response_dict["status_code"] < _FAILED
    if cut or (json_wanted and not _is_json(body)):
        raise IncompleteReadError(actual_bytes=len(body), expected_bytes=told)


def _is_json(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False
