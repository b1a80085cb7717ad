"""KV version 2: which parameters a path knows, and of what type they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.fakes.vault.fields import Reader, anything, boolean, integer, integers, mapping, text
from conformance.fakes.vault.replies import Refused, unknown_here

if TYPE_CHECKING:
    from conformance.fakes.vault.flavours import Flavour


def undone(value: Any, flavour: Flavour) -> None:  # noqa: ARG001  # one signature for all
    """Refuse what this fake does not do."""
    if value is not None:
        raise Refused(unknown_here("delete_version_after"))


BY_NUMBER: dict[str, Reader] = {"path": anything, "versions": integers}
SETTINGS: dict[str, Reader] = {"max_versions": integer, "cas_required": boolean, "delete_version_after": undone}
READERS: dict[str, dict[str, Reader]] = {
    "data": {"path": anything, "data": mapping, "options": mapping, "version": integer},
    "subkeys": {"path": anything, "version": integer, "depth": integer},
    "delete": BY_NUMBER,
    "undelete": BY_NUMBER,
    "destroy": BY_NUMBER,
    "metadata": {"path": anything, "custom_metadata": mapping, **SETTINGS},
    "detailed-metadata": {"path": anything},
    "config": SETTINGS,
}
LISTABLE = frozenset({"metadata", "detailed-metadata"})
PAGED: dict[str, Reader] = {"after": text, "limit": integer}
UNPAGED: dict[str, Reader] = {"exclude_deleted": boolean}
CONDITIONAL: dict[str, dict[str, Reader]] = {
    "metadata": {"metadata_cas": integer, "metadata_cas_required": boolean},
    "config": {"metadata_cas_required": boolean},
}


def readers_of(area: str, flavour: Flavour) -> dict[str, Reader]:
    """Give the parameters of the paths below an area."""
    listing = PAGED if flavour.scans else UNPAGED
    conditional = CONDITIONAL.get(area, {}) if flavour.metadata_cas else {}
    return READERS[area] | (listing if area in LISTABLE else {}) | conditional
