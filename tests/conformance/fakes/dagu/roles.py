"""Who may do what: one role everywhere, or one for each workspace."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from conformance.fakes.dagu.replies import FORBIDDEN, HIDDEN, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping


class Role(StrEnum):
    """From all to little."""

    ADMIN = "admin"
    MANAGER = "manager"
    DEVELOPER = "developer"
    OPERATOR = "operator"
    VIEWER = "viewer"


MANAGERS = frozenset({Role.ADMIN, Role.MANAGER})
WRITERS = MANAGERS | {Role.DEVELOPER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody whose credential was good."""

    id: str
    name: str
    role: Role = Role.ADMIN
    grants: Mapping[str, Role] | None = None
    """Roles by workspace; None: the role holds in all, and in Global."""

    def role_in(self, workspace: str) -> Role | None:
        """Give the role in a workspace or in Global, where nobody with grants has any."""
        return self.role if self.grants is None else self.grants.get(workspace)

    def sees(self, workspace: str) -> bool:
        """Tell whether a workspace is there for them."""
        return self.role_in(workspace) is not None

    def require(self, roles: frozenset[Role]) -> None:
        """Refuse everybody else, whatever they may in single workspaces."""
        if self.role not in roles:
            raise Refused(FORBIDDEN)

    def require_in(self, workspace: str, roles: frozenset[Role]) -> None:
        """Refuse those who may too little in a workspace; to those who may nothing it is missing."""
        role = self.role_in(workspace)
        if role is None:
            raise Refused(HIDDEN)
        if role not in roles:
            raise Refused(FORBIDDEN)


ANYBODY = Identity(id="", name="")
"""Who comes where nobody has to log in."""
