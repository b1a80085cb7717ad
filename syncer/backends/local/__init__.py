"""The embedded backend: one SQLite file beside the manifest, its values sealed under the project key."""

from __future__ import annotations

from syncer.backends.local.backend import LocalBackend

__all__ = ["LocalBackend"]
