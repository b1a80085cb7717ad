"""Why there is no plan and no outcome, as a comment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.errors import InvalidManifest
from syncer.render.human import error_text
from syncer.render.markdown import frame
from syncer.render.markdown.frame import PLAIN_SETTING, Part, Setting
from syncer.render.text import PLAIN, clean, quantity

if TYPE_CHECKING:
    from syncer.errors import SyncerError


def failure_markdown(error: SyncerError, command: str, reason: str, setting: Setting = PLAIN_SETTING) -> str:
    """Write an error that ended a command; the faults of a manifest each with its position."""
    title = f"### {frame.named(f'syncer {command}', setting)} failed: {reason}"
    return frame.joined([title, *_why(error, setting), *frame.box("NOTE", setting.notes), *frame.footer(setting)])


def _why(error: SyncerError, setting: Setting) -> list[str]:
    if isinstance(error, InvalidManifest):
        parts = [Part(text=frame.inert(clean(str(problem)))) for problem in error.problems]
        shown = frame.fenced("text", parts, setting.room, ("fault", "in the log of the run"), gap="\n")
        return [f"The manifest has {quantity(len(parts), 'fault')}:", *shown]
    parts = [Part(text=frame.inert(line)) for line in error_text(error, PLAIN).splitlines()]
    return frame.fenced("text", parts, setting.room, ("line", "in the log of the run"), gap="\n")
