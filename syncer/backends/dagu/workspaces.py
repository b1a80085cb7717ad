"""Secrets of Global and of workspaces: found by address once, then asked by id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.backends.dagu.versions import put_back, undone
from syncer.errors import NotFound

if TYPE_CHECKING:
    from syncer.backends.base import Backend
    from syncer.backends.dagu.api import Api
    from syncer.backends.dagu.listing import Listing
    from syncer.backends.dagu.rows import Row
    from syncer.backends.dagu.versions import Versions
    from syncer.model import Address
    from syncer.sensitive import Sensitive


class Workspaces:
    """What a backend does in scopes that are workspaces, or Global; safe to share between threads."""

    def __init__(self, api: Api, listing: Listing, versions: Versions, backend: Backend) -> None:
        self._api = api
        self._listing = listing
        self._versions = versions
        self._then = backend.then

    def look(self, address: Address) -> Row | None:
        """Give what is at an address: by one call where it was seen before, else by a listing."""
        known = self._listing.ids.get(address)
        found = self._api.get(known, address) if known else None
        return found or self._listing.find(address.scope, address.ref)

    def create(self, address: Address, description: str, value: Sensitive) -> Row:
        """Write a new secret. AlreadyExists if present."""
        return self._api.make(address, address.scope, address.ref, description, value)

    def rotate(self, address: Address, secret_id: str, value: Sensitive) -> Row:
        """Write a new version and look whether it stayed. Raise Transient where somebody else's write undid it."""
        row = self._versions.write(address, lambda: self._api.write(secret_id, address, value))
        found = self._then(lambda: self._api.get(secret_id, address))
        if found is None or found.version != row.version:
            raise undone(address)
        return found

    def delete(self, address: Address, secret_id: str) -> None:
        """Delete it for good. Raise Transient where a run that read it at the same moment has put it back."""
        self._api.drop(secret_id, address)
        if self._then(lambda: self._api.get(secret_id, address)) is not None:
            raise put_back(address)


def missing(address: Address) -> NotFound:
    """Tell that there is nothing at an address."""
    return NotFound(f"{address}: not in dagu")
