"""The wording that every rendering shares: symbols, phrases, counts, and quoting that no hostile tag escapes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.plans import Action, Counts, Reason, Values, by_action, count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from syncer.plans import Calls, Change, Outcome, Plan

SYMBOLS = {
    Action.CREATE: "+",
    Action.ROTATE: "!",
    Action.UPDATE: "~",
    Action.ENABLE: "o",
    Action.DISABLE: "o",
    Action.DELETE: "-",
    Action.FORGET: ".",
    Action.MOVE: ">",
}

_LEGEND = {
    "+": "create",
    "!": "rotate",
    "~": "update",
    "o": "enable or disable",
    "-": "delete",
    ".": "forget",
    ">": "moved",
}
"""Symbol to its meaning, in the order of the legend."""

BOLD, RED, GREEN, YELLOW, BLUE, CYAN, GREY = "1", "31", "32", "33", "34", "36", "90"
HUES = {"+": GREEN, "!": YELLOW, "~": YELLOW, "o": CYAN, "-": RED, ".": GREY, ">": BLUE, " ": ""}
"""Symbol to the ANSI code of its colour (ECMA-48, SGR)."""

DONE = {
    Action.CREATE: "created",
    Action.ROTATE: "rotated",
    Action.UPDATE: "updated",
    Action.ENABLE: "enabled",
    Action.DISABLE: "disabled",
    Action.DELETE: "deleted",
    Action.FORGET: "forgotten",
    Action.MOVE: "moved",
}

SKIPPED = "Values were skipped, so this plan cannot be applied."
UNASKED = "The backends were not asked: state was taken for what is there."

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_./:-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How text looks on a terminal; what it says never depends on it."""

    color: bool = False

    def paint(self, text: str, hue: str) -> str:
        """Wrap a text in an ANSI colour, or give it as it is."""
        return f"\x1b[{hue}m{text}\x1b[0m" if self.color and hue else text


PLAIN = Style()


def clean(text: str) -> str:
    """Escape what a terminal would act on or hide: controls, bidirectional overrides, odd spaces, as JSON does."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def quote(text: str) -> str:
    """Write a text from a manifest or a backend as a JSON-like string on one line."""
    return '"' + clean(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def attribute(path: Sequence[str]) -> str:
    """Name an attribute: `description`, `tags.team`, `tags["odd key"]`."""
    name, *keys = path
    return name + "".join(f".{key}" if _PLAIN_KEY.fullmatch(key) else f"[{quote(key)}]" for key in keys)


def quantity(number: int, noun: str) -> str:
    """Count a noun: `1 value`, `2 values`, `2 addresses`."""
    plural = "es" if noun.endswith("s") else "s"
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{plural}"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align rows of cells in columns, a line for each row."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def reason_phrase(reason: Reason) -> str:
    """Say a reason to people: `source changed`."""
    return reason.replace("_", " ")


def legend(changes: Iterable[Change]) -> str:
    """Explain the symbols in use, one to a line."""
    used = {SYMBOLS[change.action] for change in changes}
    lines = [f"  {symbol} {meaning}" for symbol, meaning in _LEGEND.items() if symbol in used]
    return "\n".join(["Actions are indicated with the following symbols:", *lines])


def header(changes: Sequence[Change]) -> str:
    """Say in one line what becomes of one address: `payments:tls/key will be rotated (source changed)`."""
    several = len({change.backend for change in changes}) > 1
    moves = [c.previous.address for c in changes if c.action is Action.MOVE and c.previous is not None]
    rest = [change for change in changes if change.action is not Action.MOVE]
    said = [f"has moved from {clean(str(address))}" for address in moves]
    if rest:
        said.append("will be " + _enumerate([_phrase(change, several=several) for change in rest]))
    reasons = dict.fromkeys(reason_phrase(change.reason) for change in rest)
    why = f" ({'; '.join(reasons)})" if reasons else ""
    return f"{clean(str(changes[0].address))} {' and '.join(said)}{why}"


def _phrase(change: Change, *, several: bool) -> str:
    done = "restored" if change.reason is Reason.PENDING_DELETION else DONE[change.action]
    return f"{done} in {clean(change.backend)}" if several else done


def _enumerate(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def counts_phrase(changes: tuple[Change, ...]) -> str:
    """Count what is to come in Terraform's words, which tools search for."""
    counts = count(changes)
    return f"{counts.add} to add, {counts.change} to change, {counts.destroy} to destroy"


def actions_line(changes: tuple[Change, ...]) -> str:
    """Count changes by action; moves only where there are any."""
    found = by_action(changes)
    words = [f"{n} {action}" for action, n in found.items() if n or action is not Action.MOVE]
    return f"Actions: {', '.join(words)}."


def calls_line(calls: Mapping[str, Calls]) -> str:
    """Sum up what was asked of all backends."""
    total = sum(each.calls for each in calls.values())
    read = sum(each.values_read for each in calls.values())
    return f"Calls: {total} to backends, {quantity(read, 'value')} read."


def summary(plan: Plan) -> list[str]:
    """Sum up a plan in lines; the first is what people and tools look for."""
    if not plan.changes:
        return [nothing_to_do(plan), calls_line(plan.calls)]
    return [
        f"Plan: {counts_phrase(plan.changes)}.",
        actions_line(plan.changes),
        calls_line(plan.calls),
        *notes(plan),
    ]


def nothing_to_do(plan: Plan) -> str:
    """Say what a plan without changes means; `No changes.` only where that was found out."""
    if plan.errors:
        return f"Nothing could be planned: {quantity(len(plan.errors), 'error')}."
    return f"No changes. {_why_nothing(plan)}"


def _why_nothing(plan: Plan) -> str:
    if plan.unchecked:
        return unchecked_note(plan)
    if plan.selection.destroy:
        return "There is nothing to destroy."
    if plan.selection.partial:
        return "The selected secrets match the manifest."
    if not plan.refreshed:
        return "Your secrets match the manifest, as far as state knows."
    return "Your secrets match the manifest."


def unchecked_note(plan: Plan) -> str:
    """Count the values that were not checked."""
    number = len(plan.unchecked)
    return f"{quantity(number, 'value')} {'was' if number == 1 else 'were'} not checked."


def notes(plan: Plan) -> list[str]:
    """Say what a reader of the counts must know beside them."""
    told = []
    if plan.errors:
        told.append(f"The plan holds {quantity(len(plan.errors), 'error')} and cannot be applied.")
    if plan.unchecked:
        told.append(unchecked_note(plan))
    if plan.values is Values.SKIPPED:
        told.append(SKIPPED)
    if plan.selection.partial:
        told.append("Only what was selected is in this plan.")
    if not plan.refreshed:
        told.append(UNASKED)
    return told


def outcome_lines(outcome: Outcome) -> list[str]:
    """Sum up an apply in lines; the first is Terraform's where all went well."""
    done: Counts = count(outcome.applied)
    resources = f"Resources: {done.add} added, {done.change} changed, {done.destroy} destroyed."
    if not (outcome.failed or outcome.skipped or outcome.interrupted):
        return [f"Apply complete! {resources}", calls_line(outcome.calls)]
    how = "interrupted" if outcome.interrupted else "incomplete"
    return [
        f"Apply {how}: {len(outcome.failed)} failed, {len(outcome.skipped)} not begun. {resources}",
        calls_line(outcome.calls),
        "What was done is recorded; run `syncer apply` again for the rest.",
    ]


def drift_lines(plan: Plan) -> list[str]:
    """Sum up drift in lines."""
    if not plan.drift:
        verdict = (
            "Drift could not be checked everywhere."
            if plan.errors
            else "No drift. The backends hold what state remembers."
        )
        return [verdict, calls_line(plan.calls)]
    kinds = dict.fromkeys(sorted(d.kind for d in plan.drift))
    words = [f"{sum(d.kind is kind for d in plan.drift)} {kind}" for kind in kinds]
    addresses = quantity(len({d.address for d in plan.drift}), "address")
    return [f"Drift: {addresses} changed outside of syncer ({', '.join(words)}).", calls_line(plan.calls)]
