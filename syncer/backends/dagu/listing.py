"""All that is in some scopes, page by page."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from syncer.backends.dagu.api import all_of
from syncer.backends.dagu.places import GLOBAL, OF_PROFILES, Layer, is_layer
from syncer.backends.dagu.rows import no_secret
from syncer.errors import BackendError, Transient
from syncer.model import Address
from syncer.parallel import run

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from syncer.backends.base import Backend
    from syncer.backends.dagu.api import Api
    from syncer.backends.dagu.rows import Row
    from syncer.backends.dagu.versions import Versions
    from syncer.model import Observed


class Listing:
    """Observes a server. Every call is made patiently."""

    def __init__(self, api: Api, versions: Versions, backend: Backend) -> None:
        self._api = api
        self._versions = versions
        self._patiently = backend.patiently
        self._width = min(backend.context.width, backend.concurrency)
        self.ids: dict[Address, str] = {}
        """What the API calls the secrets that were seen."""

    def observe(self, scopes: Collection[str], asked: Collection[Address] = ()) -> Iterable[Observed]:
        """Give everything in the scopes; of profiles, the entries that are secrets or stand in the way of one."""
        layers = sorted(filter(is_layer, scopes))
        plain = sorted(set(scopes).difference(layers))
        # The values of all profiles stand in Global.
        wanted = [*plain, GLOBAL] if layers and GLOBAL not in plain else plain
        rows = dict(zip(wanted, run(self.rows, wanted, self._width), strict=True))
        for scope in plain:
            yield from self._plain(rows[scope], asked)
        by_id = {row.id: row for row in rows[GLOBAL]} if layers else {}
        for scope, entries in zip(layers, run(self._entries, layers, self._width), strict=True):
            places = ((Address(scope, key), by_id.get(secret_id)) for key, secret_id in entries.items())
            yield from (self.seen(row or no_secret(address), address) for address, row in places)

    def rows(self, scope: str) -> list[Row]:
        """Give all secrets of Global or of a workspace, those of profiles too."""
        return self._patiently(lambda: self._pages(scope))

    def find(self, scope: str, ref: str) -> Row | None:
        """Give the secret of Global or of a workspace with a ref; there is no call that finds it by that."""
        return next((row for row in self.rows(scope) if row.address.ref == ref), None)

    def seen(self, row: Row, address: Address) -> Observed:
        """Remember what is at an address, and give what it means."""
        self.ids[address] = row.id
        self._versions.note(row)
        return row.observed(address)

    def _plain(self, rows: list[Row], asked: Collection[Address]) -> Iterable[Observed]:
        """Give what one scope holds; of other people's secrets that came back under a name of theirs, the last."""
        ours = [row for row in rows if row.address.scope != GLOBAL or not row.address.ref.startswith(OF_PROFILES)]
        for address, number in Counter(row.address for row in ours).items():
            if number > 1 and address in asked:
                ids = " and ".join(sorted(row.id for row in ours if row.address == address))
                message = f"{address}: dagu at {self._api.where} holds it {number} times, as {ids}"
                hint = "a run that read a deleted secret brought it back: delete the older one in Dagu"
                raise BackendError(message, hint=hint)
        return (self.seen(row, address) for address, row in {row.address: row for row in ours}.items())

    def _pages(self, scope: str) -> list[Row]:
        found, total = self._api.page(scope, 0)
        rows = {row.id: row for row in found}
        while len(rows) < total:
            more, now = self._api.page(scope, len(rows))
            fresh = {row.id: row for row in more if row.id not in rows}
            if now != total or not more or len(fresh) < len(more):
                raise self._shifted(scope)
            rows |= fresh
        if len(rows) != total or len(found) > total:
            raise self._shifted(scope)
        return list(rows.values())

    def _shifted(self, scope: str) -> Transient:
        """Tell of pages that do not fit: what is made or deleted meanwhile hides one that was there all the time."""
        return Transient(f"scope {scope}: dagu at {self._api.where} changed while it was listed")

    def _entries(self, scope: str) -> dict[str, str]:
        return self._patiently(lambda: self._api.entries(Layer.of(scope), all_of(scope))) or {}
