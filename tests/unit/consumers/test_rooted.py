"""Files below a folder, and nothing else."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from syncer.consumers.rooted import MAX_BYTES, read_below
from syncer.errors import AccessDenied, InvalidConfiguration, NotFound, SyncerError, Unsupported

if TYPE_CHECKING:
    from pathlib import Path

VALUE = b" value\r\n\0\xff\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a file in it, and one beside it."""
    (tmp_path / "root/deep").mkdir(parents=True)
    (tmp_path / "root/deep/file").write_bytes(VALUE)
    (tmp_path / "root-not").mkdir()
    (tmp_path / "root-not/file").write_bytes(b"outside")
    (tmp_path / "outside").write_bytes(b"outside")
    return tmp_path / "root"


def got(root: Path, path: str) -> bytes:
    """Read one."""
    return read_below([root], path).reveal()


def refused(root: Path, path: str) -> SyncerError:
    """Read in vain; nothing else hides behind the error."""
    with pytest.raises(SyncerError) as caught:
        read_below([root], path)
    assert caught.value.__context__ is None
    return caught.value


def test_a_file_byte_for_byte(root: Path) -> None:
    """By a path below the root or a whole one."""
    assert got(root, "deep/file") == got(root, "./deep//file") == got(root, str(root / "deep/file")) == VALUE


def test_several_roots(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first in which there is one; they may be relative, with dots, and links themselves."""
    other = root.with_name("root-not")
    assert read_below([other, root], "deep/file").reveal() == VALUE
    assert read_below([root, other], "file").reveal() == b"outside"
    monkeypatch.chdir(tmp_path / "root/deep")
    assert read_below([tmp_path / "root/../root"], str(root / "deep/file")).reveal() == VALUE
    (tmp_path / "link").symlink_to(root)
    assert got(tmp_path / "link", "deep/file") == VALUE


def test_no_root_at_all(root: Path) -> None:
    """Nothing is read unless somebody says from where."""
    with pytest.raises(AccessDenied, match="no folder is named") as caught:
        read_below([], str(root / "deep/file"))
    assert "--root" in str(caught.value.hint)


@pytest.mark.parametrize("path", ["", ".", "..", "../outside", "deep/../deep/file", "deep/..", "a\0b"])
def test_paths_that_are_none(root: Path, path: str) -> None:
    """Neither empty nor with dots that lead up, nor NUL."""
    error = refused(root, path)
    assert isinstance(error, InvalidConfiguration)
    assert "outside" not in error.message


@pytest.mark.parametrize("path", ["nothing", "deep/file/x", "x" * 300, "\ud800"])
def test_paths_that_lead_nowhere(root: Path, path: str) -> None:
    """NotFound."""
    assert isinstance(refused(root, path), NotFound)


def test_whole_paths_outside_of_the_root(root: Path, tmp_path: Path) -> None:
    """Also one that only begins like it."""
    for path in (tmp_path / "outside", tmp_path / "root-not/file", tmp_path, "/etc/passwd", "/"):
        assert isinstance(refused(root, str(path)), NotFound)


def test_links_stay_in_their_own_folder(root: Path, tmp_path: Path) -> None:
    """As Kubernetes makes them; what leads out of the folder, or of the root by a folder that is a link, is refused."""
    (root / "..2030").mkdir()
    (root / "..2030/key").write_bytes(VALUE)
    (root / "..data").symlink_to("..2030")
    (root / "key").symlink_to("..data/key")
    assert got(root, "key") == VALUE
    (root / "up").symlink_to(tmp_path / "outside")
    (root / "deep/across").symlink_to(root / "key")
    (root / "out").symlink_to(tmp_path / "root-not")
    for path in ("up", "deep/across", "out/file"):
        error = refused(root, path)
        assert (type(error), error.message) == (AccessDenied, "a link leads out of its folder")
    (root / "dangling").symlink_to("nothing")
    assert isinstance(refused(root, "dangling"), NotFound)
    (root / "loop").symlink_to("loop")
    assert isinstance(refused(root, "loop"), AccessDenied)


def test_what_is_no_regular_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder, a pipe that nobody writes to, a socket."""
    os.mkfifo(root / "pipe")
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        for path, kind in (("deep", Unsupported), ("pipe", Unsupported), ("socket", AccessDenied)):
            assert isinstance(refused(root, path), kind), path
    assert isinstance(refused(root, str(root)), Unsupported)


def test_how_large_one_may_be(root: Path) -> None:
    """8192 bytes, and not one more."""
    (root / "full").write_bytes(b"x" * MAX_BYTES)
    (root / "more").write_bytes(b"x" * (MAX_BYTES + 1))
    assert len(got(root, "full")) == MAX_BYTES
    error = refused(root, "more")
    assert (type(error), error.message) == (Unsupported, "the file is larger than 8192 bytes")


def test_what_may_not_be_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is told."""

    def denied(*_given: object, **_named: object) -> int:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", denied)
        error = refused(root, "deep/file")
    assert (type(error), error.message) == (AccessDenied, "the file cannot be read: permission denied")


def test_a_file_that_is_swapped_for_a_link_meanwhile(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the opening: the link is not followed."""
    from syncer.consumers import rooted

    opened = rooted._open

    def swapped(top: Path, parts: tuple[str, ...]) -> int:
        (root / "deep/file").unlink()
        (root / "deep/file").symlink_to(tmp_path / "outside")
        return opened(top, parts)

    monkeypatch.setattr(rooted, "_open", swapped)
    assert isinstance(refused(root, "deep/file"), AccessDenied)
