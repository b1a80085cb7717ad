"""What Secrets Manager takes for a name, a description and a value: asked while planning, offline.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html. That a name should not end in a
hyphen and six characters is advice for those who search by a part of an ARN; AWS takes it, and we go by whole names.
"""

from __future__ import annotations

import json
import re

LARGEST_VALUE = 65_536
"""Bytes, whether sent as text or as bytes."""
_LONGEST_NAME = 512
_LONGEST_DESCRIPTION = 2048
_FIELD = re.compile(r"\{[^{}]*\}")
_SPELLING = re.compile(r"[A-Za-z0-9/_+=.@-]*")


def fixed_problem(template: str) -> str | None:
    """Say why names that are made by a template cannot be secrets, whatever it is filled with."""
    if not _SPELLING.fullmatch(_FIELD.sub("", template)):
        return "may hold letters, digits and /_+=.@-"
    return None


def name_problem(name: str) -> str | None:
    """Say why no secret can have a name that a good template made; None where one can."""
    return f"is longer than {_LONGEST_NAME} characters" if len(name) > _LONGEST_NAME else None


def description_problem(text: str) -> str | None:
    """Say why no secret can have a description; None where one can."""
    return f"is longer than {_LONGEST_DESCRIPTION:,} characters" if len(text) > _LONGEST_DESCRIPTION else None


def value_problem(value: bytes) -> str | None:
    """Say why no secret can hold a value; None where one can."""
    return f"a secret holds at most {LARGEST_VALUE:,} bytes" if len(value) > LARGEST_VALUE else None


def is_object(value: bytes) -> bool:
    """Whether a value is a JSON object."""
    try:
        return isinstance(json.loads(value), dict)
    except (ValueError, RecursionError):
        return False
