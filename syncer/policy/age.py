"""The rule `maximum-age`: over what is declared, and over what was written when."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from syncer.policy.fault import FINE, Fault, Judge

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from syncer.model import Secret
    from syncer.rules import MaximumAge

_UNITS = (
    ("d", timedelta(days=1)),
    ("h", timedelta(hours=1)),
    ("m", timedelta(minutes=1)),
    ("s", timedelta(seconds=1)),
)


def maximum_age(rule: MaximumAge) -> Judge:
    """Make ready the rule that wants each value rotated in time."""
    most = spoken(rule.age)
    advice = f"declare `rotate: {{every: {most}}}` or less"
    missing = (Fault(f"`rotate.every` is missing, and a value may be {most} old at most", advice),)

    def judge(secret: Secret) -> Iterable[Fault]:
        every = secret.rotate.every
        if every is None:
            return missing
        if every <= rule.age:
            return FINE
        return (Fault(f"`rotate.every` is {spoken(every)}, and a value may be {most} old at most", advice),)

    return judge


def overdue(rule: MaximumAge, rotated: datetime, now: datetime) -> Iterable[Fault]:
    """Judge a value by when it was last written."""
    if now - rotated <= rule.age:
        return FINE
    told = f"its value is from {rotated:%Y-%m-%d}, and may be {spoken(rule.age)} old at most"
    return (Fault(told, "have its source yield another one, or say --rotate for one that is generated"),)


def spoken(span: timedelta) -> str:
    """Write a span as a manifest does, in the largest unit that it fills exactly."""
    unit, length = next(each for each in _UNITS if not span % each[1])
    return f"{span // length}{unit}"
