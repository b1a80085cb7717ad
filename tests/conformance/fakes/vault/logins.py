"""Auth methods: from a credential to the grant of a token."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

from conformance.fakes.vault.replies import Refused, errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.fakes.vault.flavours import Flavour
    from conformance.fakes.vault.replies import Document
    from conformance.fakes.vault.tokens import Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who has logged in."""

    grant: Grant
    name: str
    meta: Mapping[str, str]


class Method(Protocol):
    """What stands behind an auth mount."""

    @property
    def kind(self) -> str:
        """Name the method."""

    def knows(self, path: str) -> bool:
        """Tell whether this path, inside the mount, is the one to log in at."""

    def login(self, path: str, fields: Document, flavour: Flavour) -> Identity:
        """Give the identity that a credential proves; must refuse every other one."""


@dataclass(slots=True)
class Userpass:
    """Users and passwords; names in lower case."""

    kind: ClassVar[str] = "userpass"
    users: dict[str, tuple[str, Grant]] = field(default_factory=dict)

    def knows(self, path: str) -> bool:
        """Tell whether a user is named."""
        return path.startswith("login/") and path.count("/") == 1

    def login(self, path: str, fields: Document, flavour: Flavour) -> Identity:
        """Ask for the password."""
        name = path.removeprefix("login/").lower()
        if not fields.get("password"):
            raise Refused(errors(*flavour.no_password))
        password, grant = self.users.get(name, (None, None))
        if grant is None or fields["password"] != password:
            raise Refused(errors(400, "invalid username or password"))
        return Identity(grant=grant, name=f"userpass-{name}", meta={"username": name})


@dataclass(slots=True)
class Approle:
    """Roles by their id, each with a secret id."""

    kind: ClassVar[str] = "approle"
    roles: dict[str, tuple[str, Grant]] = field(default_factory=dict)

    def knows(self, path: str) -> bool:
        """Tell whether it is the one path."""
        return path == "login"

    def login(self, path: str, fields: Document, flavour: Flavour) -> Identity:  # noqa: ARG002  # one signature for all
        """Ask for both ids."""
        if not fields.get("role_id"):
            raise Refused(errors(500, flavour.no_role_id))
        if not fields.get("secret_id"):
            raise Refused(errors(400, "missing secret_id"))
        secret_id, grant = self.roles.get(fields["role_id"], (None, None))
        if grant is None or fields["secret_id"] != secret_id:
            raise Refused(errors(400, "invalid role or secret ID"))
        return Identity(grant=grant, name="approle", meta={"role_name": fields["role_id"]})


@dataclass(slots=True, kw_only=True)
class Jwt:
    """Roles, each with the web tokens that prove it: a test says which, nobody verifies a signature."""

    kind: str
    missing_jwt: str
    unknown_role: str
    unknown_jwt: tuple[int, str]
    roles: dict[str, dict[str, Grant]] = field(default_factory=dict)

    def knows(self, path: str) -> bool:
        """Tell whether it is the one path."""
        return path == "login"

    def login(self, path: str, fields: Document, flavour: Flavour) -> Identity:  # noqa: ARG002  # one signature for all
        """Ask for a role and a web token."""
        role = fields.get("role")
        if not role:
            raise Refused(errors(400, "missing role"))
        if not fields.get("jwt"):
            raise Refused(errors(400, self.missing_jwt))
        if role not in self.roles:
            raise Refused(errors(400, self.unknown_role.format(role)))
        grant = self.roles[role].get(fields["jwt"])
        if grant is None:
            raise Refused(errors(*self.unknown_jwt))
        return Identity(grant=grant, name=f"{self.kind}-{role}", meta={"role": role})


UNVERIFIED = "error verifying token signature: no known key successfully validated the token signature"


def jwt() -> Jwt:
    """Make the method `jwt`."""
    return Jwt(
        kind="jwt",
        missing_jwt="missing token",
        unknown_role='role "{}" could not be found',
        unknown_jwt=(400, f"error validating token: {UNVERIFIED}"),
    )


def kubernetes() -> Jwt:
    """Make the method `kubernetes`."""
    return Jwt(
        kind="kubernetes",
        missing_jwt="missing jwt",
        unknown_role='invalid role name "{}"',
        unknown_jwt=(403, "permission denied"),
    )
