"""KV version 2, `data/` and `subkeys/`: the values."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from conformance.fakes.vault.replies import MISSING, NO_CONTENT, Document, Reply, counted_error, envelope, errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.fakes.vault.calls import Call
    from conformance.fakes.vault.kv2_store import Store

NO_DATA = errors(400, "no data provided")
BARE_MISSING = Reply(status=404)
WRITTEN_OUT = 10.0**21
"""Go writes whole numbers below this without an exponent."""


def read(store: Store, call: Call, key: str) -> Reply:
    """Give a version's value; one that is deleted or destroyed is missing, but described.

    With a slash behind its name a secret is found, but not its value: a fault of the real server's.
    """
    return _shown(store, call, key, "data", lambda data: data)


def subkeys(store: Store, call: Call, key: str) -> Reply:
    """Give a version's keys without what is in them, `depth` levels deep or all."""
    depth = call.given.get("depth", 0)
    return _shown(store, call, key, "subkeys", lambda data: hollow(data, depth))


def _shown(store: Store, call: Call, key: str, name: str, show: Callable[[Document | None], Document | None]) -> Reply:
    asked = call.given.get("version", 0)
    entry = store.entries.get(key)
    if entry is None or entry.chosen(asked) not in entry.versions:
        return MISSING
    number = entry.chosen(asked)
    version = entry.versions[number]
    if version.readable and call.path.endswith("/"):
        return counted_error(500, "could not find version data")
    shown = show(version.data) if version.readable else None
    status, mount_type = (200, "kv") if version.readable else (404, "")
    return envelope({name: shown, "metadata": entry.about(number)}, status=status, mount_type=mount_type)


def write(store: Store, call: Call, key: str) -> Reply:
    """Write a version."""
    if "data" not in call.given:
        return NO_DATA
    store.check_cas(call, store.entries.get(key))
    return envelope(store.write(call, key, floats(call.given["data"])))


def patch(store: Store, call: Call, key: str) -> Reply:
    """Write a version that changes a few keys of the current one, which must be readable."""
    if "data" not in call.given:
        return NO_DATA
    entry = store.entries.get(key)
    if entry is None:
        return BARE_MISSING
    store.check_cas(call, entry)
    version = entry.versions.get(entry.current)
    if version is None:
        return BARE_MISSING
    if not version.readable:
        return envelope(entry.about(entry.current), status=404, mount_type="")
    if version.data is None:
        return counted_error(500, "resource does not exist")
    change = floats(call.given["data"])
    data = None if change is None else merged(version.data, change)
    return envelope(store.write(call, key, data))


def delete(store: Store, call: Call, key: str) -> Reply:
    """Delete the current version softly; what is not there is as good as deleted."""
    entry = store.entries.get(key)
    version = entry.versions.get(entry.current) if entry else None
    if entry and version and version.readable:
        version.remove(call.now, call.who())
        entry.updated_by = call.who()
    return NO_CONTENT


def merged(target: Any, change: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396)."""
    if not isinstance(change, dict):
        return change
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def hollow(value: Any, depth: int, level: int = 1) -> Any:
    """Put null in the place of all that is no object, is empty, or stands deeper than `depth`; 0 is no limit."""
    if not isinstance(value, dict):
        return None
    deeper = depth == 0 or level < depth
    return {name: hollow(inner, depth, level + 1) if inner and deeper else None for name, inner in value.items()}


def floats(value: Any) -> Any:
    """Make every number what a float of 64 bits holds, as the server does: 12345678901234567890 loses its end."""
    match value:
        case bool():
            return value
        case int() | float():
            return _float(float(value))
        case dict():
            return {name: floats(inner) for name, inner in value.items()}
        case list():
            return [floats(inner) for inner in value]
        case _:
            return value


def _float(value: float) -> float | int:
    if not value.is_integer() or abs(value) >= WRITTEN_OUT:
        return value
    return int(Decimal(repr(value)))
