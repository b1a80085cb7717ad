"""The state in a file: read, replaced as a whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from syncer.crypto import JOURNAL_MAC
from syncer.errors import StateError
from syncer.state.codec import Codec, continued
from syncer.state.files import private_folder, remove_drafts, replace_file
from syncer.state.journal import Journal
from syncer.state.journal_file import JournalFile, read_journal
from syncer.state.store import StateStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from syncer.retry import Retry
    from syncer.state.journal import Replay
    from syncer.state.key import Keyring
    from syncer.state.lock import Holder, StateLock
    from syncer.state.model import State


class StateFile(StateStore):
    """The state of one project in a local file, with its backup, journal and lock beside it."""

    def __init__(self, path: Path, project: str, keyring: Keyring) -> None:
        # Where a link points to: replacing the link itself would leave those behind who share its target.
        self._path = Path(os.path.realpath(path))
        self._keyring = keyring
        name = self._path.name
        beside = {"journal_name": f"{name}.journal", "backup": f"{name}.backup"}
        self.codec = Codec(project=project, keyring=keyring, name=name, **beside)
        self._last: tuple[tuple[object, object], bool, State] | None = None

    @property
    def exists(self) -> bool:
        """Whether anything was remembered before."""
        return self._path.exists() or self._beside("journal").exists()

    def read(self, *, authenticate: bool = True) -> State:
        """Give the state, with the journal of an ended or running apply folded in. Raise StateError.

        Reading again costs nothing where nobody wrote meanwhile.
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
        state = continued(stored, left)
        if left is not None:
            self.write(state)
        self._beside("journal").unlink(missing_ok=True)
        remove_drafts(self._path)
        remove_drafts(self._beside("backup"))
        return state

    def write(self, state: State) -> None:
        """Replace the file; the one before becomes the backup. Needs the lock. Raise StateError."""
        try:
            private_folder(self._path.parent)
            replace_file(self._path, self.codec.encode(state), backup=self._beside("backup"))
        except OSError as error:
            message = f"{self._path.name} cannot be written: {error.strerror}"
            raise StateError(
                message, hint="the one before is untouched, and what an apply did is in its journal"
            ) from None

    def journal(self, state: State, lineage: str) -> Journal:
        """Start the journal of an apply on `state`. Needs the lock."""
        key = self._keyring.subkey(JOURNAL_MAC)
        return Journal(JournalFile(self._beside("journal")), key, lineage=lineage, serial=state.serial)

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
        return identity(self._path), identity(self._beside("journal"))

    def _read_with_journal(self, *, authenticate: bool) -> State:
        state = self._read_file(authenticate=authenticate)
        return continued(state, self._left_behind(state) if authenticate else None)

    def _beside(self, what: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{what}")

    def _left_behind(self, state: State) -> Replay | None:
        journal = self._beside("journal")
        return self.codec.left_behind(state, read_journal(journal)) if journal.exists() else None

    def _read_file(self, *, authenticate: bool) -> State:
        try:
            text: bytes | None = self._path.read_bytes()
        except FileNotFoundError:
            text = None
        except OSError as error:
            message = f"{self._path.name} cannot be read: {error.strerror}"
            raise StateError(message) from None
        return self.codec.decode(text, authenticate=authenticate)


def identity(path: Path) -> object:
    """Give what differs once the file was replaced or written to; None without one."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
