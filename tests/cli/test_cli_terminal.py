"""What happens on a terminal only: colour, questions, progress, hidden input."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from cli.folder import GENERATE, Folder, Result, environment

from syncer.cli import run

if TYPE_CHECKING:
    from collections.abc import Iterator

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Terminal:
    """A pseudo-terminal in the place of the standard streams of this process."""

    syncer: Folder

    @contextmanager
    def streams(self, *names: str) -> Iterator[int]:
        """Put a terminal in the place of these streams, and give its other end."""
        master, slave = pty.openpty()
        with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
            stack.callback(os.close, master)
            stack.callback(os.close, slave)
            for name in names:
                mode = "r" if name == "stdin" else "w"
                patch.setattr(sys, name, stack.enter_context(open(os.dup(slave), mode, encoding="utf-8")))  # noqa: PTH123  # no path
            yield master

    def __call__(
        self, *arguments: str, typed: bytes = b"", on: tuple[str, ...] = ("stdin", "stdout", "stderr")
    ) -> Result:
        """Run a command with `typed` waiting on the terminal; what the terminal shows is `err`."""
        with self.streams(*on) as master:
            os.write(master, typed)
            code = run(arguments)
            shown = b""
            while select.select([master], [], [], 0)[0]:
                shown += os.read(master, 65536)
        out, _ = self.syncer.capture.readouterr()
        return Result(code, out, shown.decode().replace("\r\n", "\n"))


@pytest.fixture
def terminal(syncer: Folder) -> Terminal:
    """A project with one secret to create, at a terminal."""
    syncer.declare({"global:a": GENERATE})
    syncer.monkeypatch.setenv("TERM", "xterm")
    syncer.monkeypatch.delenv("CI", raising=False)
    return Terminal(syncer)


def test_colour(terminal: Terminal) -> None:
    """On a terminal; NO_COLOR and --no-color take it away, and with it nothing else."""
    on = ("stdout",)
    coloured = terminal("plan", on=on).err
    assert "\x1b[32m+\x1b[0m" in coloured
    plain = terminal("--no-color", "plan", on=on).err
    terminal.syncer.monkeypatch.setenv("NO_COLOR", "1")
    assert terminal("plan", on=on).err == plain == ESCAPE.sub("", coloured)
    terminal.syncer.monkeypatch.setenv("NO_COLOR", "")
    assert terminal("plan", on=on).err == coloured


def test_json_has_no_colour(terminal: Terminal) -> None:
    """Not even on a terminal."""
    assert "\x1b" not in terminal("plan", "--format", "json", on=("stdout",)).err


def test_each_stream_decides_for_itself(terminal: Terminal) -> None:
    """A plan in a file is plain, an error on the terminal is red."""
    result = terminal("get", "global:nothing", on=("stderr",))
    assert "\x1b[31merror:\x1b[0m" in result.err


def test_yes_applies(terminal: Terminal) -> None:
    """The plan, the question, the answer, a bar, the outcome."""
    result = terminal("apply", typed=b"yes\n")
    shown = ESCAPE.sub("", result.err)
    assert result.code == 0
    assert "Do you want to perform these actions?\n  Only 'yes' is accepted: " in shown
    assert "applying" in shown
    assert "100%" in shown
    assert "Apply complete! Resources: 1 added" in shown


@pytest.mark.parametrize("answer", [b"no\n", b"y\n", b"YES\n", b"\n", b"yes please\n"])
def test_anything_else_cancels(terminal: Terminal, answer: bytes) -> None:
    """Exit 1, nothing written."""
    result = terminal("apply", typed=answer)
    assert (result.code, "apply cancelled, nothing was written" in result.err) == (1, True)
    assert not terminal.syncer.state.exists()


def test_the_end_of_input_cancels(terminal: Terminal) -> None:
    """Ctrl-D is no yes."""
    result = terminal("apply", typed=b"\x04")
    assert (result.code, "interrupted" in result.err) == (130, True)


def test_nothing_to_do_asks_nothing(terminal: Terminal) -> None:
    """An empty plan has no question, and no bar."""
    terminal.syncer.apply()
    result = terminal("apply")
    assert (result.code, "Do you want" in result.err, "applying" in result.err) == (0, False, False)


def test_the_question_never_reaches_standard_output(terminal: Terminal) -> None:
    """With a pipe for results, the plan and the outcome are there and the question is on the terminal."""
    result = terminal("apply", typed=b"yes\n", on=("stdin", "stderr"))
    assert "Do you want" in result.err
    assert "Do you want" not in result.out
    assert "Only 'yes'" not in result.out
    assert result.out.endswith("read.\n")


def test_planning_is_shown_and_cleared(terminal: Terminal) -> None:
    """Only while it lasts, and in words with -v."""
    assert terminal("plan", on=("stderr",)).err == "\r\x1b[2Kplanning ...\r\x1b[2K"
    told = "planning\nbackend default: 0 calls, 0 values read\n"
    assert terminal("-v", "plan", on=("stderr",)).err == told


def test_a_dumb_terminal_gets_no_escapes(terminal: Terminal) -> None:
    """Neither colour nor anything that is taken back: it would show the codes."""
    terminal.syncer.monkeypatch.setenv("TERM", "dumb")
    result = terminal("apply", typed=b"yes\n")
    assert (result.code, "\x1b" in result.err) == (0, False)
    assert "Do you want to perform these actions?" in result.err
    assert "applying" not in result.err


def test_a_job_with_a_terminal_is_told_nothing_that_is_taken_back(terminal: Terminal) -> None:
    """Its runner reads commands at the start of a line, where no escape may stand."""
    terminal.syncer.monkeypatch.setenv("CI", "true")
    assert terminal("plan", on=("stderr",)).err == ""
    assert "applying" not in terminal("apply", "--auto-approve").err


def test_progress_is_not_shown_elsewhere(terminal: Terminal) -> None:
    """A log file gets no bar."""
    result = terminal("apply", typed=b"yes\n", on=("stdin",))
    assert "applying" not in result.err


@pytest.mark.parametrize(("typed", "code"), [(b"yes\n", 0), (b"no\n", 1)])
def test_accepting_drift_asks(terminal: Terminal, typed: bytes, code: int) -> None:
    """Only yes writes the state."""
    terminal.syncer.apply()
    terminal.syncer.overwrite("global:a", b"behind our back")
    result = terminal("drift", "--accept", typed=typed)
    assert (result.code, "take this into the state?" in result.err) == (code, True)
    assert terminal.syncer("drift").code == (0 if code == 0 else 2)


def test_get_ends_the_line_on_a_terminal(terminal: Terminal) -> None:
    """A newline there, none in a pipe."""
    terminal.syncer.apply()
    value = terminal.syncer("get", "global:a").stdout
    assert len(value) == 20
    assert terminal("get", "global:a", on=("stdout",)).err == value.decode() + "\n"


def test_seal_hides_what_is_typed(terminal: Terminal) -> None:
    """In a process of its own, because the prompt looks for the controlling terminal: nothing typed is echoed."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "syncer", "seal", "global:a"],
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=slave,
        env=environment(),
        cwd=terminal.syncer.path,
        start_new_session=True,
    )
    os.close(slave)
    shown = b""
    while b"Value: " not in shown:
        assert select.select([master], [], [], 30)[0], shown
        shown += os.read(master, 1024)
    os.write(master, b"typed-by-hand\n")
    sealed, _ = process.communicate(timeout=30)
    while select.select([master], [], [], 0)[0]:
        try:
            shown += os.read(master, 1024)
        except OSError:  # the other end is closed: how Linux ends a terminal
            break
    os.close(master)
    assert process.returncode == 0
    assert b"typed" not in shown
    terminal.syncer.declare({"global:a": {"source": {"sealed": sealed.decode().strip()}}})
    terminal.syncer.apply()
    assert terminal.syncer("get", "global:a").stdout == b"typed-by-hand"
