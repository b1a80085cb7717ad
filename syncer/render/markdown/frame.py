"""What every text has: a title, fences that nothing leaves, a bound, and a footer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer import __version__
from syncer.render.human import diagnostic_text
from syncer.render.text import PLAIN, clean, quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from syncer.plans import Diagnostic
    from syncer.render.human import Block

LIMIT = 60_000
"""Bytes of UTF-8, of which there are never fewer than characters. GitHub refuses a comment of more than 65,536."""

_OPEN = 10
"""Up to so many changes stand open, more are folded."""

FINDINGS_SHARE = 1 / 6
"""Of the room: so much for findings."""
ROOM_FOR_FRAME = 3_000
"""Title, boxes, counts, fences, footer: all of a bounded length, the project's name included."""

_FENCE = re.compile("`{3,}")
"""Fewer end no fence of three."""
_BACKTICK = "\\u0060"

_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&*+,;=%-]{1,500}")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
LABEL = "syncer"
"""What needs not be told, because most repositories have one plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where a text stands, and what it can point to; each may be empty."""

    label: str = ""
    """Of several plans on one pull request, which one."""
    limit: int = LIMIT
    """Bytes of UTF-8."""
    commit: str = ""
    url: str = ""
    """Where people read of the run."""
    artifact: str = ""
    """The artifact that holds the whole plan."""
    digest: str = ""
    """The plan's."""
    notes: tuple[str, ...] = ()
    """Sentences of ours on what was not checked."""

    @property
    def room(self) -> int:
        """How much may come from outside."""
        return self.limit - ROOM_FOR_FRAME

    @property
    def whole(self) -> str:
        """Where all of it is."""
        if not self.artifact:
            return "in the JSON plan"
        run = f" of [this run]({self.url})" if _URL.fullmatch(self.url) else " of this run"
        return f"in the artifact {code(self.artifact)}{run}"


PLAIN_SETTING = Setting()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What is shown whole or not at all."""

    text: str
    size: int = 1
    """How many things it tells."""


def code(text: str) -> str:
    """Put a text on one line into a code span."""
    escaped = inert(clean(text)).replace("`", _BACKTICK)
    return f"`{escaped}`"


def inert(text: str) -> str:
    """Take from a text what could end a fence or begin a tag."""
    return _FENCE.sub(lambda found: _BACKTICK * len(found[0]), text).replace("<", "\\u003c")


def named(project: str, setting: Setting) -> str:
    """Name a project, and the label where there may be several."""
    label = f" ({code(setting.label)})" if setting.label not in ("", LABEL) else ""
    return f"{code(project)}{label}"


def size(texts: Iterable[str]) -> int:
    """Give the bytes that texts take, paragraphs of their own."""
    return sum(len(text.encode()) + len("\n\n") for text in texts)


def box(kind: str, lines: Sequence[str]) -> list[str]:
    """Put sentences of ours into a box that platforms colour."""
    return ["\n".join([f"> [!{kind}]", *("> " + line for line in _broken(lines))])] if lines else []


def _broken(lines: Sequence[str]) -> list[str]:
    *first, last = lines
    return [*(f"{line}  " for line in first), last]


def findings(diagnostics: Iterable[Diagnostic], setting: Setting) -> list[str]:
    """Tell findings in a fence."""
    parts = [Part(text=inert(diagnostic_text(each, PLAIN).rstrip("\n"))) for each in diagnostics]
    return fenced("text", parts, int(setting.room * FINDINGS_SHARE), ("finding", setting.whole)) if parts else []


def parts_of(blocks: Iterable[Block]) -> list[Part]:
    """Write blocks as parts of a `diff`, where platforms colour `+`, `-`, `!` and `#` at the start of a line."""
    return [Part(text=inert(_block(block)), size=block.size) for block in blocks]


def _block(block: Block) -> str:
    return "\n".join([f"# {block.header}", *(f"{line.symbol} {line.text}" for line in block.lines)])


def folded(title: str, texts: Sequence[str], number: int) -> list[str]:
    """Fold what a reader need not see at first."""
    if number <= _OPEN or not texts:
        return [*texts]
    return [f"<details><summary>{title}</summary>", *texts, "</details>"]


def fenced(
    language: str, parts: Sequence[Part], room: int, counted: tuple[str, str], *, gap: str = "\n\n"
) -> list[str]:
    """Put parts into a fence while they fit, and count the others: `counted` says what they are, and where."""
    shown, left = _fit(parts, room, len(gap))
    fence = [f"```{language}\n" + gap.join(part.text for part in shown) + "\n```"] if shown else []
    noun, where = counted
    return [*fence, f"{_more(left, noun)} {where}."] if left else fence


def _more(number: int, noun: str) -> str:
    return f"{quantity(number, f'more {noun}')} {'is' if number == 1 else 'are'}"


def fits(parts: Iterable[Part], room: int) -> bool:
    """Whether all of it can be shown."""
    return size(part.text for part in parts) <= room


def _fit(parts: Sequence[Part], room: int, gap: int) -> tuple[list[Part], int]:
    """Take parts from the front while they fit; give how many things the others tell."""
    shown: list[Part] = []
    for part in parts:
        room -= len(part.text.encode()) + gap
        if room < 0:
            break
        shown.append(part)
    return shown, sum(part.size for part in parts[len(shown) :])


def footer(setting: Setting) -> list[str]:
    """Say of what, by which run and by which version it was made; nothing where it stands nowhere."""
    told = []
    if _COMMIT.fullmatch(setting.commit):
        told.append(f"commit `{setting.commit[:12]}`")
    if _URL.fullmatch(setting.url):
        told.append(f"[run]({setting.url})")
    if _DIGEST.fullmatch(setting.digest):
        told.append(f"plan `{setting.digest[:19]}`")
    return [f"<sub>{' · '.join([*told, f'syncer {__version__}'])}</sub>"] if told else []


def joined(sections: Iterable[str]) -> str:
    """Put paragraphs together."""
    return "\n\n".join(sections) + "\n"
