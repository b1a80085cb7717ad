"""Which request has which handler, and what its body may have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.fakes.dagu import (
    accounts_api,
    health_api,
    layers_api,
    profiles_api,
    secrets_api,
    workspaces_api,
)
from conformance.fakes.dagu.replies import NO_PAGE, Refused, empty

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.fakes.dagu.bodies import Fields
    from conformance.fakes.dagu.replies import Reply
    from conformance.fakes.dagu.state import Call

    Handler = Callable[[Call], Reply]

PUBLIC = frozenset({"health", "auth/login"})
"""What needs no credential."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A method and a path, parts of which may be anything."""

    method: str
    path: str
    """`{id}` is any one segment."""
    handler: Handler
    fields: Fields | None = None
    """None: the body is not looked at."""
    texts: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    """Parameters of the query, which must be there once at most and be numbers, whoever asks."""

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """Give what stands in the open parts, or none if it is another path."""
        own = self.path.split("/")
        if len(own) != len(segments):
            return None
        pairs = list(zip(own, segments, strict=True))
        if any(part != segment for part, segment in pairs if not part.startswith("{")):
            return None
        return {part.strip("{}"): segment for part, segment in pairs if part.startswith("{")}


def _route(call: str, handler: Handler, fields: Fields | None = None) -> Route:
    method, _, path = call.partition(" ")
    return Route(method=method, path=path, handler=handler, fields=fields)


VALUE: Fields = {"value": str}
SECRET: Fields = {"ref": str, "providerType": str, "workspace": str, "description": str, "value": str}
CHANGES: Fields = {"description": str, "providerConnectionId": str, "providerRef": str}
WORKSPACE: Fields = {"name": str, "description": str}
PROFILE: Fields = {"name": str, "description": str, "protected": bool}
PROFILE_CHANGES: Fields = {"description": str, "status": str, "protected": bool}
LAYER_CHANGES: Fields = {"description": str, "defaultProfile": str}
KEY_CHANGES: Fields = {"name": str, "description": str, "role": str, "workspaceAccess": dict}
KEY: Fields = KEY_CHANGES | {"allowedSurfaces": list, "attributionClass": str, "serviceAccountName": str}
LAYERS = ("profiles/_global", "profiles/_workspaces/{workspace}")

LISTING = Route(
    method="GET",
    path="secrets",
    handler=secrets_api.listing,
    texts=("workspace",),
    numbers=("limit", "offset"),
)
ROUTES = [
    _route("GET health", health_api.read),
    _route("POST auth/login", accounts_api.login, {"username": str, "password": str}),
    _route("GET auth/me", accounts_api.me),
    _route("GET api-keys", accounts_api.listing),
    _route("POST api-keys", accounts_api.create, KEY),
    _route("GET api-keys/{id}", accounts_api.read),
    _route("PATCH api-keys/{id}", accounts_api.update, KEY_CHANGES),
    _route("DELETE api-keys/{id}", accounts_api.delete),
    LISTING,
    _route("POST secrets", secrets_api.create, SECRET),
    _route("GET secrets/{id}", secrets_api.read),
    _route("PATCH secrets/{id}", secrets_api.update, CHANGES),
    _route("DELETE secrets/{id}", secrets_api.delete),
    _route("POST secrets/{id}/versions", secrets_api.rotate, VALUE),
    _route("POST secrets/{id}/disable", secrets_api.disable),
    _route("POST secrets/{id}/enable", secrets_api.enable),
    _route("GET workspaces", workspaces_api.listing),
    _route("POST workspaces", workspaces_api.create, WORKSPACE),
    _route("GET workspaces/{id}", workspaces_api.read),
    _route("PATCH workspaces/{id}", workspaces_api.update, WORKSPACE),
    _route("DELETE workspaces/{id}", workspaces_api.delete),
    _route("GET profiles", profiles_api.listing),
    _route("POST profiles", profiles_api.create, PROFILE),
    *(
        route
        for layer in LAYERS  # before the profiles: their names are more special
        for route in (
            _route(f"GET {layer}", layers_api.read),
            _route(f"PATCH {layer}", layers_api.update, LAYER_CHANGES),
            _route(f"PUT {layer}/variables/{{key}}", layers_api.set_variable, VALUE),
            _route(f"PUT {layer}/secrets/{{key}}", layers_api.set_secret, VALUE),
            _route(f"DELETE {layer}/entries/{{key}}", layers_api.delete_entry),
        )
    ),
    _route("GET profiles/{name}", profiles_api.read),
    _route("PATCH profiles/{name}", profiles_api.update, PROFILE_CHANGES),
    _route("DELETE profiles/{name}", profiles_api.delete),
    _route("PUT profiles/{name}/variables/{key}", profiles_api.set_variable, VALUE),
    _route("PUT profiles/{name}/secrets/{key}", profiles_api.set_secret, VALUE),
    _route("DELETE profiles/{name}/entries/{key}", profiles_api.delete_entry),
]


def find(method: str, segments: list[str]) -> tuple[Route, dict[str, str]]:
    """Give the first route that fits, and what stands in its open parts."""
    matches = [(route, found) for route in ROUTES if (found := route.match(segments)) is not None]
    for route, found in matches:
        if route.method == method:
            return route, found
    if matches:
        methods = dict.fromkeys(route.method for route, _ in matches)
        raise Refused(empty(405, *(("Allow", name) for name in methods)))
    raise Refused(NO_PAGE)
