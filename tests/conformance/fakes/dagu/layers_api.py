"""`/profiles/_global` and `/profiles/_workspaces/NAME`: handlers for what all runs, or all of a workspace, inherit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.fakes.dagu import profile_entries
from conformance.fakes.dagu.names import check_key, check_profile, workspace_fault
from conformance.fakes.dagu.profile_store import GLOBAL_LAYER, WORKSPACE_LAYERS, Profile
from conformance.fakes.dagu.profiles_api import ADMINS
from conformance.fakes.dagu.records import Status
from conformance.fakes.dagu.replies import HIDDEN, NO_CONTENT, Document, Refused, Reply, bad, missing
from conformance.fakes.dagu.roles import WRITERS

if TYPE_CHECKING:
    from conformance.fakes.dagu.state import Call


def read(call: Call) -> Reply:
    """Describe a layer, which is empty until somebody writes to it."""
    name = _allowed(call)
    return Reply(body=_document(name, call.state.profiles.find(name)))


def update(call: Call) -> Reply:
    """Change what is given; only a workspace has a default profile."""
    name = _allowed(call)
    chosen = _default_profile(call, name)
    layer = _read(call, name)
    changed = replace(layer, description=call.given.get("description", layer.description), updated=call.now)
    if chosen is not None:
        changed = replace(changed, default_profile=chosen)
    call.state.profiles.put(changed)
    return Reply(body=_document(name, changed))


def set_variable(call: Call) -> Reply:
    """Write a variable."""
    name = _allowed(call)
    return Reply(body=_document(name, profile_entries.set_variable(call, _read(call, name))))


def set_secret(call: Call) -> Reply:
    """Write a secret."""
    name = _allowed(call)
    value = profile_entries.require_value(call)
    return Reply(body=_document(name, profile_entries.set_secret(call, _read(call, name), value)))


def delete_entry(call: Call) -> Reply:
    """Drop an entry; the secret behind it stays."""
    name = _allowed(call)
    check_key(call.parameters["key"])
    layer = call.state.profiles.find(name)
    if layer is None:
        return profile_entries.MISSING
    call.interlude()
    profile_entries.delete_entry(call, layer)
    return NO_CONTENT


def _allowed(call: Call) -> str:
    """Give the name of the layer that the path names, to those who may write there."""
    if "workspace" not in call.parameters:
        call.who.require(ADMINS)
        return GLOBAL_LAYER
    name = call.parameters["workspace"].strip()
    fault = workspace_fault(name) if name else "workspace name is required"
    if fault:
        raise Refused(bad(fault))
    call.who.require_in(name, WRITERS)
    if call.state.workspaces.named(name) is None:
        raise Refused(HIDDEN)
    return WORKSPACE_LAYERS + name


def _default_profile(call: Call, name: str) -> str | None:
    chosen = call.given.get("defaultProfile")
    if chosen is None:
        return None
    if name == GLOBAL_LAYER:
        raise Refused(bad("defaultProfile is only supported for workspace defaults"))
    return _runnable(call, chosen.strip())


def _runnable(call: Call, name: str) -> str:
    if not name:
        return ""
    check_profile(name)
    profile = call.state.profiles.find(name)
    if profile is None:
        raise Refused(missing(f"runtime profile {name}"))
    if profile.status is Status.DISABLED:
        raise Refused(bad(f"runtime profile {name} is disabled"))
    if profile.protected:
        call.who.require(ADMINS)
    return name


def _read(call: Call, name: str) -> Profile:
    """Read the copy that a write builds on; the first write makes the layer."""
    now = call.now
    call.state.profiles.create(Profile(name=name, protected=True, created=now, updated=now))
    layer = call.state.profiles.find(name)
    assert layer
    call.interlude()
    return layer


def _document(name: str, layer: Profile | None) -> Document:
    workspace = name.removeprefix(WORKSPACE_LAYERS)
    fixed: Document = {"name": name, "protected": True, "status": str(Status.ACTIVE), "scope": "global"}
    if workspace != name:
        fixed |= {"scope": "workspace", "workspace": workspace}
    return (layer.document() if layer else {"entries": []}) | fixed
