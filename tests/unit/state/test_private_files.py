"""Files that are replaced as a whole, and the drafts that a killed writer left."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from syncer.state import files
from syncer.state.files import replace_file, sweeping

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DRAFT = "x.0123abcd.tmp"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file beside which a draft was left, and what looks like one and is none of its."""
    path = tmp_path / "x"
    path.write_text("old")
    for name in (DRAFT, "x.0123abcd.tmp.mine", "x.mine.tmp", "y.0123abcd.tmp", "xx.0123abcd.tmp"):
        (tmp_path / name).write_text("draft")
    return path


@contextmanager
def held(folder: Path, how: int) -> Iterator[None]:
    """Lock a folder as another writer does."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def write(path: Path) -> set[str]:
    """Replace a file, and name what stands beside it."""
    with sweeping(path):
        replace_file(path, b"new")
    assert path.read_text() == "new"
    return {found.name for found in path.parent.iterdir()} - {"x"}


def test_a_draft_that_was_left_is_removed(path: Path) -> None:
    """And nothing else is."""
    assert write(path) == {"x.0123abcd.tmp.mine", "x.mine.tmp", "y.0123abcd.tmp", "xx.0123abcd.tmp"}


def test_a_draft_of_somebody_who_still_writes_stays(path: Path) -> None:
    """He is not waited for either; nor is whoever else writes then."""
    with held(path.parent, fcntl.LOCK_SH), held(path.parent, fcntl.LOCK_SH):
        assert DRAFT in write(path)
    with sweeping(path):
        (path.parent / DRAFT).write_text("draft")
        assert DRAFT in write(path)
    assert DRAFT not in write(path)


def test_folders_that_cannot_be_locked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can tell whose a draft is, so it stays."""

    def fail(*_given: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(files.fcntl, "flock", fail)
    assert DRAFT in write(path)


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640, 0o444])
def test_the_mode(tmp_path: Path, mode: int) -> None:
    """Is there from the first moment, whatever the umask; drafts stand where they are to."""
    drafts = tmp_path / "drafts"
    drafts.mkdir()
    path = tmp_path / ("x" * 255)
    for content in (b"one", b"two"):
        replace_file(path, content, mode=mode, drafts=drafts)
        assert stat.S_IMODE(path.stat().st_mode) == mode
        assert path.read_bytes() == content
    assert list(drafts.iterdir()) == []
