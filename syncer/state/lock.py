"""One writer per state.

The kernel's lock on the lock file decides on this host: it goes with its process, however that ends, so a lock
whose process is gone is nobody's. What is written in the file tells people who holds it, and keeps out other hosts
where a shared file system does not carry the kernel's lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import socket
import uuid
from dataclasses import asdict, astuple, dataclass
from typing import TYPE_CHECKING, Self

from syncer.errors import StateError, StateLocked
from syncer.retry import DEFAULT, Retry
from syncer.state.files import PRIVATE, private_folder
from syncer.state.model import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lock, as shown to those who wait."""

    id: str
    who: str
    host: str
    pid: int
    operation: str
    created: str
    """RFC 3339, UTC."""
    run: str = ""
    """The address of the run on a CI platform; empty elsewhere."""

    @classmethod
    def here(cls, operation: str, now: datetime, *, run: str = "") -> Self:
        """Name this process, with a lock of its own."""
        return cls(
            id=str(uuid.uuid4()),
            who=_user(),
            host=socket.gethostname(),
            pid=os.getpid(),
            operation=operation,
            created=timestamp(now),
            run=run,
        )

    def __str__(self) -> str:
        what = f"{self.operation} since {self.created}" + (f" ({self.run})" if self.run else "")
        return f"{self.who}@{self.host} (process {self.pid}) runs {what}, lock {self.id}"


class StateLock:
    """A context manager that holds the lock of one state file."""

    def __init__(
        self,
        path: Path,
        operation: str,
        *,
        now: datetime,
        timeout: float = 0.0,
        waiting: Callable[[Holder], None] = lambda _holder: None,
        retry: Retry = DEFAULT,
    ) -> None:
        """Prepare; `timeout` in seconds is how long to wait, `waiting` is told once whom for."""
        self._path = path
        self._timeout = timeout
        self._waiting = waiting
        self._retry = retry
        self._descriptor = -1
        self._me = Holder.here(operation, now)

    def __enter__(self) -> Self:
        """Take the lock. Raise StateLocked when another holds it for longer than `timeout`."""
        with _translated(self._path):
            private_folder(self._path.parent)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, PRIVATE)
            try:
                self._take()
            except BaseException:
                self._close()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of it. The file stays, empty: removing it would race with the one who waits."""
        os.ftruncate(self._descriptor, 0)
        self._close()

    def _take(self) -> None:
        holder = self._try()
        if holder is not None:
            self._waiting(holder)
            self._retry.until(lambda: True if self._try() is None else None, timeout=self._timeout)
            holder = self._try()
        if holder is not None:
            raise locked(holder)

    def _try(self) -> Holder | None:
        """Take the lock and give None, or give the one who holds it."""
        if not _kernel_lock(self._descriptor):
            return _read(self._descriptor) or _UNKNOWN
        holder = _read(self._descriptor)
        if holder is not None and holder.host != self._me.host:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            return holder
        _write(self._descriptor, self._me)
        return None

    def _close(self) -> None:
        os.close(self._descriptor)
        self._descriptor = -1


_UNKNOWN = Holder(id="?", who="somebody", host="this host", pid=0, operation="something", created="just now")
_LIKE = astuple(_UNKNOWN)


def locked(holder: Holder) -> StateLocked:
    """Tell who holds the lock that cannot be had."""
    hint = f"wait with --lock-timeout, or, if that run is surely over, `syncer state unlock {holder.id}`"
    return StateLocked(f"the state is locked: {holder}", hint=hint)


def not_locked() -> StateError:
    """Tell that there is nothing to unlock."""
    return StateError("the state is not locked")


def check_id(holder: Holder, lock_id: str) -> None:
    """Raise StateError for a lock with another id."""
    if holder.id != lock_id:
        message = f"the state is locked under another id: {holder}"
        raise StateError(message)


def unlock(path: Path, lock_id: str) -> Holder:
    """Break the lock with that id and give its former holder. Raise StateError: no such lock, or its process lives."""
    with _translated(path):
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            raise not_locked() from None
        try:
            return _broken(descriptor, lock_id)
        finally:
            os.close(descriptor)


def _broken(descriptor: int, lock_id: str) -> Holder:
    holder = _read(descriptor)
    if holder is None:
        raise not_locked()
    check_id(holder, lock_id)
    if not _kernel_lock(descriptor):
        message = f"the run that holds the lock is alive: {holder}"
        raise StateError(message, hint=f"end process {holder.pid} first; its lock goes with it")
    os.ftruncate(descriptor, 0)
    return holder


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"the lock {path.name} cannot be used: {error.strerror}"
        raise StateError(message, hint="its folder must exist, be writable, and have room") from None


def _kernel_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(descriptor: int) -> Holder | None:
    text = os.pread(descriptor, 4096, 0)
    try:
        holder = Holder(**json.loads(text))
    except (ValueError, TypeError, RecursionError):
        # Empty: nobody. Anything else was being written as its process ended.
        return None
    return holder if is_whole(holder) else None


def is_whole(holder: Holder) -> bool:
    """Whether each fact that was read is of its kind, and no order to a terminal."""
    facts = astuple(holder)
    kinds = all(type(value) is type(like) for value, like in zip(facts, _LIKE, strict=True))
    return kinds and "".join(map(str, facts)).isprintable()


def _write(descriptor: int, holder: Holder) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(asdict(holder)).encode(), 0)


def _user() -> str:
    """Name who runs this process, by number where there is no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name; OSError from Python 3.13 on
        return str(os.getuid())
