"""Dagu: the managed secrets of a workflow engine, Global, by workspace, and of runtime profiles."""

from __future__ import annotations

from syncer.backends.dagu.backend import Dagu

__all__ = ["Dagu"]
