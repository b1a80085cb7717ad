"""The source `command`."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer import halt, parallel
from syncer.errors import InvalidConfiguration, SourceError
from syncer.sources.command import MAX_BYTES, REDACTED, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

CANARY = "canary-7fa1c0de"
BASE = {"PATH": os.environ["PATH"]}


@pytest.fixture
def run(declare: Callable[..., Any], context: Callable[..., Any]) -> Callable[..., bytes]:
    """Run a program: its arguments, the environment, options."""

    def once(*argument: str, environ: dict[str, str] | None = None, **options: object) -> bytes:
        source = declare("command", list(argument), **options)
        value: bytes = source.resolve(context({**BASE, **(environ or {})})).reveal()
        return value

    return once


@pytest.fixture
def failure(run: Callable[..., bytes], shown: Callable[..., Any]) -> Callable[..., str]:
    """Give everything that the failure of a program shows."""

    def once(*argument: str, environ: dict[str, str] | None = None, **options: object) -> str:
        with pytest.raises(SourceError) as caught:
            run(*argument, environ=environ, **options)
        assert caught.value.message in shown(caught.value)
        return str(shown(caught.value))

    return once


@pytest.fixture
def lifeline(tmp_path: Path) -> Iterator[int]:
    """Make a named pipe `life` beside the manifest; reading it ends when every process that opened it has."""
    os.mkfifo(tmp_path / "life")
    reader = os.open(tmp_path / "life", os.O_RDONLY | os.O_NONBLOCK)
    yield reader
    os.close(reader)


def everybody_ended(reader: int) -> bool:
    """Whether somebody opened the pipe, and all who did are gone within five seconds."""
    heard, poll = b"", select.poll()
    poll.register(reader, select.POLLIN)
    while poll.poll(5000):
        chunk = os.read(reader, 100)
        if not chunk:
            return heard == b"up\n"
        heard += chunk
    return False


FAMILY = "exec 9>life; echo up >&9; sleep 60 & sleep 61 & wait"
"""A shell with two children, all holding the pipe."""


def test_standard_output_is_taken_verbatim(run: Callable[..., Any]) -> None:
    """Every byte of it, the newline too."""
    assert run("printf", r"\000\377 00123\r\n\n") == b"\0\xff 00123\r\n\n"


def test_trim_drops_one_newline(run: Callable[..., Any]) -> None:
    """The one that nearly every program prints, in either form."""
    assert run("echo", "a b", trim=True) == b"a b"
    assert run("printf", r"a\r\n", trim=True) == b"a"
    assert run("printf", r"a\n\n", trim=True) == b"a\n"


def test_there_is_no_shell(run: Callable[..., Any]) -> None:
    """Arguments reach the program as they stand."""
    assert run("echo", "$HOME;", "*", trim=True) == b"$HOME; *"


def test_it_runs_beside_the_manifest_file(run: Callable[..., Any], tmp_path: Path) -> None:
    """Relative programs and paths start there."""
    script = tmp_path / "give"
    script.write_text("#!/bin/sh\ncat value\n")
    script.chmod(0o700)
    (tmp_path / "value").write_text("from here")
    assert run("./give") == b"from here"


def test_the_environment_is_handed_over_without_the_key(run: Callable[..., Any]) -> None:
    """Of this run, and no program needs the project key, or the right to write the state."""
    own = {"SYNCER_KEY": CANARY, "SYNCER_GIT_TOKEN": CANARY}
    raw = run("env", environ={**own, "SYNCER_OTHER": "x", "BYTES": os.fsdecode(b"\xff")})
    assert set(raw.splitlines()) >= {b"SYNCER_OTHER=x", b"BYTES=\xff"}
    assert not any(name.encode() in raw for name in own)


def test_standard_input_is_empty(run: Callable[..., Any]) -> None:
    """A program that asks a question gets no answer and does not wait."""
    assert run("sh", "-c", "cat; echo done", trim=True) == b"done"


def test_much_standard_error_does_not_block(run: Callable[..., Any]) -> None:
    """A full pipe must not stop the program."""
    assert run("sh", "-c", "head -c 3000000 /dev/zero >&2; echo done", trim=True) == b"done"


def test_a_megabyte_is_taken(run: Callable[..., Any]) -> None:
    """The limit itself is allowed."""
    assert run("head", "-c", str(MAX_BYTES), "/dev/zero") == bytes(MAX_BYTES)


@pytest.mark.parametrize("argument", [("head", "-c", "100000000", "/dev/zero"), ("yes",)])
def test_too_much_is_refused_quickly(failure: Callable[..., Any], argument: tuple[str, ...]) -> None:
    """Long before it is all printed, which one of the two never does."""
    begun = time.monotonic()
    assert f"command `{argument[0]}` prints more than 1 MiB" in failure(*argument)
    assert time.monotonic() - begun < 10


def test_an_empty_output_is_refused(run: Callable[..., Any]) -> None:
    """Success that yields nothing is a failure."""
    with pytest.raises(SourceError, match="empty value"):
        run("true")


@pytest.mark.parametrize(
    ("argument", "cause"),
    [
        (("sh", "-c", "exit 3"), "command `sh` exited with status 3"),
        (("sh", "-c", "kill -TERM $$"), "command `sh` was killed by SIGTERM"),
        (("sh", "-c", "kill -40 $$"), "command `sh` was killed by signal 40"),
        (("syncer-test-nothing", CANARY), "command `syncer-test-nothing` cannot be started: no such file or directory"),
        (("./data",), "command `./data` cannot be started: permission denied"),
    ],
)
def test_the_program_and_its_end_are_named(
    run: Callable[..., Any], tmp_path: Path, shown: Callable[..., Any], argument: tuple[str, ...], cause: str
) -> None:
    """The program only, never its arguments."""
    (tmp_path / "data").write_text(CANARY)
    with pytest.raises(SourceError) as caught:
        run(*argument)
    assert caught.value.message == cause
    assert CANARY not in shown(caught.value)


def test_plain_words_of_a_failure_are_shown(failure: Callable[..., Any]) -> None:
    """Enough of standard error to see what went wrong, from its last three lines."""
    script = "import sys; sys.exit('fatal\\nfirst line.\\n\\nthe vault, is sealed!\\n\\tpermission denied (404) 403')"
    text = failure(sys.executable, "-c", script.replace("vault", "vau' + 'lt").replace("permission", "per' + 'mission"))
    assert "exited with status 1; it said: " in text
    assert "vault," in text
    assert "permission" in text
    assert "(404)" not in text
    assert "it said: " in text.partition("fatal")[0]


@pytest.mark.parametrize(
    ("script", "environ"),
    [
        ('echo "failed with $PASSWORD now" >&2', {"PASSWORD": "hunter"}),
        ('echo "failed with $PASSWORD." >&2', {"PASSWORD": "xhunterx"}),
        ('echo "failed with x${PASSWORD}y" >&2', {"PASSWORD": "hunter"}),
        ("echo \"failed with '$PASSWORD'\" >&2", {"PASSWORD": "hunter two"}),
        ('echo "failed with $PASSWORD" | tr a-z A-Z >&2', {"PASSWORD": "hunter"}),
        ('echo "$PASSWORD"; echo "failed with $PASSWORD" >&2', {"PASSWORD": "hunter"}),
        ('printf "the value is hun"; printf ter; echo failed with "hun""ter" >&2', {}),
        ('echo "failed with hunter1" >&2', {}),
        ('echo "failed with password=hunter" >&2', {}),
        ('echo "failed with hunter/hunter" >&2', {}),
        ('echo "failed with hunterhunterhunterhunter" >&2', {}),
        ('printf "failed with \\033[1mhunter\\033[0m" >&2', {}),
        ("echo failed with hün hunterü >&2", {}),
    ],
)
def test_a_value_on_standard_error_is_never_shown(
    failure: Callable[..., Any], script: str, environ: dict[str, str]
) -> None:
    """From the environment, from standard output, or of a form that no plain word has."""
    text = failure("sh", "-c", f"{script}; exit 1", environ=environ)
    assert REDACTED in text
    assert "hunter" not in text.lower()


def test_a_canary_with_digits_is_never_shown(failure: Callable[..., Any]) -> None:
    """Wherever it stands: environment, output, error or arguments."""
    script = 'echo "$A"; echo "it is $A or $1" >&2; exit 1'
    text = failure("sh", "-c", script, "name", CANARY + "-arg", environ={"A": CANARY})
    assert "canary" not in text
    assert "7fa1c0de" not in text


def test_an_argument_is_never_shown(failure: Callable[..., Any]) -> None:
    """A program may complain by repeating what it was given."""
    assert "hunter" not in failure("sh", "-c", 'echo "bad $0" >&2; exit 1', "hunter")


def test_the_end_of_a_long_word_is_never_shown(failure: Callable[..., Any]) -> None:
    """Where the beginning was dropped, what is left of a word could pass for a plain one."""
    script = "head -c 20000 /dev/zero | tr '\\0' q >&2; head -c 8186 /dev/zero | tr '\\0' ' ' >&2; exit 1"
    text = failure("sh", "-c", script.replace("tr '\\0' q", r"tr '\0' '\161'"))
    assert "exited with status 1" in text
    assert "qqq" not in text


def test_a_program_that_takes_too_long_is_killed_with_its_children(failure: Callable[..., Any], lifeline: int) -> None:
    """The whole group, so that nothing keeps on running."""
    text = failure("sh", "-c", FAMILY, timeout="1s")
    assert "command `sh` did not end within 1s" in text
    assert everybody_ended(lifeline)


def test_children_that_hold_the_output_are_killed_too(failure: Callable[..., Any], lifeline: int) -> None:
    """A program that leaves somebody behind has not ended."""
    assert "did not end" in failure("sh", "-c", FAMILY.replace("wait", "exit 0"), timeout="1s")
    assert everybody_ended(lifeline)


def test_a_program_that_closes_its_output_and_stays_is_killed(failure: Callable[..., Any], lifeline: int) -> None:
    """The end of the output is not the end of the program."""
    script = FAMILY.replace("sleep", "exec >&- 2>&-; sleep", 1)
    assert "did not end within 1s" in failure("sh", "-c", script, timeout="1s")
    assert everybody_ended(lifeline)


def test_a_program_that_prints_too_much_is_killed_with_its_children(failure: Callable[..., Any], lifeline: int) -> None:
    """As for the time, so for the size."""
    assert "more than 1 MiB" in failure("sh", "-c", FAMILY.replace("wait", "yes"))
    assert everybody_ended(lifeline)


class _Stop(BaseException):
    """As KeyboardInterrupt, but never the test runner's own."""


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _Stop


def test_an_interrupted_program_is_killed_with_its_children(run: Callable[..., Any], lifeline: int) -> None:
    """Ctrl-C does not reach another process group by itself."""
    # It prints more than a pipe holds first: when it sends the signal, we are listening.
    script = FAMILY.replace("wait", f"head -c 500000 /dev/zero; kill -USR1 {os.getpid()}; wait")
    before = signal.signal(signal.SIGUSR1, _stop)
    try:
        with pytest.raises(_Stop):
            run("sh", "-c", script)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert everybody_ended(lifeline)


def test_a_command_is_worth_a_thread(declare: Callable[..., Any]) -> None:
    """It waits for something outside."""
    assert declare("command", ["true"]).blocking


def test_a_timeout_of_years_is_possible(run: Callable[..., Any]) -> None:
    """Longer than the operating system can wait at once."""
    assert run("echo", "x", timeout="5200w") == b"x\n"


@pytest.mark.parametrize(
    "argument", [None, "echo a", [], [""], ["echo", ""], ["echo", 1], ["e\0"], ["echo", "\ud800"], {"echo": "a"}]
)
def test_what_is_no_command_is_refused(declare: Callable[..., Any], argument: object) -> None:
    """Offline, and without repeating what stood there."""
    with pytest.raises(
        InvalidConfiguration, match=r"^`command` must be a list of non-empty strings, the program first$"
    ):
        declare("command", argument)


@pytest.mark.parametrize("timeout", ["0s", "30", "1.5s", "-1s", CANARY])
def test_a_wrong_timeout_is_refused(declare: Callable[..., Any], shown: Callable[..., Any], timeout: str) -> None:
    """Naming the option, not what stood there."""
    with pytest.raises(InvalidConfiguration, match=r"^option `timeout`: a duration is") as caught:
        declare("command", ["true"], timeout=timeout)
    assert CANARY not in shown(caught.value)


def test_a_timeout_is_text(declare: Callable[..., Any]) -> None:
    """A bare number has no unit."""
    with pytest.raises(InvalidConfiguration, match="option `timeout` must be a string"):
        declare("command", ["true"], timeout=30)


@given(st.text(), st.lists(st.text(min_size=1)))
def test_redacted_text_is_short_plain_and_tells_nothing(text: str, known: list[str]) -> None:
    """Whatever a program prints and whatever is known."""
    shown = redact(text, known)
    assert len(shown) <= 300
    assert shown.isascii()
    assert shown.isprintable()
    for word in shown.replace(REDACTED, " ").replace("|", " ").split():
        assert not any(word.strip(".,:;!?'-").casefold() in one.casefold() for one in known if word.strip(".,:;!?'-"))


@given(st.text(st.characters(codec="ascii", categories=["L"]), min_size=4, max_size=40), st.data())
def test_no_part_of_a_known_value_is_shown(value: str, data: st.DataObject) -> None:
    """However it was cut into words."""
    cuts = sorted(data.draw(st.sets(st.integers(1, len(value) - 1))))
    parts = [value[a:b] for a, b in zip([0, *cuts], [*cuts, len(value)], strict=True)]
    assert redact(" ".join(parts), [value]) == REDACTED


def test_redaction_keeps_the_end_of_a_long_text() -> None:
    """At most 300 characters, from a whole word on."""
    shown = redact("permission " * 100 + "end", [])
    assert shown.endswith("permission end")
    assert shown.startswith("permission ")
    assert 280 < len(shown) <= 300


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "cannot unlock vault with passphrase: correct horse battery staple",
            "cannot [redacted] vault with [redacted]",
        ),
        ("Permission denied: exit status 77, HTTP 403!", "Permission denied: exit status 77, HTTP 403!"),
        ("the pin is 999, 0123 or 4711", "the [redacted] is [redacted] or [redacted]"),
        ("can't open file hunter", "can't open file [redacted]"),
        ("token: swordfish", "token: [redacted]"),
        ("deniedhunter denied-hunter denied'hunter", "[redacted]"),
    ],
)
def test_only_the_words_of_errors_are_shown(said: str, shown: str) -> None:
    """A passphrase is made of plain words too."""
    assert redact(said, []) == shown


def test_programs_are_killed_when_their_reader_is_interrupted(
    declare: Callable[..., Any], context: Callable[..., Any], lifeline: int
) -> None:
    """One Ctrl-C: those in worker threads end with their children, and nothing waits for their timeout."""
    # The second one sends the signal once the first is up, and is itself never heard of again.
    scripts = [FAMILY, f"until test -e up; do sleep 0.05; done; kill -USR1 {os.getpid()}; sleep 60"]
    sources = [declare("command", ["sh", "-c", script.replace("& wait", "& touch up; wait")]) for script in scripts]
    before = signal.signal(signal.SIGUSR1, _stop)
    begun = time.monotonic()
    try:
        with pytest.raises(_Stop):
            list(parallel.run(lambda source: source.resolve(context(BASE)), sources, 2))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert time.monotonic() - begun < 20
    assert everybody_ended(lifeline)


def test_a_program_without_output_is_killed_too(declare: Callable[..., Any], context: Callable[..., Any]) -> None:
    """Nobody listens to it any more, and nobody waits for its end either."""
    over, failures = threading.Event(), []

    def work() -> None:
        halt.bind(over)
        try:
            declare("command", ["sh", "-c", "exec >&- 2>&-; sleep 60"]).resolve(context(BASE))
        except SourceError as error:
            failures.append(error.message)

    worker = threading.Thread(target=work)
    worker.start()
    over.set()
    worker.join(20)
    assert failures == ["command `sh` was interrupted"]


def test_a_failure_comes_from_nothing_that_holds_an_argument(run: Callable[..., Any]) -> None:
    """Python's own errors name the whole command line."""
    for argument in (("sh", "-c", "sleep 60", CANARY), ("yes", CANARY), ("syncer-test-nothing", CANARY)):
        with pytest.raises(SourceError) as caught:
            run(*argument, timeout="1s")
        assert caught.value.__context__ is None
