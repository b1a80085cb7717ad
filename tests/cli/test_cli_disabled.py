"""A disabled secret is handed out by nobody: not its value, not an older one, not that of a scope to fall back to."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest
from cli.folder import environment

from syncer.cli import COMMANDS
from syncer.exchange.formats import FOLDERS, FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cli.folder import Folder

FIRST, SECOND, SHARED, OWN = "canary-first", "canary-second", "canary-shared", "canary-own"
"""What `payments:key` held and holds, what `global:key` holds, and what nobody disabled."""

ENV = "import os, sys; sys.stdout.buffer.write(b'\\0'.join(os.environb.values()))"


def told(syncer: Folder, *arguments: str, stdin: bytes = b"") -> bytes:
    """Run a command and give all that it says."""
    result = syncer(*arguments, stdin=stdin)
    return result.stdout + result.err.encode()


def process(syncer: Folder, *arguments: str) -> bytes:
    """Run a command in a process of its own, without the variables that sources name."""
    environ = {name: value for name, value in environment().items() if name not in {"KEY", "SHARED", "OWN"}}
    command = [sys.executable, "-m", "syncer", *arguments]
    ended = subprocess.run(command, cwd=syncer.path, env=environ, capture_output=True, check=False)
    return ended.stdout + ended.stderr


def folder(path: Path) -> bytes:
    """Give what is in all files of a folder."""
    return b"\n".join(found.read_bytes() for found in path.rglob("*") if found.is_file())


def document(form: str) -> Callable[[Folder], bytes]:
    """Export a document."""
    return lambda syncer: told(syncer, "export", "--scope", "payments", "--format", form)


def several(form: str) -> Callable[[Folder], bytes]:
    """Export files, over what the export before left there."""

    def read(syncer: Folder) -> bytes:
        said = told(syncer, "export", "--scope", "payments", "--format", form, "--out", f"out-{form}")
        return said + folder(syncer.path / f"out-{form}")

    return read


def agent(syncer: Folder) -> bytes:
    """Ask as the Datadog Agent does."""
    asked = {"version": "1.1", "secrets": ["payments:key", "payments:own"]}
    return told(syncer, "datadog-backend", stdin=json.dumps(asked).encode())


def filled(syncer: Folder) -> bytes:
    """Fill two files: one that names the secret, and one that does not."""
    for ref in ("key", "own"):
        (syncer.path / f"{ref}.yaml").write_text(f"a: ENC[payments:{ref}]\n")
    return b"".join(told(syncer, "resolve", f"{ref}.yaml") for ref in ("key", "own"))


def sidecar(syncer: Folder) -> bytes:
    """Ask a server as an application of Dapr does, in every way."""
    command = [sys.executable, "-m", "syncer", "serve", "dapr", "--port", "0"]
    server = subprocess.Popen(command, cwd=syncer.path, env=environment(), stderr=subprocess.PIPE, text=True)
    with server:
        assert server.stderr is not None
        line = next(line for line in server.stderr if "listening on " in line)
        url = f"{line.split()[-1]}/v1.0/secrets/payments"
        paths = ("/key", "/key?metadata.version_id=1", "/own", "/bulk")
        answers = [answer(f"{url}{path}") for path in paths]
        server.terminate()
        server.communicate()
    return b"\n".join(answers)


def answer(url: str) -> bytes:
    """Give what a server says, a refusal too."""
    try:
        with urllib.request.urlopen(url, timeout=60) as found:  # noqa: S310  # our own server
            return found.read()  # type: ignore[no-any-return]  # urllib's own types
    except urllib.error.HTTPError as error:
        with error:
            return error.read()


READERS: dict[str, Callable[[Folder], bytes]] = {
    "get": lambda syncer: told(syncer, "get", "payments:key") + told(syncer, "get", "payments:own"),
    "get-version": lambda syncer: (
        told(syncer, "get", "payments:key", "--version", "1")
        + told(syncer, "get", "payments:key", "--version", "2")
        + told(syncer, "get", "payments:own", "--version", "1")
    ),
    "run": lambda syncer: process(syncer, "run", "--scope", "payments", sys.executable, "-c", ENV),
    "run-only": lambda syncer: (
        process(syncer, "run", "--scope", "payments", "--only", "key", sys.executable, "-c", ENV)
        + process(syncer, "run", "--scope", "payments", "--only", "own", sys.executable, "-c", ENV)
    ),
    "datadog-backend": agent,
    "resolve": filled,
    "serve": sidecar,
    **{f"export-{form}": document(form) for form in FORMATS},
    **{f"export-{form}": several(form) for form in FOLDERS},
}
"""Everything that hands values out, each asked for the disabled secret and for one that is not."""


def shapes(value: str) -> Iterator[bytes]:
    """Give what a value may look like in a document."""
    yield value.encode()
    yield base64.b64encode(value.encode())


def shows(text: bytes, value: str) -> bool:
    """Whether a value is in a text."""
    return any(shape in text for shape in shapes(value))


def declare(syncer: Folder, *, enabled: bool) -> None:
    """Apply a secret, one behind it in the fallback, and one beside it."""
    syncer.declare(
        {
            "payments:key": {"source": {"env": "KEY"}, "enabled": enabled},
            "payments:own": {"source": {"env": "OWN"}},
            "global:key": {"source": {"env": "SHARED"}},
        },
        scopes={"payments": {"fallback": "global"}},
    )
    syncer.apply()


@pytest.fixture
def shop(syncer: Folder) -> Folder:
    """A secret that was rotated once, and is enabled still."""
    for name, value in {"SHARED": SHARED, "OWN": OWN, "KEY": FIRST}.items():
        syncer.monkeypatch.setenv(name, value)
    declare(syncer, enabled=True)
    syncer.monkeypatch.setenv("KEY", SECOND)
    declare(syncer, enabled=True)
    return syncer


@pytest.mark.parametrize("behind", [False, True], ids=["declared", "by-somebody"])
@pytest.mark.parametrize("name", READERS)
def test_nobody_hands_it_out(shop: Folder, name: str, behind: bool) -> None:  # noqa: FBT001  # a parameter of pytest
    """Whoever disabled it, and whatever was written before; what is not disabled is still there."""
    read = READERS[name]
    before = read(shop)
    assert shows(before, SECOND)
    assert shows(before, OWN)
    if behind:
        shop.disable("payments:key")
    else:
        declare(shop, enabled=False)
    after = read(shop)
    assert not any(shows(after, value) for value in (FIRST, SECOND, SHARED))
    assert shows(after, OWN)


def test_every_reader_is_asked() -> None:
    """A new command that gives values must be among them; these never do."""
    silent = {
        *("init", "validate", "fmt", "plan", "apply", "drift", "import", "import-env", "show", "state", "seal"),
        *("doctor", "ci", "backends", "schema", "completion", "version"),
    }
    assert {name.split("-")[0] for name in READERS} == {name.split("-")[0] for name in COMMANDS.keys() - silent}
