"""What Secrets Manager says of a secret, in a list or by itself, told in our words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.backends.aws import tags
from syncer.backends.aws.answers import optional, text
from syncer.model import Observed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.backends.aws.api import Answer
    from syncer.model import Address

CURRENT = "AWSCURRENT"
"""The stage of the version that readers get."""
NAMED_STAGES = (CURRENT, "AWSPREVIOUS", "AWSPENDING")
"""Those that AWS itself gives to versions."""

_STAGES = ("SecretVersionsToStages", "VersionIdsToStages")
"""The same, as a list and as DescribeSecret call it."""


def observed(address: Address, entry: Answer, off: Mapping[str, str], *, wanted: bool) -> Observed:
    """Read an entry; one that nobody ever gave a value has the version "". Raise LookupError or TypeError.

    `off` are the marks of a disabled secret. One that has some of them only is neither enabled nor disabled: it is
    told as what it is not `wanted` to be, so that the next apply sets or takes all.
    """
    found = tags.read(entry.get("Tags", ()))
    there = sum(found.get(name) == said for name, said in off.items())
    return Observed(
        address=address,
        version=_current(entry),
        tags=tags.unmarked(found, off),
        enabled=not wanted if 0 < there < len(off) else not there,
        description=optional(entry, "Description"),
        owner=found.get(tags.PROJECT),
        remote_id=text(entry, "ARN"),
        deleted=entry.get("DeletedDate") is not None,
    )


def regions(entry: Answer) -> set[str]:
    """Give the other regions that a secret has a copy in, also one that failed."""
    return {text(copy, "Region") for copy in entry.get("ReplicationStatus", ())}


def _current(entry: Answer) -> str:
    versions: Mapping[str, list[str]] = next((entry[name] for name in _STAGES if name in entry), {})
    return next((version for version, stages in versions.items() if CURRENT in stages), "")
