"""Where files are, as seen from the root of the repository."""

from __future__ import annotations

import os
from pathlib import Path

_ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def from_root(file: str) -> str:
    """Name a file from the root of the repository, as annotations do; as it is where it is not inside."""
    root = next((os.environ[name] for name in _ROOTS if os.environ.get(name)), None)
    if not (root and file):
        return file
    path = Path(os.path.relpath(os.path.realpath(file), os.path.realpath(root)))
    return file if os.pardir in path.parts else str(path)


def folder() -> str:
    """Name the folder where we are from there; empty for the root itself, and outside of it."""
    path = from_root(os.curdir)
    return "" if path == os.curdir else path
