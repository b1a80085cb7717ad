"""The manifest: YAML files to one checked model, every fault at once."""

from __future__ import annotations

from syncer.manifest.loader import load_manifest

__all__ = ["load_manifest"]
