"""What a session asks of wherever the state lives."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import datetime

    from syncer.retry import Retry
    from syncer.state.codec import Codec
    from syncer.state.journal import Journal
    from syncer.state.lock import Holder
    from syncer.state.model import Document, State


class StateStore(ABC):
    """The state of one project: read by anybody, written by whoever holds its lock."""

    codec: Codec

    @property
    @abstractmethod
    def exists(self) -> bool:
        """Whether anything was remembered before. Raise StateError where that cannot be told."""

    @abstractmethod
    def read(self, *, authenticate: bool = True) -> State:
        """Give the state, with the journal of an ended or running apply folded in. Raise StateError.

        `authenticate=False` is for a plan without the key: what it reads may have been tampered with. Where nobody
        wrote meanwhile, reading again gives the same object.
        """

    @abstractmethod
    def fold(self) -> State:
        """Give the state as `read` does, and write it if a journal was left. Needs the lock."""

    @abstractmethod
    def write(self, state: State) -> None:
        """Replace the state; the one before can still be had. Needs the lock. Raise StateError."""

    @abstractmethod
    def journal(self, state: State, lineage: str) -> Journal:
        """Start the journal of an apply on `state`. Needs the lock."""

    @abstractmethod
    def lock(  # what who locks has to say
        self,
        operation: str,
        *,
        now: datetime,
        timeout: float,
        waiting: Callable[[Holder], None],
        retry: Retry,
    ) -> AbstractContextManager[object]:
        """Give the lock, to be entered."""

    @abstractmethod
    def unlock(self, lock_id: str) -> Holder:
        """Break a lock that was left behind."""

    @abstractmethod
    def stamp(self) -> object:
        """Give what moves whenever somebody on this host writes the state or its journal. Asks no server."""

    def document(self) -> Document:
        """Give the state as the JSON object that `write` writes, a left journal folded in."""
        document: Document = json.loads(self.codec.encode(self.read()))
        return document
