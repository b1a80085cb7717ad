"""KV version 2: which path does what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.fakes.vault import kv2_config, kv2_data, kv2_metadata, kv2_versions
from conformance.fakes.vault.kv2_store import Store
from conformance.fakes.vault.replies import UNSUPPORTED, Reply, envelope
from conformance.fakes.vault.requests import LISTINGS, Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conformance.fakes.vault.calls import Call
    from conformance.fakes.vault.flavours import Flavour

    Handler = Callable[[Store, Call, str], Reply]

BY_NUMBER = frozenset({"versions"})
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
SINGLE = {Operation.READ: kv2_config.read, Operation.UPDATE: kv2_config.write}
PARAMETERS = {
    "data": {"data", "options", "version", "path"},
    "subkeys": {"version", "depth", "path"},
    "metadata": {
        "custom_metadata", "max_versions", "cas_required", "delete_version_after", "path",
    },
    "detailed-metadata": {"after", "limit", "path"},
}
LISTED_ROOTS = frozenset({"metadata", "data", "delete", "undelete", "destroy"})
ASKED_FIRST = frozenset({"data", "metadata"})
"""The areas where a write is a creation if there is nothing yet."""
VERBS = {
    Operation.CREATE: "put",
    Operation.UPDATE: "put",
    Operation.READ: "get",
}


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
