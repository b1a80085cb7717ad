"""`/profiles` and `/profiles/NAME`: handlers for the profiles that a run may choose."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.fakes.dagu import profile_entries
from conformance.fakes.dagu.names import check_profile
from conformance.fakes.dagu.profile_entries import MISSING
from conformance.fakes.dagu.profile_store import Profile
from conformance.fakes.dagu.records import Status
from conformance.fakes.dagu.replies import NO_CONTENT, Refused, Reply, bad, taken
from conformance.fakes.dagu.roles import MANAGERS, Role

if TYPE_CHECKING:
    from conformance.fakes.dagu.state import Call

ADMINS = frozenset({Role.ADMIN})
TAKEN = taken("Runtime profile already exists")


def listing(call: Call) -> Reply:
    """List all, protected ones to administrators only; there are no pages."""
    call.who.require(MANAGERS)
    found = [one for one in call.state.profiles.listed() if call.who.role is Role.ADMIN or not one.protected]
    return Reply(body={"profiles": [one.document() for one in found]})


def create(call: Call) -> Reply:
    """Make one; only administrators make a protected one."""
    protected = call.given.get("protected", False)
    call.who.require(ADMINS if protected else MANAGERS)
    name = call.given.get("name", "").strip()
    check_profile(name)
    now = call.now
    description = call.given.get("description", "")
    made = Profile(name=name, description=description, protected=protected, created=now, updated=now)
    return Reply(status=201, body=made.document()) if call.state.profiles.create(made) else TAKEN


def read(call: Call) -> Reply:
    """Describe one; what may be no name is as good as missing."""
    return Reply(body=_found(call, strict=False).document())


def update(call: Call) -> Reply:
    """Change what is given."""
    profile = _read(call)
    call.who.require(ADMINS if call.given.get("protected") else MANAGERS)
    status = call.given.get("status", profile.status)
    if status not in [*Status]:
        return bad("invalid profile status")
    changed = replace(
        profile,
        description=call.given.get("description", profile.description),
        protected=call.given.get("protected", profile.protected),
        status=Status(status),
        updated=call.now,
    )
    return Reply(body=changed.document()) if call.state.profiles.put(changed) else MISSING


def delete(call: Call) -> Reply:
    """Forget it; the secrets behind its entries stay."""
    return NO_CONTENT if call.state.profiles.drop(_found(call, strict=False).name) else MISSING


def set_variable(call: Call) -> Reply:
    """Write a variable."""
    return Reply(body=profile_entries.set_variable(call, _read(call)).document())


def set_secret(call: Call) -> Reply:
    """Write a secret."""
    profile = _read(call)
    value = profile_entries.require_value(call)
    return Reply(body=profile_entries.set_secret(call, profile, value).document())


def delete_entry(call: Call) -> Reply:
    """Drop an entry."""
    profile_entries.delete_entry(call, _read(call))
    return NO_CONTENT


def _read(call: Call) -> Profile:
    """Read the copy that a write builds on."""
    profile = _found(call, strict=True)
    call.interlude()
    return profile


def _found(call: Call, *, strict: bool) -> Profile:
    call.who.require(MANAGERS)
    name = call.parameters["name"].strip()
    try:
        check_profile(name)
    except Refused as refused:
        raise (refused if strict else Refused(MISSING)) from None
    profile = call.state.profiles.find(name)
    if profile is None:
        raise Refused(MISSING)
    call.who.require(ADMINS if profile.protected else MANAGERS)
    return profile
