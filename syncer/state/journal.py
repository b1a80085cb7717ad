"""Intents and results of a running apply: append-only, authenticated, replayed after a crash.

Each line is a JSON document and its MAC. The MAC covers the line before it too, so that lines cannot be taken out
or swapped. A last line without its newline was cut off by a crash and does not count.

Each entry puts a record, or None for none, at an address. An intent puts what to assume should its result never
come; the result puts what is known. So a replay is a fold, and knows nothing of actions.

Each entry is also one step of the serial, and the end of the apply one more. So a plan that was made in the middle
of an apply never passes for one that was made after it.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from syncer.crypto import mac, same_mac
from syncer.errors import StateError
from syncer.model import Address
from syncer.state.model import Record, canonical, parse_record, record_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from syncer.state.model import Document

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


class Unwritable(Exception):
    """A sink could not take what it was given; the message is the cause, for people."""

    def __init__(self, cause: str, *, hint: str = "nothing that is recorded is lost") -> None:
        super().__init__(cause)
        self.cause = cause
        self.hint = hint


class Sink(Protocol):
    """Where the lines of a journal go. Each method may raise Unwritable."""

    name: str
    batch: int
    """How many intents are best made durable at once, at the price of that many unknowns after a crash."""

    def append(self, text: bytes) -> None:
        """Take lines, all of them or none. Never called by two threads at once."""

    def sync(self) -> None:
        """Make all durable that was appended before. Threads may call it side by side."""

    def noted(self) -> None:
        """Learn that results were appended, which are worth keeping before the next intents come."""

    def discard(self) -> None:
        """Remove what was written."""

    def close(self) -> None:
        """Let go of it and leave what was written."""


class Journal:
    """The journal of one apply; safe to share between threads."""

    def __init__(self, sink: Sink, key: bytes, *, lineage: str, serial: int) -> None:
        """Start an empty journal for the state of that lineage and serial. Raise StateError."""
        self.sink = sink
        self._key = key
        self._chain = ""
        self._lock = threading.Lock()
        self._broken: Unwritable | None = None
        self._entries = 0
        try:
            self._append([{"lineage": lineage, "serial": serial}])
        except StateError:
            self.close()
            raise

    @property
    def serial_steps(self) -> int:
        """How many steps the state that this apply ends with is after the one it began with."""
        return self._entries + 1

    @property
    def batch(self) -> int:
        """How many intents are best noted at once."""
        return self.sink.batch

    def intend(self, entries: Iterable[Entry]) -> None:
        """Note what is about to be written; durable when it returns. Raise StateError: then do not write."""
        self._put("intent", entries)
        self._do(self.sink.sync)

    def record(self, entries: Iterable[Entry]) -> None:
        """Note what was written. Durable from the next intent on, at the latest. Raise StateError."""
        self._put("result", entries)
        self._do(self.sink.noted)

    def check(self) -> None:
        """Raise StateError once a line could not be written: what is done from then on could not be noted."""
        if self._broken:
            message = f"{self.sink.name} could not be written: {self._broken.cause}"
            raise StateError(message, hint=self._broken.hint)

    def discard(self) -> None:
        """Remove it: the state holds everything. Raise StateError."""
        self.close()
        self._do(self.sink.discard)

    def close(self) -> None:
        """Let go of it and leave it for the next run to replay."""
        self.sink.close()

    def _put(self, kind: str, entries: Iterable[Entry]) -> None:
        documents = [_document(kind, entry) for entry in entries]
        with self._lock:
            # Before they are written: a reader may see lines that a full disk then takes back.
            self._entries += len(documents)
        self._append(documents)

    def _append(self, documents: list[Document]) -> None:
        with self._lock:
            self.check()
            chain = self._chain
            text = b""
            for document in documents:
                line, chain = _line(self._key, chain, document)
                text += line
            self._do(lambda: self.sink.append(text))
            self._chain = chain

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Unwritable as error:
            self._broken = error
            message = f"{self.sink.name} cannot be written: {error.cause}"
            raise StateError(message, hint=error.hint) from None


def replay(content: bytes, key: bytes, name: str) -> Replay | None:
    """Read the journal that an ended or running apply left; None for an empty one. Raise StateError."""
    *lines, _cut_off = content.split(b"\n")
    documents = _authentic(lines, key, name)
    if not documents:
        return None
    try:
        return _folded(*documents)
    except (ValueError, KeyError, TypeError):
        # Authentic, so it is ours: from a version that knew something more.
        message = f"{name} was written by another version of syncer, which this one cannot read"
        raise StateError(message, hint="run the version that was interrupted once more") from None


def _folded(head: Document, *entries: Document) -> Replay:
    puts: dict[Address, Record | None] = {}
    for entry in entries:
        record = entry["record"]
        puts[Address.parse(entry["address"])] = record and parse_record(record)
    return Replay(lineage=head["lineage"], serial=head["serial"], entries=len(entries), records=puts)


def _authentic(lines: list[bytes], key: bytes, name: str) -> list[Document]:
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


def _line(key: bytes, chain: str, document: Document) -> tuple[bytes, str]:
    body = canonical(document)
    link = mac(key, chain.encode() + body)
    return body + b" " + link.encode() + b"\n", link


def _document(kind: str, entry: Entry) -> Document:
    address, record = entry
    return {"kind": kind, "address": str(address), "record": record and record_document(record)}
