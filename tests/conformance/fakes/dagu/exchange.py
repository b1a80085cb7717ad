"""One request, from the first check to the reply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.fakes.dagu.bodies import document
from conformance.fakes.dagu.replies import HTML, Refused, Reply, bad, empty
from conformance.fakes.dagu.roles import ANYBODY, Identity
from conformance.fakes.dagu.routes import PUBLIC, find
from conformance.fakes.dagu.state import Call

if TYPE_CHECKING:
    from conformance.fakes.dagu.requests import Request
    from conformance.fakes.dagu.state import State

PAGE = Reply(
    body='\n<!DOCTYPE html>\n<html lang="en"><head><title>Dagu</title></head><body></body></html>\n',
    headers=(HTML, ("Cache-Control", "no-cache, no-store, must-revalidate")),
)
"""The user interface, which stands wherever the API does not; it finds out by itself that there is nothing there."""
METHODS = ("GET", "HEAD")


@dataclass(slots=True)
class Exchange:
    """A request under way."""

    state: State
    request: Request
    who: Identity = ANYBODY

    def reply(self) -> Reply:
        """Carry it out."""
        try:
            return self._handled()
        except Refused as refused:
            return refused.reply

    def _handled(self) -> Reply:
        """Ask who it is, whether there is such a path, what is in the body, and only then whether they may."""
        public = "/".join(self.request.segments) in PUBLIC
        if not public:
            self.who = self.state.accounts.identify(self.request.headers, self.state.tick())
        self._refuse_remote()
        route, parameters = find(self.request.method, self.request.segments)
        for name in route.texts:
            self.request.parameter(name)
        for name in route.numbers:
            self.request.number(name)
        given = {} if route.fields is None else document(self.request.body, route.fields)
        call = Call(state=self.state, request=self.request, who=self.who, parameters=parameters, given=given)
        return route.handler(call)

    def _refuse_remote(self) -> None:
        """Refuse to ask another server: this one knows none."""
        node = self.request.parameter("remoteNode")
        if node not in {None, "", "local"}:
            raise Refused(bad(f"remote node {node} not found"))


def elsewhere(method: str) -> Reply:
    """Reply to what is not below the API's root."""
    return PAGE if method in METHODS else empty(405, ("Allow", "GET"))


def slashed(method: str, path: str, query: str) -> Reply:
    """Send what ends in a slash to the path without it, before anybody is asked who they are."""
    location = path.rstrip("/") + (f"?{query}" if query else "")
    if method not in METHODS:
        return empty(301, ("Location", location))
    body = f'<a href="{location}">Moved Permanently</a>.\n\n'
    return Reply(status=301, body=body, headers=(HTML, ("Location", location)))
