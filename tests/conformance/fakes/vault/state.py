"""Everything that a server holds, and the log of what was asked of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.fakes.clock import Clock
from conformance.fakes.vault.namespaces import Namespace
from conformance.fakes.vault.nodes import Role

if TYPE_CHECKING:
    from conformance.fakes.vault.flavours import Flavour
    from conformance.fakes.vault.tokens import Tokens


@dataclass(slots=True, kw_only=True)
class Logged:
    """One request, as a policy sees it."""

    method: str
    path: str
    """Inside the namespace; a listing's ends in a slash."""
    namespace: str = ""
    """Empty, or ending in a slash."""
    capability: str = ""
    """What a policy must grant; empty where no policy was asked."""
    status: int = 0


@dataclass(slots=True, kw_only=True)
class State:
    """A node and its cluster's data; a test may set the switches at any time."""

    flavour: Flavour
    tokens: Tokens
    clock: Clock = field(default_factory=Clock)
    sealed: bool = False
    role: Role = Role.ACTIVE
    active_url: str = ""
    """Where a node that is not active sends those whom it cannot serve."""
    namespaces: dict[str, Namespace] = field(default_factory=lambda: {"": Namespace("")})
    log: list[Logged] = field(default_factory=list)

    @property
    def has_namespaces(self) -> bool:
        """Whether the header is looked at; in Vault from the first namespace on, as if it were Enterprise."""
        return self.flavour.namespaces or len(self.namespaces) > 1

    def place(self, header: str, path: str) -> tuple[Namespace | None, str]:
        """Give the deepest namespace that a header and a path lead to, and what is left of the path.

        Gives none where OpenBao knows no namespace as in the header; Enterprise goes as far as it can, so that the
        rest of the header ends up in the path.
        """
        if not self.has_namespaces:
            return self.namespaces[""], path
        start = f"{header}/" if header else ""
        if self.flavour.namespaces and start not in self.namespaces:
            return None, path
        full = start + path
        deepest = max((name for name in self.namespaces if full.startswith(name)), key=len)
        return self.namespaces[deepest], full.removeprefix(deepest)
