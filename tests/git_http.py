"""Bare repositories over HTTP on loopback, for whom a token lets in: git's own server, as a CGI program."""

from __future__ import annotations

import base64
import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from conformance.fakes.loopback import Answer, Handler, Server, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    May = Callable[[str, str, str], bool]
    """Whether a user with a token may `read` or `write`."""

WHO = Answer(status=401, headers=(("WWW-Authenticate", 'Basic realm="git"'),), body=b"who are you?\n")
FORBIDDEN = Answer(status=403, body=b"the token does not let you\n")


def basic(user: str, token: str) -> str:
    """Give the header that shows a token."""
    return f"Basic {base64.b64encode(f'{user}:{token}'.encode()).decode()}"


class GitHandler(Handler):
    """Hands each call to `git http-backend`."""

    server: GitServer

    def respond(self) -> None:
        """Answer one call."""
        path, _, query = self.path.partition("?")
        body = self.body()
        pushes = "git-receive-pack" in path or "service=git-receive-pack" in query
        self.send(self._refused("write" if pushes else "read") or self._backend(path, query, body))

    def _refused(self, level: str) -> Answer | None:
        shown = self.headers.get_all("Authorization") or []
        self.server.shown += shown
        if self.server.status:
            return Answer(status=self.server.status)
        kind, _, told = "".join(shown).partition(" ")
        if len(shown) != 1 or kind.lower() != "basic":
            return WHO
        user, _, token = base64.b64decode(told).decode().partition(":")
        return None if self.server.may(user, token, level) else self.server.denial

    def _backend(self, path: str, query: str, body: bytes) -> Answer:
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.root),
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
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(headers.pop("Status", "200").split()[0])
        return Answer(status=status, headers=tuple(headers.items()), body=rest)


class GitServer(Server):
    """Serves a folder of bare repositories, `owner/name.git`, and remembers what it was shown."""

    def __init__(self, root: Path, may: May, denial: Answer = FORBIDDEN) -> None:
        super().__init__(GitHandler)
        self.root = root
        self.may = may
        self.denial = denial
        self.shown: list[str] = []
        self.status = 0
        """Answers everything with this one, where it is set."""


@contextmanager
def git_server(root: Path, may: May) -> Iterator[str]:
    """Serve the repositories of a folder, and give the base URL."""
    with running(GitServer(root, may)) as url:
        yield url


@contextmanager
def serving(root: Path, user: str, token: str) -> Iterator[GitServer]:
    """Serve the repositories of a folder to one user; nobody else is known."""
    server = GitServer(root, lambda *who: who[:2] == (user, token), WHO)
    with running(server):
        yield server
