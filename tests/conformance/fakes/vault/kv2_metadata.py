"""KV version 2, `metadata/` and `detailed-metadata/`: what is known of secrets besides their values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from conformance.fakes.vault.entries import Entry
from conformance.fakes.vault.fields import Fields, Unreadable, boolean, integer, mapping, text
from conformance.fakes.vault.kv2_config import apply, settings
from conformance.fakes.vault.kv2_data import BARE_MISSING
from conformance.fakes.vault.replies import MISSING, NO_CONTENT, Refused, Reply, counted_error, envelope, errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.fakes.vault.calls import Call
    from conformance.fakes.vault.flavours import Flavour
    from conformance.fakes.vault.kv2_store import Store

KEYS = 64
KEY_BYTES = 128
VALUE_BYTES = 512
INVALID = "custom_metadata validation failed"
MANDATED = '"{}" set to false, but is mandated by backend config. This value will be ignored.'


def read(store: Store, call: Call, key: str) -> Reply:
    """Describe a secret."""
    entry = store.entries.get(key)
    return envelope(entry.document(call.flavour)) if entry else MISSING


def write(store: Store, call: Call, key: str) -> Reply:
    """Set what is named, `custom_metadata` as a whole; makes an entry without versions where there is none."""
    fields = call.fields_after("")
    named = settings(fields)
    if not named and "custom_metadata" not in fields:
        return NO_CONTENT
    given = fields.read("custom_metadata", mapping)
    custom = custom_metadata(given or {}, call.flavour)
    entry = store.entries.get(key)
    _check_metadata_cas(store, fields, entry)
    if entry is None:
        entry = Entry(created=call.now, updated=call.now)
        store.entries.put(key, entry)
    if "custom_metadata" in fields:
        entry.custom_metadata = custom
    return _set(store, call, entry, named)


def patch(store: Store, call: Call, key: str) -> Reply:
    """Set what is named, `custom_metadata` key by key; null takes a key away. The limits hold for the patch alone."""
    fields = call.fields
    named = settings(fields)
    if not named and "custom_metadata" not in fields:
        return NO_CONTENT
    change = fields.read("custom_metadata", mapping)
    custom_metadata({name: value for name, value in (change or {}).items() if value is not None}, call.flavour)
    entry = store.entries.get(key)
    if entry is None:
        return BARE_MISSING
    _check_metadata_cas(store, fields, entry)
    if "custom_metadata" in fields:
        entry.custom_metadata = {} if change is None else _patched(entry.custom_metadata, change)
    return _set(store, call, entry, named)


def delete(store: Store, call: Call, key: str) -> Reply:  # noqa: ARG001  # one signature for all
    """Forget the secret with all its versions."""
    store.entries.drop(key)
    return NO_CONTENT


def listing(store: Store, call: Call, folder: str) -> Reply:
    """Give the names in a folder; page by page where the server can."""
    keys = _page(store, call, folder)
    return envelope({"keys": keys}) if keys else MISSING


def scan(store: Store, call: Call, folder: str) -> Reply:  # noqa: ARG001  # one signature for all
    """Give the names below a folder, all at once: `after` and `limit` are ignored. None is no error here."""
    keys = store.entries.below(folder)
    return envelope({"keys": keys} if keys else {})


def detailed_listing(store: Store, call: Call, folder: str) -> Reply:
    """Give the names in a folder with the metadata of those that are secrets."""
    keys = _page(store, call, folder)
    return envelope(_detailed(store, call, folder, keys)) if keys else MISSING


def detailed_scan(store: Store, call: Call, folder: str) -> Reply:
    """Give the names below a folder with their metadata."""
    keys = store.entries.below(folder)
    return envelope(_detailed(store, call, folder, keys) if keys else {})


def _page(store: Store, call: Call, folder: str) -> list[str]:
    keys = store.entries.folder(folder)
    if not call.flavour.scans:
        hide = call.fields.read("exclude_deleted", boolean)
        return [key for key in keys if not (hide and _deleted(store.entries.get(folder + key)))]
    limit = call.fields.read("limit", integer)
    after = str(call.raw.get("after", ""))
    keys = [key for key in keys if key > after]
    return keys[:limit] if limit > 0 else keys


def _deleted(entry: Entry | None) -> bool:
    current = entry.versions.get(entry.current) if entry else None
    return current is not None and current.deleted is not None


def _detailed(store: Store, call: Call, folder: str, keys: list[str]) -> dict[str, Any]:
    entries = {key: store.entries.get(folder + key) for key in keys}
    known = {key: entry.document(call.flavour) if entry else {} for key, entry in entries.items()}
    return {"keys": keys, "key_info": known}


def _check_metadata_cas(store: Store, fields: Fields, entry: Entry | None) -> None:
    if not fields.flavour.metadata_cas:
        return
    required = store.settings.metadata_cas_required or (entry and entry.settings.metadata_cas_required)
    if "metadata_cas" not in fields:
        if required:
            raise Refused(errors(400, "metadata check-and-set parameter required for this call"))
        return
    expected = fields.read("metadata_cas", integer)
    if entry is None and expected:
        raise Refused(errors(400, "metadata_cas must be 0 when creating new metadata"))
    if entry and expected != entry.metadata_version:
        raise Refused(errors(400, "metadata check-and-set parameter does not match the current version"))


def _set(store: Store, call: Call, entry: Entry, named: Mapping[str, Any]) -> Reply:
    apply(entry.settings, named)
    entry.metadata_version += 1
    if call.flavour.metadata_moves_updated:
        entry.updated = call.now
    switches = [name for name in named if name != "max_versions"]
    ignored = [name for name in switches if getattr(store.settings, name) and not named[name]]
    return envelope(None).warned(MANDATED.format(name) for name in ignored) if ignored else NO_CONTENT


def _patched(custom: dict[str, str], change: Mapping[str, Any]) -> dict[str, str]:
    strange = [value for value in change.values() if value is not None and not isinstance(value, str)]
    if strange:
        kind = "bool" if isinstance(strange[0], bool) else "number"
        where = "Go struct field KeyMetadata.custom_metadata of type string"
        raise Refused(counted_error(500, f"json: cannot unmarshal {kind} into {where}"))
    kept = {name: value for name, value in custom.items() if name not in change}
    return kept | {name: value for name, value in change.items() if value is not None}


def custom_metadata(raw: Mapping[str, Any], flavour: Flavour) -> dict[str, str]:
    """Read custom metadata; must be texts within the limits."""
    try:
        custom = {name: text(value, flavour) for name, value in raw.items()}
    except Unreadable as unreadable:
        raise Refused(errors(400, f"{INVALID}: {unreadable}")) from None
    if len(custom) > KEYS:
        message = f"{INVALID}: payload must contain at most {KEYS} keys, provided {len(custom)}"
        raise Refused(counted_error(400, message))
    faults = [fault for name, value in custom.items() for fault in _faults(name, value)]
    if faults:
        raise Refused(counted_error(400, *(f"{INVALID}: {fault}" for fault in faults)))
    return custom


def _faults(name: str, value: str) -> list[str]:
    """Say what is wrong with one key; the real server says it in no particular order."""
    quoted = json.dumps(name, ensure_ascii=False)
    key_bytes, value_bytes = len(name.encode()), len(value.encode())
    found = {
        f"length of key {quoted} is {key_bytes} but must be 0 < len(key) <= {KEY_BYTES}": 0 < key_bytes <= KEY_BYTES,
        f"length of value for key {quoted} is {value_bytes} but must be 0 < len(value) <= {VALUE_BYTES}": (
            0 < value_bytes <= VALUE_BYTES
        ),
        f"key {quoted} ({name}) contains unprintable characters": name.isprintable(),
        f"value for key {quoted} contains unprintable characters": value.isprintable(),
    }
    return [fault for fault, fine in found.items() if not fine]
