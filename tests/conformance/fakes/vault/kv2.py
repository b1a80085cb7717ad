"""KV version 2: which path does what."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.fakes.vault import kv2_config, kv2_data, kv2_metadata, kv2_versions
from conformance.fakes.vault.fields import VALIDATION, read
from conformance.fakes.vault.kv2_readers import readers_of
from conformance.fakes.vault.kv2_store import Store
from conformance.fakes.vault.replies import MISSING, UNSUPPORTED, Reply, envelope, ignoring
from conformance.fakes.vault.requests import LISTINGS, Operation

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
    "config": {Operation.READ: kv2_config.read, Operation.UPDATE: kv2_config.write},
}
ASKED_FIRST = frozenset({"data", "metadata", "detailed-metadata"})
"""The areas where a write is a creation if there is nothing yet."""
CREATIONS = frozenset({Operation.CREATE, Operation.UPDATE})
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
        if call.path != "config" and not (slash and self._knows(area, key)):
            return _invalid(call)
        handler = AREAS[area].get(call.operation)
        if handler is None:
            return UNSUPPORTED
        readers = readers_of(area, self._flavour)
        prefix = "" if area in ASKED_FIRST and call.operation in CREATIONS else VALIDATION
        given = read(call.given, readers, self._flavour, prefix)
        # A slash at the end makes a folder of what is listed; from everything else the servers drop it.
        name = key if call.operation in LISTINGS else key.removesuffix("/")
        reply = handler(self.store, replace(call, given=given), name)
        return _warned(reply, call, sorted(call.given.keys() - readers.keys()))

    def _knows(self, area: str, key: str) -> bool:
        if area == "data" and self._flavour.slash_is_no_name:
            return not key.endswith("/") and key != ""
        if area == "detailed-metadata":
            return self._flavour.scans
        return area in AREAS and area != "config"


def _warned(reply: Reply, call: Call, ignored: list[str]) -> Reply:
    """Add what is to be said of parameters; what is missing says nothing."""
    if ignored and reply == MISSING and call.operation is Operation.LIST:
        reply = envelope({})  # an empty folder is missing, but not where there is something to warn of
    if reply.status != 200:
        return reply
    return reply.warned([*ignoring(ignored), *([REPLACED] if "path" in call.given else [])])


def _invalid(call: Call) -> Reply:
    """Reply to a path that means nothing here: missing, with a hint."""
    flavour = call.flavour
    verb = VERBS.get(call.operation, str(call.operation))
    hint = INVALID.format(brand=flavour.brand, command=flavour.command, verb=verb)
    return envelope(None, status=404, mount_type="").warned([ROOT if call.path in LISTABLE else hint])
