"""The project key: found, made once, never overwritten."""

from __future__ import annotations

import base64
import binascii
import os
import stat
from functools import cached_property
from typing import TYPE_CHECKING

from syncer import crypto
from syncer.errors import InvalidConfiguration, StateError
from syncer.state.files import create_file, private_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

VARIABLE = "SYNCER_KEY"
KEY_FILE = ".syncer/key"
_LINE_BYTES = 128  # a key's line is 45 bytes; more is not a key


class Keyring:
    """Hands out sub-keys of the project key, which is looked for when first needed.

    `may_make` is asked where there is no key: whether a new one can do no harm. `announce` is told of the new file.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        folder: Path,
        *,
        may_make: Callable[[], bool],
        announce: Callable[[Path], None] = lambda _path: None,
    ) -> None:
        self._environ = environ
        self._folder = folder
        self._path = folder / KEY_FILE
        self._may_make = may_make
        self._announce = announce
        self._subkeys: dict[str, bytes] = {}

    @property
    def present(self) -> bool:
        """Whether there is a key, without making one."""
        return bool(self._environ.get(VARIABLE)) or self._path.exists()

    def subkey(self, label: str) -> bytes:
        """Give the 32-byte sub-key for a label. Raise InvalidConfiguration where there is no usable key."""
        if label not in self._subkeys:
            self._subkeys[label] = crypto.derive(self._key, label)
        return self._subkeys[label]

    def key_id(self) -> str:
        """Name the key in public."""
        return crypto.key_id(self._key)

    @cached_property
    def _key(self) -> bytes:
        if text := self._environ.get(VARIABLE):
            return _decode(text.encode("ascii", "replace"), VARIABLE)
        # Looked for again at the end: two first runs at once make one key, and whoever was slower reads it.
        key = self._read() or self._made() or self._read()
        if key is None:
            message = f"no project key: {VARIABLE} is not set and {KEY_FILE} does not exist"
            hint = "a new project gets one by `syncer init`; one that has had a key needs that one back"
            raise InvalidConfiguration(message, hint=hint)
        return key

    def _read(self) -> bytes | None:
        try:
            # Not blocking, because a FIFO without a writer would block for ever.
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as error:
            message = f"{KEY_FILE} cannot be read: {error.strerror}"
            raise InvalidConfiguration(message) from None
        try:
            _check_private(os.fstat(descriptor).st_mode)
            return _decode(os.read(descriptor, _LINE_BYTES), KEY_FILE)
        finally:
            os.close(descriptor)

    def _made(self) -> bytes | None:
        if not self._may_make():
            return None
        try:
            key = make_key(self._folder)
        except FileExistsError:
            return None
        except OSError as error:
            message = f"{KEY_FILE} cannot be written: {error.strerror}"
            raise StateError(message, hint=f"make room for it, or set {VARIABLE}") from None
        self._announce(self._path)
        return key


def make_key(folder: Path) -> bytes:
    """Make `.syncer/key` in `folder`. Raise FileExistsError: a key is never overwritten. Raise OSError."""
    path = folder / KEY_FILE
    private_folder(path.parent)
    key = os.urandom(crypto.KEY_BYTES)
    create_file(path, base64.b64encode(key) + b"\n")
    return key


def _check_private(mode: int) -> None:
    if not stat.S_ISREG(mode):
        message = f"{KEY_FILE} is not a regular file"
        raise InvalidConfiguration(message)
    if mode & 0o077:
        message = f"{KEY_FILE} can be read by others (mode {stat.S_IMODE(mode):04o})"
        raise InvalidConfiguration(message, hint=f"chmod 600 {KEY_FILE}, and consider the key known")


def _decode(text: bytes, origin: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != crypto.KEY_BYTES:
        message = f"{origin} does not hold a project key"
        raise InvalidConfiguration(
            message, hint=f"a key is {crypto.KEY_BYTES} bytes in base64: `openssl rand -base64 32`"
        )
    return key
