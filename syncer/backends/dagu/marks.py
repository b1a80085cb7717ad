"""The one line that we keep in a secret's description: whose it is, which, and its tags. All else is people's."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from syncer.model import Address

if TYPE_CHECKING:
    from collections.abc import Mapping

MARK = "syncer:v1 "
"""What our line begins with; a JSON object follows."""


class Mark(NamedTuple):
    """What our line says."""

    project: str
    address: Address
    tags: Mapping[str, str]


class Described(NamedTuple):
    """A description taken apart."""

    text: str
    """What people wrote."""
    mark: Mark | None
    """None where our line is missing, or cannot be read."""


def apart(description: str) -> Described:
    """Tell our line, the last of its kind, from what people wrote; lines that only look like it are nobody's text."""
    lines = description.split("\n")
    marked = [line for line in lines if line.startswith(MARK)]
    text = "\n".join(line for line in lines if not line.startswith(MARK))
    return Described(text, _read(marked[-1]) if marked else None)


def together(text: str, mark: Mark) -> str:
    """Give the description that `apart` takes apart into these."""
    content = {"project": mark.project, "address": str(mark.address), "tags": dict(mark.tags)}
    line = MARK + json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"{text}\n{line}" if text else line


def collides(text: str) -> bool:
    """Whether a declared description has a line that would be taken for ours."""
    return any(line.startswith(MARK) for line in text.split("\n"))


def _read(line: str) -> Mark | None:
    with suppress(ValueError, LookupError, TypeError, AttributeError, RecursionError):
        content = json.loads(line.removeprefix(MARK))
        tags = {str(name): str(said) for name, said in content.get("tags", {}).items()}
        return Mark(str(content["project"]), Address.parse(content["address"]), tags)
    return None
