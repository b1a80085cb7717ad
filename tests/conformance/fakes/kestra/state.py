"""Everything that a server holds, and the log of what was asked of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.fakes.kestra.overlaps import Overlaps
from conformance.fakes.kestra.quirks import Blanks, Quirks
from conformance.fakes.kestra.records import with_system_tags
from conformance.fakes.kestra.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.fakes.kestra.accounts import Account, Accounts
    from conformance.fakes.kestra.names import Place
    from conformance.fakes.kestra.records import Secret
    from conformance.fakes.kestra.releases import Release
    from conformance.fakes.kestra.replies import Document
    from conformance.fakes.kestra.requests import Request
    from conformance.fakes.kestra.store import Secrets
    from conformance.fakes.logged import Logged


@dataclass(slots=True, kw_only=True)
class State:
    """A server's data."""

    release: Release
    accounts: Accounts
    tenants: set[str]
    """The empty one alone where paths name none."""
    quirks: Quirks
    store: Store = field(default_factory=Store)
    namespaces: set[Place] = field(default_factory=set)
    """Those that somebody has made; others exist as long as they hold a document."""
    overlaps: Overlaps = field(default_factory=Overlaps)
    log: list[Logged] = field(default_factory=list)

    def exists(self, place: Place) -> bool:
        """Whether a namespace was made, or written to."""
        return place in self.namespaces or place in self.store.documents

    def metadata(self, place: Place, key: str, secret: Secret) -> Document:
        """Tell what there is to tell of a secret, never its value."""
        tags = with_system_tags(secret.tags, place, key) if self.quirks.system_tags else secret.tags
        return (
            {"key": key}
            | ({"namespace": place[1]} if self.release.names_namespaces else {})
            | self._description(secret.description)
            | {"tags": [{"key": name, "value": text} for name, text in tags]}
        )

    def _description(self, description: str | None) -> Document:
        if description:
            return {"description": description}
        match self.quirks.blank_descriptions:
            case Blanks.NULL:
                return {"description": None}
            case Blanks.ABSENT:
                return {}
        return {} if description is None and not self.release.always_describes else {"description": description}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that has found its handler."""

    state: State
    request: Request
    who: Account
    tenant: str
    namespace: str = ""
    key: str = ""

    @property
    def place(self) -> Place:
        """What the path names."""
        return self.tenant, self.namespace

    def write(self, change: Callable[[Secrets], object]) -> None:
        """Change the namespace that the path names, alone or side by side with others."""
        quirks = self.state.quirks
        pause = self.state.overlaps.pause(self.place, self.request.name, quirks.linger)
        if quirks.lose_concurrent:
            self.state.store.overwrite(self.place, change, pause)
            return
        with pause:
            self.state.store.write(self.place, change)
