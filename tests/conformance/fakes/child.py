"""A server in a child process, which reports its port and never outlives its parent."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from socketserver import BaseServer

HOST = "127.0.0.1"
END = b"\n"
"""The line that ends what a parent feeds."""

_TESTS = str(Path(__file__).resolve().parents[2])


@contextmanager
def child(module: str, *, feed: Iterable[bytes] = (), environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run a module that calls `listen` and `serve`, hand it the lines of `feed`, and give its base URL.

    The process is terminated and waited for when the context ends.

    Raises:
        RuntimeError: the child ended before it listened; why stands on its standard error.
    """
    path = os.pathsep.join(filter(None, [_TESTS, os.environ.get("PYTHONPATH")]))
    with subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **(environment or {}), "PYTHONPATH": path},
        start_new_session=True,  # Ctrl-C is for the parent, whose end the child notices
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            url = f"http://{HOST}:{_reported(process.stdout)}"
            process.stdin.writelines(feed)
            process.stdin.write(END)
            process.stdin.flush()
            yield url
        finally:
            process.terminate()


def _reported(stream: IO[bytes]) -> int:
    line = stream.readline()
    if not line:
        message = "the server ended before it listened"
        raise RuntimeError(message)
    return int(line)


def listen() -> socket.socket:
    """In the child: bind a free port, report it. Slow imports come after; calls wait in the backlog until `serve`."""
    listener = socket.create_server((HOST, 0))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads what a library prints, and a full pipe would block
    return listener


def fed() -> Iterator[bytes]:
    """In the child: give the lines that the parent feeds."""
    for line in sys.stdin.buffer:
        if line == END:
            return
        yield line


def serve(server: BaseServer) -> None:
    """In the child: serve until the parent closes its end of standard input, if only by dying."""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.buffer.read()
    os._exit(0)  # no waiting for those who still hold a connection
