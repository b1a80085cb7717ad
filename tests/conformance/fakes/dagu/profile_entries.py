"""Entries of a profile or a layer: what a write to one does to its document, and to the store of secrets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.fakes.dagu.names import GLOBAL, check_key, check_ref
from conformance.fakes.dagu.profile_store import Entry, Kind
from conformance.fakes.dagu.records import Metadata
from conformance.fakes.dagu.replies import NO_STORE, Refused, bad, missing

if TYPE_CHECKING:
    from conformance.fakes.dagu.profile_store import Profile
    from conformance.fakes.dagu.state import Call

MISSING = missing("Runtime profile")
NO_VALUE = bad("value must not be empty")


def require_value(call: Call) -> str:
    """Give the value for a secret, which must not be empty."""
    if not call.given.get("value"):
        raise Refused(NO_VALUE)
    if call.state.keyless:
        raise Refused(NO_STORE)
    value: str = call.given["value"]
    return value


def set_variable(call: Call, profile: Profile) -> Profile:
    """Write a value into the document, be it empty."""
    key = call.parameters["key"]
    check_key(key)
    return _mapped(call, profile, key, Kind.VARIABLE, value=call.given.get("value", ""))


def set_secret(call: Call, profile: Profile, value: str) -> Profile:
    """Write a version of the secret behind the entry; one that an entry left behind is taken up again."""
    key = call.parameters["key"]
    check_key(key)
    ref = profile.ref(key)
    check_ref(ref)
    record = call.state.secrets.by_ref(GLOBAL, ref)
    _check_kind(profile, key, Kind.SECRET)
    if record is None:
        return _made(call, profile, key, value)
    return _rotated(call, profile, key, record.metadata.id, value)


def delete_entry(call: Call, profile: Profile) -> None:
    """Drop an entry; the secret behind it stays."""
    key = call.parameters["key"]
    check_key(key)
    if key not in profile.entries:
        raise Refused(MISSING)
    _put(call, profile.without(key, call.now))


def _made(call: Call, profile: Profile, key: str, value: str) -> Profile:
    now = call.now
    description = f"Runtime profile {profile.stored_name} secret {key}"
    made = Metadata(workspace=GLOBAL, ref=profile.ref(key), description=description, created=now, updated=now)
    if not call.state.secrets.create(made, value):
        raise Refused(bad("secret already exists"))
    try:
        return _mapped(call, profile, key, Kind.SECRET, secret=made.id)
    except Refused:
        call.state.secrets.drop(made.id)
        raise


def _rotated(call: Call, profile: Profile, key: str, secret: str, value: str) -> Profile:
    """Write the document only where it does not name the secret yet: else no time in it moves."""
    entry = profile.entries.get(key)
    changed = profile
    if entry is None or entry.secret != secret:
        changed = _mapped(call, profile, key, Kind.SECRET, secret=secret)
    call.state.secrets.append(secret, value, call.now)
    return changed


def _mapped(  # what an entry is
    call: Call, profile: Profile, key: str, kind: Kind, *, value: str = "", secret: str = ""
) -> Profile:
    _check_kind(profile, key, kind)
    now = call.now
    entry = profile.entries.get(key) or Entry(key=key, kind=kind, created=now, updated=now)
    return _put(call, profile.with_entry(replace(entry, value=value, secret=secret, updated=now), now))


def _check_kind(profile: Profile, key: str, kind: Kind) -> None:
    if key in profile.entries and profile.entries[key].kind is not kind:
        raise Refused(bad(f"profile key already exists: {key}"))


def _put(call: Call, profile: Profile) -> Profile:
    """Put the whole document back."""
    if not call.state.profiles.put(profile):
        raise Refused(MISSING)
    return profile
