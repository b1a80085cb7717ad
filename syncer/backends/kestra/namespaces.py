"""Writes to one namespace, one after another, each looked at afterwards."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING

from syncer.backends.kestra.api import PAGE
from syncer.backends.kestra.rows import Row
from syncer.errors import AlreadyExists, NotFound, Transient

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncer.backends.base import Backend
    from syncer.backends.kestra.api import Api
    from syncer.model import Address
    from syncer.sensitive import Sensitive

Rows = dict[str, Row]
"""By key."""


class Namespaces:
    """The namespaces of a tenant; safe to share between threads.

    A server that is written to from two sides at once answers that all is well, and loses secrets
    (kestra-io/terraform-provider-kestra#67). So there is one write to a namespace at a time, and a listing after it.
    """

    def __init__(self, api: Api, backend: Backend) -> None:
        self._api = api
        self._patiently = backend.patiently
        self._unhurried = backend.unhurried
        self._then = backend.then
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._read_only: dict[str, bool] = {}

    def rows(self, namespace: str) -> Rows:
        """List a namespace, every page of it. Patiently."""
        return self._patiently(lambda: self._pages(namespace))

    def is_read_only(self, namespace: str) -> bool:
        """Whether Kestra itself only reads the store behind a namespace."""
        if namespace not in self._read_only:  # else a listing has told
            self._read_only[namespace] = self._patiently(lambda: self._api.page(namespace, 1)).read_only
        return self._read_only[namespace]

    def create(self, address: Address, value: Sensitive, row: Row) -> Row:
        """Write a key that is not there. AlreadyExists if it is; Transient where it did not stay."""
        with self._turns[address.scope]:
            there = self._before(address.scope).get(row.key)
            if there is not None:
                message = f"{address}: there is a key {row.key} in kestra already"
                raise AlreadyExists(message)
            self._unhurried(lambda: self._api.put(address, row.key, value, row))
            return self._after(address, row.key)

    def rotate(self, address: Address, value: Sensitive, key: str) -> Row:
        """Write the value of a key that is there, its tags and description as they are."""
        with self._turns[address.scope]:
            there = self._there(address, key)
            self._unhurried(lambda: self._api.put(address, key, value, there))
            return self._after(address, key)

    def update(self, address: Address, key: str, changed: Callable[[Row], Row]) -> Row:
        """Change tags and description of a key that is there. Transient where the change did not stay."""
        with self._turns[address.scope]:
            wanted = changed(self._there(address, key))
            self._patiently(lambda: self._api.patch(address, wanted))
            found = self._after(address, key)
            if found.description != wanted.description or not wanted.tags.items() <= found.tags.items():
                raise _lost(address, "its tags or description")
            return found

    def delete(self, address: Address, key: str) -> None:
        """Delete a key. NotFound if gone, Transient where it came back."""
        with self._turns[address.scope]:
            self._api.delete(address, key)
            if key in self._listed(address.scope):
                raise _lost(address, "its deletion")

    def _pages(self, namespace: str) -> Rows:
        page = self._api.page(namespace, 1)
        self._read_only[namespace] = page.read_only
        rows, number, total = list(page.rows), 1, page.total
        while page.rows and (len(page.rows) == PAGE if total is None else len(rows) < total):
            number += 1
            page = self._api.page(namespace, number)
            rows += page.rows
            if page.total != total or len(_places(rows)) < len(rows):
                raise self._shifted(namespace)
        if len(_places(rows)) != (len(rows) if total is None else total):
            raise self._shifted(namespace)
        return {row.key: row for row in rows if row.namespace == namespace}

    def _shifted(self, namespace: str) -> Transient:
        """Tell of pages that do not fit: what is made or deleted meanwhile hides a key that was there all the time."""
        return Transient(f"scope {namespace}: kestra at {self._api.where} changed while it was listed")

    def _before(self, namespace: str) -> Rows:
        """Give what is there as a write begins."""
        return self._unhurried(lambda: self._pages(namespace))

    def _there(self, address: Address, key: str) -> Row:
        found = self._before(address.scope).get(key)
        if found is None:
            message = f"{address}: not in kestra"
            raise NotFound(message)
        return found

    def _after(self, address: Address, key: str) -> Row:
        found = self._listed(address.scope).get(key)
        if found is None:
            raise _lost(address, "it")
        return found

    def _listed(self, namespace: str) -> Rows:
        return self._then(lambda: self._pages(namespace))


def _places(rows: list[Row]) -> set[tuple[str, str]]:
    return {(row.namespace, row.key) for row in rows}


def _lost(address: Address, what: str) -> Transient:
    return Transient(f"{address}: kestra took the write, and {what} is not there")
