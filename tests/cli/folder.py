"""A project folder, and the command line run in it."""

from __future__ import annotations

import base64
import io
import json
import os
import sqlite3
import sys
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncer.backends.local import LocalBackend
from syncer.cli import run
from syncer.engine.session import Session
from syncer.manifest import load_manifest
from syncer.model import Address
from syncer.sensitive import Sensitive
from syncer.testing.base import context, declared

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

KEY = b"0123456789abcdef0123456789abcdef"
KEY_TEXT = base64.b64encode(KEY).decode()
ROOT = Path(__file__).parent.parent.parent
GENERATE = {"source": {"generate": {"length": 20}}}


def environment() -> dict[str, str]:
    """Give what a process of the tool is started with: this checkout, and nothing that the tool would heed."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE" and not k.startswith("SYNCER_")}
    return kept | {"PYTHONPATH": str(ROOT)}


@dataclass(frozen=True)
class Result:
    """What one run of the command line gave."""

    code: int
    stdout: bytes
    err: str

    @property
    def out(self) -> str:
        """Standard output as text."""
        return self.stdout.decode()

    @property
    def json(self) -> Any:
        """Standard output as exactly one JSON document."""
        return json.loads(self.out)

    @property
    def codes(self) -> list[str]:
        """The codes of the findings in the JSON document."""
        return [found["code"] for found in self.json["diagnostics"]]


@dataclass
class Folder:
    """A project on the local backend; the command line runs in this process, in this folder."""

    path: Path
    capture: pytest.CaptureFixture[bytes]
    monkeypatch: pytest.MonkeyPatch

    def declare(self, secrets: dict[str, Any], **top: Any) -> None:
        """Write the manifest: `scope:ref` to the entry; JSON is YAML."""
        scopes: dict[str, Any] = {scope: dict(facts) for scope, facts in top.pop("scopes", {}).items()}
        for name, entry in secrets.items():
            address = Address.parse(name)
            scopes.setdefault(address.scope, {}).setdefault("secrets", {})[address.ref] = entry
        self.write({"version": 1, "project": "shop", "backend": {"type": "local"}, "scopes": scopes, **top})

    def write(self, document: dict[str, Any]) -> None:
        """Write the manifest as it is given."""
        (self.path / "syncer.yaml").write_text(json.dumps(document, indent=1), encoding="utf-8")

    def edit(self, *changes: tuple[str, str]) -> None:
        """Change the text of the manifest, and apply it."""
        path = self.path / "syncer.yaml"
        text = path.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
        self.apply()

    def key(self) -> None:
        """Put a known project key in place."""
        (self.path / ".syncer").mkdir(mode=0o700, exist_ok=True)
        path = self.path / ".syncer/key"
        path.write_text(KEY_TEXT + "\n", encoding="ascii")
        path.chmod(0o600)

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Result:
        """Run a command."""
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = run(arguments)
        out, err = self.capture.readouterr()
        return Result(code, out, err.decode())

    def fine(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run a command that must succeed, and give its standard output."""
        result = self(*arguments, stdin=stdin)
        assert result.code == 0, result
        return result.out

    def apply(self) -> str:
        """Apply everything."""
        return self.fine("apply", "--auto-approve", "--allow-mass-change")

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session beside the command line."""
        with Session(load_manifest(self.path / "syncer.yaml")) as session:
            yield session

    @contextmanager
    def store(self, project: str = "shop", key: bytes = KEY) -> Iterator[LocalBackend]:
        """Open the store behind the tool's back."""
        with closing(LocalBackend.open({}, context(self.path, project, key))) as backend:
            yield backend

    def plant(self, name: str, value: bytes, *, project: str = "shop", owned: bool = True) -> None:
        """Put an entry into the store; without an owner's mark where it is not `owned`."""
        with self.store(project) as backend:
            backend.create(declared(Address.parse(name)), Sensitive(value))
            if not owned:
                self._unmark(backend, Address.parse(name))

    def _unmark(self, backend: LocalBackend, address: Address) -> None:
        from syncer import crypto
        from syncer.backends.local import rows

        keys = rows.Keys(seal=crypto.derive(KEY, crypto.STORE), mark=crypto.derive(KEY, crypto.STORE_ROWS))
        with self.sql() as db:
            row = rows.find(db, address)
            rows.reseal(db, keys, row, row._replace(owner=None))
            db.execute("UPDATE secret SET owner = NULL, mark = NULL WHERE scope = ? AND ref = ?", address)
        backend.close()

    @contextmanager
    def sql(self) -> Iterator[sqlite3.Connection]:
        """Change the store's file by hand."""
        with closing(sqlite3.connect(self.path / ".syncer/store.db")) as db, db:
            yield db

    def overwrite(self, name: str, value: bytes) -> None:
        """Write another value behind the tool's back."""
        with self.store() as backend:
            address = Address.parse(name)
            seen = next(o for o in backend.observe([address.scope], [address]) if o.address == address)
            backend.rotate(declared(address), Sensitive(value), seen)

    def disable(self, name: str) -> None:
        """Disable a secret behind the tool's back."""
        with self.store() as backend:
            address = Address.parse(name)
            seen = next(o for o in backend.observe([address.scope], [address]) if o.address == address)
            backend.set_enabled(seen, enabled=False)

    @property
    def state(self) -> Path:
        """The state file."""
        return self.path / ".syncer/state.json"

    def files(self) -> set[str]:
        """Every file in the folder."""
        return {str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file()}
