"""Projects on disk, and runs over them: in this process, and in real ones that can be killed."""

from __future__ import annotations

import atexit
import contextlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import syncer
from syncer import crypto
from syncer.cli import run
from syncer.cli.options import open_session
from syncer.model import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from syncer.state.model import State

DEADLINE = 60.0
"""Seconds after which a process of a test is taken to hang."""


@cache
def _bytecode() -> str:
    folder = tempfile.mkdtemp(prefix="syncer-bytecode-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def child_environment(values: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give the environment of a process that runs this tree, compiled once, with more variables."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("SYNCER", "PYTHON"))}
    root = str(Path(syncer.__file__).parent.parent)
    return {**kept, "PYTHONPATH": root, "PYTHONPYCACHEPREFIX": _bytecode(), "HOME": "/nonexistent", **(values or {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a run ended."""

    code: int
    """The exit code; negative for a signal that killed it."""
    out: str
    err: str

    def expect(self, *codes: int) -> Result:
        """Fail unless it ended with one of these codes and without a traceback."""
        assert self.code in codes, f"exit {self.code}, not {codes}\n{self.out}\n{self.err}"
        assert "Traceback" not in self.err, self.err
        assert "internal error" not in self.err, self.err
        return self


@dataclass(slots=True, kw_only=True)
class Project:
    """A manifest with secrets from the environment and made ones, on the local backend."""

    folder: Path
    envs: int = 0
    """Secrets `env:NNN`, their values `value-NNN-` and the turn."""
    made: int = 0
    """Generated secrets `made:NNN`."""
    turn: int = 1
    """Raised to rotate everything."""
    more: dict[str, str] = field(default_factory=dict)
    """Further entries, name to source as YAML, in the scope `more`."""
    variables: dict[str, str] = field(default_factory=dict)
    backend: str = "{type: local}"
    state_path: str = ".syncer/state.json"
    state_spec: str = ""
    """As YAML; without it, a file at `state_path`."""
    manifest: str = "syncer.yaml"

    def write(self) -> None:
        """Write the manifest."""
        rotate = f", rotate: {{version: {self.turn}}}"
        scopes = {
            "env": {f"{n:03}": f"{{env: V{n:03}}}" for n in range(self.envs)},
            "made": {f"{n:03}": f"{{generate: {{length: 24}}}}{rotate}" for n in range(self.made)},
            "more": self.more,
        }
        lines = ["version: 1", "project: shop", f"backend: {self.backend}"]
        state = self.state_spec or f"{{type: file, path: {self.state_path}}}"
        lines += [f"state: {state}", "scopes:"]
        for scope, entries in scopes.items():
            lines += [f"  {scope}:", "    secrets:" if entries else "    secrets: {}"]
            lines += [f'      "{name}": {{source: {source}}}' for name, source in entries.items()]
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / self.manifest).write_text("\n".join([*lines, ""]))

    @property
    def environ(self) -> dict[str, str]:
        """The values of this turn."""
        values = {f"V{n:03}": f"value-{n:03}-{self.turn}" for n in range(self.envs)}
        return {**values, **self.variables}

    @property
    def addresses(self) -> set[Address]:
        """Everything that the manifest declares."""
        names = [f"env:{n:03}" for n in range(self.envs)] + [f"made:{n:03}" for n in range(self.made)]
        return {Address.parse(name) for name in [*names, *(f"more:{name}" for name in self.more)]}

    # Runs.

    def run(self, *arguments: str) -> Result:
        """Run a command in this process."""
        out, err = io.StringIO(), io.StringIO()
        with self._as_environ(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(["-C", str(self.folder), "-f", self.manifest, *arguments])
        return Result(code=code, out=out.getvalue(), err=err.getvalue())

    def apply(self, *arguments: str) -> Result:
        """Apply in this process, without a question."""
        return self.run("apply", "--auto-approve", *arguments)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start a command as a process of its own, its output in pipes unless told otherwise."""
        pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        environ = {**child_environment(self.environ), **options.pop("env", {})}
        command = [sys.executable, "-m", "syncer", "-C", str(self.folder), "-f", self.manifest, *arguments]
        return subprocess.Popen(command, env=environ, text=True, **{**pipes, **options})

    def spawn(self, *arguments: str, **options: Any) -> Result:
        """Run a command as a process of its own, to its end."""
        return ended(self.start(*arguments, **options))

    # What is there.

    @property
    def journal(self) -> Path:
        """Where the journal of a running apply stands."""
        return self.folder / ".syncer/state.json.journal"

    def state(self) -> State:
        """Read the state, a left journal folded in."""
        with self._session() as session:
            return session.state_store.read()

    def versions(self) -> dict[Address, int]:
        """Give the version of everything in the store; each is one more than the one before it."""
        scopes = {address.scope for address in self.addresses}
        with self._session() as session:
            found = list(session.backend("default").observe(scopes, ()))
        assert len(found) == len({observed.address for observed in found})
        return {observed.address: int(observed.version) for observed in found}

    def check(self) -> None:
        """Check that store, records and manifest are at one, value by value."""
        state = self.state()
        versions = self.versions()
        assert set(state.records) == set(versions) == self.addresses
        with self._session() as session:
            backend, key = session.backend("default"), session.keyring.subkey(crypto.FINGERPRINTS)
            for address, record in state.records.items():
                value = backend.read(address)
                assert record.fingerprint == crypto.fingerprint(key, value, address, record.fingerprint), address
                assert record.version == str(versions[address]), address
                assert not record.interrupted, address
                if address.scope == "env":
                    assert value.reveal().decode() == self.environ[f"V{address.ref}"], address

    def check_converged(self) -> None:
        """Check that there is nothing to do and nothing left over."""
        planned = self.run("plan", "--detailed-exitcode", "--verify-values").expect(0)
        assert planned.out.startswith("No changes."), planned.out
        self.check()
        files = {path.name for path in (self.folder / ".syncer").iterdir()}
        known = {
            "git",
            "key",
            "state.json",
            "state.json.backup",
            "state.json.lock",
            "store.db",
            "store.db-shm",
            "store.db-wal",
        }
        assert files <= known, files - known

    def planned(self, *arguments: str) -> dict[str, Any]:
        """Plan in this process and give the JSON document."""
        document: dict[str, Any] = json.loads(self.run("plan", "--format", "json", *arguments).expect(0).out)
        return document

    @contextlib.contextmanager
    def _session(self) -> Iterator[Any]:
        console: Any = _Quiet(self.folder / self.manifest)
        with self._as_environ(), open_session(console) as session:
            yield session

    @contextlib.contextmanager
    def _as_environ(self) -> Iterator[None]:
        before = dict(os.environ)
        os.environ.update(self.environ)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


class _Quiet:
    """As much of a console as opening a session needs."""

    def __init__(self, manifest: Path) -> None:
        self.manifest = str(manifest)

    def key_made(self, _path: Path) -> None:
        """Tell nobody."""

    def note(self, _text: str) -> None:
        """Tell nobody."""


def ended(process: subprocess.Popen[str]) -> Result:
    """Wait for the end of a process; fail if it hangs."""
    with process:
        try:
            out, err = process.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return Result(code=process.returncode, out=out or "", err=err or "")


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[str]) -> bool:
    """Look, again and again, until it is so; give False if the process ended before."""
    limit = time.monotonic() + DEADLINE
    while not ready():
        assert time.monotonic() < limit
        if not lives_for(process, 0.001):
            return ready()
    return True


def lives_for(process: subprocess.Popen[str], seconds: float) -> bool:
    """Let a moment pass; give False as soon as the process has ended."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def moments(count: int, seed: int) -> Iterable[float]:
    """Give as many fractions of a span, spread over all of it, each at random within its part."""
    generator = random.Random(seed)  # noqa: S311  # no secret is made here
    fractions = [(number + generator.random()) / count for number in range(count)]
    generator.shuffle(fractions)
    return fractions


def kill(process: subprocess.Popen[str]) -> Result:
    """End a process as power loss would end it; it may have ended by itself."""
    process.send_signal(signal.SIGKILL)
    return ended(process)
