"""The repository on the platform, as people change it: branches, pull requests, merges, forks."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

IDENTITY = {
    "GIT_AUTHOR_NAME": "dev",
    "GIT_AUTHOR_EMAIL": "dev@example.com",
    "GIT_COMMITTER_NAME": "dev",
    "GIT_COMMITTER_EMAIL": "dev@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
MAIN = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A bare repository, and a clone in which people work."""

    bare: Path
    clone: Path

    @classmethod
    def made(cls, folder: Path, repository: str, source: Path) -> Origin:
        """Make a repository whose first commit is a folder's files."""
        origin = cls(bare=folder / f"remotes/{repository}.git", clone=folder / "clone")
        origin.bare.mkdir(parents=True)
        shutil.copytree(source, origin.clone)
        origin.git("init", "--quiet", "--bare", f"--initial-branch={MAIN}", ".", where=origin.bare)
        origin.git("init", "--quiet", f"--initial-branch={MAIN}")
        origin.git("remote", "add", "origin", str(origin.bare))
        origin.commit("first", {})
        return origin

    def git(self, *arguments: str, where: Path | None = None) -> str:
        """Run git, in the clone unless told otherwise, and give what it prints."""
        environ = {"PATH": os.environ["PATH"], **IDENTITY}
        command = ["git", *arguments]
        done = subprocess.run(
            command, cwd=where or self.clone, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout.strip()

    def commit(self, message: str, files: Mapping[str, str], branch: str = MAIN) -> str:
        """Commit files to the branch that is checked out, push it, and give the commit."""
        for name, text in files.items():
            (self.clone / name).parent.mkdir(parents=True, exist_ok=True)
            (self.clone / name).write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        self.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        return self.head("HEAD")

    def branch(self, name: str, start: str = f"origin/{MAIN}") -> None:
        """Go to a branch, which starts where `main` is unless it is there already."""
        self.git("fetch", "--quiet", "origin")
        known = self.git("branch", "--list", name)
        self.git("checkout", "--quiet", name) if known else self.git(
            "checkout", "--quiet", "--no-track", "-b", name, start
        )

    def head(self, name: str, where: Path | None = None) -> str:
        """Give the commit that something points to."""
        return self.git("rev-parse", name, where=where)

    def merge_commit(self, sha: str, number: int) -> str:
        """Make what a pull request would come to, where GitHub keeps it, and give the commit."""
        self.git("fetch", "--quiet", "origin")
        self.git("checkout", "--quiet", "--detach", f"origin/{MAIN}")
        self.git("merge", "--quiet", "--no-ff", "--message", f"Merge pull request #{number}", sha)
        self.git("push", "--quiet", "--force", "origin", f"HEAD:refs/pull/{number}/merge")
        return self.head("HEAD")

    def merge(self, sha: str, number: int) -> str:
        """Merge a pull request, and give the commit on `main`."""
        merged = self.merge_commit(sha, number)
        self.git("push", "--quiet", "origin", f"{merged}:refs/heads/{MAIN}")
        return merged
