"""Every error that `syncer` raises on purpose, each with an exit code and a hint.

SyncerError                      1
├── InvalidManifest              3   every problem of the manifest at once, with positions
├── InvalidConfiguration         3   options, durations, globs, key material
├── AccessDenied                 4   the backend refused who we are or what we may do
├── SourceError                  1   a source yields no value
├── StateError                   1   state, journal or key cannot be trusted or written
├── PlanIncomplete               1   the plan holds errors (unmanaged, conflict, unsupported)
├── BackendError                 1   the backend failed for good
│   ├── NotFound                     what was to be written is not there
│   ├── AlreadyExists                what was to be created is there
│   ├── VersionConflict              a conditional write lost the race
│   ├── Refused                      the backend had no room or no will, and wrote nothing
│   ├── Unsupported                  the backend cannot do this at all
│   ├── Corrupt                      what the backend holds cannot be opened
│   └── Transient                    worth another try
│       └── Throttled                worth another try, later
├── PartialFailure               5   some changes failed, the rest is done
├── StateLocked                  6   another run holds the lock
├── StalePlan                    7   the saved plan no longer holds, or was tampered with
├── SafetyLimit                  8   refused by the blast-radius gate
└── Interrupted                130   stopped by the user
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class SyncerError(Exception):
    """An error with a message for people: it names the thing, the cause and, as `hint`, the next step.

    Messages are lower case, without a full stop, and must never hold a value or a part of one.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One fault in a manifest and where it stands; `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class InvalidManifest(SyncerError):
    """The manifest cannot be used; `problems` holds every fault, sorted by position."""

    exit_code = 3

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


class InvalidConfiguration(SyncerError):
    """An option, a variable or a key has a form that cannot be used."""

    exit_code = 3


class AccessDenied(SyncerError):
    """The backend does not know us, or does not let us do this."""

    exit_code = 4


class SourceError(SyncerError):
    """A source yields no value."""


class StateError(SyncerError):
    """The state, the journal or the key cannot be trusted, read or written."""


class PlanIncomplete(SyncerError):
    """The plan holds errors, so nothing was applied."""


class BackendError(SyncerError):
    """The backend failed in a way that another try would not mend; whether the write happened is not known."""


class NotFound(BackendError):
    """The secret that was to be written or read is not in the backend."""


class AlreadyExists(BackendError):
    """The secret that was to be created is in the backend."""


class VersionConflict(BackendError):
    """A conditional write found another version than the expected one."""


class Refused(BackendError):
    """The backend did not do it and surely left everything as it was."""


class Unsupported(BackendError):
    """The backend cannot do this at all; found out while planning, see `Capability`."""


class Corrupt(BackendError):
    """What the backend holds cannot be opened: damaged, swapped, or sealed under another key."""


class Transient(BackendError):
    """A failure that another try may mend; whether the write happened is not known.

    `retry_after` is how long the backend asks to wait, in seconds; None where it did not say.
    """

    def __init__(self, message: str, *, hint: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class Throttled(Transient):
    """The backend asks for patience, and has not looked at what was asked of it."""


class PartialFailure(SyncerError):
    """Some changes failed; those that succeeded are done and recorded."""

    exit_code = 5


class StateLocked(SyncerError):
    """Another run holds the lock of this state."""

    exit_code = 6


class StalePlan(SyncerError):
    """The saved plan was tampered with, or the world has moved since it was made."""

    exit_code = 7


class SafetyLimit(SyncerError):
    """The plan would delete or disable more than the safety limit allows."""

    exit_code = 8


class Interrupted(SyncerError):
    """The user stopped the run; what was in flight is finished and recorded."""

    exit_code = 130
