"""Namespaces and their parents."""

from __future__ import annotations

Place = tuple[str, str]
"""A tenant, empty where there is but one, and a namespace."""


def lineage(namespace: str) -> list[str]:
    """Give a namespace and its parents, the nearest first."""
    parts = namespace.split(".")
    return [".".join(parts[:depth]) for depth in range(len(parts), 0, -1)]
