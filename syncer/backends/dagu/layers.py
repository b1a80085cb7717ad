"""Entries of runtime profiles: their values go through the profile API, all else through the secrets behind them."""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING

from syncer.backends.dagu.api import of
from syncer.backends.dagu.places import GLOBAL, Layer
from syncer.backends.dagu.rows import no_secret
from syncer.backends.dagu.versions import put_back
from syncer.backends.dagu.workspaces import missing
from syncer.errors import (
    AccessDenied,
    AlreadyExists,
    InvalidConfiguration,
    NotFound,
    Refused,
    SyncerError,
    Transient,
)

if TYPE_CHECKING:
    from syncer.backends.base import Backend
    from syncer.backends.dagu.api import Api
    from syncer.backends.dagu.listing import Listing
    from syncer.backends.dagu.rows import Row
    from syncer.backends.dagu.versions import Versions
    from syncer.model import Address
    from syncer.sensitive import Sensitive

_NOTHING_WRITTEN = (AccessDenied, AlreadyExists, InvalidConfiguration, NotFound, Refused)


class Layers:
    """What a backend does in scopes `profile/...`; safe to share between threads.

    A profile is one document that the server reads, changes and writes back without a lock, so there is one write to
    it at a time.
    """

    def __init__(self, api: Api, listing: Listing, versions: Versions, backend: Backend) -> None:
        self._api = api
        self._listing = listing
        self._versions = versions
        self._project = backend.context.project
        self._patiently = backend.patiently
        self._unhurried = backend.unhurried
        self._then = backend.then
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def look(self, address: Address) -> Row | None:
        """Give the secret behind an entry, or what stands in the way of one; None where there is no such entry."""
        entries = self._api.entries(Layer.of(address.scope), of(address)) or {}
        if address.ref not in entries:
            return None
        return self._api.get(entries[address.ref], address) or no_secret(address)

    def create(self, address: Address, description: str, value: Sensitive) -> Row:
        """Claim the secret that will hold the value, then write the entry.

        In this order, because what a kill between the two leaves has no value and no entry: `observe` shows nothing,
        and the next run goes on with it. The other way round nobody would own what is left.
        """
        with self._turns[address.scope]:
            if self._unhurried(lambda: self.look(address)) is not None:
                message = f"{address}: already in the runtime profile"
                raise AlreadyExists(message)
            claimed = self._claim(address, description)
            try:
                return self._versions.write(address, lambda: self._put(address, value))
            except _NOTHING_WRITTEN as error:
                problem = error
            if not claimed.number:
                with suppress(SyncerError):
                    self._patiently(lambda: self._api.drop(claimed.id, address))
            raise problem

    def rotate(self, address: Address, secret_id: str, value: Sensitive) -> Row:
        """Write the value of an entry that is there. NotFound where it is gone, Transient where it was undone."""
        with self._turns[address.scope]:
            before = self._unhurried(lambda: self.look(address))
            if before is None:
                raise missing(address)
            self._versions.note(before)
            return self._versions.write(address, lambda: self._put(address, value))

    def delete(self, address: Address, secret_id: str) -> None:
        """Delete the secret behind an entry, which Dagu would keep for good, then take the entry out.

        In this order, because what a kill between the two leaves is an entry, which `observe` shows and the next run
        takes out. The other way round nobody would see the value that is left. NotFound where neither is there,
        Transient where a run that read the secret at the same moment has put it back.
        """
        layer = Layer.of(address.scope)
        with self._turns[address.scope]:
            if not self._drop(secret_id, address):
                self._unhurried(lambda: self._api.drop_entry(layer, address))
                return
            self._then(lambda: self._drop_entry(layer, address))
            if self._then(lambda: self._api.get(secret_id, address)) is not None:
                raise put_back(address)

    def _drop(self, secret_id: str, address: Address) -> bool:
        """Delete a secret; False where a try before did it, or somebody else."""
        if not secret_id:
            return False
        try:
            self._unhurried(lambda: self._api.drop(secret_id, address))
        except NotFound:
            return False
        return True

    def _drop_entry(self, layer: Layer, address: Address) -> None:
        with suppress(NotFound):  # as above
            self._api.drop_entry(layer, address)

    def _claim(self, address: Address, description: str) -> Row:
        ref = Layer.of(address.scope).ref(address.ref)
        with suppress(AlreadyExists):
            return self._unhurried(lambda: self._api.make(address, GLOBAL, ref, description, None))
        # Left there by an entry that was deleted, or by a run of ours that was cut off here.
        left = self._unhurried(lambda: self._listing.find(GLOBAL, ref))
        mark = left.mark(address) if left else None
        if left is None or (mark is not None and mark.project != self._project):
            owner = f"project {mark.project}" if mark else "somebody else"
            message = f"{address}: claimed by {owner} in dagu"
            raise AlreadyExists(message, hint="plan again")
        claimed = self._patiently(lambda: self._api.describe(left.id, address, description))
        if claimed.enabled:
            return claimed
        return self._patiently(lambda: self._api.switch(left.id, address, enabled=True))

    def _put(self, address: Address, value: Sensitive) -> Row:
        entries = self._api.put_entry(Layer.of(address.scope), address, value)
        found = self._then(lambda: self._api.get(entries.get(address.ref, ""), address))
        if found is None:
            message = f"{address}: dagu wrote it, and shows it no longer"
            raise Transient(message)
        return found
