"""KV version 2, `metadata/` and `detailed-metadata/`: what is known of secrets besides their values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from conformance.fakes.vault.entries import Entry
from conformance.fakes.vault.fields import Unreadable, text
from conformance.fakes.vault.kv2_config import apply, settings
from conformance.fakes.vault.kv2_data import BARE_MISSING
from conformance.fakes.vault.replies import MISSING, NO_CONTENT, Refused, Reply, counted_error, envelope, errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.fakes.vault.calls import Call
    from conformance.fakes.vault.flavours import Flavour
    from conformance.fakes.vault.kv2_store import Store
    from conformance.fakes.vault.replies import Document

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
    named = settings(call.given)
    if not named and "custom_metadata" not in call.given:
        return NO_CONTENT
    custom = custom_metadata(call.given.get("custom_metadata") or {}, call.flavour)
    entry = store.entries.get(key)
    _check_metadata_cas(store, call, entry)
    if entry is None:
        entry = Entry(created=call.now, updated=call.now)
        store.entries.put(key, entry)
    if "custom_metadata" in call.given:
        entry.custom_metadata = custom
    return _set(store, call, entry, named)


def patch(store: Store, call: Call, key: str) -> Reply:
    """Set what is named, `custom_metadata` key by key; null takes a key away. The limits hold for the patch alone."""
    named = settings(call.given)
    if not named and "custom_metadata" not in call.given:
        return NO_CONTENT
    change = call.given.get("custom_metadata")
    custom_metadata({name: value for name, value in (change or {}).items() if value is not None}, call.flavour)
    entry = store.entries.get(key)
    if entry is None:
        return BARE_MISSING
    _check_metadata_cas(store, call, entry)
    _refuse_strange(call.given.get("max_versions"), change or {})
    if "custom_metadata" in call.given:
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
        hide = call.given.get("exclude_deleted", False)
        return [key for key in keys if not (hide and _deleted(store.entries.get(folder + key)))]
    limit, after = call.given.get("limit", 0), call.given.get("after", "")
    keys = [key for key in keys if key > after]
    return keys[:limit] if limit > 0 else keys


def _deleted(entry: Entry | None) -> bool:
    current = entry.versions.get(entry.current) if entry else None
    return current is not None and current.deleted is not None


def _detailed(store: Store, call: Call, folder: str, keys: list[str]) -> dict[str, Any]:
    # A folder shows the metadata of the secret that bears its name, if there is one: the real server drops the slash.
    entries = {key: store.entries.get((folder + key).removesuffix("/")) for key in keys}
    known = {key: entry.document(call.flavour) if entry else {} for key, entry in entries.items()}
    return {"keys": keys, "key_info": known}


def _check_metadata_cas(store: Store, call: Call, entry: Entry | None) -> None:
    required = store.settings.metadata_cas_required or (entry and entry.settings.metadata_cas_required)
    if "metadata_cas" not in call.given:
        if required:
            raise Refused(errors(400, "metadata check-and-set parameter required for this call"))
        return
    expected = call.given["metadata_cas"]
    if entry is None and expected:
        raise Refused(errors(400, "metadata_cas must be 0 when creating new metadata"))
    if entry and expected != entry.metadata_version:
        raise Refused(errors(400, "metadata check-and-set parameter does not match the current version"))


def _set(store: Store, call: Call, entry: Entry, named: Document) -> Reply:
    apply(entry.settings, named)
    entry.metadata_version += 1
    if call.flavour.metadata_moves_updated:
        entry.updated = call.now
    switches = [name for name in named if name != "max_versions"]
    ignored = [name for name in switches if getattr(store.settings, name) and not named[name]]
    return envelope(None).warned(MANDATED.format(name) for name in ignored) if ignored else NO_CONTENT


def _refuse_strange(max_versions: int | None, change: Mapping[str, Any]) -> None:
    """A patch must be what is stored: what a write would convert ends as the server's own fault."""
    wrong = "json: cannot unmarshal {} into Go struct field KeyMetadata.{} of type {}"
    strange = [value for value in change.values() if value is not None and not isinstance(value, str)]
    if strange:
        kind = "bool" if isinstance(strange[0], bool) else "number"
        raise Refused(counted_error(500, wrong.format(kind, "custom_metadata", "string")))
    if max_versions is not None and max_versions < 0:
        raise Refused(counted_error(500, wrong.format(f"number {max_versions}", "max_versions", "uint32")))


def _patched(custom: dict[str, str], change: Mapping[str, Any]) -> dict[str, str]:
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
