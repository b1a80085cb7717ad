"""The store: one document for each namespace, which a write replaces as a whole."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from conformance.fakes.kestra.names import lineage

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from conformance.fakes.kestra.names import Place
    from conformance.fakes.kestra.records import Secret

    Secrets = dict[str, Secret]


class Unresolved(LookupError):
    """A run asks for a secret that there is not, and fails."""


class Store:
    """Secrets by key; a document never changes once it stands here."""

    def __init__(self) -> None:
        self.documents: dict[Place, Secrets] = {}
        self.environment: dict[str, str] = {}
        """What the server was started with as `SECRET_KEY=...`, by key in upper case, decoded; looked at last."""
        self._lock = threading.Lock()

    def get(self, place: Place) -> Secrets:
        """Give a namespace's document, empty where there is none."""
        return self.documents.get(place, {})

    def write(self, place: Place, change: Callable[[Secrets], object]) -> None:
        """Change a namespace; nothing comes between the read and the write."""
        with self._lock:
            copy = dict(self.get(place))
            change(copy)
            self.documents[place] = copy

    def overwrite(self, place: Place, change: Callable[[Secrets], object], pause: AbstractContextManager[None]) -> None:
        """Read, pause, change and write back, with no lock: what others wrote meanwhile is lost."""
        copy = dict(self.get(place))
        with pause:
            change(copy)
            self.documents[place] = copy

    def inherited(self, place: Place) -> dict[str, list[str]]:
        """Give the keys that runs of a namespace may use: its own, and those of parents that have any."""
        tenant, namespace = place
        found = {one: sorted(self.get((tenant, one))) for one in lineage(namespace)}
        return {one: keys for one, keys in found.items() if keys or one == namespace}

    def resolve(self, place: Place, key: str) -> str:
        """Give the value that a run of a namespace gets: the nearest one upwards, then that of the environment.

        Raises:
            Unresolved: there is none.
        """
        tenant, namespace = place
        for one in lineage(namespace):
            found = self.get((tenant, one)).get(key)
            if found:
                return found.value
        if key.upper() not in self.environment:
            message = f"Cannot find secret for key '{key}'."
            raise Unresolved(message)
        return self.environment[key.upper()]
