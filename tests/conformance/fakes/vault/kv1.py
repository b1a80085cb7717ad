"""KV version 1: what users reach who name the wrong mount. It takes `data/x` for the name of a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.fakes.vault.durations import seconds
from conformance.fakes.vault.replies import (
    MISSING,
    NO_CONTENT,
    UNSUPPORTED,
    Document,
    Reply,
    envelope,
    errors,
    ignoring,
)
from conformance.fakes.vault.requests import READS, Operation
from conformance.fakes.vault.tree import Tree

if TYPE_CHECKING:
    from conformance.fakes.vault.calls import Call

DEFAULT_LEASE = 2764800
"""Seconds; a field `ttl` or `lease` of the secret says otherwise."""


class Kv1:
    """Documents without versions or metadata."""

    version = "1"

    def __init__(self) -> None:
        self._secrets: Tree[Document] = Tree()

    def exists(self, path: str) -> bool:
        """Tell whether there is a secret."""
        return path in self._secrets

    def reply(self, call: Call) -> Reply:
        """Do what is asked."""
        heeded = call.operation not in READS or not call.flavour.warns_on_kv1
        ignored = [] if heeded else sorted(call.given.keys() - {"path"})
        return self._reply(call).warned(ignoring(ignored))

    def _reply(self, call: Call) -> Reply:
        match call.operation:
            case Operation.READ:
                return self._read(call)
            case Operation.CREATE | Operation.UPDATE:
                return self._write(call)
            case Operation.DELETE:
                self._secrets.drop(call.path)
                return NO_CONTENT
            case Operation.LIST:
                keys = self._secrets.folder(call.path)
                return envelope({"keys": keys}) if keys else MISSING
            case Operation.SCAN:
                keys = self._secrets.below(call.path)
                return envelope({"keys": keys} if keys else {})
            case _:
                return UNSUPPORTED

    def _read(self, call: Call) -> Reply:
        secret = self._secrets.get(call.path)
        if secret is None:
            return MISSING
        lease = seconds(secret.get("ttl", secret.get("lease", DEFAULT_LEASE)))
        return envelope(secret, lease=DEFAULT_LEASE if lease is None else lease)

    def _write(self, call: Call) -> Reply:
        if not call.given:
            return errors(400, "missing data fields")
        self._secrets.put(call.path, call.given)
        return NO_CONTENT
