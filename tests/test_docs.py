"""What the documents show is what comes out: every console block is run, and its output compared.

`SYNCER_UPDATE_DOCS=1` writes what came out into the document instead.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conformance.fakes.dagu.server import DaguServer
from conformance.fakes.kestra.server import KestraServer
from conformance.raw_dagu import RawDagu
from stores import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

ROOT = Path(__file__).resolve().parents[1]
MARK = "@@@ next command @@@"
HERE = "/srv/shop"
"""Where documents say that their folder is."""
PORT = "3500"
"""What documents serve on."""

# Identifiers and moments differ from run to run; ciphertexts are salted.
VARYING = [
    (re.compile(r"hmac:[0-9a-f]{8}\b"), "hmac:<8 digits>"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:]{8}Z)?"), "<time>"),
    (re.compile(r"syncer:v1:[A-Za-z0-9_-]+"), "syncer:v1:<sealed>"),
    (re.compile(r"127\.0\.0\.1:[0-9]+"), "127.0.0.1:<port>"),
    (re.compile(r"(owner|group) [a-z_][a-z0-9_-]*"), r"\1 <name>"),
    (re.compile(r"^ +(\d)", re.MULTILINE), r"\1"),  # `wc` indents on macOS
]


@contextmanager
def used_dagu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Start a Dagu in which people have made secrets by hand, in Global and in a workspace, and a profile."""
    with DaguServer() as server:
        raw = RawDagu(address=server.url, authorization=server.authorization)
        raw.workspace("payments")
        raw.put("prod/db-password", "by hand", description="primary database")
        raw.put("mail/token", "by hand")
        raw.put("prod/db-password", "by hand", "payments")
        raw.switch("mail/token", enabled=False)
        raw.ask("POST /profiles", {"name": "blue"})
        monkeypatch.setenv("DAGU_URL", server.url)
        monkeypatch.setenv("DAGU_TOKEN", server.authorization.removeprefix("Bearer "))
        yield


@contextmanager
def used_kestra(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Start a Kestra in which people have made secrets by hand, in a namespace and in its parent."""
    with KestraServer() as server:
        server.plant("company.team", "DB_PASSWORD", "by hand", description="primary database")
        server.plant("company.team", "MAIL_TOKEN", "by hand", tags={"team": "mail"})
        server.plant("company", "LICENSE", "by hand")
        monkeypatch.setenv("KESTRA_URL", server.url)
        monkeypatch.setenv("KESTRA_TOKEN", server.authorization.removeprefix("Bearer "))
        yield


DOCUMENTS: dict[str, Callable[[pytest.MonkeyPatch], AbstractContextManager[object]]] = {
    "README.md": partial(opened, "local"),
    "examples/aws/README.md": partial(opened, "aws-secrets-manager"),
    "examples/consumers/README.md": partial(opened, "local"),
    "examples/dagu/README.md": used_dagu,
    "examples/kestra/README.md": used_kestra,
    "examples/vault/README.md": partial(opened, "vault"),
}
"""Each document, and what must be there for its commands."""


@dataclass
class Block:
    """One fenced block that is run: commands with their output, or a file to write."""

    first: int
    last: int
    info: str
    lines: list[str]

    @property
    def commands(self) -> list[str]:
        """The commands of a console block."""
        return [line[2:] for line in self.lines if line.startswith("$ ")]


@dataclass
class Session:
    """The shell script that plays a document."""

    script: list[str] = field(default_factory=list)

    def add(self, block: Block, number: int) -> None:
        """Write a file, or run commands with a mark after each."""
        words = block.info.split()
        if "fresh" in words:
            self.script.append(f'mkdir "$TOP/{number}" && cd "$TOP/{number}"')
        names = [word.removeprefix("file=") for word in words if word.startswith("file=")]
        if names:
            name = names[0]
            text = "\n".join(block.lines)
            self.script.append(f"mkdir -p \"$(dirname '{name}')\"; cat > '{name}' <<'END OF FILE'\n{text}\nEND OF FILE")
        for command in block.commands if words[0] == "console" else ():
            # In braces and not a subshell: `export` and `$?` must reach the next command.
            self.script.append(f"{{ {command}\n}} </dev/null 2>&1; code=$?; echo '{MARK}'; (exit $code)")


def blocks(text: str) -> list[Block]:
    """Give every block that is played."""
    found: list[Block] = []
    current: Block | None = None
    for number, line in enumerate(text.split("\n")):
        if line.startswith("```") and current is None:
            current = Block(first=number + 1, last=number + 1, info=line[3:] or "text", lines=[])
        elif line == "```" and current is not None:
            current.last = number
            found.append(current)
            current = None
        elif current is not None:
            current.lines.append(line)
    return [block for block in found if block.info.startswith("console") or "file=" in block.info]


def play(document: list[Block], folder: Path) -> list[list[str]]:
    """Run a document in one shell and give the output of each command."""
    session = Session()
    for number, block in enumerate(document):
        session.add(block, number)
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("SYNCER_", "PYTHON"))}
    environ |= {"PATH": f"{Path(sys.executable).parent}:{environ['PATH']}", "TOP": str(folder), "NO_COLOR": "1"}
    script = "\n".join(session.script).replace(PORT, str(free_port()))
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=environ, cwd=folder, check=False)
    assert done.stderr == ""
    told = done.stdout.replace(str(folder), HERE)
    return [part.strip("\n").split("\n") if part.strip("\n") else [] for part in told.split(f"{MARK}\n")[:-1]]


def free_port() -> int:
    """Give a port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def shown(document: list[Block]) -> list[list[str]]:
    """Give the output of each command as the document shows it."""
    outputs: list[list[str]] = []
    for block in document:
        for line in block.lines if block.info.startswith("console") else ():
            if line.startswith("$ "):
                outputs.append([])
            else:
                outputs[-1].append(line)
    return outputs


def steady(lines: list[str]) -> str:
    """Replace what differs from run to run."""
    text = "\n".join(lines).strip("\n")
    for pattern, name in VARYING:
        text = pattern.sub(name, text)
    return text


def rewrite(text: str, document: list[Block], outputs: list[list[str]]) -> str:
    """Put the outputs into the document."""
    lines = text.split("\n")
    remaining = list(outputs)
    replaced: list[tuple[int, int, list[str]]] = []
    for block in document:
        if block.info.startswith("console"):
            played = [line for command in block.commands for line in (f"$ {command}", *remaining.pop(0))]
            replaced.append((block.first, block.last, played))
    for first, last, played in reversed(replaced):
        lines[first:last] = played
    return "\n".join(lines)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_document_shows_what_comes_out(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Command by command, apart from identifiers and times."""
    path = ROOT / name
    text = path.read_text()
    document = blocks(text)
    for manifest in path.parent.glob("*.yaml") if path.parent != ROOT else ():
        shutil.copy(manifest, tmp_path)
    monkeypatch.delenv("SYNCER_TEST_VAULT_ADDR", raising=False)  # counts of calls are those of the fake
    with DOCUMENTS[name](monkeypatch):
        outputs = play(document, tmp_path)
    if os.environ.get("SYNCER_UPDATE_DOCS"):
        path.write_text(rewrite(text, document, outputs))
        return
    expected = shown(document)
    assert len(outputs) == len(expected)
    commands = [command for block in document if block.info.startswith("console") for command in block.commands]
    for command, came, said in zip(commands, outputs, expected, strict=True):
        assert steady(came) == steady(said), command


def test_the_quickstart_demo_runs(tmp_path: Path) -> None:
    """Plan, apply, plan; and nothing is left behind in the example's folder."""
    folder = ROOT / "examples/quickstart"
    before = sorted(folder.iterdir())
    environ = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
    environ.pop("SYNCER_KEY", None)
    done = subprocess.run(["sh", folder / "demo.sh"], capture_output=True, text=True, env=environ, check=True)
    assert "3 to add" in done.stdout
    assert "Apply complete! Resources: 3 added" in done.stdout
    assert done.stdout.rstrip().split("\n")[-2] == "No changes. Your secrets match the manifest."
    assert sorted(folder.iterdir()) == before
    assert list(tmp_path.iterdir()) == []
