"""`--out`: a document goes to a file of its own, which is replaced as a whole or not at all; several to a folder."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from syncer.cli.folder import is_free, occupied, replace_files
from syncer.errors import InvalidConfiguration, SyncerError
from syncer.manifest.paths import KEY_FILE, kept_paths, resolved
from syncer.state.files import create_file, replace_file, sweeping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from syncer.exchange.formats import File
    from syncer.model import Manifest
    from syncer.sensitive import Sensitive


def plain(path: Path) -> Path:
    """Give an absolute path without `..`; links stay as they are named, but for those that a `..` follows."""
    if ".." not in path.parts:
        return path.absolute()
    if path.name == "..":
        return Path(os.path.realpath(path))
    return Path(os.path.realpath(path.parent), path.name)


def check_out(manifest: Manifest, path: Path) -> None:
    """Raise InvalidConfiguration for a path where nothing of ours may be written; before anything else is done."""
    if str(path) == "-":
        message = "--out takes a file, and - is none"
        raise InvalidConfiguration(message, hint="without --out it goes to standard output")
    _check_parent(path)
    if _is_ours(manifest, path):
        message = f"{path} belongs to this project: the manifest, the key, the state or a store"
        raise InvalidConfiguration(message, hint="give another name")
    if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
        message = f"{path} is a folder" if path.is_dir() else f"{path} exists and is not a regular file"
        raise InvalidConfiguration(message, hint="give the name of a file")


def check_folder(manifest: Manifest, path: Path) -> None:
    """Raise InvalidConfiguration for a folder that is not there for our files alone; before anything else is done."""
    _check_parent(path)
    place = Path(resolved(path.parent, path.name))
    private = Path(resolved(manifest.folder, KEY_FILE)).parent
    if private in (place, *place.parents) or any(place in (kept, *kept.parents) for kept in _all_ours(manifest)):
        message = f"{path} holds files of this project: the manifest, the key, the state or a store"
        raise InvalidConfiguration(message, hint="give another name")
    if os.path.lexists(path) and not path.is_dir():
        message = f"{path} exists and is not a folder"
        raise InvalidConfiguration(message, hint="give the name of a folder")
    if path.is_dir() and not _is_free(path):
        raise occupied(path)


def _is_free(folder: Path) -> bool:
    try:
        return is_free(folder)
    except OSError as error:
        message = f"{folder} cannot be read: {(error.strerror or 'it failed').lower()}"
    raise InvalidConfiguration(message, hint="give a folder of your own")


def _check_parent(path: Path) -> None:
    if not path.parent.is_dir():
        message = f"{path} cannot be written: there is no folder {path.parent}"
        raise InvalidConfiguration(message, hint="make the folder first")


def replace_out(path: Path, document: Sensitive, *, mode: int = 0o600) -> None:
    """Put a document that may hold values there, in the place of what was there. Raise SyncerError."""

    def write() -> None:
        with sweeping(path):
            replace_file(path, document.reveal(), mode=mode)

    _write(path, write)


def replace_text(path: Path, text: str) -> None:
    """Put a report there for everybody to read, in the place of another: it holds no value. Raise SyncerError."""
    _check_parent(path)
    if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
        message = f"{path} exists and is not a regular file"
        raise InvalidConfiguration(message, hint="give the name of a file")
    _write(path, lambda: replace_file(path, text.encode(), mode=0o644))


def rewrite(path: Path, content: bytes) -> None:
    """Put a new text in the place of a file, links followed and its mode kept. Raise SyncerError."""
    real = Path(os.path.realpath(path))

    def write() -> None:
        mode = stat.S_IMODE(real.stat().st_mode)
        if not mode & stat.S_IWUSR or not os.access(real, os.W_OK):
            raise PermissionError(errno.EACCES, "it is read-only")  # a rename would not mind
        with sweeping(real):
            replace_file(real, content, mode=mode)

    _write(path, write)


def write_folder(path: Path, files: Sequence[File]) -> None:
    """Put files there in their order, and remove those of the last export. Raise SyncerError."""
    _write(path, lambda: replace_files(path, files), hint="what it holds is whole; the next export does the rest")


def others_write(folder: Path) -> bool:
    """Whether somebody else may put files there, and take ours away."""
    return bool(folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def create_out(path: Path, text: str) -> None:
    """Put a text there, 0600, where nothing was: people go on to edit it. Raise SyncerError."""
    _write(path, lambda: create_file(path, text.encode()))


def _write(path: Path, write: Callable[[], None], *, hint: str = "what was there is untouched") -> None:
    try:
        write()
    except FileExistsError:
        raise exists_already(path) from None
    except OSError as error:
        message = f"{path} cannot be written: {(error.strerror or 'it failed').lower()}"
        raise SyncerError(message, hint=hint) from None


def exists_already(path: Path) -> InvalidConfiguration:
    """Say that there is a file that may have been edited."""
    return InvalidConfiguration(f"{path} exists already", hint="give another name, or remove it first")


def _is_ours(manifest: Manifest, path: Path) -> bool:
    place = Path(resolved(path.parent, path.name))
    if Path(resolved(manifest.folder, KEY_FILE)).parent in place.parents:
        return True
    return place in _declaring(manifest) or any(_beside(kept, place) for kept in kept_paths(manifest))


def _all_ours(manifest: Manifest) -> Iterator[Path]:
    yield from _declaring(manifest)
    yield from kept_paths(manifest)


def _declaring(manifest: Manifest) -> set[Path]:
    """Give the files of the manifest, links followed."""
    files = {str(manifest.path), *(secret.origin.file for secret in manifest.secrets.values())}
    return set(map(Path, map(os.path.realpath, files)))


def _beside(kept: Path, place: Path) -> bool:
    """Whether it is a file that we keep, or one that stands beside it under its name."""
    return place.parent == kept.parent and (place.name == kept.name or place.name.startswith(f"{kept.name}."))
