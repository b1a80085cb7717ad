"""The rows of the embedded backend: secrets, their versions, and the seal that ties each value to its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from syncer import crypto
from syncer.errors import Corrupt
from syncer.model import Address, Observed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Mapping

    from syncer.sensitive import Sensitive

_SEEN = "scope, ref, owner, version, enabled, description, tags, deleted_at"
_COLUMNS = f"{_SEEN}, identity"


class Keys(NamedTuple):
    """The sub-keys of the store."""

    seal: bytes
    """Seals values."""
    mark: bytes
    """Authenticates rows."""


class Row(NamedTuple):
    """A secret that is not purged, in the order of the columns."""

    scope: str
    ref: str
    owner: str | None
    version: int
    enabled: int
    description: str
    tags: str
    deleted_at: int | None
    """Pending deletion since then, in Unix seconds."""
    identity: str
    """Random, given at birth: the same secret under whatever name, and another one under the same name."""

    @property
    def address(self) -> Address:
        """Where it stands."""
        return Address(self.scope, self.ref)


def listing(db: sqlite3.Connection, scopes: Collection[str], cutoff: int) -> list[Observed]:
    """Observe everything in the scopes in one query; what was deleted before `cutoff` counts as purged."""
    found = db.execute(
        f"SELECT {_SEEN} FROM secret WHERE scope IN (SELECT value FROM json_each(?))"  # noqa: S608  # our constant
        " AND version IS NOT NULL AND (deleted_at IS NULL OR deleted_at > ?)",
        (json.dumps(sorted(scopes)), cutoff),
    ).fetchall()
    return _all_observed(found)


def find(db: sqlite3.Connection, address: Address) -> Row | None:
    """Give the row of an address, also while its deletion is pending; None where there is none or it is purged."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM secret WHERE scope = ? AND ref = ? AND version IS NOT NULL",  # noqa: S608  # constant
        address,
    ).fetchone()
    return Row(*row) if row else None


def observed(db: sqlite3.Connection, address: Address) -> Observed:
    """Observe one secret that is known to be there."""
    return _all_observed(row[:-1] for row in filter(None, [find(db, address)]))[0]


def verify(db: sqlite3.Connection, keys: Keys, row: Row) -> None:
    """Raise Corrupt where a row that `find` gave is not as it was written."""
    found = db.execute("SELECT mark FROM secret WHERE scope = ? AND ref = ?", row.address).fetchone()
    _check_mark(keys, row, *found)


def insert(db: sqlite3.Connection, keys: Keys, row: Row, now: int) -> None:
    """Put a secret where none or a tombstone is; its counter never falls."""
    counter = max(row.version, issued(db, row.address))
    db.execute(
        f"INSERT OR REPLACE INTO secret ({_COLUMNS}, mark, counter, created_at, updated_at)"  # noqa: S608  # our constant
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, _mark(keys, row), counter, now, now),
    )


def change(db: sqlite3.Connection, keys: Keys, row: Row, now: int) -> None:
    """Write a changed row over the one with the same address."""
    db.execute(
        "UPDATE secret SET owner = ?, version = ?, enabled = ?, description = ?, tags = ?, deleted_at = ?,"
        " mark = ?, counter = max(counter, ?), updated_at = ? WHERE scope = ? AND ref = ?",
        (*row[2:-1], _mark(keys, row), row.version, now, *row.address),
    )


def issued(db: sqlite3.Connection, address: Address) -> int:
    """Give the highest version that the address ever had; 0 for none."""
    found = db.execute("SELECT counter FROM secret WHERE scope = ? AND ref = ?", address).fetchone()
    counter = found[0] if found else 0
    if not isinstance(counter, int):
        raise _damaged(address)
    return counter


def spent(db: sqlite3.Connection, row: Row, address: Address) -> bool:
    """Whether the row's version was given to another secret at an address where none is any more."""
    found = db.execute("SELECT identity FROM secret WHERE scope = ? AND ref = ?", address).fetchone()
    return found is not None and found != (row.identity,) and issued(db, address) >= row.version


def purge(db: sqlite3.Connection, cutoff: int) -> None:
    """Drop the values of what was deleted before `cutoff` and leave tombstones."""
    db.execute(
        "DELETE FROM version WHERE (scope, ref) IN (SELECT scope, ref FROM secret WHERE deleted_at <= ?)", (cutoff,)
    )
    db.execute(
        "UPDATE secret SET version = NULL, owner = NULL, description = '', tags = '{}', deleted_at = NULL,"
        " mark = NULL"
        " WHERE deleted_at <= ?",
        (cutoff,),
    )


def bury(db: sqlite3.Connection, address: Address) -> None:
    """Turn a row into a tombstone."""
    db.execute(
        "UPDATE secret SET version = NULL, owner = NULL, description = '', tags = '{}', mark = NULL"
        " WHERE scope = ? AND ref = ?",
        address,
    )


def add_version(db: sqlite3.Connection, keys: Keys, row: Row, value: Sensitive, now: int) -> None:
    """Seal a value as the version that the row names."""
    sealed = crypto.seal(keys.seal, value, _place(row.owner, row.address, row.version))
    db.execute("INSERT INTO version VALUES (?, ?, ?, ?, ?)", (*row.address, row.version, sealed, now))


def keep_newest(db: sqlite3.Connection, address: Address, count: int) -> None:
    """Drop all but the newest versions of a secret."""
    db.execute(
        "DELETE FROM version WHERE scope = ? AND ref = ? AND version NOT IN"
        " (SELECT version FROM version WHERE scope = ? AND ref = ? ORDER BY version DESC LIMIT ?)",
        (*address, *address, count),
    )


def current(db: sqlite3.Connection, keys: Keys, address: Address) -> Sensitive | None:
    """Open the current value; None where there is no such secret or its deletion is pending. Raise Corrupt."""
    found = _sealed(db, keys, address, None)
    return None if found is None else _open(keys, address, found[0].owner, found[0].version, found[1])


def kept(db: sqlite3.Connection, keys: Keys, address: Address, version: int) -> Sensitive | None:
    """Open the value of a version; None also where that is not kept. Raise Corrupt."""
    found = _sealed(db, keys, address, version)
    if found is None or (found[1] is None and version != found[0].version):
        return None
    return _open(keys, address, found[0].owner, version, found[1])


def _sealed(db: sqlite3.Connection, keys: Keys, address: Address, version: int | None) -> tuple[Row, object] | None:
    """Find a secret that is there, and a version of its value, the current one with None. Raise Corrupt."""
    # One statement, because another process may drop the version between two.
    found = db.execute(
        f"SELECT {_COLUMNS}, mark, (SELECT sealed FROM version AS kept WHERE kept.scope = secret.scope"  # noqa: S608  # our constant
        " AND kept.ref = secret.ref AND kept.version = coalesce(?, secret.version)) FROM secret"
        " WHERE scope = ? AND ref = ? AND version IS NOT NULL AND deleted_at IS NULL",
        (version, *address),
    ).fetchone()
    if not found:
        return None
    *columns, mark, sealed = found
    row = Row(*columns)
    _check_mark(keys, row, mark)
    return row, sealed


def reseal(db: sqlite3.Connection, keys: Keys, old: Row, new: Row) -> None:
    """Tie all versions of a secret to another owner or address. Raise Corrupt where one cannot be opened.

    Old ones whose number was given at the new address already, to another secret, are dropped.
    """
    if (old.owner, old.address) == (new.owner, new.address):
        return
    if spent(db, new._replace(version=0), new.address):
        past = (*old.address, issued(db, new.address))
        db.execute("DELETE FROM version WHERE scope = ? AND ref = ? AND version <= ?", past)
    found = db.execute("SELECT version, sealed FROM version WHERE scope = ? AND ref = ?", old.address).fetchall()
    for version, sealed in found:
        value = _open(keys, old.address, old.owner, version, sealed)
        db.execute(
            "UPDATE version SET scope = ?, ref = ?, sealed = ? WHERE scope = ? AND ref = ? AND version = ?",
            (
                *new.address,
                crypto.seal(keys.seal, value, _place(new.owner, new.address, version)),
                *old.address,
                version,
            ),
        )


def dump_tags(tags: Mapping[str, str]) -> str:
    """Write tags so that equal tags are equal text."""
    return json.dumps(dict(tags), sort_keys=True, ensure_ascii=False)


def load_tags(address: Address, text: str) -> dict[str, str]:
    """Read what `dump_tags` wrote. Raise Corrupt naming the address."""
    try:
        found = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        raise _damaged(address) from None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise _damaged(address)
    return found


def _all_observed(found: Iterable[tuple[Any, ...]]) -> list[Observed]:
    """Turn rows into what is observed; a plain loop, because ten thousand rows are a common plan."""
    known: dict[str, dict[str, str]] = {}  # thousands of secrets share a few sets of tags
    result = []
    for scope, ref, owner, version, enabled, description, tags, deleted_at in found:
        address = Address(scope, ref)
        # SQLite keeps no column to its type: one flipped bit turns a text into a blob.
        texts = type(ref) is type(description) is type(tags) is str and (owner is None or type(owner) is str)
        if not texts or type(version) is not int:
            raise _damaged(address)
        if tags not in known:
            known[tags] = load_tags(address, tags)
        result.append(
            Observed(
                address=address,
                version=str(version),
                tags=known[tags],
                enabled=enabled == 1,
                description=description,
                owner=owner,
                deleted=deleted_at is not None,
            )
        )
    return result


def _place(owner: str | None, address: Address, version: int) -> bytes:
    """Name the place of a value, so that a sealed text in another place does not open."""
    return crypto.bind([owner or "", address.scope, address.ref, str(version)])


def _mark(keys: Keys, row: Row) -> str | None:
    """Authenticate a row; one without an owner, which anybody may make, has no mark."""
    if row.owner is None:
        return None
    known = [row.owner, row.scope, row.ref, str(row.version), str(row.enabled), row.description, row.tags]
    return crypto.mac(keys.mark, crypto.bind([*known, str(row.deleted_at), row.identity]))


def _check_mark(keys: Keys, row: Row, mark: object) -> None:
    try:
        right = _mark(keys, row)
    except AttributeError:  # what was a text is none any more
        raise _changed_by_others(row.address) from None
    # Without an owner the value's seal answers for it: it binds that there is none.
    if right is not None and not (isinstance(mark, str) and crypto.same_mac(mark, right)):
        raise _changed_by_others(row.address)


def _open(keys: Keys, address: Address, owner: str | None, version: int, sealed: object) -> Sensitive:
    if not isinstance(sealed, bytes):
        raise _damaged(address)
    try:
        return crypto.unseal(keys.seal, sealed, _place(owner, address, version))
    except crypto.CannotOpen:
        raise _damaged(address) from None


def _damaged(address: Address) -> Corrupt:
    return Corrupt(
        f"{address}: what the store holds was damaged or moved from its place",
        hint="write it again with a rotation, or restore the store from a backup",
    )


def _changed_by_others(address: Address) -> Corrupt:
    return Corrupt(
        f"{address}: its row was changed by something other than syncer",
        hint="restore the store from a backup, or delete the entry and apply",
    )
