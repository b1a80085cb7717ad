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

from syncer import halt
from syncer.errors import InvalidConfiguration, SourceError
from syncer.options import duration
from syncer.sensitive import Sensitive
from syncer.sources.base import PRIVATE_VARIABLES, Source, SourceContext

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import BinaryIO

MAX_BYTES = 1 << 20
"""The most that a program may print to be taken as a value."""

REDACTED = "[redacted]"

_TAIL_BYTES = 8192
_SHOWN_LINES = 3
_SHOWN_CHARACTERS = 300
_ATTENTION = 0.1
"""Seconds after which a program that nobody waits for any more is noticed at the latest."""
_PLAIN = re.compile(r"([A-Za-z'-]+|[0-9]{1,3})[.,:;!?]{0,3}")
_WORDS = frozenset(
    """
    a about access account again all already an and any api argument arguments as at attempt auth authenticate
    authenticated authentication authorization authorized bad be been before blocked broken busy by call can cannot
    can't certificate change check client closed code command config configuration configured connect connected
    connection contact could couldn't create credential credentials data deadline decode decrypt decryption default
    denied did didn't directory disabled disk does doesn't domain down during empty end error errors exceeded exist
    exists exit expected expired fail failed failure fatal few file first for forbidden format found from full gateway
    get given group had handshake has have head header help host hostname http https if in incorrect info input
    installed internal interrupted into invalid is isn't it item its job key kind large later limit line list locate
    locked log logged login long lookup make many may message missing mode more must name need needed network new no
    none not nothing null of offline on one only open operation option or out output parse password path perhaps
    permission permissions permitted please policy port process profile program proxy rate read reached reason refused
    region rejected remote request requested require required reset resolve resource response retry role run running
    scope sealed secret server service session set sign signature signed signin size socket specified ssl stale started
    status still stopped store such supported syntax system temporary terminated the there this throttled time timed
    timeout tls to token too try trying type unable unauthorized unavailable undefined unexpected unknown unreachable
    unrecognized unsupported until update usage use user username valid value variable vault verification verify
    version wait warning was wasn't were with without write written wrong yet you your
    """.split()  # noqa: SIM905  # a list of words is read as words
)
_NUMBERS = frozenset(map(str, (*range(256), *range(400, 432), 451, *range(500, 512))))
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
        cause = self._run(context, heard)
        if cause:
            raise self._failure(cause, heard, context)
        return Sensitive(_without_newline(heard.out) if self.options.trim else bytes(heard.out))

    def _run(self, context: SourceContext, heard: _Heard) -> str:
        """Run it to its end and give what went wrong, or nothing."""
        deadline = time.monotonic() + self._seconds
        try:
            process = self._start(context)
        except OSError as error:
            return f"cannot be started: {str(error.strerror).lower()}"
        try:
            _listen(process, heard, deadline)
            return _ending(_status(process, deadline))
        except TimeoutError:
            return f"did not end within {self.options.timeout}"
        except _Stopped as stop:
            return str(stop)
        finally:
            _clear_away(process)

    def _start(self, context: SourceContext) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  # no shell, and the manifest says what runs
            self.argument,
            cwd=self.folder,
            env={name: value for name, value in context.environ.items() if name not in PRIVATE_VARIABLES},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

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
    """Keep the words of the last three lines that errors are made of, at most 300 characters, and nothing else.

    Such a word stands in a fixed list, or is a number up to 255 or the status of an HTTP answer; punctuation may
    follow. One that has to do with a text in `known`, whatever its case, is not kept either.
    """
    texts = [one.strip().casefold() for one in known]
    lines = [line for line in text.splitlines() if line.strip()][-_SHOWN_LINES:]
    shown = " | ".join(_redact_line(line, texts) for line in lines)
    return shown if len(shown) <= _SHOWN_CHARACTERS else shown[-_SHOWN_CHARACTERS:].partition(" ")[2]


def _redact_line(line: str, known: Collection[str]) -> str:
    kept: list[str] = []
    for word in line.split():
        if _ordinary(word) and not _tells(word.casefold(), known):
            kept.append(word)
        elif kept[-1:] != [REDACTED]:  # how many words a value has is nobody's business
            kept.append(REDACTED)
    return " ".join(kept)


def _ordinary(word: str) -> bool:
    found = _PLAIN.fullmatch(word)
    return found is not None and (found[1].lower() in _WORDS or found[1] in _NUMBERS)


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


def _status(process: subprocess.Popen[bytes], deadline: float) -> int:
    while True:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(_patience(deadline))


def _patience(deadline: float) -> float:
    """How long to wait at most before asking again. Raise TimeoutError, and _Stopped where nobody waits for us."""
    over = halt.given_up()
    if over is not None and over.is_set():
        message = "was interrupted"
        raise _Stopped(message)
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return min(left, _ATTENTION)


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
    if status == 0:
        return ""
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
