"""The source `file`: the bytes of a file."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.errors import InvalidConfiguration, SourceError
from syncer.sensitive import Sensitive
from syncer.sources.base import Source, SourceContext

if TYPE_CHECKING:
    from typing import BinaryIO, NoReturn

MAX_BYTES = 1 << 20
"""The largest file that is read as a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """The keys that may stand beside `file`."""

    trim: bool = False
    """Drop one newline at the end."""


class FileSource(Source):
    """Yields a regular file of up to 1 MiB, verbatim; its path is relative to the file that declares it."""

    type_name = "file"
    Options = FileOptions

    def check(self) -> None:
        """Refuse an argument that cannot be a path."""
        if not (isinstance(self.argument, str) and _can_be_path(self.argument)):
            message = "`file` must be a path"
            raise InvalidConfiguration(message)

    def produce(self, context: SourceContext) -> Sensitive:  # noqa: ARG002  # a file is the same for every address
        """Yield the file. Raise SourceError naming its path as declared, and never what it holds."""
        try:
            with self._open() as stream:
                raw = stream.read(MAX_BYTES + 1)
        except OSError as error:
            self._refuse(str(error.strerror).lower())
        if len(raw) > MAX_BYTES:
            self._refuse("larger than 1 MiB")
        return Sensitive(_without_newline(raw) if self.options.trim else raw)

    def _open(self) -> BinaryIO:
        # Without O_NONBLOCK, opening a named pipe waits for somebody to write to it.
        descriptor = os.open(self.folder / self.argument, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            self._refuse("not a regular file")
        return os.fdopen(descriptor, "rb")

    def _refuse(self, cause: str) -> NoReturn:
        message = f"file `{self.argument}` cannot be used: {cause}"
        raise SourceError(message) from None


def _can_be_path(text: str) -> bool:
    try:
        return text != "" and b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:  # half of a surrogate pair, which YAML can spell and no file name can hold
        return False


def _without_newline(raw: bytes) -> bytes:
    return raw[:-2] if raw.endswith(b"\r\n") else raw.removesuffix(b"\n")
