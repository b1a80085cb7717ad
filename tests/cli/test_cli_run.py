"""`run`: a program has the values of a scope in its environment, and takes the tool's place."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli.folder import KEY_TEXT, environment

from syncer.cli import running
from syncer.exchange.variables import ELSEWHERE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.folder import Folder, Result

A = {"source": {"env": "A"}}
B = {"source": {"env": "B"}}
ENV = "import os, sys; sys.stdout.buffer.write(b'\\0'.join(k + b'=' + v for k, v in os.environb.items()))"
RAW = b"\xff\xfe'\"$HOME `id`\r\n\n"


@pytest.fixture
def chain(syncer: Folder) -> Folder:
    """Scope `payments` falls back to `global`; `both` is in both, `shared` in `global` only."""
    syncer.monkeypatch.setenv("A", "canary-own")
    syncer.monkeypatch.setenv("B", "canary-shared")
    declare(syncer)
    syncer.apply()
    return syncer


def declare(syncer: Folder, **more: Mapping[str, object]) -> None:
    """Write the manifest."""
    secrets = {"global:both": B, "global:prod/shared": B, "payments:both": A, "payments:own": A} | more
    syncer.declare(secrets, scopes={"payments": {"fallback": "global"}})


def run(syncer: Folder, *arguments: str, scope: str = "payments") -> subprocess.CompletedProcess[bytes]:
    """Run a real process of the tool, with one more variable."""
    command = [sys.executable, "-m", "syncer", "run", "--scope", scope, *arguments]
    own = {name: value for name, value in environment().items() if name not in "AB"}
    environ = own | {"SYNCER_KEY": KEY_TEXT, "SYNCER_GIT_TOKEN": "t", "OWN": "inherited", "LEFT": "here"}
    return subprocess.run(command, cwd=syncer.path, env=environ, capture_output=True, check=False)


def variables(ended: subprocess.CompletedProcess[bytes]) -> dict[str, bytes]:
    """Read what a program had."""
    assert (ended.returncode, ended.stderr) == (0, b"")
    return {name.decode(): value for name, value in (pair.split(b"=", 1) for pair in ended.stdout.split(b"\0"))}


def asked(syncer: Folder, *arguments: str) -> Result:
    """Run in this process what never comes to its program; no value is told."""
    result = syncer("-v", "run", "--scope", "payments", *arguments)
    assert b"canary" not in result.stdout + result.err.encode()
    return result


def open_files() -> set[str]:
    """Name what this process has open, but for what is asked for that."""
    return {str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()} - {
        f"/proc/{os.getpid()}/fd"
    }


def test_a_program_has_the_values(chain: Folder) -> None:
    """With fallback, byte for byte, over what it inherits; the key it does not get."""
    (chain.path / "raw").write_bytes(RAW)
    declare(chain, **{"payments:raw": {"source": {"file": "raw"}}})
    chain.apply()
    found = variables(run(chain, "--", sys.executable, "-c", ENV))
    values = {"BOTH": b"canary-own", "OWN": b"canary-own", "PROD_SHARED": b"canary-shared", "RAW": RAW}
    assert {name: found[name] for name in values} == values
    assert found["LEFT"] == b"here"
    assert found.keys().isdisjoint({"SYNCER_KEY", "SYNCER_GIT_TOKEN"})
    assert found["PATH"] == os.environb[b"PATH"]


def test_some_of_them(chain: Folder) -> None:
    """By ref, under a prefix; and the key where that is asked for."""
    ended = run(
        chain, "--only", "own", "--only", "prod/shared", "--prefix", "db_", "--keep-key", sys.executable, "-c", ENV
    )
    found = variables(ended)
    assert {name: value for name, value in found.items() if b"canary" in value} == {
        "db_OWN": b"canary-own",
        "db_PROD_SHARED": b"canary-shared",
    }
    assert found["OWN"] == b"inherited"
    assert found["SYNCER_KEY"] == KEY_TEXT.encode()


def test_what_is_disabled_is_left_out(chain: Folder) -> None:
    """It is not looked for in the fallback either; asked for by name it is refused."""
    declare(chain, **{"payments:both": A | {"enabled": False}})
    chain.apply()
    found = variables(run(chain, "--", sys.executable, "-c", ENV))
    assert {name for name, value in found.items() if b"canary" in value} == {"OWN", "PROD_SHARED"}
    result = asked(chain, "--only", "both", "--only", "own", "--", "true")
    assert (result.code, "payments:both is disabled\n" in result.err) == (4, True)


def test_the_exit_code_is_the_programs(chain: Folder) -> None:
    """So are its output, its arguments and what it reads."""
    script = 'cat; printf "%s|" "$@" >&2; exit 42'
    command = [
        sys.executable,
        "-m",
        "syncer",
        "run",
        "--scope",
        "payments",
        "sh",
        "-c",
        script,
        "-x",
        "--only",
        "a b",
        "",
    ]
    ended = subprocess.run(command, cwd=chain.path, env=environment(), input=b"typed", capture_output=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (42, b"typed", b"--only|a b||")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL, signal.SIGPIPE])
def test_signals_are_the_programs(chain: Folder, number: signal.Signals) -> None:
    """There is no process between it and whoever sends them, and it ignores none that it did not ask to ignore."""
    command = [sys.executable, "-m", "syncer", "run", "--scope", "payments", "--", "sh", "-c", "echo $$; exec cat"]
    process = subprocess.Popen(
        command, cwd=chain.path, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == process.pid
        process.send_signal(number)
        assert process.wait(timeout=60) == -number


def test_no_value_is_an_argument(chain: Folder) -> None:
    """Of the program, or of anything that ran before it."""
    command = [sys.executable, "-m", "syncer", "run", "--scope", "payments", "--", "sh", "-c", "echo; exec cat"]
    process = subprocess.Popen(
        command, cwd=chain.path, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        assert b"canary" not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        process.kill()


def test_it_runs_where_c_says(chain: Folder) -> None:
    """`-C` is for the program, too."""
    command = [sys.executable, "-m", "syncer", "-C", str(chain.path), "run", "--scope", "payments", "pwd"]
    ended = subprocess.run(command, cwd="/", env=environment(), capture_output=True, check=True)
    assert ended.stdout.decode().strip() == str(chain.path)


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("no-such-program", 127, "no-such-program: there is no such program"),
        ("./nothing", 127, "./nothing: there is no such program"),
        ("./data/x", 127, "./data/x: there is no such program"),
        ("./data", 126, "./data: the system does not run it: permission denied"),
        ("./text", 126, "./text: the system does not run it: exec format error"),
        (".", 126, ".: the system does not run it: permission denied"),
    ],
)
def test_what_is_no_program(chain: Folder, name: str, code: int, told: str) -> None:
    """127 where there is none, else 126; the tool's own signals are as they were."""
    (chain.path / "data").write_text("data")
    (chain.path / "text").write_text("text")
    (chain.path / "text").chmod(stat.S_IRWXU)
    result = asked(chain, "--", name)
    assert (result.code, result.stdout, told in result.err) == (code, b"", True)
    assert signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN


def test_a_program_without_a_name(chain: Folder) -> None:
    """As a variable that is not set leaves one."""
    result = asked(chain, "")
    assert (result.code, "error: the name of the program is empty\n" in result.err) == (127, True)


def test_an_environment_that_is_too_large(chain: Folder) -> None:
    """All together: the system says so. One alone is refused by name, and so is what no variable holds."""

    def refuse(*_given: object) -> None:
        raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))

    with chain.monkeypatch.context() as patched:
        patched.setattr(os, "execvpe", refuse)
        result = asked(chain, "true")
    assert (result.code, "true: the system does not run it: argument list too long" in result.err) == (126, True)
    for name, value in {"nul": b"canary\0", "large": b"canary" * 22_000}.items():
        (chain.path / name).write_bytes(value)
    odd = {f"payments:{name}": {"source": {"file": name}} for name in ("nul", "large")}
    declare(chain, **odd, **{"payments:path": A, "payments:o-wn": A, "payments:o.wn": A})
    chain.apply()
    result = asked(chain, "true")
    assert result.code == 1
    assert result.err.splitlines()[-5:] == [
        "error: large: 132006 bytes, and a variable holds 131071 (LARGE)",
        "  nul: the value holds a NUL character, and a variable cannot (NUL)",
        "  o-wn, o.wn: the program would call each of them O_WN",
        "  path: this variable would change what is run (PATH)",
        f"hint: rename them, or begin their names with --prefix; {ELSEWHERE}",
    ]


def test_an_argument_that_cannot_be(chain: Folder) -> None:
    """No command line brings a NUL character; a program that calls us may."""
    result = asked(chain, "--", "echo", "a\0b")
    assert (result.code, "echo: the system does not run it: its name or an argument cannot be" in result.err) == (
        126,
        True,
    )


def test_the_backends_are_closed_before(chain: Folder) -> None:
    """Nothing is left open for the program, and the handlers of signals are the system's."""
    before = open_files()
    seen: list[tuple[object, set[str]]] = []

    def replaced(*given: object) -> None:
        seen.append((given[:2], open_files() - before))
        assert {signal.getsignal(number) for number in running._IGNORED} == {signal.SIG_DFL}
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))

    chain.monkeypatch.setattr(os, "execvpe", replaced)
    assert asked(chain, "x", "y").code == 127
    assert seen == [(("x", ("x", "y")), set())]


def test_refusals(chain: Folder) -> None:
    """An unknown scope or ref, what is nowhere, another project's: each by its exit code, before anything is run."""
    for arguments, code, told in (
        (("--only", "ownn"), 3, "no secret for consumers of payments that is called ownn, did you mean `own`?"),
        (("--only", "x", "--only", "y"), 3, "that is called x\n  the manifest has no secret"),
        (("--scope", "payment"), 3, "the manifest has no scope payment, did you mean `payments`?"),
    ):
        result = asked(chain, *arguments, "true")
        assert (result.code, told in result.err) == (code, True), result.err
    declare(chain, **{"payments:new": A})
    assert asked(chain, "true").code == 1
    assert asked(chain, "--only", "new", "true").code == 1
    chain.plant("payments:theirs", b"canary", project="other")
    declare(chain, **{"payments:theirs": A})
    assert asked(chain, "true").code == 4


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("true",), "Missing option '--scope'"),
        (("--scope", "x"), "Missing argument 'COMMAND"),
        (("--scope", "x", "--"), "Missing argument 'COMMAND"),
        (("--scope", "x", "--prefix", "1", "true"), "it begins the name of a variable"),
        (("--scope", "x", "--prefix", "a b", "true"), "it begins the name of a variable"),
        (("--scope", "x", "--bogus", "true"), "No such option '--bogus'"),
    ],
)
def test_wrong_usage(syncer: Folder, arguments: tuple[str, ...], told: str) -> None:
    """Exit 64."""
    result = syncer("run", *arguments)
    assert (result.code, result.out, told in result.err) == (64, "", True)


def test_environment_forms(chain: Folder) -> None:
    """Every option has one; several refs have blanks between them."""
    environ = {"SCOPE": "payments", "ONLY": "own both", "PREFIX": "X_", "KEEP_KEY": "1"}
    for name, value in environ.items():
        chain.monkeypatch.setenv(f"SYNCER_RUN_{name}", value)
    chain.monkeypatch.setenv("SYNCER_KEY", KEY_TEXT)
    seen: list[Mapping[bytes, bytes]] = []

    def replaced(*given: object) -> None:
        seen.append(given[2])  # type: ignore[arg-type]  # the third is the environment
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))

    chain.monkeypatch.setattr(os, "execvpe", replaced)
    assert chain("run", "true").code == 127
    (found,) = seen
    assert {name for name in found if name.startswith(b"X_")} == {b"X_OWN", b"X_BOTH"}
    assert found[b"SYNCER_KEY"] == KEY_TEXT.encode()
