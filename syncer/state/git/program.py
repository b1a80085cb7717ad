"""Runs the `git` program, for a bounded time, and never with a secret among its arguments."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TIMEOUT = 60.0
"""Seconds that one call may take."""

_PROGRAM = "git"
"""The one that the user has on the path."""

NEEDED = "a state of `type: git` needs git 2.31 or newer on the path"
"""From which version on it is told its settings by variables."""

TIMED_OUT = "timed out"

_GRACE = 2.0
"""Seconds in which git may clean up after itself."""


class GitFailed(Exception):
    """A call ended with an error. What git said is not for people: it may name an address with its password."""

    def __init__(self, said: str, code: int = 128) -> None:
        super().__init__("git failed")
        self.said = said
        self.code = code


def nonsense(asked: str) -> StateError:
    """Give the error for an answer that git never gives."""
    return StateError(f"git was asked for {asked} and gave something else", hint="see which `git` is on the path")


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """The program with its surroundings."""

    environ: Mapping[str, str]
    folder: Path
    """Where it runs."""

    def run(self, *arguments: str, stdin: bytes = b"", timeout: float = TIMEOUT) -> bytes:
        """Give what it printed. Raise GitFailed, and StateError where there is no git."""
        process = self._start(arguments)
        try:
            out, err = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise GitFailed(TIMED_OUT) from None
        finally:
            _clear_away(process)
        if process.returncode:
            # With --porcelain, what was refused and why goes to standard output.
            raise GitFailed((err + b"\n" + out).decode("utf-8", "replace"), process.returncode)
        return out

    def _start(self, arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603  # no shell, and no argument of anybody else's making
                [_PROGRAM, *arguments],
                cwd=self.folder,
                env=dict(self.environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            message = f"git cannot be started: {(error.strerror or 'it failed').lower()}"
        raise StateError(message, hint=NEEDED)


def _clear_away(process: subprocess.Popen[bytes]) -> None:
    """End it with all that it started, where it has not ended: softly first, so that it leaves no lock files."""
    if process.returncode is None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
                break
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
