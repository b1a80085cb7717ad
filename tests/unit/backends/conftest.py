"""A local store in a temporary folder, and ways to get at its file behind its back."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from syncer import crypto
from syncer.backends.local import LocalBackend, rows
from syncer.model import Address
from syncer.sensitive import Sensitive
from syncer.testing.base import context, declared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncer.model import Observed

KEY = b"k" * 32


@dataclass
class Bench:
    """One store file and every backend that a test opened on it."""

    folder: Path
    opened: list[LocalBackend] = field(default_factory=list)

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / ".syncer" / "store.db"

    def open(self, project: str = "shop", key: bytes = KEY, **options: object) -> LocalBackend:
        """Open a backend; it is closed with the test."""
        backend = LocalBackend.open(options, context(self.folder, project, key))
        self.opened.append(backend)
        return backend

    def fill(self, *refs: str) -> list[Observed]:
        """Create secrets in scope `s`, each with its own ref as the value, and close the store."""
        backend = self.open()
        made = [backend.create(declared(Address("s", ref)), Sensitive(ref.encode())) for ref in refs]
        backend.close()
        return made

    @contextmanager
    def by_hand(self) -> Iterator[sqlite3.Connection]:
        """Change rows behind the backend's back."""
        with closing(sqlite3.connect(self.path)) as db, db:
            yield db

    def mark_again(self) -> None:
        """Make what was changed by hand authentic, as only who has the key can."""
        keys = rows.Keys(seal=b"", mark=crypto.derive(KEY, crypto.STORE_ROWS))
        with self.by_hand() as db:
            for address in db.execute("SELECT scope, ref FROM secret WHERE version IS NOT NULL").fetchall():
                rows.change(db, keys, rows.find(db, Address(*address)), 0)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An empty place for a store."""
    made = Bench(tmp_path)
    yield made
    for backend in made.opened:
        backend.close()
