"""What a run leaves behind when it is told to end while the programs of its sources run: nothing."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from cli.folder import environment

if TYPE_CHECKING:
    from pathlib import Path

# Each says that it is up, and a child of it holds the pipe too.
MANIFEST = """
version: 1
project: shop
scopes:
  global:
    secrets:
      a: {source: {command: [sh, -c, "exec 9>life; echo a >&9; sleep 60 & wait"]}}
      b: {source: {command: [sh, -c, "exec 9>life; echo b >&9; sleep 60 & wait"]}}
"""


def _read_until(reader: int, done: bytes) -> bool:
    """Read the pipe until two programs spoke, or, for nothing to wait for, until all who held it are gone."""
    heard, poll = b"", select.poll()
    poll.register(reader, select.POLLIN)
    while poll.poll(20000):
        chunk = os.read(reader, 100)
        heard += chunk
        if (done and heard.count(b"\n") == len(done)) or not chunk:
            return bool(done) == bool(chunk)
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("times", [1, 3])
def test_programs_end_with_the_run(tmp_path: Path, number: signal.Signals, times: int) -> None:
    """At once, not at their timeout, and with their children."""
    (tmp_path / "syncer.yaml").write_text(MANIFEST)
    os.mkfifo(tmp_path / "life")
    reader = os.open(tmp_path / "life", os.O_RDONLY | os.O_NONBLOCK)
    run = [sys.executable, "-m", "syncer", "plan"]
    with subprocess.Popen(run, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE) as process:
        assert _read_until(reader, b"ab")
        begun = time.monotonic()
        for _ in range(times):
            process.send_signal(number)
        told = process.communicate(timeout=60)[1]
    assert (process.returncode, b"interrupted" in told) == (130, True)
    assert time.monotonic() - begun < 15
    assert _read_until(reader, b"")
    os.close(reader)
