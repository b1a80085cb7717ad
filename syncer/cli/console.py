"""The only writer to the terminal: results to standard output, everything else to standard error."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from syncer.errors import SyncerError
    from syncer.plans import Change, Diagnostic
    from syncer.render.text import Style
    from syncer.sensitive import Sensitive
    from syncer.state.lock import Holder

_CLEAR_LINE = "\r\x1b[2K"


class Console:
    """What the commands of one run share: where the manifest is, and how to speak."""

    def __init__(self) -> None:
        self.manifest = "syncer.yaml"
        self.json = False
        """Standard output is one JSON document, whatever happens."""
        self._color = False
        self._answered = False

    def configure(self, *, manifest: str, no_color: bool, verbose: bool) -> None:
        """Take in the options of the group."""
        self.manifest = manifest
        # https://no-color.org: any value but the empty one.
        self._color = not no_color and not os.environ.get("NO_COLOR")
        if verbose:
            import logging  # noqa: PLC0415  # only -v needs it

            logging.basicConfig(stream=sys.stderr, format="%(message)s")
            logging.getLogger("syncer").setLevel(logging.DEBUG)

    # Results.

    @property
    def style(self) -> Style:
        """Colour for standard output, if it is a terminal."""
        return _style(color=self._color and sys.stdout.isatty())

    def result(self, text: str) -> None:
        """Write a result."""
        self._answered = True
        sys.stdout.write(text)
        sys.stdout.flush()

    def value(self, value: Sensitive) -> None:
        """Write one value, verbatim: the only place where one leaves through the terminal, on request."""
        self._answered = True
        raw = value.reveal()
        sys.stdout.buffer.write(raw + b"\n" if sys.stdout.isatty() else raw)
        sys.stdout.flush()

    # Everything else.

    def note(self, text: str) -> None:
        """Tell the user something that is no result."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def error_line(self, text: str) -> None:
        """Tell of an error in one line."""
        self.note(f"error: {text}")

    def diagnostics(self, found: Iterable[Diagnostic]) -> None:
        """Tell the findings of a plan."""
        from syncer.render.human import diagnostic_text  # noqa: PLC0415  # only when there is something to tell

        for diagnostic in found:
            sys.stderr.write(diagnostic_text(diagnostic, self._error_style))

    def failure(self, error: SyncerError) -> None:
        """Tell of the error that ended the run; as JSON too where a document was promised."""
        from syncer.render.human import error_text  # noqa: PLC0415
        from syncer.render.json import failure_json  # noqa: PLC0415

        if self.json and not self._answered:
            self.result(failure_json(error))
        self.note(error_text(error, self._error_style).rstrip("\n"))

    def usage_error(self, error: click.UsageError) -> None:
        """Tell of wrong usage as click does."""
        error.show(file=sys.stderr)

    def internal_error(self, error: Exception) -> None:
        """Tell of a bug: its type and place. Its message could hold anything, so it is not shown."""
        from syncer.errors import SyncerError  # noqa: PLC0415

        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else "unknown place"
        hint = "this is a bug in syncer; please report the command and this line, without any value"
        self.failure(SyncerError(f"internal error: {type(error).__name__} in {place}", hint=hint))

    def abandon_output(self) -> None:
        """Let nothing more reach a pipe that nobody reads, not even at exit."""
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

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
        """Ask for the word `yes`, as Terraform does."""
        answer: str = click.prompt(f"{question}\n  Only 'yes' is accepted", default="", show_default=False, err=True)
        return answer == "yes"

    @contextlib.contextmanager
    def status(self, text: str) -> Iterator[None]:
        """Show what is being done, and take it away afterwards."""
        shown = sys.stderr.isatty()
        if shown:
            sys.stderr.write(f"{_CLEAR_LINE}{text} ...")
            sys.stderr.flush()
        try:
            yield
        finally:
            if shown:
                sys.stderr.write(_CLEAR_LINE)
                sys.stderr.flush()

    @contextlib.contextmanager
    def progress(self, total: int) -> Iterator[Callable[[Change], None]]:
        """Give a function to call for each change that is done."""
        if not (sys.stderr.isatty() and total):
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


def _style(*, color: bool) -> Style:
    from syncer.render.text import Style  # noqa: PLC0415  # `version` needs none

    return Style(color=color)
