"""What goes where: one JSON document whatever happens, broken pipes, full disks, bugs."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cli.folder import GENERATE, environment

from syncer import cli
from syncer.cli.console import Console

if TYPE_CHECKING:
    from cli.folder import Folder

JSON = ("--format", "json")


def tool(folder: Path, *arguments: str, **given: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the tool as a process of its own."""
    given = {"capture_output": True, "stdin": subprocess.DEVNULL, **given}
    return subprocess.run(
        [sys.executable, "-m", "syncer", *arguments], cwd=folder, env=environment(), check=False, **given
    )


def _interrupt(*_given: object, **_named: object) -> None:
    raise KeyboardInterrupt


def _lost(*_given: object, **_named: object) -> None:
    raise BrokenPipeError


def _bug(*_given: object, **_named: object) -> None:
    message = "CANARY-7f3a9c"
    raise ValueError(message)


def test_a_bug_shows_its_type_and_place_only(syncer: Folder) -> None:
    """Exit 1, no traceback, and nothing of the exception's message, in JSON too."""
    syncer.declare({"global:a": GENERATE})
    syncer.monkeypatch.setattr("syncer.cli.plan.make_plan", _bug)
    for form in ("human", "json"):
        result = syncer("plan", "--format", form)
        assert result.code == 1
        assert "error: internal error: ValueError in " in result.err
        assert "test_cli_output:" in result.err
        assert "CANARY" not in result.out + result.err
        assert "Traceback" not in result.err
    assert result.codes == ["internal_error"]


def test_a_bug_after_the_document_adds_no_second_one(syncer: Folder) -> None:
    """Standard output stays one document."""
    syncer.declare({"global:a": GENERATE})
    syncer.monkeypatch.setattr("syncer.cli.plan.check_complete", _bug)
    result = syncer("plan", *JSON)
    assert (result.code, result.json["project"]) == (1, "shop")


def test_a_bug_without_a_place() -> None:
    """An exception that was never raised has no traceback."""
    console = Console()
    console.internal_error(ValueError("CANARY"))


def test_ctrl_c_while_planning(syncer: Folder) -> None:
    """Exit 130 with one line, and a document where one was promised."""
    syncer.declare({"global:a": GENERATE})
    syncer.monkeypatch.setattr("syncer.cli.plan.make_plan", _interrupt)
    human, machine = syncer("plan"), syncer("plan", *JSON)
    assert (human.code, human.out, human.err) == (130, "", "error: interrupted\n")
    assert (machine.code, machine.codes) == (130, ["interrupted"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "--format=json", "--bogus"],
        ["plan", "--bogus", "--format", "json"],
        ["plan", "--format", "json", "surplus"],
        ["show", "--format", "json", "a", "b"],
        ["state", "show", "--format", "json", "nocolon"],
        ["drift", "--format", "json", "--accept"],
        ["validate", "--format", "json", "x"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_a_document_too(syncer: Folder, arguments: list[str]) -> None:
    """Also where the arguments could not be read to the end."""
    syncer.declare({"global:a": GENERATE})
    result = syncer(*arguments)
    assert (result.code, result.codes) == (64, ["wrong_usage"])
    assert result.err.startswith("Usage: syncer ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["get", "--format", "json", "a:b"],
        ["export", "--format", "json"],
        ["export", "--scope", "global", "--format", "json", "--name", "x"],
        ["run", "--bogus", "--", "x", "--format", "json"],
        ["seal", "surplus", "surplus", "--format", "json"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_none_where_none_was_promised(syncer: Folder, arguments: list[str]) -> None:
    """Whoever waits for values gets nothing, and what follows `run --` is not ours."""
    syncer.declare({"global:a": GENERATE})
    result = syncer(*arguments)
    assert (result.code, result.out) == (64, "")
    assert result.err.startswith("Usage: syncer ")


class Broken(io.TextIOWrapper):
    """A stream whose every write fails."""

    def __init__(self, error: OSError) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8")
        self.error = error

    def write(self, _text: str) -> int:
        """Fail."""
        raise self.error


def test_a_reader_that_left_does_not_stop_an_apply(syncer: Folder) -> None:
    """`syncer apply | head` still applies everything, and says so by its exit code."""
    syncer.declare({"global:a": GENERATE})
    syncer.monkeypatch.setattr(sys, "stdout", Broken(BrokenPipeError()))
    assert syncer("apply", "--auto-approve").code == 0
    assert syncer.state.exists()


def test_a_reader_that_left_the_help(syncer: Folder) -> None:
    """`syncer plan --help | head -1` is fine; a connection that a backend lost is not the reader's doing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", Broken(BrokenPipeError()))
        assert syncer("plan", "--help").code == syncer("-h").code == syncer().code == 0
    syncer.declare({"global:a": GENERATE})
    syncer.monkeypatch.setattr("syncer.cli.plan.make_plan", _lost)
    assert syncer("plan").code == 1


def test_nobody_reads_standard_error(syncer: Folder) -> None:
    """The exit code still tells."""
    syncer.monkeypatch.setattr(sys, "stderr", Broken(BrokenPipeError()))
    assert syncer("validate").code == 3
    assert syncer("validate", "--bogus").code == 64


def test_a_full_disk(syncer: Folder) -> None:
    """A result that cannot be written is an error, told once, not a bug."""
    syncer.declare({"global:a": GENERATE})
    syncer.monkeypatch.setattr(sys, "stdout", Broken(OSError(28, "No space left on device")))
    result = syncer("plan")
    assert (result.code, result.err) == (1, "error: standard output cannot be written: No space left on device\n")
    assert syncer("validate", "--bogus", *JSON).code == 64
    assert syncer("version").code == 1
    for arguments in (["--help"], ["plan", "-h"], [], ["state"]):
        helped = syncer(*arguments)
        assert (helped.code, helped.err) == (result.code, result.err)


def test_a_pipe_closed_early(tmp_path: Path) -> None:
    """The real thing: a reader that goes away leaves neither a traceback nor a failure."""
    reader, writer = os.pipe()
    os.close(reader)
    ended = tool(tmp_path, "schema", "plan", capture_output=False, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_full_disk_for_real(tmp_path: Path) -> None:
    """Not even at exit is there a traceback."""
    with Path("/dev/full").open("wb") as full:
        ended = tool(tmp_path, "schema", "plan", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert (ended.returncode, ended.stderr.count(b"\n")) == (1, 1)


def test_closed_streams(tmp_path: Path) -> None:
    """A caller that closed all three gets the exit code: a result that went nowhere is a failure."""
    assert _closed(tmp_path, "version <&- >&- 2>&-") == (1, "")


@pytest.mark.parametrize(
    "command",
    ["version", "--version", "--help", "plan --help", "", "state", "get global:a", "plan", "apply --auto-approve"],
)
def test_a_closed_standard_output(syncer: Folder, command: str) -> None:
    """What was asked for is lost, so the run failed, and says so; nothing was applied that could not be told."""
    syncer.declare({"global:a": GENERATE})
    if command.startswith("get"):
        syncer.apply()
    before = _of_state(syncer)
    assert _closed(syncer.path, f"{command} >&-") == (
        1,
        "error: standard output cannot be written: Bad file descriptor\n",
    )
    assert _of_state(syncer) - before <= {".syncer/state.json.lock"}


def _of_state(syncer: Folder) -> set[str]:
    return {name for name in syncer.files() if "state" in name}


def _closed(folder: Path, command: str) -> tuple[int, str]:
    script = ["sh", "-c", f'exec "$0" -m syncer {command}', sys.executable]
    ended = subprocess.run(script, env=environment(), cwd=folder, capture_output=True, check=False, text=True)
    assert ended.stdout == ""
    return ended.returncode, ended.stderr


def test_a_process_of_its_own(tmp_path: Path) -> None:
    """`python -m syncer`: exit codes leave the process, results reach a terminal that knows ASCII only."""
    (tmp_path / "ünï.yaml").write_text("version: 1\nproject: shop\nbackend: {type: local}\nscopes: {}\n")
    environ = environment() | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "syncer", "-f", "ünï.yaml", "validate"]
    ended = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, b"\\xfcn\\xef.yaml is valid: 0 secrets in 0 scopes.\n")
    assert tool(tmp_path, "validate").returncode == 3


def test_main_leaves_with_the_exit_code(syncer: Folder) -> None:
    """Streams are flushed and the interpreter's own farewell is skipped."""
    codes: list[int] = []
    syncer.monkeypatch.setattr(os, "_exit", codes.append)
    syncer.monkeypatch.setattr(cli, "interrupt_on_ending", lambda: None)
    syncer.monkeypatch.setattr(sys, "argv", ["syncer", "plan", "--bogus"])
    syncer.monkeypatch.setattr(sys, "stdin", None)
    cli.main()
    assert codes == [64]
    assert sys.stdin is not None
    sys.stdin.close()


@pytest.mark.parametrize(
    ("arguments", "code", "found"),
    [
        (["validate"], 3, "invalid_manifest"),
        (["plan"], 3, "invalid_manifest"),
        (["apply", "--auto-approve"], 3, "invalid_manifest"),
        (["drift"], 3, "invalid_manifest"),
        (["show"], 3, "invalid_manifest"),
        (["state", "show", "a:b"], 3, "invalid_manifest"),
    ],
)
def test_an_invalid_manifest_is_a_document(syncer: Folder, arguments: list[str], code: int, found: str) -> None:
    """From every command that has a JSON form."""
    syncer.write({"version": 1, "project": "shop", "backend": {"type": "local"}, "scopes": {}, "extra": 1})
    result = syncer(*arguments, *JSON)
    assert (result.code, result.codes) == (code, [found])
    assert result.json["complete"] is False


def test_colour_never_reaches_a_pipe(syncer: Folder) -> None:
    """Neither stream holds an escape sequence where it is no terminal."""
    syncer.declare({"global:a": GENERATE})
    for command in (["plan"], ["apply", "--auto-approve"], ["validate", "--bogus"], ["get", "global:none"]):
        result = syncer(*command)
        assert "\x1b" not in result.out + result.err


def test_the_digest_is_stable(syncer: Folder) -> None:
    """The same plan made twice is the same document but for its time."""
    syncer.declare({"global:a": GENERATE})
    one, two = (json.loads(syncer.fine("plan", *JSON)) for _ in range(2))
    assert one["digest"] == two["digest"]
