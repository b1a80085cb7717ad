"""The only writer to the terminal: results to standard output, everything else to standard error."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING

import click

from syncer.errors import SyncerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import TextIO

    from syncer.plans import Change, Diagnostic
    from syncer.render.text import Style
    from syncer.sensitive import Sensitive
    from syncer.state.lock import Holder

_CLEAR_LINE = "\r\x1b[2K"


class WrongUsage(SyncerError):
    """The command line cannot be understood; only ever told, as JSON, since click says it to people."""

    exit_code = 64


class InternalError(SyncerError):
    """A bug."""


class ResultFormat(click.Option):
    """Chooses the form in which a command tells its own results, errors included."""


class Console:
    """What the commands of one run share: where the manifest is, and how to speak."""

    def __init__(self) -> None:
        self.manifest = "syncer.yaml"
        self.json = False
        """Standard output is one JSON document, whatever happens."""
        self.inert: Callable[[str], str] = str
        """What becomes of every text: where a machine reads along, none may look like a command to it."""
        self._color = False
        self._verbose = False
        self._answered = False
        self._found: list[Diagnostic] = []

    def configure(self, *, manifest: str, no_color: bool, verbose: bool) -> None:
        """Take in the options of the group."""
        self.manifest = manifest
        # https://no-color.org: any value but the empty one.
        self._color = not (no_color or os.environ.get("NO_COLOR") or _dumb())
        # No log of any library is turned on: it could tell a request, and with it a value.
        self._verbose = verbose

    # Results.

    @property
    def style(self) -> Style:
        """Colour for standard output, if it is a terminal."""
        return _style(color=self._color and sys.stdout.isatty())

    def result(self, text: str) -> None:
        """Write a result."""
        self._answered = True
        with _output():
            sys.stdout.write(self.inert(text))
            sys.stdout.flush()

    def value(self, value: Sensitive) -> None:
        """Write one value, verbatim; a newline follows on a terminal only."""
        self._reveal(value, b"\n" if sys.stdout.isatty() else b"")

    def document(self, document: Sensitive) -> None:
        """Write a document that holds values, byte for byte."""
        self._reveal(document, b"")

    def _reveal(self, value: Sensitive, end: bytes) -> None:
        """Let a value leave through standard output, on request: the only place where one does."""
        self._answered = True
        with _output():
            sys.stdout.buffer.write(value.reveal() + end)
            sys.stdout.flush()

    # Everything else.

    def note(self, text: str) -> None:
        """Tell the user something that is no result."""
        self._tell(f"{text}\n")

    def command(self, text: str) -> None:
        """Write a line to the machine that reads along."""
        _write_error(f"{text}\n")

    def detail(self, text: str) -> None:
        """Tell the user what only -v asks for."""
        if self._verbose:
            self.note(text)

    def diagnostics(self, found: Iterable[Diagnostic]) -> None:
        """Tell the findings of a plan."""
        from syncer.render.human import diagnostic_text  # noqa: PLC0415  # only when there is something to tell

        self._found = list(found)
        for diagnostic in self._found:
            self._tell(diagnostic_text(diagnostic, self._error_style))

    def violations(self, found: Sequence[Diagnostic]) -> None:
        """Tell what breaks a policy, as the faults of a manifest are told: so many to people, and how many more."""
        from syncer.render.human import MOST_PROBLEMS, violation_text  # noqa: PLC0415  # as above

        for diagnostic in found[:MOST_PROBLEMS]:
            self._tell(violation_text(diagnostic, self._error_style))
        if len(found) > MOST_PROBLEMS:
            self.note(f"... and {len(found) - MOST_PROBLEMS} more")

    def failure(self, error: SyncerError) -> None:
        """Tell of the error that ended the run; as JSON too where a document was promised."""
        from syncer.render.human import error_text  # noqa: PLC0415

        self._tell_json(error)
        self._tell(error_text(error, self._error_style))

    def usage_error(self, error: click.UsageError, arguments: Sequence[str]) -> None:
        """Tell of wrong usage as click does; as JSON too where the arguments ask the command for it."""
        self.json = self.json or _asks_for_json(error.ctx, arguments)
        self._tell_json(WrongUsage(error.format_message()))
        with contextlib.suppress(OSError):  # nobody reads any more
            error.show(file=sys.stderr)

    def _tell_json(self, error: SyncerError) -> None:
        if self.json and not self._answered:
            from syncer.render.json import failure_json  # noqa: PLC0415  # only this form

            with contextlib.suppress(SyncerError):  # told to people in any case
                self.result(failure_json(error, self._found))

    def internal_error(self, error: Exception) -> None:
        """Tell of a bug: its type and place. Its message could hold anything, so it is not shown."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else "unknown place"
        hint = "this is a bug in syncer; please report the command and this line, without any value"
        self.failure(InternalError(f"internal error: {type(error).__name__} in {place}", hint=hint))

    def waiting(self, holder: Holder) -> None:
        """Tell whom a lock is waited for."""
        self.note(f"waiting for the lock: {holder}")

    def key_made(self, path: Path) -> None:
        """Tell of the new project key."""
        self.note(f"made the project key {path}: keep a copy, nothing can be read or verified without it")

    # Questions and progress, on a terminal only.

    @property
    def can_ask(self) -> bool:
        """Whether there is somebody to ask."""
        return sys.stdin.isatty()

    def confirm(self, question: str) -> bool:
        """Ask for the word `yes`, as Terraform does. Raise click.Abort where the input ends instead."""
        self._tell(f"{question}\n  Only 'yes' is accepted: ")
        answer = sys.stdin.readline()
        if not answer:
            raise click.Abort
        return answer.strip() == "yes"

    @contextlib.contextmanager
    def status(self, text: str) -> Iterator[None]:
        """Show what is being done, and take it away afterwards."""
        self.detail(text)
        if self._verbose or not _lively():
            yield
            return
        self._tell(f"{_CLEAR_LINE}{text} ...")
        try:
            yield
        finally:
            self._tell(_CLEAR_LINE)

    @contextlib.contextmanager
    def progress(self, total: int) -> Iterator[Callable[[Change], None]]:
        """Give a function to call for each change that is done."""
        if self._verbose:
            yield lambda change: self.note(f"{change.address}: {change.action} is done")
            return
        if not (_lively() and total):
            yield lambda _change: None
            return
        lock = threading.Lock()
        with click.progressbar(length=total, label="applying", file=sys.stderr) as bar:

            def done(_change: Change) -> None:
                with lock:
                    bar.update(1)

            yield done

    @property
    def _error_style(self) -> Style:
        return _style(color=self._color and sys.stderr.isatty())

    def _tell(self, text: str) -> None:
        _write_error(self.inert(text))


def _write_error(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _abandon(sys.stderr)


@contextlib.contextmanager
def _output() -> Iterator[None]:
    """Go on in silence when nobody reads any more, as after `| head`: an apply must not stop half way for that.

    Raise SyncerError for every other failure to write.
    """
    try:
        yield
    except OSError as error:
        _abandon(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            raise unwritable(error) from None


def unwritable(error: OSError) -> SyncerError:
    """Say that results are lost."""
    return SyncerError(f"standard output cannot be written: {error.strerror}")


def _dumb() -> bool:
    # Such a terminal, an editor's for instance, shows escapes instead of heeding them (terminfo(5), entry `dumb`).
    return os.environ.get("TERM") == "dumb"


def _lively() -> bool:
    """Whether what is told can be taken back and told anew."""
    # Some runners give their jobs a terminal, and read commands from lines that nothing else stands on.
    return sys.stderr.isatty() and not _dumb() and not os.environ.get("CI")


def _abandon(stream: TextIO) -> None:
    """Let nothing more reach a stream that failed, not even what it still holds at exit."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _asks_for_json(context: click.Context | None, arguments: Sequence[str]) -> bool:
    """Whether the command promises JSON, also where the arguments could not be parsed to the end."""
    if context is None or not (isinstance(context.command, click.Group) or _tells_results(context.command)):
        return False
    given = " ".join(arguments).replace("=", " ")
    return "--format json" in given or os.environ.get(f"{context.auto_envvar_prefix}_FORMAT") == "json"


def _tells_results(command: click.Command) -> bool:
    return any(isinstance(option, ResultFormat) for option in command.params)


def _style(*, color: bool) -> Style:
    from syncer.render.text import Style  # noqa: PLC0415  # `version` needs none

    return Style(color=color)
