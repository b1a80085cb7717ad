"""Which request has which handler, in which release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.fakes.kestra import lists_api, writes_api
from conformance.fakes.kestra.errors import BY_STATUS, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.fakes.kestra.releases import Release
    from conformance.fakes.kestra.replies import Reply
    from conformance.fakes.kestra.requests import Request
    from conformance.fakes.kestra.state import Call, State

    Handler = Callable[[Call], Reply]

ROOT = ["api", "v1"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A method and a path below the tenant, parts of which may be anything."""

    method: str
    path: str
    """`{namespace}` is any one segment that is not empty."""
    handler: Handler
    served: Callable[[Release], bool] = bool
    """Which releases have it; all unless it is said."""

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """Give what stands in the open parts, or none if it is another path."""
        own = self.path.split("/")
        if len(own) != len(segments) or "" in segments:
            return None
        pairs = list(zip(own, segments, strict=True))
        if any(part != segment for part, segment in pairs if not part.startswith("{")):
            return None
        return {part.strip("{}"): segment for part, segment in pairs if part.startswith("{")}


def _route(call: str, handler: Handler, served: Callable[[Release], bool] = bool) -> Route:
    method, _, path = call.partition(" ")
    return Route(method=method, path=path, handler=handler, served=served)


ROUTES = [
    _route("GET secrets", lists_api.tenant, lambda release: release.tenant_list),
    _route("GET namespaces/{namespace}/secrets", lists_api.namespace, lambda release: release.namespace_list),
    _route("GET namespaces/{namespace}/inherited-secrets", lists_api.inherited),
    _route("PUT namespaces/{namespace}/secrets", writes_api.put),
    _route("PATCH namespaces/{namespace}/secrets/{key}", writes_api.patch),
    _route("DELETE namespaces/{namespace}/secrets/{key}", writes_api.delete),
]


def find(state: State, request: Request) -> tuple[Handler, str, dict[str, str]]:
    """Give the handler, the tenant, and what stands in the path's open parts.

    What is not there is told from what is not allowed by nobody, as on a real server.
    """
    tenant, segments = _inside(state, request.segments)
    for route in ROUTES:
        found = route.match(segments)
        if found is not None and route.method == request.method and route.served(state.release):
            return route.handler, tenant, found
    raise _lost(state)


def _inside(state: State, segments: list[str]) -> tuple[str, list[str]]:
    """Split the tenant off, where paths name one."""
    root, below = segments[: len(ROOT)], segments[len(ROOT) :]
    if root != ROOT or not below:
        raise _lost(state)
    if "" in state.tenants:
        return "", below
    if below[0] not in state.tenants:
        raise _lost(state)
    return below[0], below[1:]


def _lost(state: State) -> Refused:
    return Refused(BY_STATUS[state.release.lost])
