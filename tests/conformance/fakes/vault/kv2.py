"""KV version 2: which path does what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.fakes.vault import kv2_config, kv2_data, kv2_metadata, kv2_versions
from conformance.fakes.vault.kv2_store import Store
from conformance.fakes.vault.replies import MISSING, UNSUPPORTED, Reply, envelope, ignoring
from conformance.fakes.vault.requests import Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conformance.fakes.vault.calls import Call
    from conformance.fakes.vault.flavours import Flavour

    Handler = Callable[[Store, Call, str], Reply]

AREAS: Mapping[str, Mapping[Operation, Handler]] = {
    "data": {
        Operation.READ: kv2_data.read,
        Operation.CREATE: kv2_data.write,
        Operation.UPDATE: kv2_data.write,
        Operation.PATCH: kv2_data.patch,
        Operation.DELETE: kv2_data.delete,
    },
    "subkeys": {Operation.READ: kv2_data.subkeys},
    "delete": {Operation.UPDATE: kv2_versions.delete},
    "undelete": {Operation.UPDATE: kv2_versions.undelete},
    "destroy": {Operation.UPDATE: kv2_versions.destroy},
    "metadata": {
        Operation.READ: kv2_metadata.read,
        Operation.CREATE: kv2_metadata.write,
        Operation.UPDATE: kv2_metadata.write,
        Operation.PATCH: kv2_metadata.patch,
        Operation.DELETE: kv2_metadata.delete,
        Operation.LIST: kv2_metadata.listing,
        Operation.SCAN: kv2_metadata.scan,
    },
    "detailed-metadata": {
        Operation.LIST: kv2_metadata.detailed_listing,
        Operation.SCAN: kv2_metadata.detailed_scan,
    },
}
CONFIG: Mapping[Operation, Handler] = {Operation.READ: kv2_config.read, Operation.UPDATE: kv2_config.write}
PARAMETERS = {
    "data": {"path", "data", "options", "version"},
    "subkeys": {"path", "version", "depth"},
    "metadata": {"path", "custom_metadata", "max_versions", "cas_required", "delete_version_after"},
    "detailed-metadata": {"path"},
}
PAGED = {"after", "limit"}
"""Further parameters where names can be scanned."""
CONDITIONAL = {"metadata_cas", "metadata_cas_required"}
"""Further parameters where writes of metadata can be conditional."""
UNPAGED = {"exclude_deleted"}
"""Further parameters where names cannot be scanned."""

ASKED_FIRST = frozenset({"data", "metadata", "detailed-metadata"})
"""The areas where a write is a creation if there is nothing yet."""
REPLACED = "Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [path]"
LISTABLE = frozenset({"metadata", "data", "delete", "undelete", "destroy"})
ROOT = "Non-listing operations on the root of a K/V v2 mount are not supported."
INVALID = (
    "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. "
    "If using the {brand} CLI, use '{command} kv {verb}' for this operation."
)
VERBS = {Operation.CREATE: "put", Operation.UPDATE: "put", Operation.READ: "get"}


class Kv2:
    """Secrets with versions and metadata."""

    version = "2"

    def __init__(self, flavour: Flavour) -> None:
        self.store = Store()
        self._flavour = flavour

    def exists(self, path: str) -> bool:
        """Tell whether a write would find something."""
        area, _, key = path.partition("/")
        return area not in ASKED_FIRST or key in self.store.entries

    def reply(self, call: Call) -> Reply:
        """Do what is asked."""
        area, slash, key = call.path.partition("/")
        if call.path == "config":
            return _done(CONFIG, self.store, call, "")
        if not slash or not self._knows(area, key):
            return _invalid(call)
        reply = _done(AREAS[area], self.store, call, key)
        ignored = call.fields.unknown(self._parameters(area))
        if ignored and reply == MISSING and call.operation is Operation.LIST:
            reply = envelope({})  # an empty folder is missing, but not where there is something to warn of
        return reply.warned(ignoring(ignored)).warned([REPLACED] if "path" in call.fields else [])

    def _knows(self, area: str, key: str) -> bool:
        if area == "data" and self._flavour.slash_is_no_name:
            return not key.endswith("/") and key != ""
        return area in AREAS and (area != "detailed-metadata" or self._flavour.scans)

    def _parameters(self, area: str) -> set[str]:
        known = PARAMETERS.get(area, {"path", "versions"})
        if area in {"metadata", "detailed-metadata"}:
            known = known | (PAGED if self._flavour.scans else UNPAGED)
        return known | CONDITIONAL if area == "metadata" and self._flavour.metadata_cas else known


def _done(handlers: Mapping[Operation, Handler], store: Store, call: Call, key: str) -> Reply:
    handler = handlers.get(call.operation)
    return handler(store, call, key) if handler else UNSUPPORTED


def _invalid(call: Call) -> Reply:
    """Reply to a path that means nothing here: missing, with a hint."""
    flavour = call.flavour
    verb = VERBS.get(call.operation, str(call.operation))
    hint = INVALID.format(brand=flavour.brand, command=flavour.command, verb=verb)
    return envelope(None, status=404, mount_type="").warned([ROOT if call.path in LISTABLE else hint])
