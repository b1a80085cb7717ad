"""A folder of exported files: each is replaced as a whole, those of the last export go, and nobody else's is touched.

An index names what is ours. It names a file before that is there, and until it is gone, so that whatever kills an
export, the next one knows what to take away.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from syncer.errors import InvalidConfiguration, SyncerError, Unsupported
from syncer.state.files import private_folder, replace_file, sync_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from syncer.exchange.formats import File

INDEX = ".syncer-export"
"""Names the files of the last export, a line each."""
_DRAFTS = f"{INDEX}.tmp"
"""A folder for what is half written, there while an export runs."""

_NAME_BYTES = 255
"""Of one part between slashes at most (NAME_MAX in limits.h of Linux)."""


def is_free(folder: Path) -> bool:
    """Whether a folder holds what an export left, or nothing. Raise OSError."""
    return os.path.lexists(folder / INDEX) or all(found.name == _DRAFTS for found in folder.iterdir())


def replace_files(folder: Path, files: Sequence[File]) -> None:
    """Write files in their order, then remove those of the last export that are none of them.

    Raise Unsupported for a name that cannot be, InvalidConfiguration where something else is in the way; nothing is
    changed then. Raise OSError where it ends half way: each file is whole, and the next export does the rest.
    """
    names = _checked([file.name for file in files])
    private_folder(folder)
    with _alone(folder):
        before = _indexed(folder)
        _check_free(folder, names, before)
        with _drafts(folder) as drafts:
            _replace(folder, files, before, drafts)


def _replace(folder: Path, files: Sequence[File], before: set[str], drafts: Path) -> None:
    names = {file.name for file in files}
    if not names <= before:
        _remember(folder, names | before, drafts)
    gone = before - names
    in_the_way = {old for old in gone if old in _above(names) or names & _above([old])}
    _remove(folder, in_the_way)
    for file in files:
        _make_parents(folder, file.name)
        replace_file(folder / file.name, file.content.reveal(), mode=file.mode, drafts=drafts)
    _remove(folder, gone - in_the_way)
    _remember(folder, names, drafts)


def _checked(names: Sequence[str]) -> set[str]:
    """Give the names of files. Raise Unsupported for those that are none, lead out of the folder, or exclude others."""
    above, times = _above(names), Counter(names)
    odd = {name for name in names if not _is_name(name) or name in above or times[name] > 1}
    if odd:
        message = "\n".join(f"{name}: a file in a folder cannot have this name" for name in sorted(odd))
        raise Unsupported(message, hint="no two may be the same, and none may be a folder of another")
    return set(names)


def _is_name(name: str) -> bool:
    parts = name.split("/")
    fit = all(part not in {"", ".", ".."} and len(part.encode()) <= _NAME_BYTES for part in parts)
    return fit and name.isprintable() and parts[0] not in {INDEX, _DRAFTS}


def _above(names: Iterable[str]) -> set[str]:
    """Name the folders in which files with these names stand."""
    return {str(parent) for name in names for parent in PurePosixPath(name).parents} - {"."}


def _indexed(folder: Path) -> set[str]:
    """Name what is ours. Raise InvalidConfiguration where that cannot be told."""
    try:
        text = (folder / INDEX).read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    except UnicodeDecodeError:
        text = "\0"
    names = text.splitlines()
    if not all(map(_is_name, names)):
        message = f"{folder / INDEX} is damaged: it no longer says which files are ours"
        raise InvalidConfiguration(message, hint="empty the folder and export again")
    return set(names)


def _remember(folder: Path, names: Collection[str], drafts: Path) -> None:
    text = "".join(f"{name}\n" for name in sorted(names))
    replace_file(folder / INDEX, text.encode(), drafts=drafts)


def _check_free(folder: Path, names: Collection[str], before: Collection[str]) -> None:
    """Raise InvalidConfiguration where something that is not ours would have to make room."""
    if not is_free(folder):
        raise occupied(folder)
    folders = sorted(place for place in _above(names) if place not in before and not _may_be_folder(folder / place))
    taken = sorted(name for name in names if not _is_ours(folder, name, before))
    if folders or taken:
        message = "\n".join(f"{folder / name} is in the way, and no export wrote it" for name in [*folders, *taken])
        raise InvalidConfiguration(message, hint="give another folder, or move it away")


def occupied(folder: Path) -> InvalidConfiguration:
    """Say that a folder holds what no export wrote."""
    message = f"{folder} holds files, and none of them is of an export"
    return InvalidConfiguration(message, hint="give an empty folder, or the name of one that is to be made")


def _may_be_folder(path: Path) -> bool:
    return not os.path.lexists(path) or _is_folder(path)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_ours(folder: Path, name: str, before: Collection[str]) -> bool:
    """Whether there is nothing but what we wrote, or what stands in a folder and is all ours."""
    path = folder / name
    if not _is_folder(path):
        return name in before or not os.path.lexists(path)
    files = (found for found in path.rglob("*") if not _is_folder(found))
    return all(str(found.relative_to(folder)) in before for found in files)


def _make_parents(folder: Path, name: str) -> None:
    for parent in reversed(PurePosixPath(name).parents[:-1]):
        with contextlib.suppress(FileExistsError):
            (folder / parent).mkdir(mode=0o700)
        if not _is_folder(folder / parent):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


def _remove(folder: Path, names: Iterable[str]) -> None:
    """Remove our files, and the folders that hold nothing any more."""
    for name in sorted(names):
        parents = PurePosixPath(name).parents[:-1]
        if not all(_is_folder(folder / parent) for parent in parents):
            continue  # somebody has put something else there: a link may lead anywhere
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            (folder / name).unlink()
            sync_folder((folder / name).parent)
        for parent in parents:
            with contextlib.suppress(OSError):  # other files are in it
                (folder / parent).rmdir()


@contextlib.contextmanager
def _drafts(folder: Path) -> Iterator[Path]:
    """Give a place for drafts, without those that a killed export left there."""
    drafts = folder / _DRAFTS
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(drafts)
    drafts.mkdir(mode=0o700)
    try:
        yield drafts
    finally:
        shutil.rmtree(drafts)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other exports out. Raise SyncerError where one is at it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if not _locked(descriptor):
            message = f"another export is writing to {folder}"
            raise SyncerError(message, hint="run it again when that one has ended")
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    """Lock a folder, where its file system can: not every network's does."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
