"""A repository of our own that holds what was fetched and what is to be pushed. It can be made again at any time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from syncer.errors import StateError
from syncer.state.files import PRIVATE, private_folder
from syncer.state.git.failures import translated
from syncer.state.git.program import GitFailed, nonsense

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from syncer.state.git.program import Git

REPOSITORY = "repository"
"""Its name in the folder."""

_DRAFT = "refs/syncer/draft"
_AUTHOR = "syncer <syncer@localhost>"
_NAME = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64})\n")
_PLAIN = re.compile(
    rb"([ \t]*((\[(core|extensions|receive)\]|(repositoryformatversion|filemode|bare|ignorecase|precomposeunicode"
    rb"|symlinks|sharedrepository|denynonfastforwards|objectformat|refstorage)[ \t]*=[ \t]*\w+)[ \t]*)?\n)*"
)
"""What git itself writes into the settings of a new repository; others may name programs to be run."""
_MANY = 4
"""Loose objects in one of 256 folders from which on it is worth looking for those that nothing needs."""


class Cache:
    """The repository in a folder, and a turn for those who change it: git itself would fail where two meet."""

    def __init__(self, folder: Path, git: Git) -> None:
        self.folder = folder
        self._repository = folder / REPOSITORY
        self._git = replace(git, environ={**git.environ, "GIT_DIR": str(self._repository)})
        self._checked = False

    @contextlib.contextmanager
    def turn(self) -> Iterator[Git]:
        """Wait for a turn to change the repository, which is made where it is missing. Raise StateError."""
        try:
            private_folder(self.folder.parent)
            private_folder(self.folder)
            if self.folder.is_symlink():  # it can be committed, and lead to a folder of somebody's
                raise NotADirectoryError(errno.ENOTDIR, "it is a link")
            descriptor = os.open(self.folder / "turn", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, PRIVATE)
        except OSError as error:
            message = f"{self.folder} cannot be used: {(error.strerror or 'it failed').lower()}"
            raise StateError(message) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not self._is_there():
                self.reset()
                self._do("init", "--quiet", "--bare", "--template=", str(self._repository))
            self._checked = True
            yield self._git
        finally:
            os.close(descriptor)

    def _is_there(self) -> bool:
        """Whether it is whole, and none that came with a checkout, to have us run what its settings name."""
        whole = (self._repository / "objects/info").is_dir()  # what git makes last
        if self._checked or not whole:
            return whole
        elsewhere = (self._repository / name for name in ("commondir", "config.worktree"))
        try:
            settings = (self._repository / "config").read_bytes()
        except OSError:
            return False
        return bool(_PLAIN.fullmatch(settings)) and not any(map(os.path.lexists, elsewhere))

    @property
    def git(self) -> Git:
        """The program over this repository, for what changes nothing in it."""
        if not self._checked:
            with self.turn():
                pass
        return self._git

    def reset(self) -> None:
        """Remove the repository: damaged, in the way of itself, or not ours. Needs the turn. Raise StateError."""
        if self._repository.is_symlink():
            self._repository.unlink()
        shutil.rmtree(self._repository, ignore_errors=True)
        if os.path.lexists(self._repository):
            message = f"{self._repository} cannot be removed"
            raise StateError(message, hint="remove it: it is a copy, and is made again")

    def path(self, ref: str) -> Path:
        """Give the file of a ref; we never pack any."""
        return self._repository / ref

    def tip(self, ref: str) -> str:
        """Give the commit that a ref of ours names; empty without one."""
        try:
            return self.path(ref).read_text("ascii").strip()
        except OSError:
            return ""

    def point(self, ref: str, commit: str) -> None:
        """Let a ref of ours name a commit; with an empty one, remove it."""
        with self.turn():
            self._do("update-ref", *((ref, commit) if commit else ("-d", ref)))

    def files(self, commit: str, paths: Sequence[str]) -> list[bytes | None]:
        """Give what a commit holds at paths; None where no file is."""
        asked = "".join(f"{commit}:{path}\n" for path in paths).encode()
        answered = self._do("cat-file", "--batch", stdin=asked)
        try:
            return list(_answers(answered, len(paths)))
        except ValueError:
            told = "the files of a commit"
        raise nonsense(told)

    def is_empty(self, commit: str) -> bool:
        """Whether a commit holds no file at all."""
        return not self._do("ls-tree", "--name-only", commit)

    def commit(self, parent: str, files: Mapping[str, bytes | None], message: str, now: datetime) -> str:
        """Make a commit that puts files, or takes them out for None, over those of its parent. Give its name."""
        lines = [
            f"commit {_DRAFT}\nmark :1\ncommitter {_AUTHOR} {int(now.timestamp())} +0000\n".encode(),
            _data(message.encode()),
            f"from {parent}\n".encode() if parent else b"",
            *(_change(path, content) for path, content in files.items()),
            b"get-mark :1\n",
        ]
        with self.turn():
            made = self._do("fast-import", "--quiet", "--force", stdin=b"".join(lines))
        if not _NAME.fullmatch(made):  # to push an empty one would be to delete a ref
            asked = "the name of a commit"
            raise nonsense(asked)
        return made.decode("ascii").strip()

    def tidy(self) -> None:
        """Remove objects that nothing needs any more, where there are many. Needs the turn."""
        with contextlib.suppress(OSError, GitFailed):
            if sum(1 for _ in (self._repository / "objects/17").iterdir()) >= _MANY:
                self._git.run("prune", "--expire=1.hour.ago")

    def _do(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Do what needs no remote. Raise StateError."""
        try:
            return self._git.run(*arguments, stdin=stdin)
        except GitFailed as failure:
            said = failure.said
        error = translated(said, f"{self._repository} cannot be used")
        raise StateError(error.message, hint="make room for it, or remove it: it is a copy, and is made again")


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)


def _change(path: str, content: bytes | None) -> bytes:
    if content is None:
        return f"D {path}\n".encode()
    return f"M 100644 inline {path}\n".encode() + _data(content)


def _answers(text: bytes, count: int) -> Iterator[bytes | None]:
    start = 0
    for _ in range(count):
        end = text.index(b"\n", start)
        words = text[start:end].rsplit(b" ", 2)
        start = end + 1
        if words[1:2] not in ([b"blob"], [b"tree"]):  # `missing`
            yield None
            continue
        size = int(words[2])
        yield text[start : start + size] if words[1] == b"blob" else None
        start += size + 1
