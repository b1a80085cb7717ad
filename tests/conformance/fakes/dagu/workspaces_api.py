"""`/workspaces`: handlers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.fakes.dagu.names import RULE, workspace_fault
from conformance.fakes.dagu.replies import BROKEN, NO_CONTENT, Refused, Reply, bad, missing, taken
from conformance.fakes.dagu.roles import WRITERS
from conformance.fakes.dagu.workspaces import Workspace

if TYPE_CHECKING:
    from conformance.fakes.dagu.state import Call

MISSING = missing("Workspace")
TAKEN = taken("Workspace with this name already exists")


def listing(call: Call) -> Reply:
    """List those that the client has any role in; there are no pages."""
    found = [one.document() for one in call.state.workspaces.listed() if call.who.sees(one.name)]
    return Reply(body={"workspaces": found})


def create(call: Call) -> Reply:
    """Make one."""
    call.who.require(WRITERS)
    name = call.given.get("name", "")
    if not name:
        return bad("Name is required")
    _check_name(name)
    now = call.now
    made = Workspace(name=name, description=call.given.get("description", ""), created=now, updated=now)
    return Reply(status=201, body=made.document()) if call.state.workspaces.put(made) else TAKEN


def read(call: Call) -> Reply:
    """Describe one."""
    return Reply(body=_visible(call).document())


def update(call: Call) -> Reply:
    """Give it another name or description; secrets stay under the old name."""
    call.who.require(WRITERS)
    with call.state.workspaces.lock:
        found = _visible(call)
        if "name" in call.given:
            _check_name(call.given["name"])
        changed = replace(found, **call.given, updated=call.now)
        return Reply(body=changed.document()) if call.state.workspaces.put(changed) else TAKEN


def delete(call: Call) -> Reply:
    """Forget it; its secrets stay."""
    call.who.require(WRITERS)
    with call.state.workspaces.lock:
        del call.state.workspaces.by_id[_visible(call).id]
    return NO_CONTENT


def _check_name(name: str) -> None:
    if workspace_fault(name):
        raise Refused(bad(f"Workspace name {RULE}"))


def _visible(call: Call) -> Workspace:
    identifier = call.parameters["id"]
    if identifier.startswith("../"):
        raise Refused(BROKEN)
    found = call.state.workspaces.by_id.get(identifier)
    if found is None or not call.who.sees(found.name):
        raise Refused(MISSING)
    return found
