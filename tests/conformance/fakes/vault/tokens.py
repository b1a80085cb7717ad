"""Tokens: who holds which policies, and until when."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.fakes.clock import SECOND, stamp
from conformance.fakes.vault.durations import seconds, spelled
from conformance.fakes.vault.replies import Document, Refused, Reply, envelope, errors

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TTL = 2764800
"""Seconds that a token may live, and lives where nobody says less."""
CAPPED = 'TTL of "{}" exceeded the effective max_ttl of "{}"; TTL value is capped accordingly'
SYMBOLS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token is made with, by a test or by a login; times in seconds."""

    policies: tuple[str, ...] = ()
    ttl: int = MAX_TTL
    renewable: bool = True
    max_ttl: int = 0
    """Beyond which no renewal reaches; 0 is the server's limit."""
    period: int = 0
    """What every renewal sets it to; 0 lets the client ask."""
    uses: int = 0
    """After so many requests it is gone; 0 is no limit."""
    default_policy: bool = True
    """Whether it holds the policy `default`, which lets it look itself up and renew itself."""


@dataclass(slots=True, kw_only=True)
class Token:
    """One token; times in nanoseconds."""

    id: str
    accessor: str
    grant: Grant
    namespace: str
    """Empty for the root, else it ends in a slash."""
    path: str
    """Where it was made."""
    name: str
    meta: Mapping[str, str] | None
    made: int
    expires: int | None
    uses_left: int
    renewed: int | None = None

    @property
    def policies(self) -> list[str]:
        """Give the names of its policies, sorted."""
        return sorted({*self.grant.policies, *(["default"] if self.grant.default_policy else [])})

    @property
    def root(self) -> bool:
        """Whether it may everything."""
        return "root" in self.grant.policies

    def ttl(self, now: int) -> int:
        """Give the seconds that it still lives; 0 for one that never dies."""
        return 0 if self.expires is None else round((self.expires - now) / SECOND)

    def auth(self, now: int) -> Document:
        """Give what a login and a renewal reply with."""
        return {
            "client_token": self.id,
            "accessor": self.accessor,
            "policies": self.policies,
            "token_policies": self.policies,
            "metadata": self.meta,
            "lease_duration": self.ttl(now),
            "renewable": self.grant.renewable,
            "entity_id": "",
            "token_type": "service",
            "orphan": self.meta is not None,
            "mfa_requirement": None,
            "num_uses": self.uses_left,
        }

    def lookup(self, now: int) -> Reply:
        """Describe it."""
        known: dict[str, Any] = {
            "accessor": self.accessor,
            "creation_time": self.made // SECOND,
            "creation_ttl": 0 if self.expires is None else self.grant.period or self.grant.ttl,
            "display_name": self.name,
            "entity_id": "",
            "expire_time": None if self.expires is None else stamp(self.expires),
            "explicit_max_ttl": self.grant.max_ttl,
            "id": self.id,
            "issue_time": stamp(self.made),
            "meta": self.meta,
            "num_uses": self.uses_left,
            "orphan": self.meta is not None or self.root,
            "path": self.path,
            "policies": self.policies,
            "renewable": self.grant.renewable,
            "ttl": self.ttl(now),
            "type": "service",
        }
        optional = {
            "namespace_path": self.namespace or None,
            "period": self.grant.period or None,
            "last_renewal": self.renewed and stamp(self.renewed),
            "last_renewal_time": self.renewed and self.renewed // SECOND,
        }
        known |= {name: value for name, value in optional.items() if value is not None}
        return envelope(known, mount_type="token")

    def renew(self, increment: Any, now: int) -> Reply:
        """Live on from now, for as long as is asked or as it was made for, within its limits."""
        asked = _increment(increment)
        if not self.grant.renewable:
            raise Refused(errors(400, "lease is not renewable"))
        wanted = self.grant.period or asked or self.grant.ttl
        limit = self.grant.max_ttl or MAX_TTL
        until = now + wanted * SECOND
        last = until if self.grant.period else self.made + limit * SECOND
        self.expires, self.renewed = min(until, last), now
        reply = envelope(None, auth=self.auth(now), mount_type="token")
        return reply if until <= last else reply.warned([CAPPED.format(spelled(wanted), spelled(limit))])


def _increment(value: Any) -> int:
    wrong = 'Field validation failed: error converting input for field "increment": '
    asked = 0 if value is None else seconds(value)
    if asked is None:
        raise Refused(errors(400, f'{wrong}time: invalid duration "{value}"'))
    if asked < 0:
        raise Refused(errors(400, f"{wrong}cannot provide negative value '{value}'"))
    return asked


@dataclass(slots=True)
class Tokens:
    """All tokens of a server, by what they are."""

    prefix: str
    _held: dict[str, Token] = field(default_factory=dict)

    def issue(  # noqa: PLR0913  # what a token knows of its making
        self,
        grant: Grant,
        now: int,
        *,
        namespace: str = "",
        path: str = "auth/token/create",
        name: str = "token",
        meta: Mapping[str, str] | None = None,
        spelling: str = "",
    ) -> Token:
        """Make a token; it is spelled at random unless a test wants it otherwise."""
        forever = "root" in grant.policies
        token = Token(
            id=spelling or self.prefix + _random(),
            accessor=_random(),
            grant=grant,
            namespace=namespace,
            path=path,
            name=name,
            meta=meta,
            made=now,
            expires=None if forever else now + (grant.period or grant.ttl) * SECOND,
            uses_left=grant.uses,
        )
        self._held[token.id] = token
        return token

    def find(self, spelling: str, now: int) -> Token | None:
        """Give the token that is spelled so, unless it has expired or is used up."""
        token = self._held.get(spelling)
        if token is None or (token.expires is not None and token.expires <= now):
            return None
        return token

    def use(self, token: Token) -> None:
        """Count a request; the last one that it is good for takes it away."""
        if token.uses_left == 1:
            self.revoke(token.id)
        token.uses_left = max(token.uses_left - 1, 0)

    def revoke(self, spelling: str) -> None:
        """Take a token away."""
        self._held.pop(spelling, None)


def _random() -> str:
    return "".join(random.choices(SYMBOLS, k=24))  # noqa: S311  # it guards nothing
