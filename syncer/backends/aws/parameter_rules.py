"""What Parameter Store takes for a name and for a value: asked while planning, offline."""

from __future__ import annotations

import re

LIMITS = {"standard": 4096, "advanced": 8192, "intelligent-tiering": 8192}
"""Bytes of a value, by tier. AWS writes 4 KB and 8 KB, its errors count characters: never more of these than bytes."""

_LEVELS = 15
# The 1,011 characters of the documentation count the ARN. Which region it names is not known offline: this one's
# name is the longest. https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
_LONGEST = 1011 - len("arn:aws-us-gov:ssm:us-gov-west-1:111122223333:parameter")
_RESERVED = ("/aws", "/ssm")
_SPELLING = re.compile(r"(/[A-Za-z0-9_.-]+)+")
_FIELD = re.compile(r"\{[^{}]*\}")


def path_problem(template: str) -> str | None:
    """Say why names that are made by a template cannot be parameters, whatever it is filled with."""
    if not template.startswith("/"):
        return "must begin with a slash"
    if not _SPELLING.fullmatch(_FIELD.sub("x", template)):
        return "may hold letters, digits and _.- between single slashes"
    return None


def name_problem(name: str) -> str | None:
    """Say why no parameter can have a name that a good template made; None where one can."""
    if len(name) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    if name.count("/") > _LEVELS:
        return f"has more than {_LEVELS} levels"
    if name.lower().startswith(_RESERVED):
        return "begins with `aws` or `ssm`, which is AWS's own"
    return None


def value_problem(value: bytes, tier: str) -> tuple[str | None, str | None]:
    """Say why a parameter of this tier cannot hold a text, and what to do; nothing where it can."""
    if len(value) > LIMITS[tier]:
        problem = f"a parameter of the {tier} tier holds at most {LIMITS[tier]:,} bytes"
        return problem, f"`tier: advanced` holds {LIMITS['advanced']:,}, at a price; for more, take another backend"
    # "Parameters can't be referenced or nested": AWS refuses what looks like a reference anywhere in a value.
    if b"}}" in value.partition(b"{{")[2]:
        problem = "Parameter Store takes no value that holds `{{` and then `}}`"
        return problem, "encode the value, for instance in base64, where it comes from"
    return None, None
