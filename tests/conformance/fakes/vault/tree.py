"""Named things in folders, in the order of their bytes."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Generic, TypeVar

T = TypeVar("T")

BEHIND_SLASH = "0"
"""The character after `/`: no name in a folder sorts behind the folder's name with it."""


class Tree(Generic[T]):
    """A dictionary that lists folders without looking at what is in them."""

    def __init__(self) -> None:
        self._things: dict[str, T] = {}
        self._names: list[str] = []

    def __contains__(self, name: str) -> bool:
        return name in self._things

    def __len__(self) -> int:
        return len(self._things)

    def get(self, name: str) -> T | None:
        """Give the thing of that name."""
        return self._things.get(name)

    def put(self, name: str, thing: T) -> None:
        """Add a thing, or put it in the place of another."""
        if name not in self._things:
            insort(self._names, name)
        self._things[name] = thing

    def drop(self, name: str) -> None:
        """Take a thing away, if it is there."""
        if self._things.pop(name, None) is not None:
            del self._names[bisect_left(self._names, name)]

    def folder(self, folder: str) -> list[str]:
        """Give what is directly in a folder, which must end in a slash or be empty; folders end in a slash."""
        found = []
        at = bisect_left(self._names, folder)
        while at < len(self._names) and self._names[at].startswith(folder):
            name, slash, _ = self._names[at][len(folder) :].partition("/")
            found.append(name + slash)
            at = bisect_left(self._names, folder + name + BEHIND_SLASH, at) if slash else at + 1
        return found

    def below(self, folder: str) -> list[str]:
        """Give all that is below a folder in the order of SCAN: its own names, then its folders, the last first."""
        names = self.folder(folder)
        found = [name for name in names if not name.endswith("/")]
        for inner in reversed([name for name in names if name.endswith("/")]):
            found += [inner + name for name in self.below(folder + inner)]
        return found
