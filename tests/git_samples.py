"""A bare repository on disk, clones beside it, and states in a branch of it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncer.model import Manifest, StateSpec
from syncer.retry import Retry
from syncer.state.git.store import GitState
from syncer.state.key import Keyring

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

KEY = bytes(range(32))
KEY_TEXT = base64.b64encode(KEY).decode()
BRANCH = "refs/heads/syncer-state"
LOCK = "refs/syncer/lock/syncer-state"
AT_ONCE = Retry(attempts=3, sleep=lambda _seconds: None)
_AS = {"GIT_AUTHOR_NAME": "ann", "GIT_AUTHOR_EMAIL": "ann@localhost", "GIT_CONFIG_GLOBAL": "/dev/null"}
_AS |= {name.replace("AUTHOR", "COMMITTER"): text for name, text in _AS.items()}


def git(*arguments: str, cwd: Path, stdin: bytes = b"") -> str:
    """Run git as somebody, and give what it prints."""
    ended = subprocess.run(
        ["git", *arguments], cwd=cwd, input=stdin, capture_output=True, check=False, env={**os.environ, **_AS}
    )
    assert ended.returncode == 0, ended.stderr.decode()
    return ended.stdout.decode().strip()


@dataclass(frozen=True)
class Origin:
    """The bare repository that clones push to."""

    path: Path

    @classmethod
    def made(cls, path: Path) -> Origin:
        """Make an empty one."""
        git("init", "--quiet", "--bare", str(path), cwd=path.parent)
        return cls(path)

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run git in it."""
        return git(*arguments, cwd=self.path, stdin=stdin)

    def clone(self, folder: Path) -> Path:
        """Give a work tree beside it that calls it `origin`."""
        git("init", "--quiet", str(folder), cwd=self.path.parent)
        git("remote", "add", "origin", str(self.path), cwd=folder)
        return folder

    def tip(self, ref: str = BRANCH) -> str:
        """Give the commit of a ref; empty without one."""
        return self.git("for-each-ref", "--format=%(objectname)", ref)

    def files(self, ref: str = BRANCH) -> list[str]:
        """Name the files of a commit."""
        return self.git("ls-tree", "-r", "--name-only", ref).splitlines()

    def file(self, path: str, ref: str = BRANCH) -> bytes:
        """Read a file of a commit."""
        return self.git("cat-file", "blob", f"{ref}:{path}").encode() + b"\n"

    def lock(self) -> dict[str, Any]:
        """Read the lock."""
        document: dict[str, Any] = json.loads(self.file("lock.json", LOCK))
        return document

    def put(self, files: Mapping[str, bytes], ref: str = BRANCH) -> str:
        """Put a commit with exactly these files at a ref, whatever was there."""
        lines = [b"commit refs/heads/by-hand\nmark :1\ncommitter ann <ann@localhost> 1 +0000\ndata 0\n"]
        for path, content in files.items():
            lines.append(b"M 100644 inline %b\ndata %d\n%b\n" % (path.encode(), len(content), content))
        commit = self.git("fast-import", "--quiet", "--force", stdin=b"".join([*lines, b"get-mark :1\n"]))
        self.git("update-ref", ref, commit)
        self.git("update-ref", "-d", "refs/heads/by-hand")
        return commit

    def everything(self) -> bytes:
        """Give every object, uncompressed."""
        names = self.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
        shown = subprocess.run(
            ["git", "cat-file", "--batch"], cwd=self.path, input=names.encode(), capture_output=True, check=True
        )
        return shown.stdout


def state(
    folder: Path,
    *,
    key: bytes = KEY,
    environ: Mapping[str, str] | None = None,
    retry: Retry = AT_ONCE,
    tell: Callable[[str], None] = lambda _news: None,
    **spec: str,
) -> GitState:
    """The state of a project in a clone, as a run of its own sees it."""
    given = {"type": "git", "branch": "syncer-state", "remote": "origin", "path": "state.json", **spec}
    manifest = Manifest(
        path=folder / "syncer.yaml",
        project="shop",
        backends={},
        state=StateSpec(**given),
        scopes={},
        secrets={},
        digest="",
    )
    keyring = Keyring({"SYNCER_KEY": base64.b64encode(key).decode()}, folder, may_make=lambda: False)
    return GitState(manifest, keyring, environ={**os.environ, **(environ or {})}, retry=retry, tell=tell)


@dataclass
class Recorder:
    """A `git` on the path that writes down how it was called, and may fail once it is told to."""

    folder: Path
    calls: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.calls = self.folder / "calls"
        self.say("")

    def say(self, script: str) -> None:
        """Let it do something before the real one takes its place; `$1` is the command."""
        real = subprocess.run(["/bin/sh", "-c", "command -v git"], capture_output=True, check=True).stdout.decode()
        program = self.folder / "git"
        text = f'#!/bin/sh\nREAL={real.strip()}\nprintf "%s\\n" "$*" >> {self.calls}\n{script}\nexec $REAL "$@"\n'
        draft = self.folder / "draft"
        draft.write_text(text)
        draft.chmod(0o755)
        draft.replace(program)

    @property
    def environ(self) -> dict[str, str]:
        """Variables that put it first on the path."""
        return {"PATH": f"{self.folder}:{os.environ['PATH']}"}

    def taken(self) -> list[str]:
        """Give the arguments of each call so far, and forget them."""
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        self.calls.unlink(missing_ok=True)
        return lines
