"""The journal: what it says after a crash, and that nobody else can make it say anything."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from state_samples import LINEAGE, ONE, RECORD, SMALL, TWO, addresses, exit_code, keyring, records, state_file

from syncer.crypto import mac
from syncer.errors import StateError
from syncer.model import Address
from syncer.state.file import StateFile
from syncer.state.journal import Journal, Replay, replay
from syncer.state.journal_file import JournalFile, read_journal
from syncer.state.model import Record, State, canonical

KEY = b"k" * 32
OTHER = "11111111-2222-4333-8444-555555555555"
KNOWN = replace(RECORD, version="7")
THREE = Address("global", "three")


def journal(folder: Path, *, serial: int = 3, lineage: str = LINEAGE) -> Journal:
    """Start a journal under `KEY`."""
    return Journal(JournalFile(folder / "j"), KEY, lineage=lineage, serial=serial)


def replayed(path: Path, key: bytes = KEY) -> Replay | None:
    """Replay a file."""
    content = read_journal(path)
    return None if content is None else replay(content, key, path.name)


def filled(folder: Path) -> bytes:
    """Give the bytes of a journal with two intents and one result."""
    started = journal(folder)
    started.intend([(ONE, RECORD), (TWO, None)])
    started.record([(ONE, KNOWN)])
    started.close()
    content = (folder / "j").read_bytes()
    (folder / "j").unlink()
    return content


def put(folder: Path, content: bytes) -> Replay | None:
    """Replay any content."""
    (folder / "j").write_bytes(content)
    return replayed(folder / "j")


# What it says.


@given(entries=st.lists(st.tuples(addresses, st.none() | records, st.booleans()), max_size=8))
@settings(max_examples=50, deadline=None)
def test_the_last_word_on_each_address_counts(entries: list[tuple[Address, Record | None, bool]]) -> None:
    """A replay is a fold: intents and results alike, later ones over earlier ones."""
    with tempfile.TemporaryDirectory() as name:
        started = journal(Path(name))
        for address, record, intent in entries:
            (started.intend if intent else started.record)([(address, record)])
        started.close()
        expected = {address: record for address, record, _ in entries}
        assert replayed(Path(name) / "j") == Replay(lineage=LINEAGE, serial=3, entries=len(entries), records=expected)


def test_a_journal_is_private_and_starts_once(tmp_path: Path) -> None:
    """0600; one that is there belongs to a run that was not replayed, and is never written over."""
    started = journal(tmp_path)
    assert (tmp_path / "j").stat().st_mode & 0o777 == 0o600
    with pytest.raises(StateError, match="j cannot be written: File exists"):
        journal(tmp_path)
    started.discard()
    started.close()
    assert list(tmp_path.iterdir()) == []


def test_without_a_journal_there_is_nothing_to_replay(tmp_path: Path) -> None:
    """Nor with one whose first line was cut off."""
    assert replayed(tmp_path / "j") is None
    assert put(tmp_path, b"") is None


def test_threads_share_a_journal(tmp_path: Path) -> None:
    """Lines of one thread never stand inside those of another, and the chain holds."""
    started = journal(tmp_path)

    def work(number: int) -> None:
        for turn in range(40):
            started.record([(Address(f"s{number}", f"r{turn}"), RECORD)])

    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    started.close()
    left = replayed(tmp_path / "j")
    assert left is not None
    assert len(left.records) == 160


# Cut off, damaged, forged.


def test_a_journal_cut_off_anywhere_is_as_if_the_rest_was_never_written(tmp_path: Path) -> None:
    """A crash ends a line in the middle; whole lines before it count."""
    content = filled(tmp_path)
    ends = [position + 1 for position, byte in enumerate(content) if byte == ord("\n")]
    expected: list[dict[Address, Record | None] | None] = [
        None,
        {},
        {ONE: RECORD},
        {ONE: RECORD, TWO: None},
        {ONE: KNOWN, TWO: None},
    ]
    for length in range(len(content) + 1):
        left = put(tmp_path, content[:length])
        whole = sum(end <= length for end in ends)
        assert (None if left is None else dict(left.records)) == expected[whole]


def test_a_flipped_bit_is_refused_and_its_line_named(tmp_path: Path) -> None:
    """Only the last newline is different: without it the last line was cut off."""
    content = filled(tmp_path)
    for position in range(len(content) - 1):
        damaged = bytearray(content)
        damaged[position] ^= 0x04
        line = content[:position].count(b"\n") + 1
        with pytest.raises(StateError, match=f"line {line} of j is damaged"):
            put(tmp_path, bytes(damaged))


@pytest.mark.parametrize(
    "order", [[0, 2, 1, 3], [0, 1, 3], [0, 3], [1, 2, 3], [0, 1, 1, 2, 3], [0, 1, 2, 3, 3], [0, 0]]
)
def test_lines_swapped_removed_or_repeated_are_refused(tmp_path: Path, order: list[int]) -> None:
    """Each line's MAC covers the one before it."""
    lines = filled(tmp_path).splitlines(keepends=True)
    with pytest.raises(StateError, match="of j is damaged"):
        put(tmp_path, b"".join(lines[number] for number in order))


@pytest.mark.parametrize(
    "content", [b"\n", b"\0\0\n", b"\xff\xfe \xff\n", b"{}\n", b"[" * 100_000 + b"\n", b'{"lineage":"x"} hmac:00\n']
)
def test_what_is_no_journal_is_refused(tmp_path: Path, content: bytes) -> None:
    """Nothing is read from a line before its MAC is right."""
    with pytest.raises(StateError, match="line 1 of j"):
        put(tmp_path, content)


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    """Nor does a line of one journal fit into another."""
    (tmp_path / "j").write_bytes(filled(tmp_path))
    with pytest.raises(StateError, match="written under another key"):
        replayed(tmp_path / "j", b"o" * 32)


def test_an_authentic_journal_of_another_version_is_named(tmp_path: Path) -> None:
    """What this version cannot read was not written by it, and is not dropped."""
    head = canonical({"lineage": LINEAGE, "serial": 3})
    first = mac(KEY, head)
    entry = canonical({"kind": "result", "address": str(ONE), "record": {"shape": "of tomorrow"}})
    content = head + b" " + first.encode() + b"\n" + entry + b" " + mac(KEY, first.encode() + entry).encode() + b"\n"
    with pytest.raises(StateError, match="written by another version of syncer"):
        put(tmp_path, content)


def test_a_directory_in_its_place_is_named(tmp_path: Path) -> None:
    """It cannot be read, and an apply cannot start."""
    (tmp_path / "j").mkdir()
    with pytest.raises(StateError, match="j cannot be read: Is a directory"):
        replayed(tmp_path / "j")
    with pytest.raises(StateError, match="j cannot be written: File exists"):
        journal(tmp_path)


# Folded into the state.


def left_behind(folder: Path, state: State, *, lineage: str = LINEAGE) -> None:
    """Leave the journal of a run on `state` that put `KNOWN` at one new address."""
    started = state_file(folder).journal(state, lineage)
    started.intend([(THREE, RECORD)])
    started.record([(THREE, KNOWN)])
    started.close()


def test_a_left_journal_counts_for_reading_and_is_folded_once(tmp_path: Path) -> None:
    """A plan sees it without writing; the next writer makes a state of it and removes it."""
    stored = state_file(tmp_path)
    stored.write(SMALL)
    left_behind(tmp_path, SMALL)
    read = stored.read()
    assert read == SMALL.advance({THREE: KNOWN}, lineage=LINEAGE, steps=2)
    assert (tmp_path / "state.json.journal").exists()
    assert stored.fold() == read
    assert not (tmp_path / "state.json.journal").exists()
    assert state_file(tmp_path).read() == read
    assert stored.fold() == read


def test_a_journal_without_a_state_is_the_first_run(tmp_path: Path) -> None:
    """Killed before its state was written, it is all that is remembered, the lineage included."""
    left_behind(tmp_path, State(project="shop"))
    stored = state_file(tmp_path)
    assert stored.exists
    assert stored.fold() == State(project="shop", lineage=LINEAGE, serial=2, records={THREE: KNOWN})


def test_the_journal_of_a_run_that_wrote_its_state_is_over(tmp_path: Path) -> None:
    """Killed between state and removal: nothing is put twice."""
    stored = state_file(tmp_path)
    stored.write(SMALL)
    left_behind(tmp_path, SMALL)
    after = SMALL.advance({THREE: replace(KNOWN, version="8")}, lineage=LINEAGE)
    stored.write(after)
    assert stored.read() == after
    assert stored.fold() == after
    assert not (tmp_path / "state.json.journal").exists()


def test_no_moment_of_an_apply_has_the_serial_of_another(tmp_path: Path) -> None:
    """What is read in the middle never passes for what is read at the end, nor for what a later run makes of it."""
    stored = state_file(tmp_path)
    stored.write(SMALL)
    started = stored.journal(SMALL, LINEAGE)
    seen = [stored.read().serial]
    for put in (lambda: started.intend([(ONE, RECORD), (THREE, RECORD)]), lambda: started.record([(THREE, KNOWN)])):
        put()
        seen.append(stored.read().serial)
    assert seen == [3, 5, 6]
    stored.write(SMALL.advance({THREE: KNOWN}, lineage=LINEAGE, steps=started.serial_steps))
    started.discard()
    assert stored.read().serial == 7


def test_a_crashed_apply_keeps_the_serial_that_was_read(tmp_path: Path) -> None:
    """A plan that was made of what it left can be applied by the next run, which folds it."""
    stored = state_file(tmp_path)
    stored.write(SMALL)
    left_behind(tmp_path, SMALL)
    assert stored.read().serial == stored.fold().serial == state_file(tmp_path).read().serial == 5


def test_a_run_that_ended_before_its_first_write_changed_nothing(tmp_path: Path) -> None:
    """Its journal goes, and the state stays as it was, byte for byte."""
    stored = state_file(tmp_path)
    stored.write(SMALL)
    before = (tmp_path / "state.json").read_bytes()
    stored.journal(SMALL, LINEAGE).close()
    assert stored.read() == stored.fold() == SMALL
    assert ((tmp_path / "state.json").read_bytes(), (tmp_path / "state.json.journal").exists()) == (before, False)


def test_after_a_failed_fsync_nothing_more_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one would succeed although the lines before it may be lost."""
    started = journal(tmp_path)
    real, fails = os.fsync, [True]

    def once(descriptor: int) -> None:
        if fails:
            fails.clear()
            raise OSError(5, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", once)
    for attempt in (
        lambda: started.intend([(ONE, RECORD)]),
        lambda: started.intend([(TWO, RECORD)]),
        lambda: started.record([(TWO, RECORD)]),
        started.check,
    ):
        with pytest.raises(StateError, match="Input/output error"):
            attempt()
    started.close()
    left = replayed(tmp_path / "j")
    assert left is not None
    assert left.records.keys() <= {ONE}


@pytest.mark.parametrize(
    ("state", "lineage"),
    [
        (replace(SMALL, serial=4), LINEAGE),
        (SMALL, OTHER),
        (replace(SMALL, serial=2), OTHER),
    ],
    ids=["older state restored", "another lineage", "another lineage, further on"],
)
def test_the_journal_of_another_state_is_refused_and_kept(tmp_path: Path, state: State, lineage: str) -> None:
    """Somebody restored the wrong file: nothing is dropped silently."""
    stored = state_file(tmp_path)
    stored.write(SMALL)
    left_behind(tmp_path, state, lineage=lineage)
    for attempt in (stored.read, stored.fold):
        with pytest.raises(StateError, match="belongs to another state"):
            attempt()
    assert (tmp_path / "state.json.journal").exists()
    assert (tmp_path / "state.json").exists()


def test_a_journal_whose_state_is_gone_is_refused(tmp_path: Path) -> None:
    """Its run went on from records that are lost."""
    left_behind(tmp_path, SMALL)
    with pytest.raises(StateError, match="belongs to another state"):
        state_file(tmp_path).fold()


class Meddling:
    """A keyring whose first use lets another run end and the next one begin, between file and journal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ring = keyring(folder)
        self.meddled = 0

    def key_id(self) -> str:
        """Name the key, and meddle once."""
        if not self.meddled:
            self.meddled += 1
            state_file(self.folder).write(replace(SMALL, serial=4))
            left_behind(self.folder, replace(SMALL, serial=4))
        return self.ring.key_id()

    def subkey(self, label: str) -> bytes:
        """Hand on."""
        return self.ring.subkey(label)


def test_a_reader_between_two_runs_sees_one_or_the_other(tmp_path: Path) -> None:
    """File and journal are read one after the other; what does not go together is read again."""
    state_file(tmp_path).write(SMALL)
    meddling = Meddling(tmp_path)
    reader = StateFile(tmp_path / "state.json", "shop", meddling)  # type: ignore[arg-type]  # as much as a reader asks
    assert reader.read() == replace(SMALL, serial=4).advance({THREE: KNOWN}, lineage=LINEAGE, steps=2)
    assert meddling.meddled == 1


def test_reading_again_costs_nothing_until_somebody_writes(tmp_path: Path) -> None:
    """The same state, until the file or its journal moves."""
    stored = state_file(tmp_path)
    stored.write(SMALL)
    first = stored.read()
    assert stored.read() is first
    assert stored.read(authenticate=False) is not first
    first = stored.read()
    left_behind(tmp_path, SMALL)
    second = stored.read()
    assert second.records.keys() - first.records.keys() == {THREE}
    assert stored.read() is second
    stored.fold()
    assert stored.read() == second


def test_a_tampered_journal_stops_reader_and_writer(tmp_path: Path) -> None:
    """Never silently rebuilt."""
    stored = state_file(tmp_path)
    stored.write(SMALL)
    left_behind(tmp_path, SMALL)
    path = tmp_path / "state.json.journal"
    content = path.read_bytes().replace(b'"enabled":true', b'"enabled":1337', 1)
    path.write_bytes(content)
    for attempt in (stored.read, stored.fold):
        with pytest.raises(StateError, match=r"line 2 of state\.json\.journal"):
            attempt()
    assert path.read_bytes() == content


def test_an_apply_cannot_start_where_its_folder_cannot_be(tmp_path: Path) -> None:
    """A clear error, before anything is written anywhere."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(StateError, match=r"state\.json\.journal cannot be written: Not a directory"):
        state_file(tmp_path / "taken").journal(SMALL, LINEAGE)


# No room.


def write_until_full(folder: Path, limit: int) -> None:
    """Fill a journal under a file-size limit; give up with 0 where it behaved."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    started = journal(folder)
    count = 0
    with contextlib.suppress(StateError):
        while count < 1000:
            started.record([(Address("global", f"s{count}"), RECORD)])
            count += 1
    assert 0 < count < 1000
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for attempt in (started.check, lambda: started.intend([(ONE, RECORD)])):
        with pytest.raises(StateError, match="j could not be written: File too large"):
            attempt()
    started.close()
    left = replayed(folder / "j")
    assert left is not None
    assert set(left.records) == {Address("global", f"s{number}") for number in range(count)}


@pytest.mark.parametrize("limit", [1000, 1500, 1501, 1777, 2048])
def test_a_line_that_does_not_fit_is_taken_back(tmp_path: Path, limit: int) -> None:
    """Short writes: what stood before stays readable, and nothing is written behind a gap."""
    assert exit_code(write_until_full, tmp_path, limit) == 0


def no_room_at_all(folder: Path) -> None:
    """Start a journal where not one line fits."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
    with pytest.raises(StateError, match="j cannot be written: File too large"):
        journal(folder)
    assert (folder / "j").read_bytes() == b""
    assert replayed(folder / "j") is None


def test_a_journal_without_room_for_its_first_line_does_not_start(tmp_path: Path) -> None:
    """And leaves nothing that would be replayed."""
    assert exit_code(no_room_at_all, tmp_path) == 0


@pytest.mark.parametrize("refused", ["intend", "record"])
def test_a_disk_that_takes_nothing_is_an_error(tmp_path: Path, refused: str) -> None:
    """`/dev/full` answers each write with ENOSPC; its path is named, and the next step is safe."""
    started = journal(tmp_path)
    full = os.open("/dev/full", os.O_WRONLY)
    assert isinstance(started.sink, JournalFile)
    os.dup2(full, started.sink._descriptor)
    os.close(full)
    with pytest.raises(StateError, match="j cannot be written: No space left on device"):
        getattr(started, refused)([(ONE, RECORD)])
    started.close()


def test_an_intent_that_is_not_durable_is_an_error(tmp_path: Path) -> None:
    """A descriptor that takes bytes but cannot be synced, as a pipe, counts as not written."""
    started = journal(tmp_path)
    reading, writing = os.pipe()
    assert isinstance(started.sink, JournalFile)
    os.dup2(writing, started.sink._descriptor)
    os.close(writing)
    try:
        with pytest.raises(StateError, match="j cannot be written: Invalid argument"):
            started.intend([(ONE, RECORD)])
    finally:
        started.close()
        os.close(reading)
