"""What each type of backend can do, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.backends.base import Capability
from syncer.render.text import table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_COLUMNS: Mapping[str, Mapping[Capability, str]] = {
    "disable": {
        Capability.DISABLE_ENFORCED: "enforced",
        Capability.DISABLE_ADVISORY: "advisory",
        Capability.DISABLE_REMOVES: "by removal",
    },
    "delete": {Capability.SOFT_DELETE: "soft", Capability.DELETE: "at once"},
    "tags": {Capability.TAGS: "yes"},
    "description": {Capability.DESCRIPTION: "yes"},
    "move": {Capability.MOVE: "yes"},
    "read": {Capability.READ_DISABLED: "also disabled", Capability.READ: "yes"},
    "older values": {Capability.READ_VERSION: "yes"},
    "binary": {Capability.BINARY: "yes"},
    "conditional write": {Capability.CONDITIONAL_WRITE: "yes"},
    "version in list": {Capability.VERSION_IN_LIST: "yes"},
    "scope with /": {Capability.SCOPE_PATHS: "yes"},
}
"""Heading to what stands below it, the most that a backend can do first."""


def backends_table(known: Mapping[str, Collection[str]], missing: Mapping[str, str]) -> str:
    """Write a line for each type: what it can do, by its capabilities; or how those that are missing are installed."""
    rows = [
        ("type", *_COLUMNS),
        *((name, *(_cell(heading, can) for heading in _COLUMNS)) for name, can in known.items()),
    ]
    lines = [*table(rows), *(f"{name}: not installed; {how}" for name, how in missing.items())]
    return "\n".join(lines) + "\n"


def _cell(heading: str, can: Collection[str]) -> str:
    return next((word for capability, word in _COLUMNS[heading].items() if capability in can), "no")
