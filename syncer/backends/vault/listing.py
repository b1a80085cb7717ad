"""All that is in some scopes: by one scan where the server has it, else folder by folder and secret by secret."""

from __future__ import annotations

from os.path import commonprefix
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from syncer.backends.vault.kv import Place
from syncer.parallel import run

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from syncer.backends.vault.kv import Kv
    from syncer.backends.vault.marks import Entry
    from syncer.model import Address, Observed
    from syncer.naming import Template

T = TypeVar("T")

AT_ONCE = 64
"""Secrets that a worker looks at before it fetches more work: handing over each of them costs as much as asking."""


class Listing:
    """Observes a mount; safe to share between threads. Every call is made patiently."""

    def __init__(self, kv: Kv, template: Template, patiently: Callable[[Callable[[], T]], T], width: int) -> None:
        self._kv = kv
        self._template = template
        self._patiently = patiently
        self._width = width
        self._scans = True
        """Whether the server has not said yet that it cannot, or that we may not."""

    def observe(self, scopes: Collection[str]) -> Iterator[Observed]:
        """Give everything that has a version."""
        wanted = frozenset(scopes)
        folders = sorted({_folder(self._template.prefix(scope)) for scope in wanted})
        empty = True
        for path, entry in self._entries(folders, wanted):
            address = self._template.address(path)
            if entry.version and address is not None and address.scope in wanted:
                empty = False
                yield entry.observed(address, f"{self._kv.mount}/{path}")
        if empty:
            self._patiently(self._kv.check)
