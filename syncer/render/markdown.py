"""Plans and drift as GitHub-flavoured Markdown for a comment on a pull request.

Whatever comes from a manifest or a backend stands in a fenced block, where no markup, mention or reference is
live, with backticks and `<` escaped as JSON does, so that it cannot leave the block either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.plans import Action
from syncer.render.human import DRIFT_TITLE, change_blocks, diagnostic_text, drift_blocks
from syncer.render.text import PLAIN, counts_phrase, drift_lines, quantity, summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from syncer.plans import Diagnostic, Plan
    from syncer.render.human import Block

LIMIT = 60_000
"""Characters. GitHub refuses a comment of more than 65,536."""

_OPEN = 10
"""Up to so many changes stand open, more are folded."""

_ROOM_FOR_FINDINGS = 10_000
_ROOM_FOR_DRIFT = 15_000
_ROOM_FOR_FRAME = 3_000
"""Title, boxes, counts, fences: all of a bounded length, the project's name included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    text: str
    size: int


def plan_markdown(plan: Plan) -> str:
    """Write a plan as a comment of at most `LIMIT` characters; what does not fit is counted."""
    findings = _findings(plan.diagnostics)
    drift = _drift(plan)
    room = LIMIT - _ROOM_FOR_FRAME - sum(map(len, (*findings, *drift)))
    sections = [f"### {_title(plan)}", *_caution(plan), *findings, *drift]
    if plan.changes:
        sections += _changes(change_blocks(plan), len(plan.changes), room)
    sections.append("  \n".join(summary(plan)))
    return "\n\n".join(sections) + "\n"


def drift_markdown(plan: Plan) -> str:
    """Write what changed outside as a comment of at most `LIMIT` characters; what does not fit is counted."""
    findings = _findings(plan.diagnostics)
    first, *rest = drift_lines(plan)
    room = LIMIT - _ROOM_FOR_FRAME - sum(map(len, findings))
    blocks = _fenced("diff", _parts(drift_blocks(plan.drift)), room, "difference") if plan.drift else []
    title = f"### Drift of {_project(plan)}"
    return "\n\n".join([title, *findings, *blocks, "  \n".join([first, *rest])]) + "\n"


def _title(plan: Plan) -> str:
    if plan.changes:
        return f"Plan for {_project(plan)}: {counts_phrase(plan.changes)}"
    return f"Plan for {_project(plan)}: {'failed' if plan.errors else 'no changes'}"


def _project(plan: Plan) -> str:
    return f"`{_inert(plan.project)}`"


def _caution(plan: Plan) -> list[str]:
    words = []
    for action, done in ((Action.DELETE, "deleted"), (Action.DISABLE, "disabled")):
        number = len({change.address for change in plan.changes if change.action is action})
        if number:
            words.append(f"{quantity(number, 'secret')} will be {done}")
    return [f"> [!CAUTION]\n> {' and '.join(words)}."] if words else []


def _findings(diagnostics: Sequence[Diagnostic]) -> list[str]:
    parts = [_Part(text=_inert(diagnostic_text(each, PLAIN).rstrip("\n")), size=1) for each in diagnostics]
    return _fenced("text", parts, _ROOM_FOR_FINDINGS, "finding") if parts else []


def _drift(plan: Plan) -> list[str]:
    if not plan.drift:
        return []
    return [DRIFT_TITLE, *_fenced("diff", _parts(drift_blocks(plan.drift)), _ROOM_FOR_DRIFT, "difference")]


def _changes(blocks: Sequence[Block], number: int, room: int) -> list[str]:
    shown = _fenced("diff", _parts(blocks), room, "change")
    if number <= _OPEN:
        return shown
    return [f"<details><summary>{quantity(number, 'change')}</summary>", *shown, "</details>"]


def _parts(blocks: Iterable[Block]) -> list[_Part]:
    return [_Part(text=_inert(_block(block)), size=block.size) for block in blocks]


def _block(block: Block) -> str:
    # At the start of the line, GitHub colours `+`, `-`, `!` and `#` in a diff.
    return "\n".join([f"# {block.header}", *(f"{line.symbol} {line.text}" for line in block.lines)])


def _inert(text: str) -> str:
    return text.replace("`", "\\u0060").replace("<", "\\u003c")


def _fenced(language: str, parts: Sequence[_Part], room: int, noun: str) -> list[str]:
    shown, left = _fit(parts, room)
    fence = [f"```{language}\n" + "\n\n".join(part.text for part in shown) + "\n```"] if shown else []
    return [*fence, f"{left} more {_plural(noun, left)} in the JSON plan."] if left else fence


def _plural(noun: str, number: int) -> str:
    return f"{noun} is" if number == 1 else f"{noun}s are"


def _fit(parts: Sequence[_Part], room: int) -> tuple[list[_Part], int]:
    """Take parts from the front while they fit; give how many changes the others hold."""
    shown: list[_Part] = []
    for part in parts:
        room -= len(part.text) + len("\n\n")
        if room < 0:
            break
        shown.append(part)
    return shown, sum(part.size for part in parts[len(shown) :])
