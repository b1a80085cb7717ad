"""A bare repository over http on loopback, behind a user's name and a token: git's own server, as a CGI program."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    """Hands each request to `git http-backend`."""

    server: Server

    def do_GET(self) -> None:
        """Answer a look."""
        self._answer()

    def do_POST(self) -> None:
        """Answer a fetch or a push."""
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as its base class calls it
        """Say nothing."""

    def _answer(self) -> None:
        shown = self.headers.get_all("Authorization") or []
        self.server.shown += shown
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.server.status:
            self._send(self.server.status, {}, b"")
        elif shown != [self.server.expected]:
            self._send(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
        else:
            self._send(*self._backend(body))

    def _backend(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        path, _, query = self.path.partition("?")
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "somebody",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        ended = subprocess.run(["git", "http-backend"], input=body, env=environ, capture_output=True, check=True)
        head, _, content = ended.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        return int(headers.pop("Status", "200").split()[0]), headers, content

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, text in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(content)


class Server(ThreadingHTTPServer):
    """What lets in one user, and remembers what it was shown."""

    daemon_threads = False
    root: Path
    expected: str
    shown: list[str]
    status: int = 0
    """Answers everything with this one, where it is set."""

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving(root: Path, user: str, token: str) -> Iterator[Server]:
    """Serve the repositories of a folder."""
    with Server(("127.0.0.1", 0), Handler) as server:
        server.root, server.shown = root, []
        server.expected = f"Basic {base64.b64encode(f'{user}:{token}'.encode()).decode()}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
