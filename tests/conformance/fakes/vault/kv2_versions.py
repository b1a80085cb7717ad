"""KV version 2, `delete/`, `undelete/` and `destroy/`: what happens to versions by number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.fakes.vault.replies import NO_CONTENT, Refused, Reply, errors

if TYPE_CHECKING:
    from conformance.fakes.vault.calls import Call
    from conformance.fakes.vault.entries import Version
    from conformance.fakes.vault.kv2_store import Store


def delete(store: Store, call: Call, key: str) -> Reply:
    """Delete versions softly."""
    for version in _named(store, call, key, "No version number provided"):
        version.remove(call.now, call.who())
    return _noted(store, call, key, "update")


def undelete(store: Store, call: Call, key: str) -> Reply:
    """Bring deleted versions back."""
    for version in _named(store, call, key, "No version number provided"):
        version.restore()
    return _noted(store, call, key, "undelete")


def destroy(store: Store, call: Call, key: str) -> Reply:
    """Destroy versions."""
    for version in _named(store, call, key, "no version number provided"):
        version.destroy()
    return NO_CONTENT


def _named(store: Store, call: Call, key: str, nothing: str) -> list[Version]:
    """Give the versions that are there; numbers without one are passed over."""
    numbers = call.given.get("versions")
    if not numbers:
        raise Refused(errors(400, nothing))
    entry = store.entries.get(key)
    return [entry.versions[number] for number in numbers if number in entry.versions] if entry else []


def _noted(store: Store, call: Call, key: str, operation: str) -> Reply:
    entry = store.entries.get(key)
    if entry:
        entry.updated_by = call.who(operation)
    return NO_CONTENT
