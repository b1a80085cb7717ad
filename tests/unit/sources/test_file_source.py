"""The source `file`."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncer.errors import InvalidConfiguration, SourceError
from syncer.model import Address, SourceSpec
from syncer.sources.base import SourceContext
from syncer.sources.file import MAX_BYTES, FileSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CANARY = b"canary-7fa1c0de"


def read(path: Path, *, trim: bool) -> bytes:
    """Resolve a file by its absolute path."""
    spec = SourceSpec(type="file", argument=str(path), options={"trim": trim}, folder=Path("/nowhere"))
    run = SourceContext(project="p", address=Address("s", "r"), environ={}, subkey=str.encode)
    return FileSource(spec).produce(run).reveal()


@contextmanager
def unprivileged() -> Iterator[None]:
    """Give up root's right to read everything, for a while."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@given(raw=st.binary(), trim=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_bytes_come_verbatim_and_trim_drops_one_newline(tmp_path: Path, raw: bytes, trim: bool) -> None:  # noqa: FBT001
    """With `trim`, adding one newline changes nothing; without, nothing is dropped."""
    path = tmp_path / "value"
    for end in (b"\n", b"\r\n"):
        path.write_bytes(raw + end)
        if trim and not (end == b"\n" and raw.endswith(b"\r")):
            assert read(path, trim=True) == raw
        if not trim:
            assert read(path, trim=False) == raw + end


@pytest.mark.parametrize(
    ("raw", "left"),
    [
        (b"a", b"a"),
        (b"a\n", b"a"),
        (b"a\n\n", b"a\n"),
        (b"a\r\n", b"a"),
        (b"a\r", b"a\r"),
        (b" a \n", b" a "),
        (b"\n", b""),
    ],
)
def test_trim_drops_exactly_one_newline(tmp_path: Path, raw: bytes, left: bytes) -> None:
    """Never a space, a second newline or a lone carriage return."""
    (tmp_path / "f").write_bytes(raw)
    assert read(tmp_path / "f", trim=True) == left


def test_a_relative_path_starts_at_the_declaring_file(
    declare: Callable[..., Any], context: Callable[..., Any], tmp_path: Path
) -> None:
    """Not at the working directory."""
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / "tls.key").write_bytes(CANARY)
    assert declare("file", "certs/tls.key").resolve(context()).reveal() == CANARY


def test_a_link_is_followed(declare: Callable[..., Any], context: Callable[..., Any], tmp_path: Path) -> None:
    """Orchestrators mount secrets as links."""
    (tmp_path / "real").write_bytes(CANARY)
    (tmp_path / "link").symlink_to("real")
    assert declare("file", "link").resolve(context()).reveal() == CANARY


def test_the_limit_is_one_mebibyte(
    declare: Callable[..., Any], context: Callable[..., Any], tmp_path: Path, shown: Callable[..., Any]
) -> None:
    """A value at the limit is read, one byte more is refused."""
    path = tmp_path / "big"
    path.write_bytes(b"x" * MAX_BYTES)
    assert declare("file", "big").resolve(context()).reveal() == b"x" * MAX_BYTES
    path.write_bytes(CANARY * (MAX_BYTES // len(CANARY) + 1))
    with pytest.raises(SourceError, match=r"^file `big` cannot be used: larger than 1 MiB$") as caught:
        declare("file", "big").resolve(context())
    assert CANARY.decode() not in shown(caught.value)


def test_an_endless_file_is_refused(declare: Callable[..., Any], context: Callable[..., Any]) -> None:
    """A device is no file, however ready it is to be read."""
    with pytest.raises(SourceError, match="not a regular file"):
        declare("file", "/dev/zero").resolve(context())


def _missing(path: Path) -> None:
    assert not path.exists()


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _socket(path: Path) -> None:
    # Bound by a short relative name: the address of a socket has about 100 bytes.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize(
    ("prepare", "cause"),
    [
        (_missing, "no such file or directory"),
        (Path.mkdir, "not a regular file"),
        (os.mkfifo, "not a regular file"),
        (_socket, "no such device or address"),
        (_loop, "too many levels of symbolic links"),
    ],
)
def test_what_cannot_be_read_is_named_as_declared(
    declare: Callable[..., Any],
    context: Callable[..., Any],
    tmp_path: Path,
    prepare: Callable[[Path], None],
    cause: str,
) -> None:
    """The path as written in the manifest and the cause; a named pipe must not make us wait."""
    prepare(tmp_path / "thing")
    with pytest.raises(SourceError) as caught:
        declare("file", "./thing").resolve(context())
    assert caught.value.message == f"file `./thing` cannot be used: {cause}"


def test_a_file_of_somebody_else_is_refused(
    declare: Callable[..., Any], context: Callable[..., Any], tmp_path: Path
) -> None:
    """Without the right to read it there is no value."""
    (tmp_path / "f").write_bytes(CANARY)
    (tmp_path / "f").chmod(0)
    with unprivileged(), pytest.raises(SourceError, match="permission denied"):
        declare("file", "f").resolve(context())


def test_an_empty_file_is_refused(declare: Callable[..., Any], context: Callable[..., Any], tmp_path: Path) -> None:
    """Also where only a newline was in it and was trimmed."""
    (tmp_path / "f").write_bytes(b"\n")
    with pytest.raises(SourceError, match="empty value"):
        declare("file", "f", trim=True).resolve(context())


@pytest.mark.parametrize("argument", ["", "a\0b", "\ud800", None, 5, ["f"], {"path": "f"}])
def test_what_is_no_path_is_refused(declare: Callable[..., Any], argument: object) -> None:
    """Offline, and without repeating what stood there."""
    with pytest.raises(InvalidConfiguration, match=r"^`file` must be a path$"):
        declare("file", argument)


@pytest.mark.parametrize("trim", ["yes", 1, None])
def test_trim_is_true_or_false(declare: Callable[..., Any], trim: object) -> None:
    """Nothing that looks like it."""
    with pytest.raises(InvalidConfiguration, match="option `trim` must be true or false"):
        declare("file", "f", trim=trim)
