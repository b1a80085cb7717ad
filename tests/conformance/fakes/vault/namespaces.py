"""Namespaces: each has mounts, auth methods and policies of its own."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.fakes.vault.acl import DEFAULT, Acl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.fakes.vault.acl import Policy
    from conformance.fakes.vault.calls import Engine
    from conformance.fakes.vault.flavours import Flavour
    from conformance.fakes.vault.logins import Method
    from conformance.fakes.vault.replies import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A path and the engine behind it."""

    path: str
    """Ends in a slash."""
    engine: Engine
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))

    def document(self, flavour: Flavour) -> Document:
        """Describe it as the user interface is told."""
        lease = flavour.default_lease_ttl
        return {
            "accessor": f"kv_{self.uuid[:8]}",
            "config": {"default_lease_ttl": lease, "force_no_cache": False, "max_lease_ttl": lease},
            "deprecation_status": "supported",
            "description": "",
            "external_entropy_access": False,
            "local": False,
            "options": {"version": self.engine.version},
            "path": self.path,
            "plugin_version": "",
            "running_plugin_version": flavour.plugin,
            "running_sha256": "",
            "seal_wrap": False,
            "type": "kv",
            "uuid": self.uuid,
        }


@dataclass(slots=True)
class Namespace:
    """A tree of its own."""

    path: str
    """Empty for the root, else it ends in a slash."""
    mounts: dict[str, Mount] = field(default_factory=dict)
    methods: dict[str, Method] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=lambda: {"default": DEFAULT})

    def mount_of(self, path: str) -> Mount | None:
        """Find the mount that a path is below of, or is."""
        fitting = [mount for mount in self.mounts.values() if f"{path}/".startswith(mount.path)]
        return max(fitting, key=lambda mount: len(mount.path), default=None)

    def acl(self, names: Iterable[str], flavour: Flavour) -> Acl:
        """Merge policies by name; one that does not exist grants nothing."""
        policies = [(self.path, self.policies[name]) for name in names if name in self.policies]
        return Acl(policies, bare_first=flavour.bare_first)
