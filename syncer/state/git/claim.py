"""Who holds the lock of a branch, and whether that run can still be there."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from syncer.state.lock import Holder, is_whole
from syncer.state.model import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

STALE = timedelta(hours=1)
"""Age of the last sign of life from which on a lock is taken over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What is written in a lock: its holder, the last sign of life, and the process, as its host knows it."""

    holder: Holder
    renewed: str = ""
    """RFC 3339, UTC."""
    beat: int = 0
    """How many signs of life there were: no two are the same, not even in one second."""
    boot: str = ""
    """Which start of which machine; empty where that cannot be told."""
    namespace: str = ""
    """In which process numbers are counted."""
    started: str = ""
    """When the process was started, in ticks since the boot: its number may be another's by now."""
    commit: str = field(default="", compare=False)
    """What the ref of the lock names."""

    def encode(self) -> bytes:
        """Give `lock.json`."""
        facts = {name: fact for name, fact in asdict(self).items() if name not in ("holder", "commit")}
        return json.dumps({**asdict(self.holder), **facts}, indent=2).encode() + b"\n"

    def renew(self, now: datetime) -> Claim:
        """Give a sign of life."""
        return replace(self, renewed=timestamp(now), beat=self.beat + 1)

    def is_gone(self) -> bool:
        """Whether its process was one of this machine's that has ended."""
        here = _boot(), _namespace()
        if not all(here) or here != (self.boot, self.namespace):
            return False
        return not _lives(self.holder.pid) or _started(self.holder.pid) not in ("", self.started)

    def is_alive(self) -> bool:
        """Whether its process is one of this machine's that is there."""
        return bool(self.boot) and (self.boot, self.namespace) == (_boot(), _namespace()) and not self.is_gone()

    def is_stale(self, now: datetime) -> bool:
        """Whether it was not heard of for too long."""
        try:
            return now - datetime.fromisoformat(self.renewed) > STALE
        except (ValueError, TypeError):
            return False


def mine(operation: str, now: datetime, environ: Mapping[str, str]) -> Claim:
    """Claim a lock for this process."""
    holder = Holder.here(operation, now, run=run_url(environ))
    return Claim(
        holder=holder,
        renewed=timestamp(now),
        boot=_boot(),
        namespace=_namespace(),
        started=_started(holder.pid),
    )


def decode(text: bytes | None, commit: str) -> Claim:
    """Read `lock.json`. What cannot be read is somebody's all the same, and is broken by the name of its commit."""
    try:
        document = json.loads(text or b"")
        beat = int(document.pop("beat"))
        facts = {name: str(document.pop(name)) for name in ("renewed", "boot", "namespace", "started")}
        holder = Holder(**document)
        whole = is_whole(holder)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        whole = False
    if not whole:
        holder = Holder(id=commit, who="somebody", host="somewhere", pid=0, operation="something", created="?")
        return Claim(holder=holder, commit=commit)
    return Claim(holder=holder, beat=beat, commit=commit, **facts)


def run_url(environ: Mapping[str, str]) -> str:
    """Give the address of the run on GitHub or GitLab that this process is part of; empty elsewhere."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run = (environ.get(name, "") for name in names)
    if server and repository and run:
        return f"{server}/{repository}/actions/runs/{run}"
    return environ.get("CI_JOB_URL", "")


def _boot() -> str:
    return _read("/proc/sys/kernel/random/boot_id")


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return _facts(pid)[:1] != ["Z"]  # it has ended, and its parent has not asked how


def _started(pid: int) -> str:
    return next(iter(_facts(pid)[19:]), "")


def _facts(pid: int) -> list[str]:
    """Give the fields of `/proc/PID/stat` from the third on, as proc(5) counts; the second may hold blanks."""
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _read(path: str) -> str:
    try:
        return Path(path).read_text("ascii", "replace").strip()
    except OSError:
        return ""
