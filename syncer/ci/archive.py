"""The plan in an artifact's archive, which a stranger may have made."""

from __future__ import annotations

import zipfile
import zlib
from io import BytesIO

from syncer.ci.platform import PLAN_FILE
from syncer.errors import StalePlan

LIMIT = 64 * 1024 * 1024
"""The most bytes of an archive, and of the plan in it."""
_MEMBERS = 1000
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others take memory as they please
_ENCRYPTED = 1
# The library says "not implemented" of an archive whose directory asks for what it does not know.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError)
_HINT = "plan again, and keep that plan in an artifact of its own"


def plan_in(archive: bytes, name: str) -> bytes:
    """Unpack the plan. Raise StalePlan where there is none, several, or what is no archive."""
    try:
        with zipfile.ZipFile(BytesIO(archive)) as opened:
            return _read(opened, _member(opened, name), name)
    except _DAMAGED:
        message = f"artifact {name}: it cannot be unpacked"
    raise StalePlan(message, hint=_HINT)


def too_large(name: str) -> StalePlan:
    """Tell of one that is larger than any plan."""
    message = f"artifact {name}: larger than any plan ({LIMIT // 1024**2} MiB)"
    return StalePlan(message, hint=_HINT)


def _member(opened: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    members = opened.infolist()
    found = [member for member in members if member.filename.rpartition("/")[2] == PLAN_FILE]
    if len(found) == 1 and len(members) <= _MEMBERS:
        return found[0]
    message = f"artifact {name}: it holds {'no' if not found else 'more than one'} {PLAN_FILE}"
    if len(members) > _MEMBERS:
        message = f"artifact {name}: it holds too many files"
    raise StalePlan(message, hint=_HINT)


def _read(opened: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> bytes:
    if member.flag_bits & _ENCRYPTED or member.compress_type not in _PACKED:
        message = f"artifact {name}: its plan is encrypted, or packed in a way that nobody expects"
        raise StalePlan(message, hint=_HINT)
    with opened.open(member) as file:
        # Not what the archive says of its size, which may be a lie.
        data = file.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise too_large(name)
    return data
