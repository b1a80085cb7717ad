"""What one rule finds in one secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from syncer.model import Secret


class Fault(NamedTuple):
    """What is wrong, and what would mend it."""

    message: str
    advice: str


Judge: TypeAlias = "Callable[[Secret], Iterable[Fault]]"
"""A rule made ready: it is asked for thousands of secrets, and nearly all are fine."""

FINE: tuple[Fault, ...] = ()
