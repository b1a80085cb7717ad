"""The embedded store under attack and decay: it gives the right value or an error, never a wrong value."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from syncer.backends.local import LocalBackend, store
from syncer.errors import AccessDenied, BackendError, Corrupt, InvalidConfiguration, SyncerError, Transient
from syncer.model import Address
from syncer.sensitive import Sensitive
from syncer.testing.base import CANARY, assert_no_leak, context, declared, error_of, same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Bench

    from syncer.model import Observed

ONE, TWO = Address("s", "one"), Address("s", "two")


def test_swapped_values(bench: Bench) -> None:
    """Sealed values that changed places do not open, and the error names the address."""
    bench.fill("one", "two")
    with bench.by_hand() as db:
        sealed = dict(db.execute("SELECT ref, sealed FROM version"))
        db.execute("UPDATE version SET sealed = ? WHERE ref = 'one'", (sealed["two"],))
        db.execute("UPDATE version SET sealed = ? WHERE ref = 'two'", (sealed["one"],))
    for address in (ONE, TWO):
        with pytest.raises(Corrupt, match=str(address)):
            bench.open().read(address)


def test_swapped_versions(bench: Bench) -> None:
    """An old version in the place of the current one does not open."""
    (made,) = bench.fill("one")
    bench.open().rotate(declared(ONE), Sensitive(b"v2"), made)
    with bench.by_hand() as db:
        db.execute("UPDATE version SET sealed = (SELECT sealed FROM version WHERE version = 1) WHERE version = 2")
    with pytest.raises(Corrupt, match="s:one"):
        bench.open().read(ONE)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE secret SET owner = 'bank'",
        "UPDATE secret SET owner = NULL",
        "UPDATE secret SET owner = x'00ff'",
        "UPDATE secret SET version = 2",
        "UPDATE secret SET version = 'one'",
        "UPDATE version SET sealed = x''",
        "UPDATE version SET sealed = 'text'",
        "UPDATE version SET sealed = substr(sealed, 1, 20)",
        "DELETE FROM version",
    ],
)
def test_damaged_row(bench: Bench, damage: str) -> None:
    """A row that was changed by hand does not open, and the error names the address."""
    bench.fill("one")
    with bench.by_hand() as db:
        db.execute(damage)
    with pytest.raises(Corrupt, match="s:one"):
        bench.open().read(ONE)


@pytest.mark.parametrize(
    "damage",
    [
        "tags = 'no json'",
        "tags = '[]'",
        "tags = '{\"a\": 1}'",
        "tags = x'7b7d'",
        "tags = replace(hex(zeroblob(50000)), '00', '[')",
        "description = x'00'",
        "owner = x'00'",
    ],
)
def test_damaged_metadata(bench: Bench, damage: str) -> None:
    """Metadata that cannot be understood is an error naming the address, not a guess."""
    bench.fill("one")
    with bench.by_hand() as db:
        db.execute(f"UPDATE secret SET {damage}")  # noqa: S608  # the parameters above
    with pytest.raises(Corrupt, match="s:one"):
        bench.open().observe(["s"], [])


@pytest.mark.parametrize("counter", ["'many'", "9223372036854775807"])
def test_damaged_counter(bench: Bench, counter: str) -> None:
    """A counter that cannot go on is an error, and the value stays."""
    (made,) = bench.fill("one")
    with bench.by_hand() as db:
        db.execute(f"UPDATE secret SET counter = {counter}")  # noqa: S608  # the parameters above
    with pytest.raises(Corrupt):
        bench.open().rotate(declared(ONE), Sensitive(b"v2"), made)
    assert same(bench.open().read(ONE), Sensitive(b"one"))


def test_damaged_value_is_healed_by_a_rotation(bench: Bench) -> None:
    """The next step that the error names works."""
    (made,) = bench.fill("one")
    with bench.by_hand() as db:
        db.execute("UPDATE version SET sealed = x'00'")
    backend = bench.open()
    backend.rotate(declared(ONE), Sensitive(b"again"), made)
    assert same(backend.read(ONE), Sensitive(b"again"))


def test_damaged_history_is_not_moved(bench: Bench) -> None:
    """A version that cannot be opened stops a move, and nothing of it is done."""
    (made,) = bench.fill("one")
    turned = bench.open().rotate(declared(ONE), Sensitive(b"v2"), made)
    with bench.by_hand() as db:
        db.execute("UPDATE version SET sealed = x'00' WHERE version = 1")
    with pytest.raises(Corrupt, match="s:one"):
        bench.open().move(declared(TWO), turned)
    assert list(bench.open().observe(["s"], [])) == [turned]
    assert same(bench.open().read(ONE), Sensitive(b"v2"))


def test_wrong_key(bench: Bench) -> None:
    """Another key is told before anything is written or read, and says what to do."""
    (made,) = bench.fill("one")
    stranger = bench.open(key=b"x" * 32)
    for attempt in (
        lambda: stranger.read(ONE),
        lambda: stranger.create(declared(TWO), Sensitive(b"v")),
        lambda: stranger.rotate(declared(ONE), Sensitive(b"v"), made),
    ):
        with pytest.raises(Corrupt, match="another project key") as caught:
            attempt()
        assert "SYNCER_KEY" in caught.value.hint
    assert list(bench.open().observe(["s"], [])) == [made]


def test_foreign_store_is_told_when_observing(bench: Bench) -> None:
    """A plan over a store of another key does not look as if nothing had changed."""
    bench.fill("one")
    stranger = bench.open(key=b"x" * 32)
    with pytest.raises(Corrupt, match="sealed under another project key") as caught:
        stranger.observe(["s"], [])
    assert "SYNCER_KEY" in caught.value.hint
    assert stranger.meter.total.calls == 0


_CHANGES = {
    "enabled": "enabled = 1",
    "version": "version = 1",
    "owner": "owner = 'bank'",
    "description": "description = 'other'",
    "binary description": "description = x'00'",
    "tags": 'tags = \'{"team": "other"}\'',
    "identity": "identity = 'other'",
    "no mark": "mark = NULL",
    "binary mark": "mark = cast(mark as blob)",
    "other mark": "mark = 'hmac:é'",
}


def _disabled_in_version_2(bench: Bench) -> Observed:
    (made,) = bench.fill("one")
    turned = bench.open().rotate(declared(ONE), Sensitive(b"v2"), made)
    return bench.open().set_enabled(turned, enabled=False)


def _by_hand(bench: Bench, change: str) -> None:
    with bench.by_hand() as db:
        db.execute(f"UPDATE secret SET {change}")  # noqa: S608  # the tests' own


@pytest.mark.parametrize("change", _CHANGES.values(), ids=_CHANGES)
def test_changed_row_is_not_read(bench: Bench, change: str) -> None:
    """A disabled secret is not enabled, nor one secret rolled back, by who can write the file but has no key."""
    _disabled_in_version_2(bench)
    _by_hand(bench, change)
    with pytest.raises(Corrupt, match="s:one: its row was changed by something other than syncer") as caught:
        bench.open().read(ONE)
    assert caught.value.hint == "restore the store from a backup, or delete the entry and apply"


def _attempt(backend: LocalBackend, write: str, expected: Observed) -> None:
    writes = {
        "rotate": lambda: backend.rotate(declared(ONE), Sensitive(b"v3"), expected),
        "update": lambda: backend.update(declared(ONE), expected, []),
        "enable": lambda: backend.set_enabled(expected, enabled=True),
        "delete": lambda: backend.delete(expected),
        "move": lambda: backend.move(declared(TWO), expected),
        "restore": lambda: backend.restore(expected),
    }
    writes[write]()


@pytest.mark.parametrize("write", ["rotate", "update", "enable", "delete", "move"])
@pytest.mark.parametrize("change", [c for c in _CHANGES.values() if "owner" not in c and "x'00'" not in c])
def test_changed_row_is_not_written(bench: Bench, change: str, write: str) -> None:
    """A write would make the change look like ours: it is refused and leaves everything as it was."""
    _disabled_in_version_2(bench)
    _by_hand(bench, change)
    with bench.by_hand() as db:
        before = list(db.iterdump())
    backend = bench.open()
    (seen,) = backend.observe(["s"], [])
    with pytest.raises(Corrupt, match="s:one: its row was changed"):
        _attempt(backend, write, seen)
    with bench.by_hand() as db:
        assert list(db.iterdump()) == before


def test_deletion_by_hand_is_not_restored(bench: Bench) -> None:
    """A deletion that syncer did not write is not undone as if it had."""
    _disabled_in_version_2(bench)
    _by_hand(bench, "deleted_at = strftime('%s', 'now')")
    backend = bench.open()
    (seen,) = backend.observe(["s"], [])
    with pytest.raises(Corrupt, match="s:one: its row was changed"):
        _attempt(backend, "restore", seen)


def test_stolen_owner(bench: Bench) -> None:
    """A row that lost its owner needs no mark, but its value does not open and nobody can take it."""
    _disabled_in_version_2(bench)
    _by_hand(bench, "owner = NULL, mark = NULL, enabled = 1")
    backend = bench.open()
    (seen,) = backend.observe(["s"], [])
    attempts = [lambda: backend.read(ONE)]
    attempts += [lambda write=write: _attempt(backend, write, seen) for write in ("rotate", "update", "move")]
    for attempt in attempts:
        with pytest.raises(Corrupt, match="s:one"):
            attempt()


def test_every_write_leaves_a_row_that_can_be_read(bench: Bench) -> None:
    """What syncer itself changes is authentic."""
    backend = bench.open()
    made = backend.create(declared(ONE), Sensitive(b"v"))
    made = backend.rotate(declared(ONE), Sensitive(b"v2"), made)
    made = backend.set_enabled(made, enabled=False)
    made = backend.update(declared(ONE), made, [])
    backend.delete(made)
    made = backend.restore(made)
    backend.move(declared(TWO), made)
    assert same(backend.read(TWO), Sensitive(b"v2"))
    with bench.by_hand() as db:
        assert db.execute("SELECT ref, mark IS NULL FROM secret ORDER BY ref").fetchall() == [("one", 1), ("two", 0)]


def test_newer_format(bench: Bench) -> None:
    """A store of a later syncer is left alone."""
    bench.fill("one")
    with bench.by_hand() as db:
        db.execute("UPDATE meta SET value = '2' WHERE name = 'format_version'")
    for attempt in (lambda: bench.open().observe(["s"], []), lambda: bench.fill("two")):
        with pytest.raises(BackendError, match="written in format 2, this is format 1") as caught:
            attempt()
        assert caught.value.hint == "upgrade syncer"


@pytest.mark.parametrize("written", [b"\xff", "new", "9" * 5000])
def test_unreadable_format(bench: Bench, written: object) -> None:
    """A format that is no number, or no sane one, is damage."""
    bench.fill("one")
    with bench.by_hand() as db:
        db.execute("UPDATE meta SET value = ? WHERE name = 'format_version'", (written,))
    with pytest.raises(Corrupt, match="format version"):
        bench.open().observe(["s"], [])


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to look like one" * 100, b"short", b"SQLite format 3\x00"]
)
def test_not_a_database(bench: Bench, content: bytes) -> None:
    """A file that is something else is Corrupt, names the file, and is not touched."""
    bench.path.parent.mkdir()
    bench.path.write_bytes(content)
    for attempt in (lambda: bench.open().observe(["s"], []), lambda: bench.fill("one"), lambda: bench.open().read(ONE)):
        with pytest.raises(Corrupt, match=r"store\.db"):
            attempt()
    assert bench.path.read_bytes() == content


def test_somebody_elses_database(bench: Bench) -> None:
    """Another program's database is Corrupt and is not written to."""
    bench.path.parent.mkdir()
    with bench.by_hand() as db:
        db.execute("CREATE TABLE bookmarks (url)")
    for attempt in (lambda: bench.open().observe(["s"], []), lambda: bench.fill("one")):
        with pytest.raises(Corrupt, match="not a store of syncer"):
            attempt()


def test_text_that_is_no_text(bench: Bench) -> None:
    """Bytes that are no UTF-8 in a text are Corrupt, and are not quoted."""
    bench.fill("one")
    with bench.by_hand() as db:
        db.execute("UPDATE secret SET description = cast(x'ff' || ? as text)", (CANARY,))
    error = error_of(lambda: bench.open().observe(["s"], []))
    assert isinstance(error, Corrupt)
    assert_no_leak(CANARY, error)


def _right_or_error(bench: Bench, refs: tuple[str, ...]) -> str:
    """Read everything: `right`, `less` where something is missing, `error` where something does not open."""
    backend = LocalBackend.open({}, context(bench.folder, "shop"))
    try:
        seen = {entry.address for entry in backend.observe(["s"], [])}
        for ref in refs:
            assert same(backend.read(Address("s", ref)), Sensitive(ref.encode())), "a wrong value"
    except SyncerError:
        return "error"
    finally:
        backend.close()
    return "right" if seen == {Address("s", ref) for ref in refs} else "less"


def test_flipped_bits(bench: Bench) -> None:
    """Wherever in the file a bit flips, a value that is given is the right one."""
    refs = ("one", "two", "three")
    bench.fill(*refs)
    whole = bench.path.read_bytes()
    chance = random.Random(7)  # noqa: S311  # damage, not secrecy
    used = [position for position, byte in enumerate(whole) if byte]
    came = set()
    for position in chance.sample(used, 400):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << chance.randrange(8)
        bench.path.write_bytes(damaged)
        came.add(_right_or_error(bench, refs))
    assert came >= {"right", "error"}


def test_truncated(bench: Bench) -> None:
    """However short the file was cut, a value that is given is the right one, and a cut page is noticed."""
    refs = tuple(f"ref-{number}" for number in range(40))
    bench.fill(*refs)
    whole = bench.path.read_bytes()
    assert _right_or_error(bench, refs) == "right"
    for length in range(1, len(whole), 1777):
        bench.path.write_bytes(whole[:length])
        assert _right_or_error(bench, refs) == "error"


def test_link(bench: Bench, tmp_path: Path) -> None:
    """A link in the place of the file is refused and what it points to is not made, read or written."""
    bench.path.parent.mkdir()
    target = tmp_path / "target"
    bench.path.symlink_to(target)
    for attempt in (lambda: bench.open().observe(["s"], []), lambda: bench.fill("one")):
        with pytest.raises(InvalidConfiguration, match="not a regular file"):
            attempt()
    assert not target.exists()


def test_folder_in_the_place_of_the_file(bench: Bench) -> None:
    """A folder is refused, with the option to look at."""
    bench.path.mkdir(parents=True)
    for attempt in (lambda: bench.open().observe(["s"], []), lambda: bench.fill("one")):
        with pytest.raises(InvalidConfiguration, match="not a regular file") as caught:
            attempt()
        assert "`path`" in caught.value.hint


def test_file_in_the_place_of_the_folder(bench: Bench) -> None:
    """A file where the folder should be is an error that names the cause."""
    bench.path.parent.touch()
    with pytest.raises(BackendError, match="not a directory"):
        bench.fill("one")


@contextmanager
def _unprivileged() -> Iterator[Path]:
    """Give a folder that may be read but not written, also where the tests run as root."""
    folder = Path(tempfile.mkdtemp())
    try:
        yield folder
    finally:
        os.seteuid(os.getuid())
        folder.chmod(0o700)
        shutil.rmtree(folder)


def _drop(folder: Path) -> None:
    folder.chmod(0o555)
    if os.getuid() == 0:
        os.seteuid(65534)


def test_folder_that_may_not_be_written() -> None:
    """A store that cannot be made is AccessDenied."""
    with _unprivileged() as folder:
        _drop(folder)
        with pytest.raises(AccessDenied, match="access denied"):
            LocalBackend.open({}, context(folder, "shop")).create(declared(ONE), Sensitive(b"v"))


def test_store_that_may_not_be_written() -> None:
    """A store that may be read but not written is AccessDenied for a write."""
    with _unprivileged() as folder:
        backend = LocalBackend.open({"path": "store.db"}, context(folder, "shop"))
        backend.create(declared(ONE), Sensitive(b"v"))
        backend.close()
        (folder / "store.db").chmod(0o400)
        _drop(folder)
        with pytest.raises(AccessDenied):
            LocalBackend.open({"path": "store.db"}, context(folder, "shop")).create(declared(TWO), Sensitive(b"v"))


def test_store_becomes_read_only(bench: Bench) -> None:
    """A write that the file refuses in the middle is AccessDenied and undone."""
    made = bench.fill("one")
    backend = bench.open()
    backend.set_enabled(made[0], enabled=True)
    backend._store._writer.execute("PRAGMA query_only = 1")
    with pytest.raises(AccessDenied):
        backend.create(declared(TWO), Sensitive(b"v"))
    assert list(backend.observe(["s"], [])) == made


def test_full_disk(bench: Bench) -> None:
    """A write that does not fit is an error with a next step; what was there stays, and a smaller write works."""
    made = bench.fill("one")
    backend = bench.open()
    backend.set_enabled(made[0], enabled=True)
    backend._store._writer.execute("PRAGMA max_page_count = 20")
    error = error_of(lambda: backend.create(declared(TWO), Sensitive(CANARY * 10_000)))
    assert isinstance(error, BackendError)
    assert "disk is full" in str(error)
    assert_no_leak(CANARY, error)
    assert list(backend.observe(["s"], [])) == made
    backend.create(declared(TWO), Sensitive(b"v"))


def test_planted_trigger(bench: Bench) -> None:
    """An unexpected refusal by the file names SQLite's code, not its words."""
    made = bench.fill("one")
    with bench.by_hand() as db:
        db.execute("CREATE TRIGGER t BEFORE UPDATE ON secret BEGIN SELECT raise(ABORT, 'some words'); END")
    with pytest.raises(BackendError, match="SQLITE_CONSTRAINT") as caught:
        bench.open().set_enabled(made[0], enabled=False)
    assert "some words" not in str(caught.value)


def test_busy(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that another process keeps busy is worth another try."""
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.05)
    bench.fill("one")
    backend = bench.open()
    with bench.by_hand() as db:
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(Transient, match="another process"):
            backend.create(declared(TWO), Sensitive(b"v"))
    backend.create(declared(TWO), Sensitive(b"v"))


def test_folder_kept_busy(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that another process keeps locked stops a write after a while, and no reader."""
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.03)
    made = bench.fill("one")
    descriptor = os.open(bench.path.parent, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(Transient, match="another process"):
        bench.fill("two")
    assert list(bench.open().observe(["s"], [])) == made
    os.close(descriptor)
    bench.fill("two")


def test_no_plaintext_in_the_files(bench: Bench) -> None:
    """Neither the file nor its side files hold a value, its old versions included."""
    backend = bench.open()
    made = backend.create(declared(ONE), Sensitive(CANARY))
    backend.rotate(declared(ONE), Sensitive(CANARY + b"2"), made)
    files = list(bench.path.parent.iterdir())
    assert len(files) == 3
    assert all(CANARY not in path.read_bytes() for path in files)
