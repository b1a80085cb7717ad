"""`/health`, which everybody may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.fakes.clock import EPOCH, SECOND, stamp
from conformance.fakes.dagu.replies import Reply

if TYPE_CHECKING:
    from conformance.fakes.dagu.state import Call

VERSION = "2.15.1"
"""What the rules of this fake were seen at."""


def read(call: Call) -> Reply:
    """Say that all is well."""
    seconds = call.now // SECOND
    uptime = seconds - EPOCH // SECOND
    return Reply(body={"status": "healthy", "version": VERSION, "uptime": uptime, "timestamp": stamp(seconds * SECOND)})
