"""`--out`: a document goes to a file of its own, which is replaced as a whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from syncer.errors import InvalidConfiguration, SyncerError
from syncer.manifest.paths import KEY_FILE, kept_paths, resolved
from syncer.state.files import create_file, replace_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncer.model import Manifest
    from syncer.sensitive import Sensitive


def check_out(manifest: Manifest, path: Path) -> None:
    """Raise InvalidConfiguration for a path where nothing of ours may be written; before anything else is done."""
    if str(path) == "-":
        message = "--out takes a file, and - is none"
        raise InvalidConfiguration(message, hint="without --out it goes to standard output")
    if not path.parent.is_dir():
        message = f"{path} cannot be written: there is no folder {path.parent}"
        raise InvalidConfiguration(message, hint="make the folder first")
    if _is_ours(manifest, path):
        message = f"{path} belongs to this project: the manifest, the key, the state or a store"
        raise InvalidConfiguration(message, hint="give another name")
    if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
        message = f"{path} is a folder" if path.is_dir() else f"{path} exists and is not a regular file"
        raise InvalidConfiguration(message, hint="give the name of a file")


def replace_out(path: Path, document: Sensitive) -> None:
    """Put a document that holds values there, 0600, in the place of what was there. Raise SyncerError."""
    _write(path, lambda: replace_file(path, document.reveal()))


def create_out(path: Path, text: str) -> None:
    """Put a text there, 0600, where nothing was: people go on to edit it. Raise SyncerError."""
    _write(path, lambda: create_file(path, text.encode()))


def _write(path: Path, write: Callable[[], None]) -> None:
    try:
        write()
    except FileExistsError:
        raise exists_already(path) from None
    except OSError as error:
        message = f"{path} cannot be written: {(error.strerror or 'it failed').lower()}"
        raise SyncerError(message, hint="what was there is untouched") from None


def exists_already(path: Path) -> InvalidConfiguration:
    """Say that there is a file that may have been edited."""
    return InvalidConfiguration(f"{path} exists already", hint="give another name, or remove it first")


def _is_ours(manifest: Manifest, path: Path) -> bool:
    place = Path(resolved(path.parent, path.name))
    if Path(resolved(manifest.folder, KEY_FILE)).parent in place.parents:
        return True
    declaring = {str(manifest.path), *(secret.origin.file for secret in manifest.secrets.values())}
    return str(place) in map(os.path.realpath, declaring) or any(_beside(kept, place) for kept in kept_paths(manifest))


def _beside(kept: Path, place: Path) -> bool:
    """Whether it is a file that we keep, or one that stands beside it under its name."""
    return place.parent == kept.parent and (place.name == kept.name or place.name.startswith(f"{kept.name}."))
