"""Plans, drift, outcomes and findings as text for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias, assert_never

from syncer.errors import InvalidManifest
from syncer.model import DEFAULT_BACKEND, Address, Fingerprint
from syncer.plans import Action, DriftKind, Reason, Severity, Values
from syncer.render.diff import Entry, Fields, differences, snapshot_fields, tag_fields
from syncer.render.text import (
    BOLD,
    CYAN,
    HUES,
    RED,
    SYMBOLS,
    YELLOW,
    Style,
    attribute,
    clean,
    drift_lines,
    header,
    legend,
    outcome_lines,
    quote,
    summary,
)
from syncer.sensitive import MASK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from syncer.errors import SyncerError
    from syncer.plans import Change, Diagnostic, Drift, Failure, Location, Outcome, Plan, Snapshot

MOST_PROBLEMS = 100
"""So many faults of a manifest are shown to people; programs get all."""

DRIFT_TITLE = "Changed outside of syncer since the last apply:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a block."""

    symbol: str
    """A space where the line only informs."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What is told about one address."""

    header: str
    lines: tuple[Line, ...]
    size: int
    """How many changes or drifts it tells."""


_Updates: TypeAlias = Mapping[tuple[str, Address], tuple[Entry, ...]]


def plan_text(plan: Plan, style: Style) -> str:
    """Tell a plan: drift, a block for each address, then the counts. Diagnostics are told apart from it."""
    sections = []
    if plan.drift:
        sections += [DRIFT_TITLE, *_painted(drift_blocks(plan.drift), style)]
    if plan.changes:
        sections += [legend(plan.changes), "syncer will perform the following actions:"]
        sections += _painted(change_blocks(plan), style)
    sections.append(_first_bold(summary(plan), style))
    return "\n\n".join(sections) + "\n"


def drift_text(plan: Plan, style: Style) -> str:
    """Tell what changed outside, a block for each address, then the counts."""
    blocks = [DRIFT_TITLE, *_painted(drift_blocks(plan.drift), style)] if plan.drift else []
    return "\n\n".join([*blocks, _first_bold(drift_lines(plan), style)]) + "\n"


def outcome_text(outcome: Outcome, style: Style) -> str:
    """Tell what came of an apply in counts; each failure is told by `failure_text`."""
    return _first_bold(outcome_lines(outcome), style) + "\n"


def diagnostic_text(diagnostic: Diagnostic, style: Style) -> str:
    """Tell one finding: what and why, where it is declared, what to do."""
    return _finding(
        diagnostic.severity,
        about(diagnostic),
        style,
        origin=str(diagnostic.origin) if diagnostic.origin else None,
        hint=diagnostic.hint,
    )


def violation_text(diagnostic: Diagnostic, style: Style) -> str:
    """Tell one finding as a fault of a manifest is told: its place first."""
    told = about(diagnostic)
    where = f"{diagnostic.origin}: " if diagnostic.origin else ""
    return _finding(diagnostic.severity, f"{where}{told}", style, hint=diagnostic.hint)


def failure_text(failure: Failure, style: Style) -> str:
    """Tell why one change was not carried out."""
    address, error = failure.change.address, failure.error
    return _finding(Severity.ERROR, _about(address, error.message), style, hint=error.hint)


def error_text(error: SyncerError, style: Style) -> str:
    """Tell an error that ended the run; every problem of a manifest on a line of its own."""
    if isinstance(error, InvalidManifest):
        told = [_finding(Severity.ERROR, str(problem), style) for problem in error.problems[:MOST_PROBLEMS]]
        left = len(error.problems) - len(told)
        return "".join([*told, *([f"... and {left} more\n"] if left else [])])
    return _finding(Severity.ERROR, error.message, style, hint=error.hint)


def about(found: Diagnostic) -> str:
    """Say what a finding is about, and what."""
    return _about(found.address, found.message)


def _about(address: Address | None, message: str) -> str:
    # Errors name the thing that they are about, so many begin with the address already.
    named = address is None or message.startswith((f"{address}:", f"{address} "))
    return message if named else f"{address}: {message}"


def _finding(
    severity: Severity, message: str, style: Style, *, origin: str | None = None, hint: str | None = None
) -> str:
    first, *more = message.splitlines() or [""]
    hue = RED if severity is Severity.ERROR else YELLOW
    lines = [f"{style.paint(f'{severity}:', hue)} {clean(first)}", *(f"  {clean(line)}" for line in more)]
    if origin is not None:
        lines.append(f"  at {clean(origin)}")
    if hint is not None:
        lines.append(f"{style.paint('hint:', CYAN)} {clean(hint)}")
    return "\n".join(lines) + "\n"


def _painted(blocks: Iterable[Block], style: Style) -> list[str]:
    return ["\n".join(_block_lines(block, style)) for block in blocks]


def _block_lines(block: Block, style: Style) -> Iterator[str]:
    yield f"  {style.paint(f'# {block.header}', BOLD)}"
    for line in block.lines:
        yield f"  {style.paint(line.symbol, HUES[line.symbol])} {line.text}"


def _first_bold(lines: Sequence[str], style: Style) -> str:
    return "\n".join([style.paint(lines[0], BOLD), *lines[1:]])


def change_blocks(plan: Plan) -> list[Block]:
    """Give one block for each address, sorted by address, its changes in their order."""
    updates = _updates(plan.changes)
    ordered = sorted(plan.changes, key=lambda change: change.address)
    groups = (tuple(group) for _, group in groupby(ordered, key=lambda change: change.address))
    return [_change_block(group, plan.values, updates) for group in groups]


def _updates(changes: Iterable[Change]) -> _Updates:
    found, pairs = [], []
    for change in changes:
        if change.action is Action.UPDATE and change.before is not None and change.after is not None:
            found.append((change.backend, change.address))
            pairs.append((_held(change.before, change), snapshot_fields(change.after)))
    return dict(zip(found, differences(pairs), strict=True))


def _held(before: Snapshot, change: Change) -> Fields:
    # A foreign tag that the manifest does not name is kept: only those in `drop_tags` go away.
    wanted = change.after.tags if change.after is not None else {}
    kept = {("tags", key) for key in before.tags if key not in wanted and key not in change.drop_tags}
    return {path: value for path, value in snapshot_fields(before).items() if path not in kept}


def _change_block(changes: Sequence[Change], values: Values, updates: _Updates) -> Block:
    lines = [*_backend_lines(changes)]
    for change in changes:
        lines += _change_lines(change, values, updates)
    return Block(header=header(changes), lines=tuple(lines), size=len(changes))


def _backend_lines(changes: Sequence[Change]) -> Iterator[Line]:
    # Where the changes of an address go to several backends, the header names them.
    names = {change.backend for change in changes}
    previous = next((change.previous for change in changes if change.previous is not None), None)
    if previous is not None and previous.backend not in names:
        yield Line(symbol="~", text=f"backend = {quote(previous.backend)} -> {quote(changes[0].backend)}")
    elif names != {DEFAULT_BACKEND} and len(names) == 1:
        yield Line(symbol=" ", text=f"backend = {quote(changes[0].backend)}")


def _change_lines(change: Change, values: Values, updates: _Updates) -> Iterator[Line]:
    match change.action:
        case Action.CREATE:
            yield from _whole("+", _new_value(change, values), change.after)
        case Action.ROTATE:
            yield Line(symbol="!", text=f"value = {MASK} {_old_value(change)} -> {_new_value(change, values)}")
        case Action.UPDATE:
            yield from _update_lines(updates.get((change.backend, change.address), ()))
        case Action.ENABLE | Action.DISABLE:
            yield Line(symbol="o", text=_enabled_text(change))
        case Action.DELETE:
            yield from _whole("-", _old_value(change), change.before)
        case Action.FORGET:
            where = "is gone already" if change.reason is Reason.GONE else "stays in the backend"
            yield Line(symbol=".", text=f"the record only; the secret {where}")
        case Action.MOVE:
            yield Line(symbol=">", text=_moved_text(change))
        case _:
            assert_never(change.action)


def _update_lines(entries: Iterable[Entry]) -> Sequence[Line]:
    lines = [_entry_line(entry) for entry in entries if entry.path != ("enabled",)]
    return lines or [Line(symbol="~", text="the mark of its owner is written")]


def _whole(symbol: str, value: str, snapshot: Snapshot | None) -> Iterator[Line]:
    yield Line(symbol=symbol, text=f"value = {MASK} {value}")
    if snapshot is None:
        return
    if snapshot.description:
        yield Line(symbol=symbol, text=f"description = {quote(snapshot.description)}")
    for key, tag in sorted(snapshot.tags.items()):
        yield Line(symbol=symbol, text=f"{attribute(('tags', key))} = {quote(tag)}")


def _new_value(change: Change, values: Values) -> str:
    if change.reason is Reason.PENDING_DELETION:
        return "as it was before its deletion"
    if change.after is not None and change.after.fingerprint is not None:
        return change.after.fingerprint.short
    if values is Values.SKIPPED:
        return "not checked"
    return "made at apply" if change.previous is None else f"carried over from {_origin(change, change.previous)}"


def _origin(change: Change, previous: Location) -> str:
    return clean(str(previous.address) if previous.backend == change.backend else previous.backend)


def _old_value(change: Change) -> str:
    before = change.before.fingerprint if change.before is not None else None
    after = change.after.fingerprint if change.after is not None else None
    # What drifted is another value than the one recorded, so the record's fingerprint is not what is there.
    drifted = change.reason is Reason.DRIFTED and before == after
    return "unknown" if before is None or drifted else before.short


def _enabled_text(change: Change) -> str:
    enable = change.action is Action.ENABLE
    note = " (advisory: the backend only notes it)" if change.advisory else ""
    note = " (removed there: the backend has no disabled state)" if change.removes else note
    return f"enabled = {_scalar(not enable)} -> {_scalar(enable)}{note}"


def _moved_text(change: Change) -> str:
    old = change.previous.address if change.previous is not None else change.address
    return f"address = {quote(str(old))} -> {quote(str(change.address))}"


def _entry_line(entry: Entry) -> Line:
    name = attribute(entry.path)
    if entry.before is None:
        return Line(symbol="+", text=f"{name} = {_scalar(entry.after)}")
    if entry.after is None:
        return Line(symbol="-", text=f"{name} = {_scalar(entry.before)}")
    return Line(symbol="~", text=f"{name} = {_scalar(entry.before)} -> {_scalar(entry.after)}")


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else quote(str(value))


def drift_told(drift: Iterable[Drift]) -> list[tuple[Drift, list[Line]]]:
    """Tell each difference in lines of its own, sorted by address."""
    ordered = sorted(drift, key=lambda each: (each.address, each.kind))
    tags = iter(differences([_tag_pair(each) for each in ordered]))
    # One entry of `tags` belongs to each drift, in the same order; it is empty for every other kind.
    return [(each, _drift_lines(each, next(tags))) for each in ordered]


def drift_blocks(drift: Iterable[Drift]) -> list[Block]:
    """Give one block for each address that changed outside, sorted by address."""
    groups = (tuple(group) for _, group in groupby(drift_told(drift), key=lambda pair: pair[0].address))
    return [_drift_block(group) for group in groups]


def _tag_pair(drift: Drift) -> tuple[Fields, Fields]:
    if drift.kind is DriftKind.TAGS and isinstance(drift.before, Mapping) and isinstance(drift.after, Mapping):
        return tag_fields(drift.before), tag_fields(drift.after)
    return {}, {}


def _drift_block(told: Sequence[tuple[Drift, list[Line]]]) -> Block:
    missing = any(drift.kind is DriftKind.MISSING for drift, _ in told)
    first = told[0][0]
    lines = [line for _, found in told for line in found]
    if first.backend != DEFAULT_BACKEND:
        lines.insert(0, Line(symbol=" ", text=f"backend = {quote(first.backend)}"))
    what = "has been deleted" if missing else "has changed"
    return Block(header=f"{clean(str(first.address))} {what}", lines=tuple(lines), size=len(told))


def _drift_lines(drift: Drift, tags: Iterable[Entry]) -> list[Line]:
    before, after = drift.before, drift.after
    match drift.kind:
        case DriftKind.MISSING:
            return [Line(symbol="-", text="the secret is no longer in the backend")]
        case DriftKind.VALUE:
            return [Line(symbol=SYMBOLS[Action.ROTATE], text=f"value = {MASK} {_value(before)} -> {_value(after)}")]
        case DriftKind.TAGS:
            return [_entry_line(entry) for entry in tags]
        case DriftKind.ENABLED:
            return [Line(symbol="o", text=f"enabled = {_scalar(before)} -> {_scalar(after)}")]
        case DriftKind.DESCRIPTION:
            return [Line(symbol="~", text=f"description = {_scalar(before)} -> {_scalar(after)}")]
        case _:
            assert_never(drift.kind)


def _value(side: object) -> str:
    if side is None:
        return "unknown"
    try:
        return Fingerprint.parse(str(side)).short
    except ValueError:
        return f"version {quote(str(side))}"
