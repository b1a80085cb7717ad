"""Holds a fresh plan against the one that a reviewer saw. Pure.

Change by change: serial and manifest may differ, because another review may have been applied in between.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from syncer.engine.effect import done, effect, same_effect
from syncer.engine.saved import difference
from syncer.errors import StalePlan
from syncer.plans import Action, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from syncer.model import Address
    from syncer.plans import Change, Plan
    from syncer.state.model import Record

Chain: TypeAlias = tuple["Change", ...]
"""The changes of one address, in order."""

_PLAN_AGAIN = "open another pull request: its plan shows what is to be done now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What of a reviewed plan is still to be done."""

    left: Mapping[Address, Chain] = field(default_factory=dict)
    """Changes of the fresh plan that were reviewed and are still to be made."""
    done: tuple[Address, ...] = ()
    """Where everything reviewed is so already."""
    unreviewed: tuple[Address, ...] = ()
    """Where the fresh plan holds changes and the reviewed one none; not to be applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What state remembers, and when the reviewed plan was made."""

    records: Mapping[Address, Record]
    since: datetime

    def record(self, chain: Chain) -> Record | None:
        """The record of an address, under its former name where it has one."""
        names = [chain[0].address, *(change.previous.address for change in chain if change.previous)]
        return next((self.records[name] for name in names if name in self.records), None)


def judge(reviewed: Plan, fresh: Plan, records: Mapping[Address, Record]) -> Verdict:
    """Say what of `reviewed` is left, is done, and what `fresh` holds beside it.

    Raise StalePlan where a reviewed change is neither done nor still the same, saying what differs.
    """
    _check_origin(reviewed, fresh)
    known = _Known(records=records, since=reviewed.timestamp)
    then, now = chains(reviewed.changes), chains(fresh.changes)
    left = {address: _left(chain, now.get(address, ()), known) for address, chain in sorted(then.items())}
    return Verdict(
        left={address: chain for address, chain in left.items() if chain},
        done=tuple(address for address, chain in left.items() if not chain),
        unreviewed=tuple(sorted(now.keys() - then.keys())),
    )


def narrow(reviewed: Plan, verdict: Verdict, resolved: Plan, *, allow_unchecked: bool = False) -> Verdict:
    """Say what of a plan with values a reviewer saw who saw it without them.

    A rotation of what was listed as not checked is one that nobody saw. Raise StalePlan for it unless
    `allow_unchecked`, and for any other change that a reviewed address shows only now.
    """
    _check_origin(reviewed, resolved)
    unchecked = {*reviewed.unchecked} if allow_unchecked else set()
    left: dict[Address, Chain] = {}
    unreviewed = {*verdict.unreviewed}
    for address, chain in chains(resolved.changes).items():
        unseen = [change for change in chain if not _was_seen(change, verdict.left.get(address, ()))]
        hidden = [change for change in unseen if change.action is Action.ROTATE]
        if address in verdict.unreviewed:
            continue
        if unseen and unseen == hidden and address in unchecked:
            left[address] = chain
        elif address in verdict.done:
            unreviewed.add(address)
        elif hidden and address in reviewed.unchecked:
            raise _changed(address, "its value was not checked when the plan was reviewed, and it is to be rotated")
        elif unseen and address in verdict.left:
            raise _changed(address, f"the reviewed plan did not show its `{unseen[0].action}`")
        elif unseen:
            unreviewed.add(address)
        else:
            left[address] = chain
    gone = verdict.left.keys() - left.keys()
    return Verdict(left=left, done=tuple(sorted({*verdict.done, *gone})), unreviewed=tuple(sorted(unreviewed)))


def chains(changes: Iterable[Change]) -> dict[Address, Chain]:
    """Group changes by address; those of one address stay in order."""
    found: dict[Address, list[Change]] = defaultdict(list)
    for change in changes:
        found[change.address].append(change)
    return {address: tuple(group) for address, group in found.items()}


def _check_origin(reviewed: Plan, fresh: Plan) -> None:
    if reviewed.project != fresh.project:
        message = f"the reviewed plan is for project {reviewed.project}, and this is {fresh.project}"
        raise StalePlan(message, hint="is it the plan of another manifest? give each its own --label")
    if reviewed.lineage not in (None, fresh.lineage):
        message = "the reviewed plan was made for another state (its lineage differs)"
        raise StalePlan(message, hint=_PLAN_AGAIN)


def _left(then: Chain, now: Chain, known: _Known) -> Chain:
    """Give the fresh changes of one address where they are the reviewed ones or the rest of them; none if it is done.

    Raise StalePlan.
    """
    now = _without_what_was_asked(then, now, known)
    if _told(then) == _told(now) or _is_rest(then, now, known) or _finishes(then, now, known):
        return now
    raise _changed(then[0].address, _what_differs(then, now))


def _is_rest(then: Chain, now: Chain, known: _Known) -> bool:
    """Whether the first of the reviewed changes are done and the others are the fresh ones."""
    first = len(then) - len(now)
    return first > 0 and _are_done(then[:first], known) and all(map(same_effect, then[first:], now))


def _are_done(before: Chain, known: _Known) -> bool:
    record = known.record(before)
    interrupted = record is not None and record.interrupted
    # Whether an interrupted write was made is not known; but the backend says that nothing of it is left to do.
    return all(
        done(change, known.records, known.since) or (interrupted and not change.writes_value) for change in before
    )


def _finishes(then: Chain, now: Chain, known: _Known) -> bool:
    """Whether it is what an interrupted run left of the reviewed changes: the same value again, or a record to drop."""
    record = known.record(then)
    if record is None or not (record.interrupted and now):
        return False
    if then[-1].action is Action.DELETE and [change.reason for change in now] == [Reason.GONE]:
        return True
    first, *rest = now
    heads = [index for index, change in enumerate(then) if change.writes_value]
    if not (heads and first.writes_value):
        return len(then) == len(now) and all(map(same_effect, then, now))
    wanted, *others = then[heads[0] :]
    same_value = effect(wanted).fingerprint in (None, effect(first).fingerprint)
    return (
        wanted.backend == first.backend
        and same_value
        and len(others) == len(rest)
        and all(map(same_effect, others, rest))
    )


def _without_what_was_asked(then: Chain, now: Chain, known: _Known) -> Chain:
    """Leave out a rotation that was asked for and is done: the same request would ask for it each time."""
    asked = [change for change in then if change.reason is Reason.ROTATION_REQUESTED]
    if not asked or not all(done(change, known.records, known.since) for change in asked):
        return now
    return tuple(change for change in now if change.reason is not Reason.ROTATION_REQUESTED)


def _was_seen(change: Change, reviewed: Chain) -> bool:
    # A value is rotated to what its source yields, whatever the reason: with values there may be another one.
    anyhow = change.action is Action.ROTATE
    return any(same_effect(replace(seen, reason=change.reason) if anyhow else seen, change) for seen in reviewed)


def _told(chain: Chain) -> list[Change]:
    """Give what a plan document tells of changes, to compare: a fresh plan knows more."""
    return [replace(c, observed=None, secret=None, drop_tags=frozenset()) for c in chain]


def _what_differs(then: Chain, now: Chain) -> str:
    pairs = zip(then, now, strict=False)
    found = next((pair for pair in pairs if _told(pair[:1]) != _told(pair[1:])), (None, None))
    return difference(*found)


def _changed(address: Address, what: str) -> StalePlan:
    return StalePlan(f"{address}: {what}", hint=_PLAN_AGAIN)
