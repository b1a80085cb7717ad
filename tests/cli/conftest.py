"""The command line in a temporary project folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from cli.folder import Folder
from cli.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator
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


@pytest.fixture
def workshop(syncer: Folder) -> Iterator[Workshop]:
    """A repository on GitHub, checked out in the folder; whoever waits for it does not wait long."""
    from conformance.fakes.github.fake import FakeGithub

    from syncer.ci.patience import Patience
    from syncer.retry import Retry

    hasty = Retry(attempts=2, sleep=lambda _seconds: None)
    syncer.monkeypatch.setattr("syncer.ci.github.platform.Patience", lambda: Patience(retry=hasty, left=5.0))
    with FakeGithub("acme/shop") as github:
        yield Workshop(syncer, github)
