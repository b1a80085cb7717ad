"""The store of secrets: each of its steps is whole, what a request makes of several is not."""

from __future__ import annotations

import posixpath
import threading
from dataclasses import replace

from conformance.fakes.dagu.names import GLOBAL
from conformance.fakes.dagu.records import Metadata, Record, Status, Version
from conformance.fakes.dagu.replies import BROKEN, Refused

FILE_NAME = 255
"""How long a file's name may be; each secret is one, called after its id."""


class Unresolved(Exception):
    """A run does not get the value, and fails before its first step."""


class SecretStore:
    """Secrets by id, as files are; and an index of refs, which only this server's own writes keep up to date."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self._index: dict[tuple[str, str], str] = {}
        self._lock = threading.RLock()

    def create(self, metadata: Metadata, value: str | None) -> bool:
        """Add a secret, with its first value if there is one; False: the index knows the ref."""
        place = metadata.workspace, metadata.ref
        with self._lock:
            if place in self._index:
                return False
            self.records[metadata.id] = Record(metadata=metadata)
            self._index[place] = metadata.id
            if value is not None:
                self.append(metadata.id, value, metadata.created)
            return True

    def find(self, secret: str) -> Metadata | None:
        """Give the metadata under an id; must be refused where there can be no such file, or nobody can read it."""
        file = f"{secret}.json"
        with self._lock:
            record = self.records.get(secret)
            outside = posixpath.normpath(file).startswith("../") or len(file.encode()) > FILE_NAME or "\0" in file
            if outside or (record and not record.readable):
                raise Refused(BROKEN)
            return record.metadata if record else None

    def by_ref(self, workspace: str, ref: str) -> Record | None:
        """Give the secret with that ref in that scope, and in no other: as the index says, else as the files do."""
        with self._lock:
            record = self.records.get(self._index.get((workspace, ref), ""))
            if record is None:
                record = next(iter(self.files(workspace, ref)), None)
            if record:
                self._index[workspace, ref] = record.metadata.id
            return record

    def files(self, workspace: str, ref: str | None = None) -> list[Record]:
        """Give all that is in a scope, or all with a ref, which may be two; what was written last comes last."""
        with self._lock:
            found = [record for record in self.records.values() if record.readable]
        mine = [one for one in found if one.metadata.workspace == workspace and ref in {None, one.metadata.ref}]
        return sorted(mine, key=lambda one: (one.metadata.updated, one.metadata.id))

    def listed(self, workspace: str) -> list[Metadata]:
        """Give what is said of all that is in a scope, in the order of refs."""
        return sorted((record.metadata for record in self.files(workspace)), key=lambda one: one.ref)

    def put(self, metadata: Metadata) -> bool:
        """Write metadata back, the number of the current version too; False: the secret is gone."""
        with self._lock:
            record = self.records.get(metadata.id)
            if record is None:
                return False
            record.metadata = metadata
            return True

    def append(self, secret: str, value: str, now: int) -> Metadata | None:
        """Write a value under the number after the current one, even if there is such a version already."""
        with self._lock:
            record = self.records.get(secret)
            if record is None:
                return None
            number = record.metadata.current_version + 1
            record.versions.append(Version(number=number, value=value, created=now))
            record.metadata = replace(record.metadata, current_version=number, rotated=now, updated=now)
            return record.metadata

    def drop(self, secret: str) -> bool:
        """Forget a secret, all its versions, and whatever secret the index holds for its ref; False: it was gone."""
        with self._lock:
            record = self.records.pop(secret, None)
            if record is None:
                return False
            self._index.pop((record.metadata.workspace, record.metadata.ref), None)
            return True

    def read(self, workspace: str, ref: str, now: int) -> Record:
        """Give a copy of the file that a run reads, with its two times moved already.

        A run falls back to Global only where the workspace has no such ref, not where it is disabled or has no value.
        It is a process of its own, whose index is made of the files as it starts.
        """
        found = self.files(workspace, ref) or self.files(GLOBAL, ref)
        record = found[-1] if found else None
        fault = _fault(record)
        if record is None or fault:
            raise Unresolved(fault)
        moved = replace(record.metadata, resolved=now, updated=now)
        return Record(metadata=moved, versions=[*record.versions])

    def overwrite(self, copy: Record) -> None:
        """Write the file that a run has read, whatever has become of it, and tell no index."""
        with self._lock:
            self.records[copy.metadata.id] = copy


def _fault(record: Record | None) -> str:
    if record is None:
        return "secret not found"
    if record.metadata.status is Status.DISABLED:
        return "secret is disabled"
    return "secret has no value" if record.served is None else ""
