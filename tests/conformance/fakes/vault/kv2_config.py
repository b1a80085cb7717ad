"""KV version 2, `config`: what a mount asks of all its secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.fakes.vault.replies import NO_CONTENT, Reply, envelope

if TYPE_CHECKING:
    from conformance.fakes.vault.calls import Call
    from conformance.fakes.vault.entries import Settings
    from conformance.fakes.vault.kv2_store import Store
    from conformance.fakes.vault.replies import Document

UINT32 = 2**32
NAMES = ("max_versions", "cas_required", "metadata_cas_required")


def read(store: Store, call: Call, _: str) -> Reply:
    """Give the settings."""
    known: dict[str, Any] = {
        "cas_required": store.settings.cas_required,
        "delete_version_after": "0s",
        "max_versions": store.settings.max_versions,
    }
    if call.flavour.metadata_cas:
        known["metadata_cas_required"] = store.settings.metadata_cas_required
    return envelope(known)


def write(store: Store, call: Call, _: str) -> Reply:
    """Set what is named."""
    apply(store.settings, call.given)
    return NO_CONTENT


def settings(given: Document) -> Document:
    """Give the settings that are named, of a mount or of a secret."""
    return {name: given[name] for name in NAMES if name in given}


def apply(target: Settings, given: Document) -> None:
    """Set them; a negative number of versions wraps around, as an unsigned integer of 32 bits."""
    for name, value in settings(given).items():
        setattr(target, name, value % UINT32 if name == "max_versions" else value)
