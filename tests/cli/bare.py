"""A backend type that can nothing beyond the least."""

from __future__ import annotations


class Bare:
    """Only its capabilities are asked for."""

    capabilities: frozenset[str] = frozenset()
