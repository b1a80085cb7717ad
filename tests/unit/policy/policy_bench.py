"""A manifest with rules, and what they find in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from syncer.manifest import load_manifest
from syncer.model import Address
from syncer.policy.check import findings

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.model import Manifest
    from syncer.plans import Diagnostic

ENV = {"source": {"env": "A"}}


def manifest(folder: Path, rules: list[dict[str, Any]], secrets: dict[str, Any], **top: Any) -> Manifest:
    """Write and load a manifest: `scope:ref` to the entry."""
    scopes: dict[str, Any] = {}
    for name, entry in secrets.items():
        address = Address.parse(name)
        scopes.setdefault(address.scope, {"secrets": {}})["secrets"][address.ref] = entry
    path = folder / "syncer.yaml"
    path.write_text(json.dumps({"version": 1, "project": "shop", "policy": rules, "scopes": scopes, **top}, indent=1))
    return load_manifest(path)


def found(folder: Path, rule: dict[str, Any], secrets: dict[str, Any], **top: Any) -> list[Diagnostic]:
    """Check one rule."""
    return findings(manifest(folder, [rule], secrets, **top))


def told(diagnostics: list[Diagnostic]) -> list[str]:
    """Give addresses and messages."""
    return [f"{each.address} {each.message}" for each in diagnostics]
