"""Reads a small file below a folder that the user has named, and nothing outside of it.

The rules are those of the helper in the Datadog Agent's image, which reads `file@path`:
cmd/secrethelper/providers of DataDog/datadog-agent.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from syncer.errors import AccessDenied, InvalidConfiguration, NotFound, SyncerError, Unsupported
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_BYTES = 8192


def read_below(roots: Sequence[Path], path: str) -> Sensitive:
    """Give the bytes of a file, verbatim. `path` is absolute and below a root, or relative to one: the first that fits.

    Raise AccessDenied for what leads out, NotFound, Unsupported for what is no regular file or larger than 8 KiB.
    """
    if not roots:
        message = "no folder is named from which files may be read"
        raise AccessDenied(message, hint="--root DIR names one")
    parts = PurePosixPath(path).parts
    if not parts or "\0" in path or ".." in parts:
        message = "a path has no `..` and no NUL in it, and is not empty"
        raise InvalidConfiguration(message)
    for root in map(_absolute, roots):
        place = root / path
        if place.is_relative_to(root) and os.path.lexists(place):
            return _read(root, place)
    message = "there is no such file below a --root"
    raise NotFound(message)


def _absolute(root: Path) -> Path:
    return Path(os.path.normpath(root.absolute()))


def _read(root: Path, place: Path) -> Sensitive:
    """Read a file through the one name that it has. Nothing that is swapped meanwhile leads anywhere else."""
    try:
        top, own, real = (Path(os.path.realpath(path, strict=True)) for path in (root, place.parent, place))
        if not real.is_relative_to(top) or (place.is_symlink() and not real.is_relative_to(own)):
            reason: SyncerError = AccessDenied("a link leads out of its folder")
        else:
            return _content(_open(top, real.relative_to(top).parts))
    except OSError as error:
        kind = NotFound if isinstance(error, FileNotFoundError) else AccessDenied
        reason = kind(f"the file cannot be read: {(error.strerror or 'it failed').lower()}")
    raise reason


def _open(top: Path, parts: tuple[str, ...]) -> int:
    descriptor = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    for index, part in enumerate(parts, start=1):
        # Not blocking, because a FIFO without a writer would block for ever.
        kind = os.O_NONBLOCK if index == len(parts) else os.O_DIRECTORY
        above = descriptor
        try:
            descriptor = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | kind, dir_fd=above)
        finally:
            os.close(above)
    return descriptor


def _content(descriptor: int) -> Sensitive:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        message = "it is not a regular file"
        raise Unsupported(message)
    with os.fdopen(descriptor, "rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES} bytes"
        raise Unsupported(message)
    return Sensitive(raw)
