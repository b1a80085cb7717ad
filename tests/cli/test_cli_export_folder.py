"""`export` of several files: what is in the folder is what the scope has now, and nobody else's file is touched."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from typing import TYPE_CHECKING

import pytest

from syncer import crypto
from syncer.cli import folder as exporting
from syncer.cli.folder import INDEX, replace_files
from syncer.errors import InvalidConfiguration, Unsupported
from syncer.exchange.formats import FOLDERS, File, FolderFormat
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from cli.folder import Folder, Result

    from syncer.exchange.formats import Ground

A = {"source": {"env": "A"}}
OUT = ("--out", "out")


@pytest.fixture
def shop(syncer: Folder) -> Folder:
    """A scope with three secrets, applied."""
    syncer.monkeypatch.setenv("A", "canary")
    declare(syncer, "a", "tls/key", "tls/chain.pem")
    return syncer


def declare(syncer: Folder, *refs: str, **more: object) -> None:
    """Apply these secrets."""
    syncer.declare({f"shop:{ref}": A for ref in refs} | {f"shop:{ref}": facts for ref, facts in more.items()})
    syncer.apply()


def export(syncer: Folder, *more: str, form: str = "files") -> Result:
    """Run the command; whatever comes of it, no value is told."""
    result = syncer("-v", "export", "--scope", "shop", "--format", form, *(more or OUT))
    assert b"canary" not in result.stdout + result.err.encode()
    return result


def files(folder: Path) -> dict[str, bytes]:
    """Give what is in a folder, but for the index."""
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name != INDEX}


def mode(path: Path) -> int:
    """Give the permissions."""
    return stat.S_IMODE(path.stat().st_mode)


def put(folder: Path, contents: Mapping[str, bytes], mode: int = 0o400) -> None:
    """Export files."""
    replace_files(folder, [File(name=name, content=Sensitive(text), mode=mode) for name, text in contents.items()])


def test_a_file_for_each_secret(shop: Folder) -> None:
    """In a folder that is made, 0700; each 0400 and verbatim; the index holds names only."""
    result = export(shop)
    assert (result.code, result.stdout) == (0, b"")
    assert result.err.splitlines()[-1] == "wrote 3 secrets to out"
    out = shop.path / "out"
    assert files(out) == dict.fromkeys(("a", "tls/key", "tls/chain.pem"), b"canary")
    assert {mode(out / name) for name in files(out)} == {0o400}
    assert {mode(path) for path in (out, out / "tls")} == {0o700}
    assert (out / INDEX).read_text() == "a\ntls/chain.pem\ntls/key\n"
    assert mode(out / INDEX) == 0o600
    assert {path.name for path in out.iterdir()} == {"a", "tls", INDEX}


def test_what_is_gone_goes(shop: Folder) -> None:
    """A secret that is removed or disabled leaves no file, and no empty folder; what is new or other is there."""
    export(shop)
    shop.monkeypatch.setenv("A", "canary-two")
    declare(shop, "b/c", "tls/key", a=A | {"enabled": False})
    result = export(shop)
    assert result.err.splitlines()[-1] == "wrote 2 secrets to out"
    assert files(shop.path / "out") == dict.fromkeys(("b/c", "tls/key"), b"canary-two")
    declare(shop, "a")
    export(shop)
    assert files(shop.path / "out") == {"a": b"canary-two"}
    assert not (shop.path / "out/tls").exists()
    shop.declare({"other:a": A}, scopes={"shop": {}})
    export(shop)
    assert {path.name for path in (shop.path / "out").iterdir()} == {INDEX}


def test_the_same_again(shop: Folder) -> None:
    """Changes nothing."""
    export(shop)
    before = files(shop.path / "out")
    assert export(shop, "--out", str(shop.path / "out")).code == 0
    assert files(shop.path / "out") == before


def test_nobody_elses_file_is_touched(shop: Folder) -> None:
    """It stays where it is beside ours, and ours is not written where it would have to go."""
    export(shop)
    out = shop.path / "out"
    (out / "tls/mine").write_text("mine")
    (out / "b").write_text("mine")
    declare(shop, "a")
    export(shop)
    assert files(out) == {"a": b"canary", "tls/mine": b"mine", "b": b"mine"}
    declare(shop, "a", "b", "tls")
    before = files(out)
    result = export(shop)
    assert result.code == 3
    assert "out/b is in the way, and no export wrote it\n  out/tls is in the way, and no export wrote it" in result.err
    assert files(out) == before
    declare(shop, "a", "b/c")
    result = export(shop)
    assert (result.code, "out/b is in the way, and no export wrote it" in result.err) == (3, True)


def test_files_become_folders_and_back(shop: Folder) -> None:
    """What is ours makes room."""
    out = shop.path / "out"
    for refs in (("a/b", "tls"), ("a", "tls/key/x", "tls/y"), ("a/b", "tls")):
        declare(shop, *refs)
        assert export(shop).code == 0
        assert files(out) == dict.fromkeys(refs, b"canary")


def test_a_secret_and_a_folder_of_one_name(shop: Folder) -> None:
    """Cannot both be: nothing is written."""
    declare(shop, "a", "a/b")
    result = export(shop)
    assert (result.code, result.stdout) == (1, b"")
    assert "a: a file in a folder cannot have this name" in result.err
    assert not (shop.path / "out").exists()


@pytest.mark.parametrize(
    ("out", "told"),
    [
        ("missing/out", "there is no folder missing"),
        ("full", "full holds files, and none of them is of an export"),
        ("file", "file exists and is not a folder"),
        ("dangling", "dangling exists and is not a folder"),
        (".", ". holds files of this project"),
        ("..", ".. holds files of this project"),
        (".syncer", ".syncer holds files of this project"),
        (".syncer/out", ".syncer/out holds files of this project"),
        ("inputs", "inputs holds files of this project"),
        ("state", "state holds files of this project"),
    ],
)
def test_where_nothing_is_written(syncer: Folder, out: str, told: str) -> None:
    """Exit 3, before any backend is asked."""
    for name in ("full", "inputs", "state"):
        (syncer.path / name).mkdir()
    (syncer.path / "full/mine").write_text("mine")
    (syncer.path / "file").write_text("mine")
    (syncer.path / "dangling").symlink_to("nowhere")
    (syncer.path / "inputs/more.yaml").write_text("scopes: {shop: {secrets: {a: {source: {env: A}}}}}")
    syncer.declare({}, include=["inputs/*.yaml"], state={"path": "state/state.json"})
    before = syncer.files()
    result = syncer("export", "--scope", "shop", "--format", "files", "--out", out)
    assert (result.code, result.out) == (3, "")
    assert told in result.err
    assert syncer.files() == before


def test_a_folder_that_cannot_be_listed(shop: Folder) -> None:
    """Exit 3."""
    (shop.path / "out").mkdir()

    def refuse(_path: object) -> Iterator[Path]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    shop.monkeypatch.setattr(type(shop.path), "iterdir", refuse)
    result = export(shop)
    assert (result.code, "out cannot be read: permission denied" in result.err) == (3, True)


def test_what_an_unfinished_export_left(shop: Folder) -> None:
    """Its drafts go, and an export that never came to its index is no stranger."""
    out = shop.path / "out"
    drafts = out / f"{INDEX}.tmp"
    drafts.mkdir(parents=True)
    (drafts / "0123abcd.tmp").write_bytes(b"canary")
    assert export(shop).code == 0
    assert {path.name for path in out.iterdir()} == {"a", "tls", INDEX}


@pytest.mark.parametrize(
    "content", [b"../../victim\n", b"/etc/passwd\n", b"a\0b\n", b"\xff\n", b"a\n\nb\n", b".syncer-export\n"]
)
def test_a_damaged_index(shop: Folder, content: bytes) -> None:
    """Is believed in nothing: it says what may be removed."""
    export(shop)
    (shop.path / "out" / INDEX).write_bytes(content)
    before = shop.files()
    result = export(shop)
    assert (result.code, f"out/{INDEX} is damaged" in result.err) == (3, True)
    assert shop.files() == before


def test_links_are_not_followed(shop: Folder, tmp_path: Path) -> None:
    """Neither to write nor to remove: a link in the place of a folder of ours is somebody else's."""
    export(shop)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    out = shop.path / "out"
    for name in ("key", "chain.pem"):
        (out / "tls" / name).rename(elsewhere / name)
    (out / "tls").rmdir()
    (out / "tls").symlink_to(elsewhere)
    result = export(shop)
    assert (result.code, "out/tls is in the way, and no export wrote it" in result.err) == (3, True)
    declare(shop, "a")
    export(shop)
    assert {path.name for path in elsewhere.iterdir()} == {"key", "chain.pem"}
    (out / "a").unlink()
    (out / "a").symlink_to(elsewhere / "key")
    export(shop)
    assert not (out / "a").is_symlink()
    assert (elsewhere / "key").read_bytes() == b"canary"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_folder_that_cannot_be_written(shop: Folder, call: str, number: int) -> None:
    """What is there is whole, no draft is left, and the next export does the rest."""
    export(shop)
    before = files(shop.path / "out")
    shop.monkeypatch.setenv("A", "canary-two")
    declare(shop, "a", "b")

    def fail(*_given: object) -> None:
        raise OSError(number, os.strerror(number))

    with shop.monkeypatch.context() as patched:
        patched.setattr(os, call, fail)
        result = export(shop)
    assert (result.code, result.stdout) == (1, b"")
    assert f"error: out cannot be written: {os.strerror(number).lower()}" in result.err
    assert "hint: what it holds is whole; the next export does the rest" in result.err
    assert files(shop.path / "out") == before
    assert export(shop).code == 0
    assert files(shop.path / "out") == {"a": b"canary-two", "b": b"canary-two"}


def test_one_export_at_a_time(shop: Folder) -> None:
    """Another one is told, and changes nothing."""
    export(shop)
    descriptor = os.open(shop.path / "out", os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        result = export(shop)
    finally:
        os.close(descriptor)
    assert (result.code, "another export is writing to out" in result.err) == (1, True)
    assert export(shop).code == 0


def test_where_folders_cannot_be_locked(shop: Folder) -> None:
    """The export goes on without."""

    def fail(*_given: object) -> None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    shop.monkeypatch.setattr(exporting.fcntl, "flock", fail)
    assert export(shop).code == 0
    assert set(files(shop.path / "out")) == {"a", "tls/key", "tls/chain.pem"}


@pytest.mark.parametrize(
    "name",
    ["", "/a", "../a", "a/../b", "a//b", "a/", ".", "a\nb", "a\0b", INDEX, f"{INDEX}/a", f"{INDEX}.tmp", "x" * 256],
)
def test_names_that_no_file_has(tmp_path: Path, name: str) -> None:
    """Refused at once, before anything is made."""
    with pytest.raises(Unsupported, match="cannot have this name"):
        put(tmp_path / "out", {"fine": b"v", name: b"v"})
    assert not (tmp_path / "out").exists()


def test_a_name_that_comes_twice(tmp_path: Path) -> None:
    """Refused as well."""
    twice = [File(name="a", content=Sensitive(b"v"))] * 2
    with pytest.raises(Unsupported, match="a: a file in a folder cannot have this name"):
        replace_files(tmp_path / "out", twice)


def test_modes(tmp_path: Path) -> None:
    """As the format has it, whatever stood there before and whatever the umask."""
    put(tmp_path / "out", {"a": b"v"}, mode=0o640)
    before = os.umask(0o777)
    try:
        put(tmp_path / "out", {"a": b"v"}, mode=0o444)
    finally:
        os.umask(before)
    assert mode(tmp_path / "out/a") == 0o444


def test_a_folder_that_is_filled_meanwhile(tmp_path: Path) -> None:
    """Is looked at once more before the first file."""
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(InvalidConfiguration, match="holds files, and none of them is of an export"):
        put(tmp_path, {"a": b"v"})
    assert {path.name for path in tmp_path.iterdir()} == {"mine"}


def test_a_parent_that_is_taken_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written through it."""
    monkeypatch.setattr(exporting, "_check_free", lambda *_given: None)
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out/tls").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotADirectoryError):
        put(tmp_path / "out", {"tls/key": b"v"})
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_that_others_may_write(shop: Folder) -> None:
    """They can put their own in the place of a file, so it is told; it is theirs too, so it stays as it is."""
    out = shop.path / "out"
    out.mkdir()
    out.chmod(0o770)
    assert "warning: others can write to out, and put their own in the place of each file\n" in export(shop).err
    assert mode(out) == 0o770
    out.chmod(0o750)
    assert "warning" not in export(shop).err


def test_the_ground_of_a_format(shop: Folder) -> None:
    """It is told the scope, the folder's full name, and names for contents under the project key."""
    grounds: list[Ground] = []

    def write(_values: object, ground: Ground) -> Sequence[File]:
        grounds.append(ground)
        content = Sensitive(b"canary")
        return [File(name=f"x-{ground.named(content)}", content=content)]

    shop.monkeypatch.setitem(FOLDERS, "files", FolderFormat(home="syncer.exchange.files:folder"))
    shop.monkeypatch.setattr("syncer.exchange.files.folder", write)
    (shop.path / "sub").mkdir()
    assert export(shop, "--out", "sub/../out").code == 0
    (ground,) = grounds
    assert (ground.scope.name, ground.folder) == ("shop", shop.path / "out")
    with shop.session() as session:
        name = crypto.short_name(session.keyring.subkey(crypto.EXPORT_NAMES), Sensitive(b"canary"))
    assert set(files(shop.path / "out")) == {f"x-{name}"}
