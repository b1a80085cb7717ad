"""A journal in a file: append-only, durable by fsync."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from syncer.errors import StateError
from syncer.state.files import PRIVATE, private_folder, sync_folder
from syncer.state.journal import Unwritable

if TYPE_CHECKING:
    from pathlib import Path


class JournalFile:
    """The file that a journal is written to. It must not be there yet."""

    batch = 64
    """One fsync for many writes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = path.name
        self.size = 0
        self._descriptor = -1

    def append(self, text: bytes) -> None:
        """Write lines; what a full disk cuts off is taken back. They survive a kill at once. Raise Unwritable."""
        if self.size:
            self._write(text)
            return
        try:
            private_folder(self._path.parent)
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, PRIVATE)
            self._write(text)
            sync_folder(self._path.parent)
        except OSError as error:
            raise Unwritable(_cause(error)) from None

    def sync(self) -> None:
        """Wait for the disk. Raise Unwritable."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            # The kernel may have dropped what it could not write and call it clean: the next fsync would succeed.
            raise Unwritable(_cause(error)) from None

    def noted(self) -> None:
        """Leave it to the next sync."""

    def discard(self) -> None:
        """Remove the file."""
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, text: bytes) -> None:
        written = 0
        try:
            # A short write is how a full disk begins; the next one says so.
            while written < len(text):
                written += os.write(self._descriptor, text[written:])
        except OSError as error:
            # What was cut off must not stand in the middle once there is room again; at the end it does not count.
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self.size)
            raise Unwritable(_cause(error)) from None
        self.size += len(text)


def read_journal(path: Path) -> bytes | None:
    """Give what a journal's file holds; None without one. Raise StateError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"{path.name} cannot be read: {error.strerror}"
        raise StateError(message) from None


def _cause(error: OSError) -> str:
    return error.strerror or "input or output error"
