"""What was asked of a fake."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """One request that was answered."""

    method: str
    path: str
    """Without the query; as on the wire, or below the API's root where the fake has one that moves."""
    query: str
    status: int
    who: str = ""
    """The name behind the credential; empty for nobody."""

    @property
    def name(self) -> str:
        """How globs know it."""
        return f"{self.method} {self.path}"
