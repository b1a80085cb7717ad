"""A secret, and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.fakes.kestra.names import Place

Tags = tuple[tuple[str, str], ...]
PREFIX = "kestra"
"""What the server's own tag of that name says unless somebody has configured another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What is stored under a key."""

    value: str = field(repr=False)
    description: str | None = None
    """None: nobody gave one, or null."""
    tags: Tags = ()
    """Keys and values in the order in which they were written."""


def with_system_tags(tags: Tags, place: Place, key: str) -> Tags:
    """Add what the server notes in the store behind it; nobody else can set those."""
    tenant, namespace = place
    own = {"namespace": namespace, "key": key, "prefix": PREFIX} | ({"tenant": tenant} if tenant else {})
    return (*((name, text) for name, text in tags if name not in own), *own.items())
