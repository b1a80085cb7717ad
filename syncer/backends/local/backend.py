"""What the embedded backend does: one transaction for each write, one query to observe."""

from __future__ import annotations

import os
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from syncer import crypto
from syncer.backends.base import Backend, BackendContext, Capability
from syncer.backends.local import rows
from syncer.backends.local.store import Store
from syncer.errors import AlreadyExists, BackendError, InvalidConfiguration, NotFound, Unsupported, VersionConflict

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator

    from syncer.backends.local.rows import Keys, Row
    from syncer.model import Address, Observed, Secret
    from syncer.sensitive import Sensitive

MAX_VALUE = 16 * 1024 * 1024
"""Bytes: far above any secret, far below what SQLite stands."""
_DAY = 24 * 60 * 60
_NUMBER = re.compile("[1-9][0-9]{0,17}")
"""A version, as SQLite can hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOptions:
    """What may stand beside `type: local`."""

    path: str = ".syncer/store.db"
    """The file, relative to the manifest's folder."""
    recovery_window_days: int = 30
    """How long a deleted secret can be restored."""
    keep_versions: int = 10
    """How many versions of a value stay in the store, the current one included."""

    def __post_init__(self) -> None:
        for name in ("recovery_window_days", "keep_versions"):
            if getattr(self, name) < 1:
                message = f"option `{name}` must be 1 or more"
                raise InvalidConfiguration(message)


class LocalBackend(Backend):
    """Secrets in one SQLite file, each value sealed under the project key and bound to its place.

    The file is made by the first write. Metadata is not sealed, so observing needs no key, but marked: a row with an
    owner that something else changed is neither read nor written. A version is a whole number that names one value at
    an address for good: not another one after a purge, nor that of another secret that is moved there. A secret that
    is moved keeps its version; where the name had it already, it cannot go there.
    """

    type_name: ClassVar[str] = "local"
    capabilities = frozenset(Capability) - {Capability.DISABLE_ADVISORY, Capability.DISABLE_REMOVES}
    Options: ClassVar[type[Any]] = LocalOptions

    def __init__(self, options: LocalOptions, context: BackendContext) -> None:
        super().__init__(options, context)
        self._store = Store((context.folder / options.path).absolute(), context.key_id)
        self.place = str(self._store.path.resolve())

    def takes_new_key(self) -> bool | None:
        """Whether there is no store yet that another key would have to open."""
        return not self._store.path.exists()

    def check_value(self, secret: Secret, value: Sensitive) -> None:
        """Raise Unsupported for a value above 16 MiB."""
        super().check_value(secret, value)
        if len(value.reveal()) > MAX_VALUE:
            message = f"{secret.address}: a value in the local store is at most 16 MiB"
            raise Unsupported(message)

    def observe(self, scopes: Collection[str], addresses: Collection[Address]) -> Iterable[Observed]:
        """Give the metadata of everything in the scopes; nothing where the file does not exist.

        Needs no key. Where there is one, raise Corrupt for a store that belongs to another.
        """
        with self._store.reading() as db:
            if db is None:
                return []
            if self.context.has_key():
                self._store.check_key(db)
            self.meter.call()
            return rows.listing(db, scopes, self._cutoff())

    def create(self, secret: Secret, value: Sensitive) -> Observed:
        """Write a new, enabled secret. AlreadyExists if present or pending deletion."""
        with self._writing() as db:
            _refuse_taken(db, secret.address)
            row = rows.Row(
                *secret.address,
                owner=self.context.project,
                version=rows.issued(db, secret.address) + 1,
                enabled=1,
                description=secret.description,
                tags=rows.dump_tags(secret.tags),
                deleted_at=None,
                identity=os.urandom(16).hex(),
            )
            rows.insert(db, self._keys(), row, _now())
            rows.add_version(db, self._keys(), row, value, _now())
            return rows.observed(db, secret.address)

    def rotate(self, secret: Secret, value: Sensitive, expected: Observed) -> Observed:
        """Write a new version and take ownership of an unmarked secret."""
        with self._writing() as db:
            row = self._ours(db, secret.address, expected)
            new = row._replace(owner=self.context.project, version=rows.issued(db, secret.address) + 1)
            rows.reseal(db, self._keys(), row, new)
            rows.add_version(db, self._keys(), new, value, _now())
            rows.keep_newest(db, secret.address, self.options.keep_versions)
            return _changed(db, self._keys(), new)

    def read(self, address: Address) -> Sensitive:
        """Give the current value, also of a disabled secret. NotFound if gone, Corrupt if it cannot be opened."""
        with self._store.reading() as db:
            if db is None:
                raise _gone(address)
            self.meter.call(values_read=1)
            self._store.check_key(db)
            value = rows.current(db, self._keys(), address)
        if value is None:
            raise _gone(address)
        return value

    def read_version(self, address: Address, version: str) -> Sensitive:
        """Give the value of one of the versions that are kept, also of a disabled secret. Raise as `read` does."""
        number = int(version) if _NUMBER.fullmatch(version) else 0
        with self._store.reading() as db:
            if db is None:
                raise _gone(address)
            self.meter.call(values_read=1)
            self._store.check_key(db)
            value = rows.kept(db, self._keys(), address, number)
        if value is None:
            message = f"{address}: version {version} is not in the store"
            raise NotFound(message, hint=f"it keeps the newest {self.options.keep_versions} versions")
        return value

    def update(self, secret: Secret, expected: Observed, drop: Collection[str]) -> Observed:
        """Set tags and description, and take ownership of an unmarked secret."""
        with self._writing() as db:
            row = self._ours(db, secret.address, expected)
            kept = {k: v for k, v in rows.load_tags(row.address, row.tags).items() if k not in drop}
            new = row._replace(
                owner=self.context.project,
                description=secret.description,
                tags=rows.dump_tags({**kept, **secret.tags}),
            )
            rows.reseal(db, self._keys(), row, new)
            return _changed(db, self._keys(), new)

    def set_enabled(self, expected: Observed, *, enabled: bool) -> Observed:
        """Allow or stop consumers to read it."""
        with self._writing() as db:
            row = self._ours(db, expected.address, expected)
            return _changed(db, self._keys(), row._replace(enabled=int(enabled)))

    def delete(self, expected: Observed) -> None:
        """Delete it; it can be restored until the recovery window ends."""
        with self._writing() as db:
            row = self._ours(db, expected.address, expected)
            _changed(db, self._keys(), row._replace(deleted_at=_now()))

    def restore(self, expected: Observed) -> Observed:
        """Undo a deletion. NotFound where none is pending."""
        with self._writing() as db:
            row = self._ours(db, expected.address, expected, deleted=True)
            return _changed(db, self._keys(), row._replace(deleted_at=None))

    def move(self, secret: Secret, expected: Observed) -> Observed:
        """Rename it with its versions, and leave a tombstone under the old name.

        AlreadyExists also where another secret had the new name and, there, this version.
        """
        with self._writing() as db:
            row = self._ours(db, expected.address, expected)
            _refuse_taken(db, secret.address)
            _refuse_spent(db, row, secret.address)
            new = row._replace(scope=secret.address.scope, ref=secret.address.ref, owner=self.context.project)
            rows.reseal(db, self._keys(), row, new)
            rows.insert(db, self._keys(), new, _now())
            rows.bury(db, expected.address)
            return rows.observed(db, secret.address)

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        self.meter.call()
        with self._store.writing() as db:
            rows.purge(db, self._cutoff())
            yield db

    def _ours(self, db: sqlite3.Connection, address: Address, expected: Observed, *, deleted: bool = False) -> Row:
        """Find what is to be written: there, not another project's, as written, in the expected version."""
        row = rows.find(db, address)
        if row is None or (row.deleted_at is not None) is not deleted:
            raise _gone(address)
        if row.owner not in (None, self.context.project):
            message = f"{address}: owned by project {row.owner}"
            raise BackendError(message, hint="one secret has one project; choose another name")
        rows.verify(db, self._keys(), row)
        if str(row.version) != expected.version:
            message = f"{address}: the store holds version {row.version}, not {expected.version}"
            raise VersionConflict(message, hint="somebody else wrote it; plan again")
        return row

    def _keys(self) -> Keys:
        return rows.Keys(seal=self.context.subkey(crypto.STORE), mark=self.context.subkey(crypto.STORE_ROWS))

    def _cutoff(self) -> int:
        days: int = self.options.recovery_window_days
        return _now() - days * _DAY


def _now() -> int:
    return int(time.time())


def _changed(db: sqlite3.Connection, keys: Keys, row: Row) -> Observed:
    rows.change(db, keys, row, _now())
    return rows.observed(db, row.address)


def _refuse_taken(db: sqlite3.Connection, address: Address) -> None:
    row = rows.find(db, address)
    if row is not None and row.deleted_at is not None:
        message = f"{address}: already in the store, pending deletion"
        raise AlreadyExists(message, hint="restore it, or wait until its recovery window ends")
    if row is not None:
        message = f"{address}: already in the store"
        raise AlreadyExists(message)


def _refuse_spent(db: sqlite3.Connection, row: Row, address: Address) -> None:
    if rows.spent(db, row, address):
        message = f"{address}: a secret that had this name before also had version {row.version}"
        raise AlreadyExists(message, hint=f"choose another name, or let {row.address} be made anew under this one")


def _gone(address: Address) -> NotFound:
    return NotFound(f"{address}: not in the store")
