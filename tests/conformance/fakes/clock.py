"""The server's time, which the test moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

SECOND = 10**9
EPOCH = 1893456000 * SECOND + 123456789
REQUEST = 1_000_003


@dataclass(slots=True)
class Clock:
    """Stands still but for a millisecond a request, so that no two writes bear the same time."""

    nanoseconds: int = EPOCH
    """Since 1970; starts in the first second of 2030, with all nine digits that a real server writes."""

    @property
    def now(self) -> datetime:
        """Give the time, cut to microseconds."""
        return datetime.fromtimestamp(self.nanoseconds // SECOND, UTC).replace(
            microsecond=self.nanoseconds % SECOND // 1000
        )

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.nanoseconds += round(seconds * SECOND)

    def tick(self) -> int:
        """Let one request pass, and give its time."""
        self.nanoseconds += REQUEST
        return self.nanoseconds


def stamp(nanoseconds: int) -> str:
    """Spell a time as Go does: RFC 3339, nine digits without the zeros at their end."""
    seconds, rest = divmod(nanoseconds, SECOND)
    date = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{date}.{rest:09d}".rstrip("0").rstrip(".") + "Z"


def dated(now: datetime) -> tuple[str, str]:
    """Give the header that Go's server puts on every answer, in whole seconds."""
    return "Date", format_datetime(now, usegmt=True)
