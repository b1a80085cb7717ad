"""The embedded store: its file, its versions, its owners, its windows."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import syncer
from syncer.backends.local import LocalBackend
from syncer.errors import (
    AlreadyExists,
    BackendError,
    Corrupt,
    InvalidConfiguration,
    NotFound,
    Unsupported,
    VersionConflict,
)
from syncer.model import Address
from syncer.sensitive import Sensitive
from syncer.testing.base import at, context, declared, same

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Bench

    from syncer.model import Observed

ONE, TWO = Address("s", "one"), Address("s", "two")
DAY = 24 * 60 * 60
ROOT = Path(syncer.__file__).parent.parent


def _observed(backend: LocalBackend) -> dict[Address, Observed]:
    return {entry.address: entry for entry in backend.observe(["s"], [])}


def _rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_observing_makes_nothing_and_asks_for_no_key(tmp_path: Path) -> None:
    """A plan over a store that was never written leaves no file, makes no key and no call."""

    def no_key(*_: object) -> bytes:
        pytest.fail("the key was asked for")

    told = replace(context(tmp_path, "p"), subkey=no_key, key_id=no_key, has_key=lambda: True)
    backend = LocalBackend.open({}, told)
    assert list(backend.observe(["s"], [])) == []
    with pytest.raises(NotFound):
        backend.read(ONE)
    assert (list(tmp_path.iterdir()), backend.meter.total.calls) == ([], 0)


def test_observing_a_full_store_asks_for_no_key(bench: Bench) -> None:
    """Metadata is not sealed: who may not hold the key can still plan without values."""
    made = bench.fill("one")
    told = replace(context(bench.folder, "p"), subkey=_fail, key_id=_fail, has_key=lambda: False)
    backend = LocalBackend.open({}, told)
    assert list(backend.observe(["s"], [])) == made
    backend.close()


def _fail(*_: object) -> bytes:
    pytest.fail("the key was asked for")


def test_without_a_key_no_file(tmp_path: Path) -> None:
    """A write that finds no key leaves nothing behind."""

    def refuse() -> str:
        message = "no key"
        raise InvalidConfiguration(message)

    told = replace(context(tmp_path, "p"), subkey=_fail, key_id=refuse, has_key=lambda: False)
    backend = LocalBackend.open({}, told)
    with pytest.raises(InvalidConfiguration):
        backend.create(declared(ONE), Sensitive(b"v"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_rights(bench: Bench, umask: int) -> None:
    """The folder is 0700 and every file in it 0600, whatever the umask and while the store is open."""
    old = os.umask(umask)
    try:
        bench.open().create(declared(ONE), Sensitive(b"v"))
        _observed(bench.open())
    finally:
        os.umask(old)
    assert _rights(bench.path.parent) == 0o700
    assert {path.name: _rights(path) for path in bench.path.parent.iterdir()} == dict.fromkeys(
        ("store.db", "store.db-wal", "store.db-shm"), 0o600
    )


def test_loose_rights_are_tightened(bench: Bench) -> None:
    """A store that others could read is closed to them by the next write."""
    bench.fill("one")
    bench.path.chmod(0o644)
    bench.fill("two")
    assert _rights(bench.path) == 0o600


def test_path_is_relative_to_the_manifest(bench: Bench) -> None:
    """The option `path` starts at the manifest's folder; odd characters in it are only characters."""
    backend = bench.open(path="a b/100%?mode=memory#x.db")
    backend.create(declared(ONE), Sensitive(b"v"))
    assert (bench.folder / "a b" / "100%?mode=memory#x.db").exists()
    assert list(_observed(backend)) == [ONE]


@pytest.mark.parametrize("option", ["recovery_window_days", "keep_versions"])
def test_options_below_one(bench: Bench, option: str) -> None:
    """A window or a history of nothing is refused."""
    with pytest.raises(InvalidConfiguration, match=f"`{option}` must be 1 or more"):
        bench.open(**{option: 0})


def test_observe_is_one_query(bench: Bench) -> None:
    """However many scopes, one query and one call."""
    bench.fill("one", "two")
    backend = bench.open()
    _observed(backend)
    seen: list[str] = []
    with backend._store.reading() as db:
        db.set_trace_callback(seen.append)
    before = backend.meter.total.calls
    assert len(list(backend.observe(["s", "t", "u"], [ONE]))) == 2
    assert sum("secret" in statement for statement in seen) == 1
    assert len(seen) <= 3, "more than the query and whose store it is"
    assert backend.meter.total.calls - before == 1


def test_each_write_is_one_call(bench: Bench) -> None:
    """Every write counts once."""
    backend = bench.open()
    entry = backend.create(declared(ONE), Sensitive(b"v"))
    entry = backend.rotate(declared(ONE), Sensitive(b"w"), entry)
    entry = backend.update(declared(ONE, tags={"a": "b"}), entry, ())
    entry = backend.set_enabled(entry, enabled=False)
    entry = backend.move(declared(TWO), entry)
    backend.delete(entry)
    backend.restore(entry)
    assert backend.meter.total.calls == 7


def test_too_large_a_value(bench: Bench) -> None:
    """More than 16 MiB is refused while planning, naming the address."""
    backend = bench.open()
    backend.check_value(declared(ONE), Sensitive(b"x" * (16 * 1024 * 1024)))
    with pytest.raises(Unsupported, match="s:one"):
        backend.check_value(declared(ONE), Sensitive(b"x" * (16 * 1024 * 1024 + 1)))


def test_history_is_bounded(bench: Bench) -> None:
    """Only the newest versions stay in the file."""
    backend = bench.open(keep_versions=3)
    entry = backend.create(declared(ONE), Sensitive(b"v1"))
    for number in range(2, 8):
        entry = backend.rotate(declared(ONE), Sensitive(b"v%d" % number), entry)
    with bench.by_hand() as db:
        assert [v for (v,) in db.execute("SELECT version FROM version ORDER BY version")] == [5, 6, 7]
    assert same(backend.read(ONE), Sensitive(b"v7"))


def _age(bench: Bench, days: int) -> None:
    with bench.by_hand() as db:
        db.execute("UPDATE secret SET deleted_at = deleted_at - ?", (days * DAY,))
    bench.mark_again()


def test_recovery_window(bench: Bench) -> None:
    """Within the window a deleted secret comes back; after it, it is gone and its sealed rows too."""
    backend = bench.open(recovery_window_days=7)
    made = backend.create(declared(ONE, tags={"team": "a"}), Sensitive(b"v"))
    backend.delete(made)
    _age(bench, 6)
    assert _observed(backend)[ONE].deleted
    assert backend.restore(made) == made
    backend.delete(made)
    _age(bench, 7)
    assert _observed(backend) == {}
    with pytest.raises(NotFound):
        backend.restore(made)
    backend.create(declared(TWO), Sensitive(b"v"))  # any write purges
    with bench.by_hand() as db:
        assert db.execute("SELECT ref FROM version").fetchall() == [("two",)]
        tombstone = db.execute("SELECT owner, version, counter, tags FROM secret WHERE ref = 'one'").fetchone()
    assert tombstone == (None, None, 1, "{}")


def test_version_is_never_given_twice(bench: Bench) -> None:
    """A secret that is created again after a purge goes on counting."""
    backend = bench.open()
    made = backend.create(declared(ONE), Sensitive(b"v"))
    turned = backend.rotate(declared(ONE), Sensitive(b"w"), made)
    backend.delete(turned)
    _age(bench, 31)
    again = backend.create(declared(ONE), Sensitive(b"x"))
    assert [e.version for e in (made, turned, again)] == ["1", "2", "3"]
    assert same(backend.read(ONE), Sensitive(b"x"))


def test_create_over_pending_deletion(bench: Bench) -> None:
    """A create while the deletion is pending says what to do."""
    backend = bench.open()
    backend.delete(backend.create(declared(ONE), Sensitive(b"v")))
    with pytest.raises(AlreadyExists, match="pending deletion") as caught:
        backend.create(declared(ONE), Sensitive(b"w"))
    assert "restore" in caught.value.hint


def test_restore_of_what_is_not_deleted(bench: Bench) -> None:
    """Nothing is pending, so nothing is restored."""
    (made,) = bench.fill("one")
    with pytest.raises(NotFound):
        bench.open().restore(made)


def _turned(backend: LocalBackend, address: Address, times: int) -> Observed:
    entry = backend.create(declared(address), Sensitive(b"v1"))
    for number in range(times):
        entry = backend.rotate(declared(address), Sensitive(b"v%d" % (number + 2)), entry)
    return entry


def test_move_leaves_a_counter_behind(bench: Bench) -> None:
    """The old name goes on counting, and so does a new name that once had a secret."""
    backend = bench.open()
    backend.delete(_turned(backend, TWO, 2))
    _age(bench, 31)
    moved = backend.move(declared(TWO), _turned(backend, ONE, 4))
    assert moved.version == "5"
    with bench.by_hand() as db:  # what the name had before is not to be had again, not even as history
        assert [v for (v,) in db.execute("SELECT version FROM version WHERE ref = 'two' ORDER BY 1")] == [4, 5]
    assert backend.rotate(declared(TWO), Sensitive(b"new two"), moved).version == "6"
    assert backend.create(declared(ONE), Sensitive(b"one again")).version == "6"
    assert same(backend.read(TWO), Sensitive(b"new two"))


@pytest.mark.parametrize("turns", [0, 1])
def test_a_version_is_not_carried_to_a_name_that_had_it(bench: Bench, turns: int) -> None:
    """Two values would bear one version there, and a plan would take the one for the other."""
    backend = bench.open()
    backend.move(declared(Address("s", "elsewhere")), _turned(backend, TWO, 1))
    moving = _turned(backend, ONE, turns)
    with pytest.raises(AlreadyExists, match="had this name before") as caught:
        backend.move(declared(TWO), moving)
    assert "s:one" in caught.value.hint
    assert _observed(backend)[ONE] == moving
    assert TWO not in _observed(backend)
    assert same(backend.read(ONE), Sensitive(b"v%d" % (turns + 1)))


def test_a_secret_may_come_back_to_its_name(bench: Bench) -> None:
    """It is the same one, so its versions mean what they meant; its history comes along."""
    backend = bench.open()
    entry = backend.move(declared(TWO), _turned(backend, ONE, 1))
    back = backend.move(declared(ONE), entry)
    assert (back.version, back.address) == ("2", ONE)
    assert same(backend.read(ONE), Sensitive(b"v2"))
    with bench.by_hand() as db:
        assert [v for (v,) in db.execute("SELECT version FROM version ORDER BY 1")] == [1, 2]
    assert backend.rotate(declared(ONE), Sensitive(b"v3"), back).version == "3"


def test_move_onto_pending_deletion(bench: Bench) -> None:
    """A name whose secret can still be restored is taken."""
    one, two = bench.fill("one", "two")
    backend = bench.open()
    backend.delete(two)
    with pytest.raises(AlreadyExists):
        backend.move(declared(TWO), one)


def _writes(backend: LocalBackend, entry: Observed) -> dict[str, Callable[[], object]]:
    secret = declared(entry.address)
    return {
        "rotate": lambda: backend.rotate(secret, Sensitive(b"ours"), entry),
        "update": lambda: backend.update(secret, entry, ()),
        "disable": lambda: backend.set_enabled(entry, enabled=False),
        "move": lambda: backend.move(declared(TWO), entry),
        "delete": lambda: backend.delete(entry),
    }


@pytest.mark.parametrize("write", ["rotate", "update", "disable", "move", "delete"])
def test_another_projects_secret(bench: Bench, write: str) -> None:
    """Every write to another project's secret is refused, naming the project, and nothing moves."""
    theirs = bench.open("bank").create(declared(ONE), Sensitive(b"theirs"))
    with pytest.raises(BackendError, match="owned by project bank"):
        _writes(bench.open("shop"), theirs)[write]()
    assert _observed(bench.open("shop")) == {ONE: theirs}
    assert same(bench.open("bank").read(ONE), Sensitive(b"theirs"))


def test_another_projects_deletion(bench: Bench) -> None:
    """Another project's deletion is not ours to undo."""
    bank = bench.open("bank")
    theirs = bank.create(declared(ONE), Sensitive(b"theirs"))
    bank.delete(theirs)
    with pytest.raises(BackendError, match="owned by project bank"):
        bench.open("shop").restore(theirs)


@pytest.mark.parametrize("write", ["rotate", "update", "disable", "move", "delete"])
def test_expected_version(bench: Bench, write: str) -> None:
    """Every write that expected another version is refused."""
    (made,) = bench.fill("one")
    stale = at(made, ONE)
    backend = bench.open()
    backend.rotate(declared(ONE), Sensitive(b"newer"), made)
    with pytest.raises(VersionConflict):
        _writes(backend, stale)[write]()
    assert same(backend.read(ONE), Sensitive(b"newer"))


@pytest.mark.parametrize("write", ["rotate", "update", "move"])
def test_ownership_is_taken_with_all_versions(bench: Bench, write: str) -> None:
    """An unmarked secret becomes ours, and every version of it opens under its new owner."""
    elsewhere = bench.open("")  # an empty owner and none are bound alike
    entry = elsewhere.create(declared(ONE), Sensitive(b"v1"))
    entry = elsewhere.rotate(declared(ONE), Sensitive(b"v2"), entry)
    elsewhere.close()
    with bench.by_hand() as db:
        db.execute("UPDATE secret SET owner = NULL")
    backend = bench.open("shop")
    assert same(backend.read(ONE), Sensitive(b"v2"))
    _writes(backend, entry)[write]()
    address, current = (TWO, b"v2") if write == "move" else (ONE, b"ours" if write == "rotate" else b"v2")
    assert _observed(backend)[address].owner == "shop"
    assert same(backend.read(address), Sensitive(current))
    with bench.by_hand() as db:
        db.execute("UPDATE secret SET version = 1 WHERE version IS NOT NULL")
    bench.mark_again()
    assert same(backend.read(address), Sensitive(b"v1"))


def test_disable_and_delete_leave_an_unmarked_owner(bench: Bench) -> None:
    """Only a write of value, tags or name takes ownership."""
    (made,) = bench.fill("one")
    with bench.by_hand() as db:
        db.execute("UPDATE secret SET owner = NULL")
    assert bench.open().set_enabled(made, enabled=False).owner is None


def test_threads_share_a_backend(bench: Bench) -> None:
    """Writes and reads from several threads at once all land, although one at a time is declared."""
    backend = bench.open()
    names = [Address("s", f"n-{number}") for number in range(24)]

    def write_and_read(address: Address) -> bool:
        backend.create(declared(address), Sensitive(address.ref.encode()))
        return same(backend.read(address), Sensitive(address.ref.encode())) and address in _observed(backend)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(write_and_read, names))


WRITER = """
import sys
from pathlib import Path
from syncer.backends.local import LocalBackend
from syncer.errors import VersionConflict
from syncer.model import Address
from syncer.sensitive import Sensitive
from syncer.testing.base import context, declared

name, folder = sys.argv[1], Path(sys.argv[2])
backend = LocalBackend.open({}, context(folder, "shop"))
shared, done = Address("s", "shared"), 0
for number in range(25):
    backend.create(declared(Address("s", f"{name}-{number}")), Sensitive(f"{name}-{number}".encode()))
while done < 25:
    try:
        (entry,) = [e for e in backend.observe(["s"], []) if e.address == shared]
        backend.rotate(declared(shared), Sensitive(name.encode()), entry)
        done += 1
    except VersionConflict:
        pass
backend.close()
"""


def _python(script: str, *arguments: str) -> subprocess.Popen[bytes]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", script, *arguments], env=environ, stderr=subprocess.PIPE)


def test_two_processes(bench: Bench) -> None:
    """Two processes that write at once lose nothing, and no version is given twice."""
    bench.fill("shared")
    running = [_python(WRITER, name, str(bench.folder)) for name in ("left", "right")]
    assert [process.communicate(timeout=60)[1] for process in running] == [b"", b""]
    backend = bench.open()
    entries = _observed(backend)
    assert len(entries) == 51
    assert entries[Address("s", "shared")].version == "51"
    assert all(same(backend.read(a), Sensitive(a.ref.encode())) for a in entries if a.ref != "shared")


def test_two_processes_make_the_store(bench: Bench) -> None:
    """Two processes that both make the first write agree on one store."""
    script = WRITER.partition("while")[0]
    running = [_python(script, name, str(bench.folder)) for name in ("left", "right")]
    assert [process.communicate(timeout=60)[1] for process in running] == [b"", b""]
    assert len(_observed(bench.open())) == 50


KILLED = """
import os, sys
from pathlib import Path
from syncer.backends.local import LocalBackend
from syncer.model import Address
from syncer.sensitive import Sensitive
from syncer.testing.base import context, declared

backend = LocalBackend.open({}, context(Path(sys.argv[1]), "shop"))
backend.create(declared(Address("s", "one")), Sensitive(b"one"))
with backend._store.writing() as db:
    db.execute("UPDATE secret SET description = 'half'")
    os._exit(0)
"""


def test_killed_in_a_transaction(bench: Bench) -> None:
    """What was committed before a kill is there, what was begun is not, and nobody has to repair anything."""
    assert _python(KILLED, str(bench.folder)).communicate(timeout=60)[1] == b""
    backend = bench.open()
    assert _observed(backend)[ONE].description == ""
    assert same(backend.read(ONE), Sensitive(b"one"))
    backend.create(declared(TWO), Sensitive(b"two"))


def test_killed_at_birth(bench: Bench) -> None:
    """A file that was born and never written, or made and not yet laid out, is an empty store."""
    bench.path.parent.mkdir()
    bench.path.touch()
    assert _observed(bench.open()) == {}
    with bench.by_hand() as db:
        db.execute("PRAGMA journal_mode=WAL")
    assert bench.path.stat().st_size > 0
    assert _observed(bench.open()) == {}
    bench.fill("one")
    assert list(_observed(bench.open())) == [ONE]


def test_plan_while_another_applies(bench: Bench) -> None:
    """A reader sees the last finished write while another is being made."""
    (made,) = bench.fill("one")
    writer, reader = bench.open(), LocalBackend.open({}, context(bench.folder, "shop"))
    bench.opened.append(reader)
    with writer._store.writing() as db:
        db.execute("UPDATE secret SET description = 'half'")
        assert list(reader.observe(["s"], [])) == [made]


def test_versions_that_are_kept(bench: Bench) -> None:
    """As many as the options say, the current one among them, also of a disabled secret; others are NotFound."""
    backend = bench.open(keep_versions=2)
    seen = backend.create(declared(ONE), Sensitive(b"1"))
    for number in (2, 3):
        seen = backend.rotate(declared(ONE), Sensitive(str(number).encode()), seen)
    backend.set_enabled(seen, enabled=False)
    assert [backend.read_version(ONE, version).reveal() for version in ("2", "3")] == [b"2", b"3"]
    with pytest.raises(NotFound, match="s:one: version 1 is not in the store") as caught:
        backend.read_version(ONE, "1")
    assert caught.value.hint == "it keeps the newest 2 versions"


def test_versions_move_with_their_secret(bench: Bench) -> None:
    """The new name has all of them, the old one none."""
    backend = bench.open()
    made = backend.create(declared(ONE), Sensitive(b"1"))
    backend.move(declared(TWO), backend.rotate(declared(ONE), Sensitive(b"2"), made))
    assert [backend.read_version(TWO, version).reveal() for version in ("1", "2")] == [b"1", b"2"]
    for version in ("1", "2"):
        with pytest.raises(NotFound):
            backend.read_version(ONE, version)


def test_a_damaged_older_version(bench: Bench) -> None:
    """Is Corrupt, as a damaged current one; one that was put in another's place does not open."""
    backend = bench.open()
    made = backend.create(declared(ONE), Sensitive(b"1"))
    backend.rotate(declared(ONE), Sensitive(b"2"), made)
    with bench.by_hand() as db:
        db.execute("UPDATE version SET sealed = (SELECT sealed FROM version WHERE version = 2) WHERE version = 1")
    with pytest.raises(Corrupt):
        backend.read_version(ONE, "1")
    assert backend.read_version(ONE, "2").reveal() == b"2"


def test_no_store_has_no_version(tmp_path: Path) -> None:
    """NotFound, without a call."""
    backend = LocalBackend.open({}, context(tmp_path, "p"))
    with pytest.raises(NotFound):
        backend.read_version(ONE, "1")
    assert backend.meter.total.calls == 0
