"""Files that a platform names for a job to write into."""

from __future__ import annotations

from pathlib import Path

from syncer.errors import InvalidConfiguration


def append(name: str, path: str, text: str, *, limit: int | None = None) -> None:
    """Add a text to the file that a variable names; what would make it larger than `limit` bytes is cut off.

    Raise InvalidConfiguration where it cannot be written.
    """
    try:
        with Path(path).open("ab") as file:
            data = text.encode(errors="replace")
            file.write(data if limit is None else _cut(data, limit - file.tell()))
            return
    except (OSError, ValueError) as error:  # the latter for a path with NUL
        why = error.strerror if isinstance(error, OSError) else "no path"
    message = f"the file that {name} names cannot be written: {why}"
    raise InvalidConfiguration(message)


def _cut(data: bytes, room: int) -> bytes:
    """Keep the lines that fit: half a line could be half a character, or half a tag."""
    if len(data) <= room:
        return data
    return data[: data.rfind(b"\n", 0, max(room, 0)) + 1]
