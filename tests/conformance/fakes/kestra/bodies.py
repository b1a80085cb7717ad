"""What a write must bring, and what it may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from conformance.fakes.kestra.errors import INVALID_BODY, UNKNOWN_HERE, VALIDATION_FAILED, Fault, Refused

if TYPE_CHECKING:
    from conformance.fakes.kestra.records import Tags
    from conformance.fakes.kestra.replies import Document

TEXTS = ("key", "value", "description")


def check(given: Document, required: tuple[str, ...]) -> None:
    """Refuse a body that lacks something, or has it of the wrong type; null is as good as absent."""
    for name in TEXTS:
        if not isinstance(given.get(name), str | None):
            _refuse_type(name)
    faults = [fault for name in required if (fault := _fault(name, given.get(name)))]
    if faults:
        detail = ", ".join(f"{fault.path}: {fault.detail}" for fault in faults)
        raise Refused(VALIDATION_FAILED, detail, *faults)


def _fault(name: str, found: Any) -> Fault | None:
    if found is None:
        return Fault(path=name, detail="must not be null")
    blank = found == "" and name != "description"
    return Fault(path=name, detail="must not be empty") if blank else None


def tags(given: Document) -> Tags:
    """Read the tags: a list of keys and values; a value that is not there is empty."""
    found = given.get("tags") or []
    if not isinstance(found, list):
        _refuse_type("tags")
    pairs = tuple(_pair(tag) for tag in found)
    if len({name for name, _ in pairs}) < len(pairs) or any(not name for name, _ in pairs):
        raise Refused(UNKNOWN_HERE, "tags without a key or with the same one")
    return pairs


def _pair(tag: Any) -> tuple[str, str]:
    if not isinstance(tag, dict) or not isinstance(tag.get("key"), str):
        _refuse_type("tags")
    value = tag.get("value") or ""
    if not isinstance(value, str):
        _refuse_type("tags")
    return tag["key"], value


def _refuse_type(name: str) -> NoReturn:
    detail = "cannot be deserialized from this type"
    raise Refused(INVALID_BODY, f"{name} {detail}", Fault(path=name, detail=detail))
