"""The project key: found, made once, never shown, never overwritten."""

from __future__ import annotations

import base64
import errno
import os
import threading
from typing import TYPE_CHECKING

import pytest
from state_samples import exit_code

from syncer import crypto
from syncer.errors import InvalidConfiguration, StateError, SyncerError
from syncer.state.key import KEY_FILE, Keyring, make_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RAW = bytes(range(200, 232))
TEXT = base64.b64encode(RAW).decode()


def ring(folder: Path, variable: str | None = None, *, may_make: bool = False) -> Keyring:
    """A keyring with or without SYNCER_KEY."""
    environ = {} if variable is None else {"SYNCER_KEY": variable}
    return Keyring(environ, folder, may_make=lambda: may_make)


def write_key(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    """Put a key file in place."""
    path = folder / KEY_FILE
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    return path


def refused(keyring: Keyring) -> SyncerError:
    """Give the error of a key that cannot be used, after looking that it shows nothing of it."""
    with pytest.raises(InvalidConfiguration) as caught:
        keyring.key_id()
    shown = f"{caught.value.message} {caught.value.hint} {caught.value!r}"
    assert TEXT[:12] not in shown
    assert RAW.hex()[:12] not in shown
    assert caught.value.__cause__ is None
    return caught.value


@pytest.mark.parametrize("variable", [TEXT, f" {TEXT}", f"{TEXT}\n", f"\t{TEXT} \r\n"])
def test_the_variable_holds_the_key_in_base64(tmp_path: Path, variable: str) -> None:
    """Space around it is a shell's, not the key's."""
    keyring = ring(tmp_path, variable)
    assert keyring.present
    assert keyring.key_id() == crypto.key_id(RAW)
    assert keyring.subkey("label") == crypto.derive(RAW, "label")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "variable",
    [
        TEXT[:-1],
        TEXT[:-4],
        TEXT + "AAAA",
        base64.b64encode(RAW[:31]).decode(),
        base64.b64encode(RAW + b"x").decode(),
        base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        RAW.hex(),
        f"{TEXT[:20]}\n{TEXT[20:]}",
        f"{TEXT[:20]} {TEXT[20:]}",
        f"{TEXT[:-1]}é",
        " ",
        "\udcff" * 44,
        TEXT * 1000,
    ],
    ids=lambda text: repr(text[:12]) + str(len(text)),
)
def test_anything_else_in_the_variable_is_refused(tmp_path: Path, variable: str) -> None:
    """Without a word of it, and without falling back to a file."""
    write_key(tmp_path, TEXT.encode())
    error = refused(ring(tmp_path, variable))
    assert error.message == "SYNCER_KEY does not hold a project key"
    assert "openssl rand -base64 32" in (error.hint or "")


def test_the_variable_wins_over_the_file_and_an_empty_one_is_none(tmp_path: Path) -> None:
    """CI systems set a missing secret to the empty string."""
    write_key(tmp_path, base64.b64encode(bytes(32)) + b"\n")
    assert ring(tmp_path, TEXT).key_id() == crypto.key_id(RAW)
    assert ring(tmp_path, "").key_id() == crypto.key_id(bytes(32))


@pytest.mark.parametrize("content", [TEXT.encode(), TEXT.encode() + b"\n", b"  " + TEXT.encode() + b"\r\n"])
def test_the_file_holds_the_key_in_base64(tmp_path: Path, content: bytes) -> None:
    """With or without a newline."""
    write_key(tmp_path, content)
    keyring = ring(tmp_path)
    assert keyring.present
    assert keyring.key_id() == crypto.key_id(RAW)


@pytest.mark.parametrize(
    "content", [b"", b"\n", RAW, TEXT.encode()[:-1], TEXT.encode() * 2, b"\0" * 10_000, b"\xff" * 44]
)
def test_anything_else_in_the_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """And left as it is: a key that is damaged may still be mended."""
    path = write_key(tmp_path, content)
    assert refused(ring(tmp_path, may_make=True)).message == f"{KEY_FILE} does not hold a project key"
    assert path.read_bytes() == content


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o660, 0o777, 0o601, 0o610])
def test_a_file_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    """Its mode is named, and what to do."""
    write_key(tmp_path, TEXT.encode(), mode)
    error = refused(ring(tmp_path))
    assert f"(mode {mode:04o})" in error.message
    assert error.hint == f"chmod 600 {KEY_FILE}, and consider the key known"


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_of_its_owner_alone_is_fine(tmp_path: Path, mode: int) -> None:
    """Read-only too."""
    write_key(tmp_path, TEXT.encode(), mode)
    assert ring(tmp_path).key_id() == crypto.key_id(RAW)


def test_a_link_is_followed_and_its_target_judged(tmp_path: Path) -> None:
    """Keys are mounted elsewhere and linked to; the rights that count are those of the file."""
    target = tmp_path / "mounted"
    target.write_text(TEXT)
    target.chmod(0o600)
    (tmp_path / ".syncer").mkdir()
    (tmp_path / KEY_FILE).symlink_to(target)
    assert ring(tmp_path).key_id() == crypto.key_id(RAW)
    target.chmod(0o644)
    assert "can be read by others" in refused(ring(tmp_path)).message


def test_a_fifo_does_not_hang(tmp_path: Path) -> None:
    """A pipe without a writer would block for ever."""
    (tmp_path / ".syncer").mkdir()
    os.mkfifo(tmp_path / KEY_FILE, 0o600)
    assert refused(ring(tmp_path)).message == f"{KEY_FILE} is not a regular file"


def test_a_directory_is_no_key(tmp_path: Path) -> None:
    """Nor is anything made inside it."""
    (tmp_path / KEY_FILE).mkdir(parents=True)
    assert refused(ring(tmp_path, may_make=True)).message == f"{KEY_FILE} is not a regular file"
    assert list((tmp_path / KEY_FILE).iterdir()) == []


def test_a_loop_of_links_is_no_key(tmp_path: Path) -> None:
    """It is named, with the cause."""
    (tmp_path / ".syncer").mkdir()
    (tmp_path / KEY_FILE).symlink_to("key")
    assert refused(ring(tmp_path)).message.startswith(f"{KEY_FILE} cannot be read: ")


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    """Neither read nor taken for a key that is there."""
    (tmp_path / ".syncer").write_text("")
    assert "Not a directory" in refused(ring(tmp_path, may_make=True)).message
    with pytest.raises(NotADirectoryError):
        make_key(tmp_path)


def test_without_a_key_none_is_made_where_it_could_do_harm(tmp_path: Path) -> None:
    """A state or a store that is there needs the key that it was written under."""
    keyring = ring(tmp_path)
    assert not keyring.present
    error = refused(keyring)
    assert error.message == f"no project key: SYNCER_KEY is not set and {KEY_FILE} does not exist"
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_made_once_and_announced_once(tmp_path: Path) -> None:
    """0600 in a folder of 0700; the next run reads it."""
    told: list[Path] = []
    keyring = Keyring({}, tmp_path, may_make=lambda: True, announce=told.append)
    first = keyring.key_id()
    path = tmp_path / KEY_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [found.name for found in path.parent.iterdir()] == ["key"]
    again = Keyring({}, tmp_path, may_make=lambda: True, announce=told.append)
    assert again.key_id() == keyring.key_id() == first
    assert told == [path]


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    """Not even an empty one, nor one that a link without a target stands for."""
    path = write_key(tmp_path, b"")
    with pytest.raises(FileExistsError):
        make_key(tmp_path)
    assert path.read_bytes() == b""
    path.unlink()
    path.symlink_to(tmp_path / "not mounted")
    with pytest.raises(FileExistsError):
        make_key(tmp_path)
    assert [found.name for found in path.parent.iterdir()] == ["key"]
    assert not (tmp_path / "not mounted").exists()


def test_two_keys_are_never_alike(tmp_path: Path) -> None:
    """They come from the operating system's generator."""
    assert make_key(tmp_path / "a") != make_key(tmp_path / "b")


def test_who_comes_second_reads_the_key_of_the_first(tmp_path: Path) -> None:
    """Another run makes the key after we looked and before we make ours."""

    def meanwhile() -> bool:
        make_key(tmp_path)
        return True

    told: list[Path] = []
    keyring = Keyring({}, tmp_path, may_make=meanwhile, announce=told.append)
    assert keyring.key_id() == ring(tmp_path).key_id()
    assert told == []


def test_who_comes_late_reads_the_key_of_the_first(tmp_path: Path) -> None:
    """Another run makes key and state after we looked, so that we may make none any more."""

    def meanwhile() -> bool:
        make_key(tmp_path)
        return False

    assert Keyring({}, tmp_path, may_make=meanwhile).key_id() == ring(tmp_path).key_id()


def test_many_first_runs_at_once_share_one_key(tmp_path: Path) -> None:
    """Exactly one of them made it; nobody ever saw half of it."""
    start = threading.Barrier(8)
    told: list[Path] = []
    seen: list[str] = []

    def first_run(folder: Path) -> None:
        start.wait()
        seen.append(Keyring({}, folder, may_make=lambda: True, announce=told.append).key_id())

    for turn in range(20):
        folder = tmp_path / str(turn)
        threads = [threading.Thread(target=first_run, args=[folder]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == [ring(folder).key_id()] * 8
        assert told == [folder / KEY_FILE]
        assert [found.name for found in (folder / ".syncer").iterdir()] == ["key"]
        seen.clear()
        told.clear()


def no_room_for_a_key(folder: Path) -> None:
    """Make a key where only a part of it fits."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
    with pytest.raises(StateError, match=r"\.syncer/key cannot be written: File too large"):
        ring(folder, may_make=True).key_id()


def test_half_a_key_is_never_left(tmp_path: Path) -> None:
    """A full disk or a kill leaves none, so that the next run makes one."""
    assert exit_code(no_room_for_a_key, tmp_path) == 0
    assert list((tmp_path / ".syncer").iterdir()) == []
    ring(tmp_path, may_make=True).key_id()


def test_a_key_that_cannot_be_written_is_an_error_with_a_next_step(tmp_path: Path) -> None:
    """The folder is there but takes no files."""
    (tmp_path / ".syncer").symlink_to("/proc/self/fdinfo")
    with pytest.raises(StateError, match=r"\.syncer/key cannot be written: ") as caught:
        ring(tmp_path, may_make=True).key_id()
    assert caught.value.hint == "make room for it, or set SYNCER_KEY"


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK])
def test_a_key_is_made_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Never over another one, there too, and private."""
    monkeypatch.setattr(os, "link", _refusing(number))
    key = make_key(tmp_path)
    assert ring(tmp_path).key_id() == crypto.key_id(key)
    assert [(path.name, path.stat().st_mode & 0o777) for path in (tmp_path / ".syncer").iterdir()] == [("key", 0o600)]
    with pytest.raises(FileExistsError):
        make_key(tmp_path)
    assert ring(tmp_path).key_id() == crypto.key_id(key)


def test_half_a_key_is_never_left_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it cannot be made in one step, it is taken away again if it cannot be made at all."""
    monkeypatch.setattr(os, "link", _refusing(errno.EPERM))
    real, syncs = os.fsync, []

    def second(descriptor: int) -> None:
        syncs.append(descriptor)
        if len(syncs) > 1:
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", second)
    with pytest.raises(OSError, match="Input/output error"):
        make_key(tmp_path)
    assert list((tmp_path / ".syncer").iterdir()) == []


def _refusing(number: int) -> Callable[..., None]:
    def link(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return link
