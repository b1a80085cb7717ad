"""The source `command`: the standard output of a program."""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from syncer.errors import InvalidConfiguration, SourceError
from syncer.options import duration
from syncer.sensitive import Sensitive
from syncer.sources.base import Source, SourceContext

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import BinaryIO

MAX_BYTES = 1 << 20
"""The most that a program may print to be taken as a value."""

KEY_VARIABLE = "SYNCER_KEY"
"""Never handed to a program: none needs the project key."""

REDACTED = "[redacted]"

_TAIL_BYTES = 8192
_SHOWN_LINES = 3
_SHOWN_CHARACTERS = 300
_PLAIN = re.compile(r"(?:[A-Za-z'-]{1,16}|[0-9]{1,3})[.,:;!?]{0,3}")
_TELLING = 4
"""Characters from which on a known text is looked for inside a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOptions:
    """The keys that may stand beside `command`."""

    timeout: str = "30s"
    """How long the program may take."""
    trim: bool = False
    """Drop one newline at the end, which most programs print."""


class CommandSource(Source):
    """Yields what a program prints: no shell, nothing on its standard input, in the folder of the manifest file.

    The program runs in a process group of its own, which is killed as a whole where it takes too long, prints too
    much, or the run is interrupted. It has ended when it exited and nothing that it started holds its output open.
    """

    type_name = "command"
    Options = CommandOptions
    blocking = True

    def check(self) -> None:
        """Refuse an argument that cannot be a program and its arguments, and a timeout that is no duration."""
        given = self.argument
        if not (
            isinstance(given, list) and given and all(isinstance(word, str) and _can_be_word(word) for word in given)
        ):
            message = "`command` must be a list of non-empty strings, the program first"
            raise InvalidConfiguration(message)
        try:
            self._seconds = duration(self.options.timeout).total_seconds()
        except InvalidConfiguration as error:
            message = f"option `timeout`: {error.message}"
            raise InvalidConfiguration(message) from None

    def produce(self, context: SourceContext) -> Sensitive:
        """Run the program. Raise SourceError naming it, how it ended, and what it said, redacted."""
        heard = _Heard()
        try:
            status = self._run(context, heard)
        except _Stopped as stop:
            raise self._failure(str(stop), heard, context) from None
        if status != 0:
            raise self._failure(_ending(status), heard, context)
        return Sensitive(_without_newline(heard.out) if self.options.trim else bytes(heard.out))

    def _run(self, context: SourceContext, heard: _Heard) -> int:
        deadline = time.monotonic() + self._seconds
        process = self._start(context)
        try:
            _listen(process, heard, deadline)
            return process.wait(max(0.0, deadline - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            message = f"did not end within {self.options.timeout}"
            raise _Stopped(message) from None
        finally:
            _clear_away(process)

    def _start(self, context: SourceContext) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603  # no shell, and the manifest says what runs
                self.argument,
                cwd=self.folder,
                env={name: value for name, value in context.environ.items() if name != KEY_VARIABLE},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            message = f"cannot be started: {str(error.strerror).lower()}"
            raise _Stopped(message) from None

    def _failure(self, cause: str, heard: _Heard, context: SourceContext) -> SourceError:
        printed = heard.out.decode("utf-8", "replace")
        said = redact(heard.last_words(), [*context.environ.values(), *self.argument, printed])
        return SourceError(f"command `{self.argument[0]}` {cause}" + (f"; it said: {said}" if said else ""))


class _Stopped(Exception):
    """The program did not come to an end of its own; the message says why."""


@dataclass(slots=True, kw_only=True)
class _Heard:
    """What a program has printed so far, within bounds."""

    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)
    """The end of its standard error only."""
    cut: bool = False
    """Whether the beginning of `err` was dropped."""

    def take_out(self, chunk: bytes) -> None:
        """Keep all of it. Raise _Stopped past the limit."""
        self.out += chunk
        if len(self.out) > MAX_BYTES:
            message = "prints more than 1 MiB"
            raise _Stopped(message)

    def take_err(self, chunk: bytes) -> None:
        """Keep the end of it."""
        self.err += chunk
        if len(self.err) > _TAIL_BYTES:
            del self.err[:-_TAIL_BYTES]
            self.cut = True

    def last_words(self) -> str:
        """Give the end of standard error, from a whole word on."""
        text = self.err.decode("utf-8", "replace")
        # Half of a long word could pass for a plain one.
        return re.sub(r"\A\S*", "", text) if self.cut else text


def redact(text: str, known: Collection[str]) -> str:
    """Keep the plain words of the last three lines, at most 300 characters, and nothing that may be a value.

    A plain word is up to 16 letters or 3 digits, with punctuation after it. One that has to do with a text in
    `known`, whatever its case, is not kept either.
    """
    texts = [one.strip().casefold() for one in known]
    lines = [line for line in text.splitlines() if line.strip()][-_SHOWN_LINES:]
    shown = " | ".join(_redact_line(line, texts) for line in lines)
    return shown if len(shown) <= _SHOWN_CHARACTERS else shown[-_SHOWN_CHARACTERS:].partition(" ")[2]


def _redact_line(line: str, known: Collection[str]) -> str:
    kept: list[str] = []
    for word in line.split():
        if _PLAIN.fullmatch(word) and not _tells(word.casefold(), known):
            kept.append(word)
        elif kept[-1:] != [REDACTED]:  # how many words a value has is nobody's business
            kept.append(REDACTED)
    return " ".join(kept)


def _tells(word: str, known: Collection[str]) -> bool:
    pieces = re.findall(r"[a-z]+|[0-9]+", word)
    return any(
        any(piece in text for piece in pieces) or (_TELLING <= len(text) <= len(word) and text in word)
        for text in known
    )


def _listen(process: subprocess.Popen[bytes], heard: _Heard, deadline: float) -> None:
    # Both at once, or a program that fills one pipe waits for ever while we read the other.
    with selectors.DefaultSelector() as selector:
        selector.register(cast("BinaryIO", process.stdout), selectors.EVENT_READ, heard.take_out)
        selector.register(cast("BinaryIO", process.stderr), selectors.EVENT_READ, heard.take_err)
        while selector.get_map():
            for key, _ in selector.select(_patience(deadline)):
                chunk = os.read(key.fd, 65536)
                key.data(chunk)
                if not chunk:
                    selector.unregister(key.fileobj)


def _patience(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return min(left, 3600.0)  # epoll counts milliseconds in 32 bits, less than a month


def _clear_away(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdout, process.stderr):
        cast("BinaryIO", pipe).close()
    # Until its leader is waited for, no other group can bear this number.
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):  # PermissionError: it took on another user's rights
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)


def _ending(status: int) -> str:
    if status > 0:
        return f"exited with status {status}"
    known = {number.value: number.name for number in signal.Signals}
    return f"was killed by {known.get(-status, f'signal {-status}')}"


def _can_be_word(text: str) -> bool:
    try:
        return text != "" and b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:  # half of a surrogate pair, which YAML can spell and no argument can hold
        return False


def _without_newline(raw: bytearray) -> bytes:
    return bytes(raw[:-2] if raw.endswith(b"\r\n") else raw.removesuffix(b"\n"))
