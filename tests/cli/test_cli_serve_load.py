"""`serve dapr` under 50 readers while applies rotate: no error, nothing torn, nothing stale.

`SYNCER_TEST_LOAD_SECONDS=30` makes it last longer, and prints what was measured.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from cli.folder import environment

if TYPE_CHECKING:
    from cli.folder import Folder

READERS = 50
ASKED_FOR = os.environ.get("SYNCER_TEST_LOAD_SECONDS")
SECONDS = float(ASKED_FOR or 3)


@dataclass
class Load:
    """What readers and the one who rotates know of each other."""

    netloc: str
    applied: int = 0
    """The newest value that everybody must see."""
    begun: int = 0
    """The newest one that somebody may see."""
    done: threading.Event = field(default_factory=threading.Event)
    faults: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def read(self) -> None:
        """Ask again and again on one connection, and note each fault; a value is never shown."""
        with closing(HTTPConnection(self.netloc, timeout=60)) as connection:
            while not (self.done.is_set() or self.faults):
                least, started = self.applied, time.monotonic()
                connection.request("GET", "/v1.0/secrets/payments/prod%2Fdb")
                answer = connection.getresponse()
                text = answer.read()
                self.seconds.append(time.monotonic() - started)
                fault = f"status {answer.status}" if answer.status != 200 else self._fault(text, least)
                if fault:
                    self.faults.append(fault)

    def _fault(self, text: bytes, least: int) -> str | None:
        body, _, digest = json.loads(text)["prod/db"].partition("-")
        if hashlib.sha256(body.encode()).hexdigest() != digest:
            return "torn"
        number = int(body[:8])
        return None if least <= number <= self.begun else f"{number} where {least} to {self.begun} was right"


def write(syncer: Folder, number: int) -> None:
    """Put a value at its source that says itself whether it is whole."""
    body = f"{number:08d}" * 500
    (syncer.path / "value").write_text(f"{body}-{hashlib.sha256(body.encode()).hexdigest()}")


@pytest.mark.parametrize("cached", [False, True])
def test_load(syncer: Folder, *, cached: bool) -> None:
    """With and without values that are kept, which changes nothing here: applies are on this host."""
    cache = {"cache": {"enabled": True, "expire_after_write": "1h"}} if cached else {}
    write(syncer, 0)
    syncer.declare({"payments:prod/db": {"source": {"file": "value"}}}, **cache)
    syncer.apply()
    command = [sys.executable, "-m", "syncer", "serve", "dapr", "--port", "0", "--quiet"]
    with subprocess.Popen(command, cwd=syncer.path, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        url = process.stderr.readline().removeprefix("listening on ").strip()
        load = Load(urlsplit(url).netloc)
        readers = [threading.Thread(target=load.read) for _ in range(READERS)]
        for reader in readers:
            reader.start()
        try:
            rotate(syncer, load)
        finally:
            load.done.set()
            for reader in readers:
                reader.join()
            process.terminate()
            told = process.communicate(timeout=60)[1]
    assert (process.returncode, told.splitlines()[1:]) == (0, [])
    assert load.faults == []
    assert len(load.seconds) > READERS
    assert load.applied > 0
    if ASKED_FOR:
        tell(load, cached=cached)


def rotate(syncer: Folder, load: Load) -> None:
    """Apply one value after the other."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and not load.faults:
        load.begun += 1
        write(syncer, load.begun)
        syncer.apply()
        load.applied = load.begun


def tell(load: Load, *, cached: bool) -> None:
    """Print what was measured; `-s` shows it."""
    cuts = statistics.quantiles(load.seconds, n=100)
    kind = "kept" if cached else "read each time"
    print(f"\n{kind}: {len(load.seconds) / SECONDS:.0f} requests/s, median {cuts[49] * 1000:.0f} ms,", end=" ")
    print(f"99 % {cuts[98] * 1000:.0f} ms, {load.applied} applies, {len(load.faults)} faults")
