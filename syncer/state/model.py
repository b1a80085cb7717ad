"""Records of what we wrote, and the state that holds them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from syncer.model import Address, Fingerprint, OnRemove, bulk

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT_VERSION = "1"
Document = dict[str, Any]
"""A record, a state or a line of a journal, as JSON."""


@bulk
class Record:
    """What we know that we wrote at one address. Never a value."""

    backend: str
    remote_id: str
    version: str | None
    """The backend's token for the value we wrote; None after a create whose outcome we do not know."""
    fingerprint: Fingerprint | None
    """None: ours, but its value is not known to be the one we want."""
    source: str
    """Digest of the source's declaration, `type:hash`."""
    tags: Mapping[str, str]
    """The tags that we set, not those of others."""
    enabled: bool
    description: str | None
    on_remove: OnRemove
    """Kept here because the manifest no longer says it once the entry is gone."""
    rotation: int
    """`rotate.version` of the last rotation."""
    created: datetime
    rotated: datetime
    """When the value was last written."""
    interrupted: bool = False
    """A run ended between a write and its record: differences from what is observed are ours, not drift."""
    restored: bool = False
    """It came back from a deletion with the value that it had, which nobody has read: one made once is to stay."""
    previous_backend: str | None = None
    """The backend that still holds the secret from before it moved to `backend`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All records of a project. Immutable: an apply makes a new one."""

    project: str
    lineage: str | None = None
    """UUID of this history; None before the first apply."""
    serial: int = 0
    """Raised by each write: by one, or by an apply for each entry of its journal and one more at its end."""
    records: Mapping[Address, Record] = field(default_factory=dict)

    def advance(self, changes: Mapping[Address, Record | None], *, lineage: str, steps: int = 1) -> State:
        """Give the state after `steps` more: records put or, for None, dropped."""
        merged: dict[Address, Record] = dict(self.records)
        for address, record in changes.items():
            if record is None:
                merged.pop(address, None)
            else:
                merged[address] = record
        return replace(self, lineage=self.lineage or lineage, serial=self.serial + steps, records=merged)


def timestamp(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def record_document(record: Record) -> Document:
    """Give the JSON form of a record; fields that hold nothing of note are left out."""
    document = {
        "backend": record.backend,
        "version": record.version,
        "fingerprint": record.fingerprint and str(record.fingerprint),
        "source": record.source,
        "tags": dict(record.tags),
        "enabled": record.enabled,
        "on_remove": record.on_remove.value,
        "created": timestamp(record.created),
        "rotated": timestamp(record.rotated),
    }
    seldom = {
        "remote_id": record.remote_id,
        "description": record.description,
        "rotation": record.rotation,
        "interrupted": record.interrupted,
        "restored": record.restored,
        "previous_backend": record.previous_backend,
    }
    return document | {name: value for name, value in seldom.items() if value}


def parse_record(document: Document) -> Record:
    """Read what `record_document` gave. Raise ValueError, KeyError or TypeError for anything else."""
    fingerprint = document["fingerprint"]
    return Record(
        backend=document["backend"],
        remote_id=document.get("remote_id", ""),
        version=document["version"],
        fingerprint=fingerprint and Fingerprint.parse(fingerprint),
        source=document["source"],
        tags=document["tags"],
        enabled=document["enabled"],
        description=document.get("description"),
        on_remove=_ON_REMOVE[document["on_remove"]],
        rotation=document.get("rotation", 0),
        created=_moment(document["created"]),
        rotated=_moment(document["rotated"]),
        interrupted=document.get("interrupted", False),
        restored=document.get("restored", False),
        previous_backend=document.get("previous_backend"),
    )


_ON_REMOVE = {str(choice): choice for choice in OnRemove}

# The records of one apply share their moments, and there may be ten thousand of them.
_moment = lru_cache(maxsize=1024)(datetime.fromisoformat)


def canonical(document: object) -> bytes:
    """Encode for a MAC: one form for one content, whatever the spacing of the file."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
