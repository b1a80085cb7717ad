"""What to say where an optional dependency is missing."""

from __future__ import annotations


def how_to_install(extra: str) -> str:
    """Give the hint. Not `pip install syncer[...]`: on PyPI, that name is another project's."""
    return f"in the repository of syncer: pip install '.[{extra}]'"
