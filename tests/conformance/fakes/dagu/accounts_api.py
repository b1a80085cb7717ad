"""`/auth` and `/api-keys`: handlers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.fakes.clock import stamp
from conformance.fakes.dagu.accounts import ApiKey, spelled
from conformance.fakes.dagu.bodies import texts, typed
from conformance.fakes.dagu.names import quoted
from conformance.fakes.dagu.replies import NO_CONTENT, Document, Refused, Reply, bad, error, missing, without_nothing
from conformance.fakes.dagu.roles import ANYBODY, Identity, Role

if TYPE_CHECKING:
    from conformance.fakes.dagu.state import Call

ADMINS = frozenset({Role.ADMIN})
NO_KEYS = error(403, "forbidden", "API key management is not available")
TOO_MANY = error(
    403,
    "forbidden",
    "Community edition supports up to 2 API keys. Delete an existing key or configure a license to create more.",
)
SURFACES = frozenset({"rest_api", "mcp"})
MISSING = missing("API key")
NEVER = "0001-01-01T00:00:00Z"
"""When those were made who are no users, but the bearers of keys; said of users too, as nobody looks."""


def login(call: Call) -> Reply:
    """Give a token for a password."""
    state, headers = call.state, call.request.headers
    state.logins.check(headers, call.now)
    if state.accounts.mode != "builtin":
        return error(401, "unauthorized", "Authentication is not enabled")
    who = state.accounts.authenticate(call.given.get("username", ""), call.given.get("password", ""))
    if who is None:
        state.logins.failed(headers, call.now)
        return error(401, "unauthorized", "Invalid username or password")
    token, ends = state.accounts.open_session(who, call.now)
    return Reply(body={"token": token, "expiresAt": stamp(ends), "user": _described(who)})


def me(call: Call) -> Reply:
    """Say who is asking."""
    if call.who is ANYBODY:
        return error(401, "unauthorized", "Not authenticated")
    return Reply(body={"user": _described(call.who)})


def listing(call: Call) -> Reply:
    """List the keys, without their spelling."""
    _require_admin(call)
    return Reply(body={"apiKeys": [_key(key) for key in list(call.state.accounts.keys.values())]})


def create(call: Call) -> Reply:
    """Make a key; this is the only time that its spelling is told."""
    _require_admin(call)
    role = _role(call.given.get("role", ""), "Invalid role")
    grants = _grants(call, role)
    surfaces = texts(call.given.get("allowedSurfaces", []))
    if not surfaces:
        return bad("Invalid API key surface")
    if not call.given.get("attributionClass"):
        return bad("Invalid API key attribution")
    accounts = call.state.accounts
    if accounts.key_limit is not None and len(accounts.keys) >= accounts.key_limit:
        return TOO_MANY
    if {*surfaces} - SURFACES:
        return bad("Invalid API key surface")
    return _made(call, role, grants, surfaces)


def _made(call: Call, role: Role, grants: dict[str, Role] | None, surfaces: list[str]) -> Reply:
    name, now = call.given.get("name", ""), call.now
    if not name:
        return bad("Invalid API key name")
    if any(key.name == name for key in call.state.accounts.keys.values()):
        return error(409, "already_exists", "API key with this name already exists")
    key = ApiKey(
        spelling=f"dagu_{spelled(44)}",
        name=name,
        description=call.given.get("description", ""),
        role=role,
        grants=grants,
        surfaces=surfaces,
        attribution=call.given["attributionClass"],
        account=call.given.get("serviceAccountName", ""),
        creator=call.who.id,
        created=now,
        updated=now,
    )
    call.state.accounts.add(key)
    return Reply(status=201, body={"apiKey": _key(key), "key": key.spelling})


def read(call: Call) -> Reply:
    """Describe a key."""
    _require_admin(call)
    return Reply(body={"apiKey": _key(_found(call))})


def update(call: Call) -> Reply:
    """Change name, role or access of a key, for its next request."""
    _require_admin(call)
    key = _found(call)
    role = _role(call.given["role"], "Invalid role") if "role" in call.given else key.role
    grants = _grants(call, role) if "workspaceAccess" in call.given else key.grants
    key.role, key.grants, key.updated = role, grants, call.now
    key.name = call.given.get("name", key.name)
    key.description = call.given.get("description", key.description)
    return Reply(body={"apiKey": _key(key)})


def delete(call: Call) -> Reply:
    """Take a key away."""
    _require_admin(call)
    del call.state.accounts.keys[_found(call).spelling]
    return NO_CONTENT


def _require_admin(call: Call) -> None:
    if call.state.accounts.mode != "builtin":
        raise Refused(NO_KEYS)
    call.who.require(ADMINS)


def _found(call: Call) -> ApiKey:
    key = call.state.accounts.key(call.parameters["id"])
    if key is None:
        raise Refused(MISSING)
    return key


def _role(name: Any, fault: str) -> Role:
    if name not in [*Role]:
        raise Refused(bad(fault))
    return Role(name)


def _grants(call: Call, role: Role) -> dict[str, Role] | None:
    """Read the access that is asked for; without any it is to all."""
    access = typed(call.given.get("workspaceAccess", {"all": True}), {"all": bool, "grants": list})
    asked = [typed(grant, {"workspace": str, "role": str}) for grant in access.get("grants", [])]
    grants = {grant.get("workspace", ""): _role(grant.get("role"), "Invalid workspace role") for grant in asked}
    fault = _access_fault(call, role, grants, everywhere=access.get("all", False))
    if fault:
        raise Refused(bad(f"invalid workspace access: {fault}"))
    return None if access.get("all") else grants


def _access_fault(call: Call, role: Role, grants: dict[str, Role], *, everywhere: bool) -> str:
    if everywhere:
        return "all-workspaces access cannot include workspace grants" if grants else ""
    if role is not Role.VIEWER:
        return "scoped workspace access requires global role viewer"
    if not grants:
        return "scoped workspace access requires at least one workspace grant"
    if Role.ADMIN in grants.values():
        return "admin cannot be scoped to a workspace"
    unknown = [name for name in grants if call.state.workspaces.named(name) is None]
    return f"workspace {quoted(unknown[0])} does not exist" if unknown else ""


def _described(who: Identity) -> Document:
    return {
        "id": who.id,
        "username": who.name,
        "role": str(who.role),
        "authProvider": "builtin",
        "workspaceAccess": _access(who.grants),
        "createdAt": NEVER,
        "updatedAt": NEVER,
    }


def _access(grants: Any) -> Document:
    listed = [{"workspace": name, "role": str(role)} for name, role in (grants or {}).items()]
    return {"all": grants is None, "grants": listed}


def _key(key: ApiKey) -> Document:
    return {
        "id": key.id,
        "name": key.name,
        "role": str(key.role),
        "workspaceAccess": _access(key.grants),
        "allowedSurfaces": key.surfaces,
        "attributionClass": key.attribution,
        "keyPrefix": key.spelling[:8],
        "createdAt": stamp(key.created),
        "updatedAt": stamp(key.updated),
        "createdBy": key.creator,
        "lastUsedAt": key.used and stamp(key.used),
        "serviceAccountId": f"api_key:{key.id}",
        "serviceAccountName": key.account or key.name,
    } | without_nothing({"description": key.description})
