"""The embedded backend passes the suite."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from syncer import crypto
from syncer.backends.local import LocalBackend, store
from syncer.testing import BackendConformance
from syncer.testing.base import context, declared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncer.backends.base import Backend
    from syncer.model import Address
    from syncer.sensitive import Sensitive


class TestLocal(BackendConformance):
    """SQLite beside the manifest."""

    type_name = "local"

    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(store, "BUSY_SECONDS", 0.2)

    def open_backend(self, folder: Path, project: str) -> Backend:
        """Open it with its defaults."""
        return LocalBackend.open({}, context(folder, project))

    def plant(self, backend: Backend, address: Address, value: Sensitive, owner: str | None) -> None:
        """Write the rows by hand, so that the format is pinned from outside."""
        with self.opened(backend.context.folder) as other:
            other.create(declared(address), value)
        key = backend.context.subkey("syncer/1/local-store")
        sealed = crypto.seal(key, value, crypto.bind([owner or "", *address, "1"]))
        with closing(sqlite3.connect(backend.context.folder / ".syncer/store.db")) as db, db:
            (identity,) = db.execute("SELECT identity FROM secret WHERE (scope, ref) = (?, ?)", address).fetchone()
            known = [owner or "", *address, "1", "1", "", "{}", "None", identity]
            mark = crypto.mac(backend.context.subkey("syncer/1/local-store-row"), crypto.bind(known))
            db.execute(
                "UPDATE secret SET owner = ?, tags = '{}', mark = ? WHERE (scope, ref) = (?, ?)",
                (owner, mark if owner else None, *address),
            )
            db.execute("UPDATE version SET sealed = ? WHERE (scope, ref, version) = (?, ?, 1)", (sealed, *address))

    @contextmanager
    def busy(self, backend: Backend) -> Iterator[None]:
        """Hold the write lock of the file."""
        path = backend.context.folder / ".syncer/store.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            yield
            db.execute("ROLLBACK")
