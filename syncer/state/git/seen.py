"""What this host has seen last of a state: somebody who may push could put an older one back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from syncer.errors import StateError
from syncer.state.files import private_folder, replace_file

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.state.model import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One look at a state."""

    lineage: str
    serial: int
    commit: str


class Seen:
    """The last sight of the state of one branch, in a file."""

    def __init__(self, path: Path, branch: str) -> None:
        self._path = path
        self._branch = branch

    def check(self, state: State) -> None:
        """Raise StateError for a state that is older than the one seen before, or not of its history."""
        last = self._last()
        if last is None or (state.lineage == last.lineage and state.serial >= last.serial):
            return
        if state.lineage is None:
            message = f"branch `{self._branch}` holds no state any more; serial {last.serial} was seen there before"
        elif state.lineage == last.lineage:
            message = (
                f"branch `{self._branch}` holds serial {state.serial}, and serial {last.serial} was seen there before"
            )
        else:
            message = (
                f"branch `{self._branch}` holds serial {state.serial} of another history than before,"
                f" where serial {last.serial} was seen"
            )
        hint = f"push commit {last.commit[:12]} there again, or, if it was meant to change, remove {self._path}"
        raise StateError(message, hint=hint)

    def note(self, state: State, commit: str) -> None:
        """Remember a state that is authentic. Raise StateError."""
        sight = Sight(lineage=state.lineage or "", serial=state.serial, commit=commit)
        if state.lineage is None or sight == self._last():
            return
        try:
            private_folder(self._path.parent)
            replace_file(self._path, json.dumps(asdict(sight)).encode() + b"\n")
        except OSError as error:
            message = f"{self._path} cannot be written: {(error.strerror or 'it failed').lower()}"
        else:
            return
        raise StateError(message, hint="make room for it")

    def _last(self) -> Sight | None:
        try:
            return Sight(**json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, RecursionError):
            message = f"{self._path} cannot be read"
        raise StateError(message, hint="it says what was last seen of the state; remove it to go on without")
