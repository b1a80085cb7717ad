"""KV version 2, `config`: what a mount asks of all its secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.fakes.vault.fields import boolean, integer
from conformance.fakes.vault.replies import NO_CONTENT, Refused, Reply, envelope, unknown_here

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conformance.fakes.vault.calls import Call
    from conformance.fakes.vault.entries import Settings
    from conformance.fakes.vault.fields import Fields
    from conformance.fakes.vault.flavours import Flavour
    from conformance.fakes.vault.kv2_store import Store

UINT32 = 2**32


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
    apply(store.settings, settings(call.fields))
    return NO_CONTENT


def settings(fields: Fields) -> dict[str, Any]:
    """Read the settings that are named, of a mount or of a secret."""
    if "delete_version_after" in fields:
        raise Refused(unknown_here("delete_version_after"))
    readers: dict[str, Callable[[Any, Flavour], Any]] = {"max_versions": integer, "cas_required": boolean}
    if fields.flavour.metadata_cas:
        readers["metadata_cas_required"] = boolean
    return {name: fields.read(name, reader) for name, reader in readers.items() if name in fields}


def apply(target: Settings, named: Mapping[str, Any]) -> None:
    """Set them; a negative number of versions wraps around, as an unsigned integer of 32 bits."""
    for name, value in named.items():
        setattr(target, name, value % UINT32 if name == "max_versions" else value)
