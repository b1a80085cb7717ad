"""Private folders and files that are replaced as a whole or not at all."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE = 0o600


def private_folder(path: Path) -> None:
    """Make the folder, for its owner only, unless it is there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def replace_file(path: Path, content: bytes, *, backup: Path | None = None) -> None:
    """Put `content` at `path`, 0600: a reader sees the old file or the new one, also after a power loss.

    With `backup`, what stood there before is kept under that name. Raise OSError; nothing is changed then.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        _write_durably(draft, content)
        if backup is not None:
            _keep(path, backup)
        draft.replace(path)
        sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Make the folder's own entries durable: a rename is lost in a power cut without it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_durably(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _keep(path: Path, backup: Path) -> None:
    # A link and not a rename: there must be no moment without a file at `path`.
    draft = backup.with_name(f"{backup.name}.{os.getpid()}.tmp")
    with contextlib.suppress(FileNotFoundError):
        draft.unlink(missing_ok=True)
        os.link(path, draft)
        draft.replace(backup)
