"""Intents and results of a running apply: append-only, authenticated, replayed after a crash.

Each line is a JSON document and its MAC. The MAC covers the line before it too, so that lines cannot be taken out
or swapped. A last line without its newline was cut off by a crash and does not count.

Each entry puts a record, or None for none, at an address. An intent puts what to assume should its result never
come; the result puts what is known. So a replay is a fold, and knows nothing of actions.

Each entry is also one step of the serial, and the end of the apply one more. So a plan that was made in the middle
of an apply never passes for one that was made after it.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncer.crypto import mac, same_mac
from syncer.errors import StateError
from syncer.model import Address
from syncer.state.files import PRIVATE, private_folder, sync_folder
from syncer.state.model import Record, canonical, parse_record, record_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import Any

Entry = tuple[Address, Record | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a journal says: the state it continues, and the records that it puts."""

    lineage: str
    serial: int
    """Of the state that it continues."""
    entries: int = 0
    """By how many steps it takes that state further."""
    records: Mapping[Address, Record | None] = field(default_factory=dict)


class Journal:
    """The journal of one apply; safe to share between threads."""

    def __init__(self, path: Path, key: bytes, *, lineage: str, serial: int) -> None:
        """Start an empty journal for the state of that lineage and serial. Raise StateError."""
        self._key = key
        self._path = path
        self._chain = ""
        self._lock = threading.Lock()
        self._broken = ""
        self._entries = 0
        try:
            private_folder(path.parent)
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, PRIVATE)
        except OSError as error:
            raise _unwritable(path, error) from None
        self._size = 0
        try:
            self._append([{"lineage": lineage, "serial": serial}])
            sync_folder(path.parent)
        except OSError as error:
            self.close()
            raise _unwritable(path, error) from None
        except StateError:
            self.close()
            raise

    @property
    def serial_steps(self) -> int:
        """How many steps the state that this apply ends with is after the one it began with."""
        return self._entries + 1

    def intend(self, entries: Iterable[Entry]) -> None:
        """Note what is about to be written; durable when it returns. Raise StateError: then do not write."""
        self._put("intent", entries)
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            # The kernel may have dropped what it could not write and call it clean: the next fsync would succeed.
            self._broken = _cause(error)
            raise _unwritable(self._path, error) from None

    def record(self, entries: Iterable[Entry]) -> None:
        """Note what was written. Survives a kill at once, a power cut from the next intent on. Raise StateError."""
        self._put("result", entries)

    def check(self) -> None:
        """Raise StateError once a line could not be written: what is done from then on could not be noted."""
        if self._broken:
            message = f"{self._path.name} could not be written: {self._broken}"
            raise StateError(message, hint="nothing that is recorded is lost")

    def discard(self) -> None:
        """Remove it: the state holds everything."""
        self.close()
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file and leave it for the next run to replay."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _put(self, kind: str, entries: Iterable[Entry]) -> None:
        documents = [_document(kind, entry) for entry in entries]
        with self._lock:
            # Before they are written: a reader may see lines that a full disk then takes back.
            self._entries += len(documents)
        self._append(documents)

    def _append(self, documents: list[dict[str, Any]]) -> None:
        with self._lock:
            self.check()
            chain = self._chain
            text = b""
            for document in documents:
                line, chain = _line(self._key, chain, document)
                text += line
            self._write(text)
            self._chain = chain

    def _write(self, text: bytes) -> None:
        written = 0
        try:
            # A short write is how a full disk begins; the next one says so.
            while written < len(text):
                written += os.write(self._descriptor, text[written:])
        except OSError as error:
            # What was cut off must not stand in the middle once there is room again; at the end it does not count.
            self._broken = _cause(error)
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            raise _unwritable(self._path, error) from None
        self._size += len(text)


def replay(path: Path, key: bytes) -> Replay | None:
    """Read the journal that an ended or running apply left; None without one. Raise StateError if tampered with."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"{path.name} cannot be read: {error.strerror}"
        raise StateError(message) from None
    *lines, _cut_off = content.split(b"\n")
    documents = _authentic(lines, key, path.name)
    if not documents:
        return None
    try:
        return _folded(*documents)
    except (ValueError, KeyError, TypeError):
        # Authentic, so it is ours: from a version that knew something more.
        message = f"{path.name} was written by another version of syncer, which this one cannot read"
        raise StateError(message, hint="run the version that was interrupted once more") from None


def _folded(head: dict[str, Any], *entries: dict[str, Any]) -> Replay:
    puts: dict[Address, Record | None] = {}
    for entry in entries:
        record = entry["record"]
        puts[Address.parse(entry["address"])] = record and parse_record(record)
    return Replay(lineage=head["lineage"], serial=head["serial"], entries=len(entries), records=puts)


def _authentic(lines: list[bytes], key: bytes, name: str) -> list[dict[str, Any]]:
    documents = []
    chain = ""
    for number, line in enumerate(lines, 1):
        body, _, written = line.rpartition(b" ")
        chain = mac(key, chain.encode() + body)
        if not same_mac(chain, written.decode("ascii", "replace")):
            message = f"line {number} of {name} is damaged, was tampered with, or was written under another key"
            hint = f"restore the file, or move {name} away: the next plan shows what it would have remembered"
            raise StateError(message, hint=hint)
        documents.append(json.loads(body))
    return documents


def _line(key: bytes, chain: str, document: dict[str, Any]) -> tuple[bytes, str]:
    body = canonical(document)
    link = mac(key, chain.encode() + body)
    return body + b" " + link.encode() + b"\n", link


def _document(kind: str, entry: Entry) -> dict[str, Any]:
    address, record = entry
    return {"kind": kind, "address": str(address), "record": record and record_document(record)}


def _cause(error: OSError) -> str:
    return error.strerror or "input or output error"


def _unwritable(path: Path, error: OSError) -> StateError:
    return StateError(f"{path.name} cannot be written: {_cause(error)}", hint="nothing that is recorded is lost")
