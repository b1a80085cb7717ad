"""The state file: what is written is read again, and nothing else ever is."""

from __future__ import annotations

import errno
import json
import os
import random
import stat
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from state_samples import KEY, LINEAGE, NOW, ONE, RECORD, SMALL, TWO, records, state_file, states

from syncer import __version__
from syncer.errors import StateError
from syncer.model import Address
from syncer.schemas import load_schema
from syncer.state.files import replace_file
from syncer.state.model import State, parse_record, record_document, timestamp

if TYPE_CHECKING:
    from syncer.state.file import StateFile


def written(folder: Path, state: State = SMALL) -> bytes:
    """Write a state and give its bytes."""
    state_file(folder).write(state)
    return (folder / "state.json").read_bytes()


def put(folder: Path, content: bytes) -> StateFile:
    """Put a state file with any content in place."""
    (folder / "state.json").write_bytes(content)
    return state_file(folder)


def mode(path: Path) -> int:
    """Give the permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


# What was written is read.


@given(state=states)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_again(state: State) -> None:
    """Any state comes back equal, in a file that its schema allows; writing it twice gives the same bytes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = written(folder, state)
        assert state_file(folder).read() == state
        assert written(folder, state) == first
        jsonschema.Draft202012Validator(load_schema("state")).validate(json.loads(first))


@given(record=records)
@settings(max_examples=60, deadline=None)
def test_a_record_survives_its_json_form(record: object) -> None:
    """Also through text, where tuples and enums would be lost."""
    assert parse_record(json.loads(json.dumps(record_document(record)))) == record  # type: ignore[arg-type]  # a strategy of records


@given(state=states, seed=st.integers())
@settings(max_examples=30, deadline=None)
def test_the_order_of_records_does_not_show(state: State, seed: int) -> None:
    """The file is sorted by address, whatever order the records came in."""
    shuffled = list(state.records.items())
    random.Random(seed).shuffle(shuffled)  # noqa: S311  # no secret is made here
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        assert written(folder, state) == written(folder, replace(state, records=dict(shuffled)))


def test_the_file_has_one_sorted_line_for_each_record(tmp_path: Path) -> None:
    """A diff names the secrets that moved, and nothing else."""
    many = {Address("global", f"s{number:02}"): RECORD for number in range(20)}
    before = written(tmp_path, replace(SMALL, records=many)).splitlines()
    moved = {**many, Address("global", "s07"): replace(RECORD, version="2")}
    after = written(tmp_path, replace(SMALL, records=moved)).splitlines()
    rows = [line for line in before if line.startswith(b"    ")]
    assert len(rows) == 20
    assert rows == sorted(rows)
    differing = [new.split(b":")[0].strip() for old, new in zip(before, after, strict=True) if old != new]
    assert differing == [b'"global', b'"mac"']


def test_an_empty_state_is_valid_too(tmp_path: Path) -> None:
    """All records may be gone; lineage and serial stay."""
    empty = replace(SMALL, records={})
    document = json.loads(written(tmp_path, empty))
    jsonschema.Draft202012Validator(load_schema("state")).validate(document)
    assert state_file(tmp_path).read() == empty


def test_without_a_file_nothing_is_remembered(tmp_path: Path) -> None:
    """The first run starts from an empty state at serial 0."""
    stored = state_file(tmp_path)
    assert not stored.exists
    assert stored.read() == State(project="shop")
    assert stored.fold() == State(project="shop")


def test_the_document_is_what_the_file_says(tmp_path: Path) -> None:
    """A program that shows the state shows what stands there."""
    content = written(tmp_path)
    assert state_file(tmp_path).document() == json.loads(content)


def test_an_advance_puts_drops_and_counts() -> None:
    """The next state keeps its lineage; dropping what is not there is no error."""
    after = SMALL.advance({ONE: None, Address("a", "b"): RECORD, Address("no", "where"): None}, lineage="other")
    assert set(after.records) == {TWO, Address("a", "b")}
    assert (after.serial, after.lineage) == (4, LINEAGE)
    assert State(project="shop").advance({}, lineage=LINEAGE).lineage == LINEAGE


def test_a_moment_is_written_as_rfc_3339() -> None:
    """Whole seconds, in UTC."""
    assert timestamp(NOW) == "2026-03-01T12:30:45Z"


# What was not written is never read.


def test_a_flipped_bit_anywhere_is_refused(tmp_path: Path) -> None:
    """Never another state, never another error, for each byte of the file."""
    content = written(tmp_path)
    for position in range(len(content)):
        for bit in (0x01, 0x20, 0x80):
            damaged = bytearray(content)
            damaged[position] ^= bit
            with pytest.raises(StateError):
                put(tmp_path, bytes(damaged)).read()


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    """A copy that broke off is no state, also where what is left is valid JSON."""
    content = written(tmp_path)
    for length in range(len(content)):
        with pytest.raises(StateError):
            put(tmp_path, content[:length]).read()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 64,
        b"\xff\xfe\xfd",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"{}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 10_000,
        b'{"format_version": "1"}',
        b'{"format_version": "1", "project": "shop"}',
        b'{"format_version": "1", "project": "shop", "key_id": 7, "records": []}',
        b'{"format_version": ["1"], "project": "shop"}',
    ],
    ids=lambda content: repr(content[:24]),
)
@pytest.mark.parametrize("authenticate", [True, False])
def test_what_is_no_state_is_refused(tmp_path: Path, content: bytes, *, authenticate: bool) -> None:
    """Whatever stands there: with the key and without."""
    with pytest.raises(StateError):
        put(tmp_path, content).read(authenticate=authenticate)


@given(content=st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_random_bytes_are_refused(content: bytes) -> None:
    """Only a StateError comes out."""
    with tempfile.TemporaryDirectory() as name, pytest.raises(StateError):
        put(Path(name), content).read()


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (["records"], []),
        (["records", str(ONE), "tags"], "gold"),
        (["records", str(ONE), "enabled"], "yes"),
        (["records", str(ONE), "version"], 7),
        (["records", str(ONE), "fingerprint"], "hmac:1:2"),
        (["records", str(ONE), "created"], "yesterday"),
        (["records", str(ONE), "on_remove"], "explode"),
        (["records", str(ONE)], None),
        (["serial"], "three"),
        (["serial"], 0),
        (["lineage"], None),
    ],
    ids=repr,
)
def test_without_the_key_the_shape_still_counts(tmp_path: Path, path: list[str], wrong: object) -> None:
    """A plan without the key cannot verify, but it never works on what no version of syncer writes."""
    document = json.loads(written(tmp_path))
    place = document
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = wrong
    with pytest.raises(StateError, match="truncated or damaged"):
        put(tmp_path, json.dumps(document).encode()).read(authenticate=False)


def test_without_the_key_the_state_is_readable(tmp_path: Path) -> None:
    """Planning without values needs no key."""
    written(tmp_path)
    other = state_file(tmp_path, key=bytes(32))
    assert other.read(authenticate=False) == SMALL


@pytest.mark.parametrize("change", [b"  ", b"\n", b"\t"])
def test_another_layout_is_refused(tmp_path: Path, change: bytes) -> None:
    """The MAC covers the bytes: an editor that saved the file changed it."""
    content = written(tmp_path)
    with pytest.raises(StateError, match="changed by something other than syncer"):
        put(tmp_path, content + change).read()
    with pytest.raises(StateError, match="changed by something other than syncer"):
        put(tmp_path, json.dumps(json.loads(content)).encode()).read()


def test_another_key_is_named(tmp_path: Path) -> None:
    """Both keys are named in public, so that one sees which to look for."""
    written(tmp_path)
    with pytest.raises(StateError, match="another project key") as caught:
        state_file(tmp_path, key=bytes(32)).read()
    named = json.loads((tmp_path / "state.json").read_bytes())["key_id"]
    assert named in caught.value.message
    assert caught.value.hint is not None
    assert named not in caught.value.hint


def test_another_key_cannot_be_claimed(tmp_path: Path) -> None:
    """A state that names our key but was signed under another one is refused."""
    state_file(tmp_path, key=bytes(32)).write(SMALL)
    foreign = json.loads((tmp_path / "state.json").read_bytes())["key_id"].encode()
    ours = json.loads(written(tmp_path / "ours"))["key_id"].encode()
    content = (tmp_path / "state.json").read_bytes().replace(foreign, ours)
    with pytest.raises(StateError, match="changed by something other than syncer"):
        put(tmp_path, content).read()


def test_another_project_is_named(tmp_path: Path) -> None:
    """Two projects never share a state."""
    written(tmp_path)
    with pytest.raises(StateError, match="belongs to project shop, the manifest to depot"):
        state_file(tmp_path, project="depot").read()


def test_a_newer_format_names_the_version_that_wrote_it(tmp_path: Path) -> None:
    """The next step is to install that version."""
    content = written(tmp_path).replace(b'"format_version": "1"', b'"format_version": "2"')
    content = content.replace(f'"syncer_version": "{__version__}"'.encode(), b'"syncer_version": "9.1.0"')
    with pytest.raises(StateError, match=r"written by syncer 9\.1\.0") as caught:
        put(tmp_path, content).read()
    assert caught.value.hint == "use syncer 9.1.0 or newer"


# Paths that are no plain files.


def test_a_directory_in_its_place_is_named(tmp_path: Path) -> None:
    """Neither read nor written, and what is there stays."""
    (tmp_path / "state.json").mkdir()
    with pytest.raises(StateError, match=r"state\.json cannot be read: "):
        state_file(tmp_path).read()
    with pytest.raises(StateError, match=r"state\.json cannot be written: "):
        state_file(tmp_path).write(SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_a_loop_of_links_is_named(tmp_path: Path) -> None:
    """It can be neither read nor followed."""
    (tmp_path / "state.json").symlink_to("state.json")
    with pytest.raises(StateError, match=r"state\.json cannot be read: "):
        state_file(tmp_path).read()


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    """Those who share its target see what is written; backup and journal stand beside the target."""
    shared = tmp_path / "shared"
    shared.mkdir()
    link = tmp_path / "state.json"
    link.symlink_to(shared / "real.json")
    state_file(tmp_path).write(SMALL)
    state_file(tmp_path).write(replace(SMALL, serial=4))
    assert link.is_symlink()
    assert sorted(path.name for path in shared.iterdir()) == ["real.json", "real.json.backup"]
    assert state_file(tmp_path).read().serial == 4


def test_a_file_where_its_folder_should_be_is_named(tmp_path: Path) -> None:
    """The state cannot be written below a file."""
    (tmp_path / "taken").write_text("")
    below = state_file(tmp_path / "taken")
    with pytest.raises(StateError, match=r"state\.json cannot be written: Not a directory"):
        below.write(SMALL)


# Written whole or not at all.


def test_the_backup_is_the_state_before(tmp_path: Path) -> None:
    """One backup, byte for byte; none before the second write."""
    first = written(tmp_path)
    backup = tmp_path / "state.json.backup"
    assert not backup.exists()
    second = written(tmp_path, replace(SMALL, serial=4))
    assert backup.read_bytes() == first
    written(tmp_path, replace(SMALL, serial=5))
    assert backup.read_bytes() == second
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state.json", "state.json.backup"]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_files_and_folder_are_private_under_any_umask(tmp_path: Path, umask: int) -> None:
    """0600 in a folder of 0700: state, backup, journal and lock."""
    folder = tmp_path / "new"
    before = os.umask(umask)
    try:
        stored = state_file(folder)
        with stored.lock("test", now=NOW, timeout=0, waiting=pytest.fail, retry=None):  # type: ignore[arg-type]  # nobody holds it
            stored.write(SMALL)
            stored.write(SMALL)
            stored.journal(SMALL, LINEAGE).close()
    finally:
        os.umask(before)
    assert mode(folder) == 0o700
    modes = {path.name: mode(path) for path in folder.iterdir()}
    assert modes == dict.fromkeys(["state.json", "state.json.backup", "state.json.journal", "state.json.lock"], 0o600)


@pytest.mark.parametrize("blocked", ["state.json", "state.json.backup"])
def test_a_failed_write_changes_nothing_and_leaves_nothing(tmp_path: Path, blocked: str) -> None:
    """Neither the file, nor its backup, nor a draft of either."""
    content = written(tmp_path)
    (tmp_path / blocked).unlink(missing_ok=True)
    (tmp_path / blocked).mkdir()
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(StateError, match=r"state\.json cannot be written"):
        state_file(tmp_path).write(replace(SMALL, serial=4))
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    if blocked != "state.json":
        assert (tmp_path / "state.json").read_bytes() == content


def test_drafts_of_killed_writers_are_removed(tmp_path: Path) -> None:
    """A run that takes over cleans up, and touches nothing else."""
    written(tmp_path)
    drafts = ["state.json.0123abcd.tmp", "state.json.backup.deadbeef.tmp"]
    others = ["state.json.notes.tmp", "state.json2.0123abcd.tmp", "0123abcd.tmp"]
    for name in drafts + others:
        (tmp_path / name).write_text("half")
    state_file(tmp_path).fold()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*others, "state.json"])


def test_a_plan_file_is_replaced_without_a_backup(tmp_path: Path) -> None:
    """Only the state keeps one."""
    path = tmp_path / "plan.json"
    replace_file(path, b"one")
    replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert [found.name for found in tmp_path.iterdir()] == ["plan.json"]
    assert mode(path) == 0o600


def test_the_key_stands_nowhere_in_the_state(tmp_path: Path) -> None:
    """Neither as bytes nor in hex."""
    content = written(tmp_path)
    assert KEY not in content
    assert KEY.hex().encode() not in content


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK])
def test_without_hard_links_the_backup_is_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Private and whole; every other error of the file system is one."""

    def link(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    written(tmp_path, SMALL)
    first = (tmp_path / "state.json").read_bytes()
    monkeypatch.setattr(os, "link", link)
    written(tmp_path, replace(SMALL, serial=4))
    backup = tmp_path / "state.json.backup"
    assert (backup.read_bytes(), backup.stat().st_mode & 0o777) == (first, 0o600)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state.json", "state.json.backup"]
    number = errno.EIO
    with pytest.raises(StateError, match="Input/output error"):
        state_file(tmp_path).write(replace(SMALL, serial=5))
    assert state_file(tmp_path).read().serial == 4
