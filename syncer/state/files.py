"""Private folders and files that are replaced as a whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRIVATE = 0o600
_DRAFT = ".tmp"

# Some file systems have no hard links, some mounts allow none, and a file bears so many.
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})


def private_folder(path: Path) -> None:
    """Make the folder, for its owner only, unless it is there. Raise OSError, never FileExistsError."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from None


def replace_file(
    path: Path, content: bytes, *, mode: int = PRIVATE, backup: Path | None = None, drafts: Path | None = None
) -> None:
    """Put `content` at `path`, in that mode: a reader sees the old file or the new one, also after a power loss.

    With `backup`, what stood there before is kept under that name. `drafts` is a folder for what is half written, on
    the same file system; without it that stands beside `path`. Raise OSError; nothing is changed then.
    """
    with _draft(path, drafts) as draft:
        _write_durably(draft, content, mode)
        if backup is not None:
            _keep(path, backup)
        draft.replace(path)
        sync_folder(path.parent)


def create_file(path: Path, content: bytes) -> None:
    """Put `content` at `path`, 0600, never over another file. Raise FileExistsError, OSError.

    It is there whole from the first moment, where the file system has hard links.
    """
    with _draft(path) as draft:
        _write_durably(draft, content)
        if not _linked(draft, path):
            _write_durably(path, content)
        sync_folder(path.parent)


def remove_drafts(path: Path) -> None:
    """Remove what writers of `path` that were killed left beside it. No other writer may be at it. Raise OSError."""
    for draft in path.parent.glob(f"{glob.escape(path.name)}.{'[0-9a-f]' * 8}{_DRAFT}"):
        draft.unlink(missing_ok=True)


@contextlib.contextmanager
def sweeping(path: Path) -> Iterator[None]:
    """Let `path` be written, after what killed writers left beside it was removed. Raise OSError.

    Nothing is removed while another writer that came through here is at work in that folder, and none waits for it.
    """
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _flocked(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB):
            remove_drafts(path)
        _flocked(descriptor, fcntl.LOCK_SH)  # who holds it alone is only ever removing drafts
        yield
    finally:
        os.close(descriptor)


def _flocked(descriptor: int, how: int) -> bool:
    """Lock a folder; False where somebody else has it, or where its file system has no such locks."""
    try:
        fcntl.flock(descriptor, how)
    except OSError:
        return False
    return True


def sync_folder(path: Path) -> None:
    """Make the folder's own entries durable: a rename is lost in a power cut without it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _draft(path: Path, folder: Path | None = None) -> Iterator[Path]:
    name = f"{os.urandom(4).hex()}{_DRAFT}"
    draft = path.with_name(f"{path.name}.{name}") if folder is None else folder / name
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _write_durably(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if mode != PRIVATE:
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)  # half of a file is worse than none
        raise


def _keep(path: Path, backup: Path) -> None:
    # A link and not a rename: there must be no moment without a file at `path`.
    with contextlib.suppress(FileNotFoundError), _draft(backup) as draft:
        if not _linked(path, draft):
            _write_durably(draft, path.read_bytes())
        draft.replace(backup)


def _linked(path: Path, name: Path) -> bool:
    """Give a file another name; False where the file system cannot."""
    try:
        os.link(path, name)
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise
    return True
