"""What Dapr's secrets API answers, without how it travels: pkg/api/universal/secrets.go of dapr/dapr.

Status and codes are those of the sidecar, also where its documentation has others.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from syncer.consumers.access import Rights
from syncer.errors import AccessDenied, SyncerError
from syncer.exchange import dapr
from syncer.model import Address
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.consumers.access import Allows
    from syncer.consumers.consume import Found


class Values(Protocol):
    """Where values come from; `Reading` is one."""

    def value(self, address: Address, version: str | None, allows: Allows) -> Found:
        """Give one value, and say where it is. Raise AccessDenied for what is not allowed."""

    def scope(self, scope: str, allows: Allows) -> Mapping[str, Found]:
        """Give all values of a scope that are allowed, by ref, and say where each is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A scope under the name by which applications ask for it."""

    scope: str
    rights: Rights = field(default_factory=Rights)
    """What applications may read, here and in the scopes that this one falls back to."""
    refs: frozenset[str] = frozenset()
    """What may be told of requests: a client that errs may send anything in the place of a ref."""

    def allows(self, found: Address) -> bool:
        """Whether applications may read what stands at an address."""
        return self.rights.allow(self.scope, found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A status, and a JSON document."""

    status: int
    document: Sensitive


class SecretsApi:
    """Safe to share between threads. No message holds a value."""

    def __init__(self, values: Values, stores: Mapping[str, Store]) -> None:
        self._values = values
        self._stores = stores

    def spoken(self, store: str, key: str) -> tuple[str, str]:
        """Give what may be told of a request: its store and key where the manifest has them, else `-`."""
        known = self._stores.get(store)
        if known is None:
            return "-", "-"
        return store, key if key in known.refs or key == dapr.BULK else "-"

    def secret(self, store: str, key: str, version: str | None = None) -> Reply:
        """Answer for one secret; a version is one that the backend has a name for."""
        found = self._store(store)
        if isinstance(found, Reply):
            return found
        wanted = Address(found.scope, key)
        if not found.allows(wanted):
            return _denied(key, store)
        try:
            _, value = self._values.value(wanted, version, found.allows)
            return Reply(status=HTTPStatus.OK, document=dapr.single(key, value))
        except AccessDenied:
            return _denied(key, store)
        except SyncerError as error:
            why = error.message
        return _problem(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "ERR_SECRET_GET",
            f"failed getting secret with key {key} from secret store {store}: {why}",
        )

    def bulk(self, store: str) -> Reply:
        """Answer for all secrets of a store that the application may read."""
        found = self._store(store)
        if isinstance(found, Reply):
            return found
        try:
            values = self._values.scope(found.scope, found.allows)
            return Reply(status=HTTPStatus.OK, document=dapr.bulk({ref: value for ref, (_, value) in values.items()}))
        except SyncerError as error:
            why = error.message
        return _problem(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "ERR_SECRET_GET",
            f"failed getting secrets from secret store {store}: {why}",
        )

    def _store(self, name: str) -> Store | Reply:
        if not self._stores:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            return _problem(status, "ERR_SECRET_STORES_NOT_CONFIGURED", "secret store is not configured")
        # The documentation says 400.
        unknown = f"failed finding secret store with key {name}"
        return self._stores.get(name) or _problem(HTTPStatus.UNAUTHORIZED, "ERR_SECRET_STORE_NOT_FOUND", unknown)


def _denied(key: str, store: str) -> Reply:
    message = f"access denied by policy to get {json.dumps(key)} from {json.dumps(store)}"
    return _problem(HTTPStatus.FORBIDDEN, "ERR_PERMISSION_DENIED", message)


def _problem(status: int, code: str, message: str) -> Reply:
    return Reply(status=status, document=Sensitive(json.dumps({"errorCode": code, "message": message}).encode()))
