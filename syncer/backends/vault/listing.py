"""All that is in some scopes: by one scan where the server has it, else folder by folder and secret by secret."""

from __future__ import annotations

from functools import partial
from os.path import commonpath
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from syncer.backends.vault.kv import Place
from syncer.parallel import run

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from syncer.backends.vault.kv import Kv
    from syncer.backends.vault.marks import Entry
    from syncer.model import Address, Observed
    from syncer.naming import Template

T = TypeVar("T")

AT_ONCE = 64
"""Secrets that a worker looks at before it fetches more work: handing over each of them costs as much as asking."""


class Patiently(Protocol):
    """Makes a call, trying it again by itself."""

    def __call__(self, call: Callable[[], T], /) -> T:
        """Give what the call gives."""


class Found(NamedTuple):
    """A secret that is there."""

    address: Address
    path: str
    entry: Entry


class Listing:
    """Observes a mount. Every call is made patiently."""

    def __init__(self, kv: Kv, template: Template, patiently: Patiently, width: int) -> None:
        self._kv = kv
        self._template = template
        self._patiently = patiently
        self._width = width
        self._scans = True
        """Whether the server has not said yet that it cannot, or that we may not."""

    def observe(self, scopes: Collection[str]) -> Iterator[Observed]:
        """Give everything in the scopes that has a version. InvalidConfiguration where the mount shows nothing ever."""
        empty = True
        for found in self._found(frozenset(scopes)):
            empty = False
            if found.entry.version:
                yield found.entry.observed(found.address, self._kv.name(found.path))
        if empty:
            self._patiently(self._kv.check)

    def _found(self, scopes: frozenset[str]) -> Iterator[Found]:
        folders = [Place(f"scope {scope}", _folder(self._template.prefix(scope))) for scope in sorted(scopes)]
        scanned = self._scanned(folders) if self._scans and folders else None
        if scanned is None:
            yield from self._looked(self._listed(folders, scopes))
            return
        for path, entry in scanned.items():
            address = self._address(path, scopes)
            if address is not None:
                yield Found(address, path, entry)

    def _address(self, path: str, scopes: frozenset[str]) -> Address | None:
        """Give the address that a path stands for; None for one of other scopes, and for what has none."""
        address = self._template.address(path)
        return address if address is not None and address.scope in scopes else None

    def _scanned(self, folders: list[Place]) -> dict[str, Entry] | None:
        """Scan what the folders have in common, or each where that would be all of the mount."""
        common = commonpath([folder.path for folder in folders])
        roots = [Place(f"{len(folders)} scopes", f"{common}/")] if common and len(folders) > 1 else folders
        entries: dict[str, Entry] = {}
        for found in run(lambda root: self._patiently(partial(self._kv.scan, root)), roots, self._width):
            if found is None:
                self._scans = False
                return None
            entries |= found
        return entries

    def _listed(self, folders: list[Place], scopes: frozenset[str]) -> Iterator[tuple[Address, str]]:
        """Name the secrets below the folders, level by level."""
        while folders:
            inner = []
            lists = run(lambda folder: self._patiently(partial(self._kv.list, folder)), folders, self._width)
            for folder, names in zip(folders, lists, strict=True):
                paths = [f"{folder.path}{name}" for name in names]
                inner += [Place(folder.thing, path) for path in paths if path.endswith("/")]
                named = ((self._address(path, scopes), path) for path in paths if not path.endswith("/"))
                yield from ((address, path) for address, path in named if address is not None)
            folders = inner

    def _looked(self, named: Iterable[tuple[Address, str]]) -> Iterator[Found]:
        """Look at each; what went away meanwhile is left out."""
        every = list(named)
        size = max(1, min(AT_ONCE, len(every) // (4 * self._width)))
        for some in run(self._look_at, (every[at : at + size] for at in range(0, len(every), size)), self._width):
            yield from some

    def _look_at(self, some: list[tuple[Address, str]]) -> list[Found]:
        seen = ((a, path, self._patiently(partial(self._kv.look, Place(str(a), path)))) for a, path in some)
        return [Found(address, path, entry) for address, path, entry in seen if entry is not None]


def _folder(path: str) -> str:
    """Give the folder that a path lies in, with its slash; nothing for the mount itself."""
    return path[: path.rfind("/") + 1]
