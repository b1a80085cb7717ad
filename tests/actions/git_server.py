"""A private git remote over HTTP, which heeds what a token may do."""

from __future__ import annotations

import base64
import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.fakes.loopback import Answer, Handler, Server, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

REFUSED = Answer(status=401, headers=(("WWW-Authenticate", 'Basic realm="fake"'),), body=b"who are you?\n")
FORBIDDEN = Answer(status=403, body=b"the token does not let you\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Whose repositories are served, and to whom."""

    folder: Path
    """Holds bare repositories as `owner/name.git`."""
    may: Callable[[str, str, str], bool]
    """Whether a user with a token may `read` or `write`."""


class GitHandler(Handler):
    """Hands each call to `git http-backend`, a CGI program."""

    server: GitServer

    def respond(self) -> None:
        """Answer one call."""
        path, _, query = self.path.partition("?")
        body = self.body()
        pushes = "git-receive-pack" in path or "service=git-receive-pack" in query
        self.send(self._refused("write" if pushes else "read") or self._backend(path, query, body))

    def _refused(self, level: str) -> Answer | None:
        kind, _, told = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "basic":
            return REFUSED
        user, _, token = base64.b64decode(told).decode().partition(":")
        return None if self.server.host.may(user, token, level) else FORBIDDEN

    def _backend(self, path: str, query: str, body: bytes) -> Answer:
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.host.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_USER": "somebody",  # who may push is decided above
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=environ, capture_output=True, check=True)
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n")]
        status = next((int(value.split()[0]) for name, value in headers if name == "Status"), 200)
        kept = tuple((name, value) for name, value in headers if name != "Status")
        return Answer(status=status, headers=kept, body=rest)


class GitServer(Server):
    """Serves a folder of bare repositories."""

    def __init__(self, host: Host) -> None:
        super().__init__(GitHandler)
        self.host = host


@contextmanager
def git_server(folder: Path, may: Callable[[str, str, str], bool]) -> Iterator[str]:
    """Serve the bare repositories of a folder, and give the base URL."""
    with running(GitServer(Host(folder=folder, may=may))) as url:
        yield url
