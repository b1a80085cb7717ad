"""A plan as a comment."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby, islice
from typing import TYPE_CHECKING

from syncer.plans import Action, Values
from syncer.render.human import DRIFT_TITLE, change_blocks, drift_blocks
from syncer.render.markdown import frame
from syncer.render.markdown.frame import PLAIN_SETTING, Part, Setting
from syncer.render.text import SKIPPED, UNASKED, counts_phrase, quantity, summary, unchecked_note

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncer.plans import Change, Plan

_DRIFT_SHARE = 1 / 4
_SHORTEST = 24
"""Bytes that the changes of one address take at least."""

_UNAUTHENTICATED = "state_not_authenticated"
_WITHDRAWING = frozenset({Action.DELETE, Action.DISABLE})


def plan_markdown(plan: Plan, setting: Setting = PLAIN_SETTING) -> str:
    """Write a plan within the bound; what does not fit is counted, and what is withdrawn comes first then."""
    blind = _not_checked(plan, setting)
    found = [each for each in plan.diagnostics if each.code != _UNAUTHENTICATED]
    top = [f"### {_title(plan, setting)}", *_caution(plan), *frame.box("NOTE", blind)]
    told = [*frame.findings(found, setting), *_drift(plan, setting)]
    counts = [line for line in summary(plan) if line not in {*blind, SKIPPED}]
    end = ["  \n".join(counts), *frame.footer(setting)]
    room = setting.room - frame.size(told)
    return frame.joined([*top, *told, *_changes(plan, room, setting), *end])


def _title(plan: Plan, setting: Setting) -> str:
    name = frame.named(plan.project, setting)
    if plan.changes:
        return f"Plan for {name}: {counts_phrase(plan.changes)}"
    return f"Plan for {name}: {'failed' if plan.errors else 'no changes'}"


def _caution(plan: Plan) -> list[str]:
    words = []
    for action, done in ((Action.DELETE, "deleted"), (Action.DISABLE, "disabled")):
        number = len({change.address for change in plan.changes if change.action is action})
        if number:
            words.append(f"{quantity(number, 'secret')} will be {done}")
    return frame.box("CAUTION", [f"{' and '.join(words)}."]) if words else []


def _not_checked(plan: Plan, setting: Setting) -> list[str]:
    """Say what a reviewer cannot see here."""
    told = []
    if plan.unchecked:
        told.append(unchecked_note(plan))
    if plan.values is Values.SKIPPED:
        told.append("No source was asked for its value, so one that changed where it comes from does not show.")
    if not plan.refreshed:
        told.append(UNASKED)
    if any(each.code == _UNAUTHENTICATED for each in plan.diagnostics):
        told.append("The state was taken as it stands, because there is no project key here to authenticate it.")
    return [*told, *setting.notes]


def _drift(plan: Plan, setting: Setting) -> list[str]:
    if not plan.drift:
        return []
    parts = frame.parts_of(drift_blocks(plan.drift))
    shown = frame.fenced("diff", parts, int(setting.room * _DRIFT_SHARE), ("difference", setting.whole))
    return [DRIFT_TITLE, *frame.folded(quantity(len(plan.drift), "difference"), shown, len(plan.drift))]


def _changes(plan: Plan, room: int, setting: Setting) -> list[str]:
    if not plan.changes:
        return []
    parts = _parts(plan, room)
    if not frame.fits(parts, room):
        parts = _gravest_first(plan, room)
    shown = frame.fenced("diff", parts, room, ("change", setting.whole))
    number = len(plan.changes)
    return frame.folded(quantity(number, "change"), shown, number)


def _gravest_first(plan: Plan, room: int) -> list[Part]:
    """Let what is withdrawn not be among what is cut off."""
    grave = {change.address for change in plan.changes if change.action in _WITHDRAWING}
    first = tuple(change for change in plan.changes if change.address in grave)
    rest = tuple(change for change in plan.changes if change.address not in grave)
    return [part for some in (first, rest) if some for part in _parts(replace(plan, changes=some), room)]


def _parts(plan: Plan, room: int) -> list[Part]:
    """Write what may fit, and count the rest without writing it: there may be ten thousand."""
    ordered = sorted(plan.changes, key=lambda change: change.address)
    groups = (list(group) for _, group in groupby(ordered, key=lambda change: change.address))
    near = tuple(_flat(islice(groups, max(room, 0) // _SHORTEST)))
    parts = frame.parts_of(change_blocks(replace(plan, changes=near)))
    far = len(ordered) - len(near)
    return [*parts, Part(text=" " * max(room, 0), size=far)] if far else parts


def _flat(groups: Iterable[list[Change]]) -> Iterable[Change]:
    return (change for group in groups for change in group)
