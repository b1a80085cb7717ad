"""What applications may read: both the scope that one asks and the scope in which a value is found have their say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncer.model import Access, Address

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from syncer.model import Scope

_EVERYTHING = Access()

Allows = Callable[[Address], bool]
"""Whether who asks may read what is found at an address."""


def anybody(_found: Address) -> bool:
    """Let everything be read."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What one application may read."""

    by_scope: Mapping[str, Access] = field(default_factory=dict)
    """Of a scope that is not among them it may read everything."""

    @classmethod
    def of(cls, app: str, scopes: Iterable[Scope]) -> Rights:
        """Give those of an application, as some scopes have it among their readers."""
        return cls(by_scope={scope.name: scope.readers[app] for scope in scopes if app in scope.readers})

    def allow(self, scope: str, found: Address) -> bool:
        """Whether who asks a scope may read what is found at an address, there or where that scope falls back to."""
        return all(self.by_scope.get(name, _EVERYTHING).allows(found.ref) for name in (scope, found.scope))


def readers(scopes: Sequence[Scope], found: Collection[Address]) -> dict[str, Access]:
    """Say what each application may read of the first scope, for a reader who knows nothing of its fallbacks.

    `scopes` are that scope and those that it falls back to; `found` is all that it shows.
    """
    first = scopes[0]
    named = dict.fromkeys(app for scope in scopes for app in scope.readers)
    return {app: _combined(first, Rights.of(app, scopes), found, first.readers.get(app)) for app in named}


def _combined(first: Scope, rights: Rights, found: Iterable[Address], own: Access | None) -> Access:
    if own is not None and len(rights.by_scope) == 1:
        return own
    allowed = (address.ref for address in found if rights.allow(first.name, address))
    return Access(default_allow=False, allowed=tuple(allowed))
