"""The state as bytes, under the project key: what any store of it holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import starmap
from typing import TYPE_CHECKING

from jsonschema_rs import Draft202012Validator

from syncer import __version__
from syncer.crypto import JOURNAL_MAC, STATE_MAC, mac, same_mac
from syncer.errors import StateError
from syncer.model import Address
from syncer.schemas import load_schema
from syncer.state.journal import Replay, replay
from syncer.state.model import FORMAT_VERSION, Document, State, parse_record, record_document

if TYPE_CHECKING:
    from syncer.state.key import Keyring

_MAC_LINE = b'\n  "mac": '


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """Reads and writes the state of one project, and reads the journal that continues it."""

    project: str
    keyring: Keyring
    name: str
    """What the state is called in messages."""
    journal_name: str
    backup: str
    """Where the state before the last write is."""

    def decode(self, text: bytes | None, *, authenticate: bool) -> State:
        """Read what `encode` gave, None for a state that was never written. Raise StateError."""
        if text is None:
            return State(project=self.project)
        try:
            document = json.loads(text)
            self._accept_format(document)
            if authenticate:
                self._authenticate(document, text)
            else:
                _check_shape(document)
            return _parse(document)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            message = f"{self.name} is truncated or damaged"
            raise StateError(message, hint=f"{self.backup} holds the state before the last write") from None

    def encode(self, state: State) -> bytes:
        """Write one line per record: a diff names the secrets that moved, and 10,000 of them stay readable.

        The MAC covers every byte before its line.
        """
        head = {
            "format_version": FORMAT_VERSION,
            "lineage": state.lineage,
            "serial": state.serial,
            "project": state.project,
            "syncer_version": __version__,
            "key_id": self.keyring.key_id(),
        }
        lines = [f"  {json.dumps(name)}: {json.dumps(value)}," for name, value in head.items()]
        rows = [
            f"    {json.dumps(str(address))}: {json.dumps(record_document(record), sort_keys=True)}"
            for address, record in sorted(state.records.items())
        ]
        records = "{\n" + ",\n".join(rows) + "\n  }" if rows else "{}"
        signed = "\n".join(["{", *lines, f'  "records": {records},']).encode()
        return signed + _MAC_LINE + f'"{mac(self.keyring.subkey(STATE_MAC), signed)}"\n}}\n'.encode()

    def left_behind(self, state: State, journal: bytes | None) -> Replay | None:
        """Give what a journal has to add to `state`, None where that is nothing. Raise StateError."""
        if journal is None:
            return None
        left = replay(journal, self.keyring.subkey(JOURNAL_MAC), self.journal_name)
        if left is None:
            return None
        if left.serial > state.serial or state.lineage not in (None, left.lineage):
            message = f"{self.journal_name} belongs to another state than {self.name}"
            raise StateError(message, hint=f"restore the {self.name} that it goes with, or move it away")
        # Lower: the run ended after it had written the state. Without an entry it ended, or is, before its first write.
        return left if left.serial == state.serial and left.entries else None

    def _accept_format(self, document: Document) -> None:
        if document["format_version"] != FORMAT_VERSION:
            written_by = str(document.get("syncer_version", "another version"))
            message = f"{self.name} was written by syncer {written_by} in a format that {__version__} cannot read"
            raise StateError(message, hint=f"use syncer {written_by} or newer")
        if document["project"] != self.project:
            message = f"{self.name} belongs to project {document['project']}, the manifest to {self.project}"
            raise StateError(message, hint="give each project a state of its own with `state: {path: ...}`")

    def _authenticate(self, document: Document, text: bytes) -> None:
        if document["key_id"] != self.keyring.key_id():
            message = f"{self.name} was written under another project key ({document['key_id']})"
            raise StateError(message, hint=f"use that key; yours is {self.keyring.key_id()}")
        signed, mark, written = text.rpartition(_MAC_LINE)
        right = mac(self.keyring.subkey(STATE_MAC), signed)
        if not mark or not same_mac(written.decode("ascii", "replace"), f'"{right}"\n}}\n'):
            message = f"{self.name} was changed by something other than syncer"
            raise StateError(message, hint=f"restore it from version control or from {self.backup}")


def continued(state: State, left: Replay | None) -> State:
    """Give the state after what a journal has to add."""
    return state if left is None else state.advance(left.records, lineage=left.lineage, steps=left.entries)


def _check_shape(document: Document) -> None:
    """Raise ValueError for what `encode` never wrote. Where the MAC is checked it says more."""
    if not Draft202012Validator(load_schema("state")).is_valid(document):
        message = "does not fit schemas/state.schema.json"
        raise ValueError(message)


def _parse(document: Document) -> State:
    # Split and not parsed: the MAC says that these are the names we wrote, and there may be ten thousand.
    names = (name.split(":", 1) for name in document["records"])
    records = dict(zip(starmap(Address, names), map(parse_record, document["records"].values()), strict=True))
    return State(project=document["project"], lineage=document["lineage"], serial=document["serial"], records=records)
