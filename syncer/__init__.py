"""Plan and apply for secrets: a manifest in git, the values never."""

from __future__ import annotations

__version__ = "0.1.0"
