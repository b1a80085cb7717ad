"""The state file: read, authenticated, replaced as a whole."""

from __future__ import annotations

import json
import os
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncer import __version__
from syncer.crypto import JOURNAL_MAC, STATE_MAC, mac, same_mac
from syncer.errors import StateError
from syncer.model import Address
from syncer.schemas import load_schema
from syncer.state.files import private_folder, remove_drafts, replace_file
from syncer.state.journal import Journal, Replay, replay
from syncer.state.model import FORMAT_VERSION, State, parse_record, record_document

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from syncer.retry import Retry
    from syncer.state.key import Keyring
    from syncer.state.lock import Holder, StateLock


class StateFile:
    """The state of one project in a local file, with its backup, journal and lock beside it."""

    def __init__(self, path: Path, project: str, keyring: Keyring) -> None:
        # Where a link points to: replacing the link itself would leave those behind who share its target.
        self._path = Path(os.path.realpath(path))
        self._project = project
        self._keyring = keyring
        self._last: tuple[tuple[object, object], bool, State] | None = None

    @property
    def exists(self) -> bool:
        """Whether anything was remembered before."""
        return self._path.exists() or self._beside("journal").exists()

    def read(self, *, authenticate: bool = True) -> State:
        """Give the state, with the journal of an ended or running apply folded in. Raise StateError.

        `authenticate=False` is for a plan without the key: what it reads may have been tampered with. Reading again
        costs nothing where nobody wrote meanwhile.
        """
        while True:
            stamp = self.stamp()
            if self._last is not None and self._last[:2] == (stamp, authenticate):
                return self._last[2]
            try:
                state = self._read_with_journal(authenticate=authenticate)
            except StateError:
                if self.stamp()[0] == stamp[0]:
                    raise
            else:
                # A file that was replaced between our two looks does not go with the journal that we saw.
                if self.stamp()[0] == stamp[0]:
                    self._last = (stamp, authenticate, state)
                    return state

    def fold(self) -> State:
        """Give the state as `read` does, and write it if a journal was left. Needs the lock."""
        stored = self._read_file(authenticate=True)
        left = self._left_behind(stored)
        state = stored
        if left is not None:
            state = _continued(stored, left)
            self.write(state)
        self._beside("journal").unlink(missing_ok=True)
        remove_drafts(self._path)
        remove_drafts(self._beside("backup"))
        return state

    def document(self) -> dict[str, Any]:
        """Give the state as the JSON object that `write` writes, a left journal folded in."""
        document: dict[str, Any] = json.loads(self._text(self.read()))
        return document

    def write(self, state: State) -> None:
        """Replace the file; the one before becomes the backup. Needs the lock. Raise StateError."""
        try:
            private_folder(self._path.parent)
            replace_file(self._path, self._text(state), backup=self._beside("backup"))
        except OSError as error:
            message = f"{self._path.name} cannot be written: {error.strerror}"
            raise StateError(
                message, hint="the one before is untouched, and what an apply did is in its journal"
            ) from None

    def journal(self, state: State, lineage: str) -> Journal:
        """Start the journal of an apply on `state`. Needs the lock."""
        key = self._keyring.subkey(JOURNAL_MAC)
        return Journal(self._beside("journal"), key, lineage=lineage, serial=state.serial)

    def lock(
        self, operation: str, *, now: datetime, timeout: float, waiting: Callable[[Holder], None], retry: Retry
    ) -> StateLock:
        """Give the lock, to be entered."""
        from syncer.state.lock import StateLock  # noqa: PLC0415  # a plan takes no lock, and need not load sockets

        return StateLock(self._beside("lock"), operation, now=now, timeout=timeout, waiting=waiting, retry=retry)

    def unlock(self, lock_id: str) -> Holder:
        """Break a lock that was left behind."""
        from syncer.state.lock import unlock  # noqa: PLC0415

        return unlock(self._beside("lock"), lock_id)

    def stamp(self) -> tuple[object, object]:
        """Give what moves whenever somebody writes the state or its journal."""
        return _identity(self._path), _identity(self._beside("journal"))

    def _read_with_journal(self, *, authenticate: bool) -> State:
        state = self._read_file(authenticate=authenticate)
        left = self._left_behind(state) if authenticate else None
        return state if left is None else _continued(state, left)

    def _beside(self, what: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{what}")

    def _left_behind(self, state: State) -> Replay | None:
        journal = self._beside("journal")
        left = replay(journal, self._keyring.subkey(JOURNAL_MAC)) if journal.exists() else None
        if left is None:
            return None
        if left.serial > state.serial or state.lineage not in (None, left.lineage):
            message = f"{journal.name} belongs to another state than {self._path.name}"
            raise StateError(message, hint=f"restore the {self._path.name} that it goes with, or move it away")
        # Lower: the run ended after it had written the state. Without an entry it ended, or is, before its first write.
        return left if left.serial == state.serial and left.entries else None

    def _read_file(self, *, authenticate: bool) -> State:
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return State(project=self._project)
        except OSError as error:
            message = f"{self._path.name} cannot be read: {error.strerror}"
            raise StateError(message) from None
        try:
            document = json.loads(text)
            self._accept_format(document)
            if authenticate:
                self._authenticate(document, text)
            else:
                _check_shape(document)
            return _parse(document)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            message = f"{self._path.name} is truncated or damaged"
            raise StateError(message, hint=f"{self._path.name}.backup holds the state before the last write") from None

    def _accept_format(self, document: dict[str, Any]) -> None:
        if document["format_version"] != FORMAT_VERSION:
            written_by = str(document.get("syncer_version", "another version"))
            message = f"{self._path.name} was written by syncer {written_by} in a format that {__version__} cannot read"
            raise StateError(message, hint=f"use syncer {written_by} or newer")
        if document["project"] != self._project:
            message = f"{self._path.name} belongs to project {document['project']}, the manifest to {self._project}"
            raise StateError(message, hint="give each project a state of its own with `state: {path: ...}`")

    def _authenticate(self, document: dict[str, Any], text: bytes) -> None:
        if document["key_id"] != self._keyring.key_id():
            message = f"{self._path.name} was written under another project key ({document['key_id']})"
            raise StateError(message, hint=f"use that key; yours is {self._keyring.key_id()}")
        signed, mark, written = text.rpartition(_MAC_LINE)
        right = mac(self._keyring.subkey(STATE_MAC), signed)
        if not mark or not same_mac(written.decode("ascii", "replace"), f'"{right}"\n}}\n'):
            message = f"{self._path.name} was changed by something other than syncer"
            raise StateError(message, hint=f"restore it from version control or from {self._path.name}.backup")

    def _text(self, state: State) -> bytes:
        """Write one line per record: a diff names the secrets that moved, and 10,000 of them stay readable.

        The MAC covers every byte before its line.
        """
        head = {
            "format_version": FORMAT_VERSION,
            "lineage": state.lineage,
            "serial": state.serial,
            "project": state.project,
            "syncer_version": __version__,
            "key_id": self._keyring.key_id(),
        }
        lines = [f"  {json.dumps(name)}: {json.dumps(value)}," for name, value in head.items()]
        rows = [
            f"    {json.dumps(str(address))}: {json.dumps(record_document(record), sort_keys=True)}"
            for address, record in sorted(state.records.items())
        ]
        records = "{\n" + ",\n".join(rows) + "\n  }" if rows else "{}"
        signed = "\n".join(["{", *lines, f'  "records": {records},']).encode()
        return signed + _MAC_LINE + f'"{mac(self._keyring.subkey(STATE_MAC), signed)}"\n}}\n'.encode()


def _continued(state: State, left: Replay) -> State:
    return state.advance(left.records, lineage=left.lineage, steps=left.entries)


_MAC_LINE = b'\n  "mac": '


def _identity(path: Path) -> object:
    """What differs once the file was replaced or written to."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _check_shape(document: dict[str, Any]) -> None:
    """Raise ValueError for what `write` never wrote. Where the MAC is checked it says more."""
    from jsonschema_rs import Draft202012Validator  # noqa: PLC0415  # only for a plan without the key

    if not Draft202012Validator(load_schema("state")).is_valid(document):
        message = "does not fit schemas/state.schema.json"
        raise ValueError(message)


def _parse(document: dict[str, Any]) -> State:
    # Split and not parsed: the MAC says that these are the names we wrote, and there may be ten thousand.
    names = (name.split(":", 1) for name in document["records"])
    records = dict(zip(starmap(Address, names), map(parse_record, document["records"].values()), strict=True))
    return State(project=document["project"], lineage=document["lineage"], serial=document["serial"], records=records)
