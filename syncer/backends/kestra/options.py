"""What may stand beside `type: kestra`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from syncer.rest.options import RestOptions, refuse

REFUSE, DELETE = "refuse", "delete"
_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class KestraOptions(RestOptions):
    """Options of a Kestra server."""

    tenant: str = "main"
    """Empty for a server from before tenants were always there (0.23)."""
    disable: str = REFUSE
    """What becomes of `enabled: false`: `refuse`, or `delete`, and created again once enabled."""
    tags: dict[str, str] = field(default_factory=dict)
    """Tags that every secret gets, as Kestra's own configuration can add."""

    def __post_init__(self) -> None:
        """Raise InvalidConfiguration for what cannot be used, never repeating it."""
        RestOptions.__post_init__(self)  # `super()` does not know the class that `slots` makes anew
        if self.tenant and not _TENANT.fullmatch(self.tenant):
            refuse("tenant", "is small letters, digits, `_` and `-`")
        if self.disable not in (REFUSE, DELETE):
            refuse("disable", f"must be {REFUSE} or {DELETE}")
        if not all(isinstance(text, str) and text for pair in self.tags.items() for text in pair):
            refuse("tags", "must be names with texts, none of them empty")

    def root(self, url: str) -> str:
        """Give where the API begins on the server at `url`."""
        return "/".join(filter(None, [url, "api/v1", self.tenant]))
