"""What came of an apply, as a comment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.plans import count
from syncer.render.human import failure_text
from syncer.render.markdown import frame
from syncer.render.markdown.frame import PLAIN_SETTING, Part, Setting
from syncer.render.text import DONE, PLAIN, SYMBOLS, clean, outcome_lines, quantity, reason_phrase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncer.model import Address
    from syncer.plans import Change, Outcome

_FAILED_SHARE, _SKIPPED_SHARE, _LEFT_SHARE = 0.4, 0.15, 0.15
_LOG = "in the log of the run"


def outcome_markdown(
    outcome: Outcome, project: str, setting: Setting = PLAIN_SETTING, *, left_out: Iterable[Address] = ()
) -> str:
    """Write what was done, what failed and why, and what was not begun; `left_out` nobody had reviewed."""
    told = [*_failed(outcome, setting), *_skipped(outcome, setting), *_left_out(tuple(left_out), setting)]
    applied = _applied(outcome, setting.room - frame.size(told), setting)
    top = [f"### {_title(outcome, project, setting)}", *frame.box("NOTE", setting.notes)]
    return frame.joined([*top, *told, *applied, "  \n".join(outcome_lines(outcome)), *frame.footer(setting)])


def _title(outcome: Outcome, project: str, setting: Setting) -> str:
    name = frame.named(project, setting)
    if outcome.failed or outcome.skipped or outcome.interrupted:
        how = "interrupted" if outcome.interrupted else "incomplete"
        return f"Apply of {name} {how}: {len(outcome.failed)} failed, {len(outcome.skipped)} not begun"
    if not outcome.applied:
        return f"Apply of {name}: nothing to do"
    done = count(outcome.applied)
    return f"Applied {name}: {done.add} added, {done.change} changed, {done.destroy} destroyed"


def _failed(outcome: Outcome, setting: Setting) -> list[str]:
    ordered = sorted(outcome.failed, key=lambda each: each.change.address)
    parts = [Part(text=frame.inert(failure_text(each, PLAIN).rstrip("\n"))) for each in ordered]
    box = frame.box("WARNING", [f"{quantity(len(parts), 'change')} failed; what was done is recorded."])
    room = int(setting.room * _FAILED_SHARE)
    return [*box, *frame.fenced("text", parts, room, ("failure", _LOG))] if parts else []


def _skipped(outcome: Outcome, setting: Setting) -> list[str]:
    parts = [Part(text=_line(change, str(change.action))) for change in outcome.skipped]
    room = int(setting.room * _SKIPPED_SHARE)
    return ["Not begun:", *frame.fenced("text", parts, room, ("change", _LOG), gap="\n")] if parts else []


def _left_out(addresses: tuple[Address, ...], setting: Setting) -> list[str]:
    parts = [Part(text=frame.inert(clean(str(address)))) for address in sorted(addresses)]
    room = int(setting.room * _LEFT_SHARE)
    shown = frame.fenced("text", parts, room, ("address", _LOG), gap="\n")
    title = f"Left for the next plan, because nobody has reviewed it: {quantity(len(parts), 'address')}"
    return [f"{title}.", *frame.folded(title, shown, len(parts))] if parts else []


def _applied(outcome: Outcome, room: int, setting: Setting) -> list[str]:
    ordered = sorted(outcome.applied, key=lambda change: change.address)
    parts = [Part(text=_line(change, f"{DONE[change.action]} ({reason_phrase(change.reason)})")) for change in ordered]
    shown = frame.fenced("diff", parts, room, ("change", setting.whole), gap="\n")
    return frame.folded(quantity(len(parts), "change"), shown, len(parts))


def _line(change: Change, said: str) -> str:
    return frame.inert(f"{SYMBOLS[change.action]} {clean(str(change.address))} {said}")
