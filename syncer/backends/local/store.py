"""The file of the embedded backend: how it is born, opened and checked, and what its errors mean."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import stat
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from syncer import retry
from syncer.errors import AccessDenied, BackendError, Corrupt, InvalidConfiguration, Refused, Transient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from syncer.errors import SyncerError

FORMAT = 1
BUSY_SECONDS = 10.0
"""How long a call waits for another process to finish its write."""

_SCHEMA = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    # `version` is NULL in a tombstone: the secret is purged or was moved away. Its counter stays so that no version
    # comes twice, and its identity so that the same secret may come back. `mark` authenticates a row with an owner.
    """CREATE TABLE secret (
        scope TEXT NOT NULL, ref TEXT NOT NULL, owner TEXT, version INTEGER, counter INTEGER NOT NULL,
        enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)), description TEXT NOT NULL, tags TEXT NOT NULL,
        deleted_at INTEGER, identity TEXT NOT NULL, mark TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
        PRIMARY KEY (scope, ref)
    ) WITHOUT ROWID""",
    "CREATE INDEX pending ON secret (deleted_at) WHERE deleted_at IS NOT NULL",
    """CREATE TABLE version (
        scope TEXT NOT NULL, ref TEXT NOT NULL, version INTEGER NOT NULL, sealed BLOB NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (scope, ref, version)
    )""",
)

_PRAGMAS = (
    "PRAGMA synchronous=FULL",
    # What stands in the schema of a file that somebody else made must not run code of its choice.
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    # A purged value is gone from the file too, not only from its index.
    "PRAGMA secure_delete=ON",
)


class Store:
    """One SQLite file, made by the first write. Safe to share between threads; processes wait for each other."""

    def __init__(self, path: Path, key_id: Callable[[], str]) -> None:
        self.path = path
        self._key_id = key_id
        self._lock = threading.Lock()
        self._reader: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """Give a read-only connection, or None where nothing was ever written. Asks for no key."""
        with self._lock, _translated(self.path):
            yield self._open_reader()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give a connection inside a transaction: committed at the end, undone by any error.

        Raise Corrupt, before anything is written, for a store that belongs to another project key.
        """
        with self._lock, _translated(self.path):
            db = self._open_writer()
            db.execute("BEGIN IMMEDIATE")
            with _undone_on_error(db):
                yield db
                db.execute("COMMIT")

    def check_key(self, db: sqlite3.Connection) -> None:
        """Raise Corrupt where the values are sealed under another project key than ours."""
        if _meta(db).get("key_id") != self._key_id():
            message = f"{self.path}: sealed under another project key"
            raise Corrupt(message, hint="set SYNCER_KEY, or restore the key file that belongs to this store")

    def close(self) -> None:
        """Close both connections; may be called again."""
        with self._lock, _translated(self.path):
            for db in filter(None, (self._reader, self._writer)):
                db.close()
            self._reader = self._writer = None

    def _open_reader(self) -> sqlite3.Connection | None:
        if self._reader is None and is_there(self.path):
            db = self._connect_reader()
            if not _meta(db):  # the first writer is at it, or was killed at it
                db.close()
                return None
            self._reader = db
        return self._reader

    def _connect_reader(self) -> sqlite3.Connection:
        try:
            return self._connect("ro", self._check_format)
        except sqlite3.OperationalError as error:
            # Python's own findings, such as text that is no UTF-8, have no code.
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_READONLY_ROLLBACK:
                raise
        # A writer was killed as it turned the file to WAL. Only a connection that may write can undo what it left.
        with _alone(self.path):
            self._connect("rw", self._check_format).close()
        return self._connect("ro", self._check_format)

    def _open_writer(self) -> sqlite3.Connection:
        if self._writer is None:
            key_id = self._key_id()  # without a key, no file
            _make_private(self.path)
            with _alone(self.path):
                self._writer = self._connect("rw", lambda db: self._prepare(db, key_id))
        return self._writer

    def _connect(self, mode: str, prepare: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
        uri = f"{self.path.as_uri()}?mode={mode}"
        db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS, check_same_thread=False)
        with ExitStack() as stack:
            stack.callback(db.close)
            for pragma in _PRAGMAS:
                db.execute(pragma)
            prepare(db)
            stack.pop_all()
        return db

    def _prepare(self, db: sqlite3.Connection, key_id: str) -> None:
        if db.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            db.execute("PRAGMA journal_mode=WAL")
        if not _meta(db):
            _make_tables(db, key_id)
        self._check_format(db)
        self.check_key(db)

    def _check_format(self, db: sqlite3.Connection) -> None:
        found = str(_meta(db).get("format_version", FORMAT))
        if not (found.isdecimal() and len(found) < 10):  # noqa: PLR2004  # no format will have ten digits
            message = f"{self.path}: its format version cannot be read"
            raise Corrupt(message, hint="restore the store from a backup")
        if int(found) > FORMAT:
            message = f"{self.path}: written in format {found}, this is format {FORMAT}"
            raise BackendError(message, hint="upgrade syncer")


def is_there(path: Path) -> bool:
    """Whether something was ever written. Raise InvalidConfiguration for what is no plain file."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    # A link is refused because what it points to would be made, and read, with the rights of the link's place.
    if not stat.S_ISREG(found.st_mode):
        message = f"{path}: not a regular file"
        raise InvalidConfiguration(message, hint="option `path` of the backend names a file, no folder and no link")
    return found.st_size > 0


def _make_private(path: Path) -> None:
    """Make an empty file 0600 in a folder 0700: SQLite gives its side files the same rights."""
    is_there(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
    except FileExistsError:
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other processes from opening the store for writing: a turn to WAL is refused at once where two try it.

    The folder is locked and not the file, because closing the file would drop the locks that SQLite holds on it.
    """
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if retry.DEFAULT.until(lambda: _locked(descriptor), timeout=BUSY_SECONDS, step=0.01) is None:
            raise _busy(path)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool | None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    return True


def _make_tables(db: sqlite3.Connection, key_id: str) -> None:
    db.execute("BEGIN IMMEDIATE")
    with _undone_on_error(db):
        if not _meta(db):  # another process may have been faster
            for statement in _SCHEMA:
                db.execute(statement)
            db.executemany("INSERT INTO meta VALUES (?, ?)", [("format_version", str(FORMAT)), ("key_id", key_id)])
        db.execute("COMMIT")


def _meta(db: sqlite3.Connection) -> dict[str, str]:
    """Read what the store says of itself; empty for a file that was born and never written."""
    if db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
        return {}
    return dict(db.execute("SELECT name, value FROM meta").fetchall())


@contextmanager
def _undone_on_error(db: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if db.in_transaction:  # SQLite undoes some by itself, a full disk for one
            db.execute("ROLLBACK")
        raise


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Raise errors of SQLite and of the file system as ours, naming the file.

    SQLite's own text is never repeated: it may quote what stood in a damaged row.
    """
    try:
        yield
    # Python decodes what SQLite quotes from a damaged schema; a damaged counter may leave no room for the next.
    except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
        ours = _from_sqlite(error, path)
        _forget(error)
        raise ours from None
    except OSError as error:
        raise _from_system(error, path) from None


def _forget(error: Exception) -> None:
    """Take out what an error quotes from a row: it stays the context of ours, hidden but there."""
    error.args = ()
    if isinstance(error, UnicodeDecodeError):
        error.object, error.start, error.end = b"?", 0, 1


def _from_system(error: OSError, path: Path) -> SyncerError:
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return _denied(path)
    return BackendError(f"{path}: {(error.strerror or 'input or output error').lower()}")


_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_DENIED = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH})
# SQLITE_ERROR: our statements never change, so a table or column was taken away.
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH})


def _from_sqlite(error: Exception, path: Path) -> SyncerError:
    # What Python finds and not SQLite, such as text that is no UTF-8, has no code.
    extended = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    code = extended & 0xFF
    if code in _BUSY:
        return _busy(path)
    if code in _DENIED:
        return _denied(path)
    if code in _DAMAGED or extended == sqlite3.SQLITE_IOERR_SHORT_READ:
        return Corrupt(f"{path}: damaged, or not a store of syncer", hint="restore it from a backup")
    if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:  # its index of the log could not grow
        return Refused(f"{path}: the disk is full", hint="make room and run again; nothing was half written")
    return BackendError(f"{path}: {getattr(error, 'sqlite_errorname', type(error).__name__)}")


def _busy(path: Path) -> Transient:
    return Transient(f"{path}: another process is writing", hint="try again when it has finished")


def _denied(path: Path) -> AccessDenied:
    return AccessDenied(
        f"{path}: access denied", hint="the store and its folder must be readable, and writable for an apply"
    )
