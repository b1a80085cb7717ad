"""One request, from the first check to the reply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.fakes.kestra.accounts import Account
from conformance.fakes.kestra.errors import Refused, spelled
from conformance.fakes.kestra.quirks import Denials
from conformance.fakes.kestra.replies import HTML, PAGE, Reply
from conformance.fakes.kestra.routes import find
from conformance.fakes.kestra.state import Call

if TYPE_CHECKING:
    from conformance.fakes.kestra.requests import Request
    from conformance.fakes.kestra.state import State

NOBODY = Account(name="", grants={})
DENIED = frozenset({401, 403})


@dataclass(slots=True)
class Exchange:
    """A request under way."""

    state: State
    request: Request
    who: Account = NOBODY

    def reply(self) -> Reply:
        """Carry it out."""
        try:
            return self._handled()
        except Refused as refused:
            return self._refusal(refused)

    def _handled(self) -> Reply:
        """Ask who it is before there is such a path."""
        self.who = self.state.accounts.identify(self.request.headers)
        handler, tenant, parts = find(self.state, self.request)
        return handler(Call(state=self.state, request=self.request, who=self.who, tenant=tenant, **parts))

    def _refusal(self, refused: Refused) -> Reply:
        shape = Denials.DOCUMENT if refused.kind.status not in DENIED else self.state.quirks.denials
        match shape:
            case Denials.EMPTY:
                return Reply(status=refused.kind.status, headers=())
            case Denials.HTML:
                return Reply(status=refused.kind.status, body=PAGE, headers=(HTML,))
        if self.state.quirks.echo_bodies:
            quoted = f"{refused.detail or refused.kind.title}: {self.request.body.decode('utf-8', 'replace')}"
            refused = Refused(refused.kind, quoted, *refused.faults)
        return spelled(refused, self.state.release, self.request.target)
