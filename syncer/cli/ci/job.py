"""One command on a CI platform: what it tells there, whatever comes of it."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Self

import click

from syncer.ci.detect import detect, detect_lost
from syncer.ci.github.commands import inert
from syncer.cli import OK, USAGE
from syncer.cli.ci.options import Commenting
from syncer.cli.ci.paths import from_root
from syncer.cli.ci.reasons import Why, reason
from syncer.cli.ci.reports import Reports
from syncer.errors import Interrupted, InvalidConfiguration, InvalidManifest, PlanIncomplete, SyncerError
from syncer.plans import Action, Severity, by_action
from syncer.render.markdown import LIMIT, Setting, failure_markdown
from syncer.render.text import summary

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from syncer.ci.platform import Level, Platform
    from syncer.cli.console import Console
    from syncer.plans import Diagnostic, Plan

SUMMARY_LIMIT = 900_000
"""Bytes; GitHub keeps a megabyte for each step."""
MOST_ANNOTATIONS = 100

_LEVELS: dict[Severity, Level] = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


class Job:
    """A context manager; at its end the platform knows the exit code and why, also where an error goes through."""

    def __init__(self, console: Console, command: str, platform: str, label: str) -> None:
        self.console = console
        self.command = command
        self.label = label
        self._lost: SyncerError | None = None
        """Why it is not known which run this is."""
        self.platform = self._detected(platform)
        self.commenting = Commenting.NEVER
        self.reports = Reports()
        """What a manifest with faults is told to as well."""
        self.pull: int | None = self.platform.run.pull
        """The pull request to comment on."""
        self.commit = self.platform.run.sha
        self.code = OK
        self.why: Why | None = None
        """Why the exit code is what it is, where no error says so."""
        self._outputs: dict[str, str] = {}
        self._summarized = False
        self._no_comment: SyncerError | None = None

    def __enter__(self) -> Self:
        self.console.inert = inert
        if self._lost is not None:
            self.__exit__(type(self._lost), self._lost, None)
            raise self._lost
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        code, why = self._end(error)
        self.outputs({"exit-code": str(code), "failure-reason": str(why or "")})
        if error is None:
            self.platform.outputs(self._outputs)
            return
        try:
            with contextlib.suppress(SyncerError):  # the first error is the one that counts
                self._tell_failure(error)
        finally:  # also where a runner that ends the job does not wait for the comment
            with contextlib.suppress(SyncerError):
                self.platform.outputs(self._outputs)
        if self._no_comment is not None and error is not self._no_comment:
            self.console.note(f"no comment was written: {self._no_comment.message}")

    def _detected(self, platform: str) -> Platform:
        try:
            return detect(os.environ, platform)
        except InvalidConfiguration as error:
            self._lost = error
        return detect_lost(os.environ, platform)

    @property
    def trusted(self) -> bool:
        """Whether credentials and the key may reach this run."""
        return self.platform.run.trusted

    @property
    def artifact(self) -> str:
        """The name of the artifact that holds the plan."""
        return f"syncer-plan-{self.label}"

    def marker(self, kind: str) -> str:
        """Give the hidden line by which a comment or an issue is found again."""
        return f"<!-- syncer:{kind}:{self.label} -->"

    def setting(self, *, summary: bool = False, digest: str = "", notes: Iterable[str] = ()) -> Setting:
        """Give what a text can name and point to, for a summary or else a comment."""
        return Setting(
            label=self.label,
            limit=SUMMARY_LIMIT if summary else LIMIT,
            commit=self.commit,
            url=self.platform.run.url,
            artifact=self.artifact if digest else "",
            digest=digest,
            notes=tuple(notes),
        )

    def outputs(self, values: dict[str, str]) -> None:
        """Hand values to the steps that follow, at the end: no platform likes to be told one twice."""
        self._outputs.update(values)

    def summarize(self, markdown: str) -> None:
        """Add to the summary of the job."""
        self._summarized = True
        self.platform.summarize(markdown)

    def comment(self, markdown: str, *, noteworthy: bool) -> None:
        """Keep the comment on the pull request; `check_comment` tells at the end what kept it from being written."""
        if self.pull is None or self.commenting is Commenting.NEVER:
            return
        self.commenting, commenting = Commenting.NEVER, self.commenting
        if not self.trusted and self.platform.run.pull is not None:
            self.console.note("no comment from here: this run comes from a fork or a bot, and its token only reads")
            return
        create = noteworthy or commenting is Commenting.ALWAYS
        try:
            url = self.platform.comment(self.pull, self.marker("plan"), markdown, create=create)
        except SyncerError as error:
            self._no_comment = error
            self._mark("warning", f"no comment was written: {error.message}")
        else:
            self.outputs({"comment-url": url or ""})

    def check_comment(self) -> None:
        """Raise what kept the comment from being written, when everything else is done."""
        if self._no_comment is not None:
            raise self._no_comment

    def annotate(self, found: Iterable[Diagnostic]) -> None:
        """Mark the lines of the manifest that findings are about."""
        for each in [each for each in found if each.severity is not Severity.NOTE][:MOST_ANNOTATIONS]:
            message = f"{each.address}: {each.message}" if each.address else each.message
            told = f"{message}\nhint: {each.hint}" if each.hint else message
            place = each.origin
            self._mark(_LEVELS[each.severity], told, place.file if place else "", place.line if place else 0)

    def _mark(self, level: Level, message: str, file: str = "", line: int = 0, column: int = 0) -> None:
        text = self.platform.annotate(level, message, file=from_root(file), line=line, column=column)
        if text:
            self.console.command(text)

    def _end(self, error: BaseException | None) -> tuple[int, Why | None]:
        if error is None:
            return self.code, self.why
        if isinstance(error, click.UsageError):
            return USAGE, Why.ERROR
        told = _told(error)
        # What was to be done is done where only the comment is missing.
        return told.exit_code, None if error is self._no_comment else reason(told)

    def _tell_failure(self, error: BaseException) -> None:
        if error is self._no_comment:
            return
        told = _told(error)
        if isinstance(told, InvalidManifest):
            for problem in told.problems[:MOST_ANNOTATIONS]:
                self._mark("error", problem.message, problem.file, problem.line, problem.column)
        elif not isinstance(told, PlanIncomplete):  # its errors are marked where they stand
            self._mark("error", told.message)
        if not self._summarized:
            self.summarize(self._why(told, self.setting(summary=True)))
            if isinstance(error, SyncerError):  # who stops a run at once does not wait for a comment
                self.comment(self._why(told, self.setting()), noteworthy=True)
        if isinstance(told, InvalidManifest):
            self.reports.of_faults(told)

    def _why(self, error: SyncerError, setting: Setting) -> str:
        return failure_markdown(error, f"ci {self.command}", str(reason(error)), setting)


def _told(error: BaseException) -> SyncerError:
    """Give what may be said of an error: the message of one that is not ours could hold anything."""
    if isinstance(error, SyncerError):
        return error
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return Interrupted("interrupted")
    return SyncerError(f"internal error: {type(error).__name__}", hint="the log says where")


def plan_outputs(plan: Plan) -> dict[str, str]:
    """Give what a workflow can ask of a plan."""
    found = by_action(plan.changes)
    told = (Action.CREATE, Action.ROTATE, Action.UPDATE, Action.ENABLE, Action.DISABLE, Action.DELETE)
    return {
        "changes": "true" if plan.changes else "false",
        **{f"to-{action}": str(found[action]) for action in told},
        "summary": summary(plan)[0],
    }
