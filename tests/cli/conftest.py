"""The command line in a temporary project folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from cli.folder import Folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def syncer(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Folder:
    """An empty folder with a known project key, and nothing of the caller's environment that the tool would heed."""
    for name in [name for name in os.environ if name.startswith(("SYNCER_", "_SYNCER", "NO_COLOR"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    folder = Folder(tmp_path, capsysbinary, monkeypatch)
    folder.key()
    return folder
