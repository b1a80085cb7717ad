"""What the manifest says of those who read: which application may read what, and how long values are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncer.manifest.rotation import read_duration
from syncer.model import Access, CacheSpec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from syncer.manifest.document import Document, Place, Report
    from syncer.model import Address

_LISTS = ("allowed", "denied")


def readers(given: Mapping[str, Any] | None) -> dict[str, Access]:
    """Read the `readers` of a scope."""
    return {app: _access(access or {}) for app, access in (given or {}).items()}


def declared_cache(main: Document, report: Report) -> CacheSpec:
    """Read `cache`, and note what is wrong with it."""
    given = main.data.get("cache") or {}
    age = read_duration(given.get("expire_after_write"), main, ("cache", "expire_after_write"), report)
    least = CacheSpec()
    return CacheSpec(
        enabled=given.get("enabled", least.enabled),
        maximum_size=int(given.get("maximum_size", least.maximum_size)),
        expire_after_write=age or least.expire_after_write,
    )


def check_readers(document: Document, declared: Collection[Address], report: Report) -> None:
    """Note each ref under `readers` that no scope declares: a misspelt one would deny what was to be allowed."""
    refs = {address.ref for address in declared}
    for place, ref in _named(document):
        if ref not in refs and not report.lost:
            report.at_value(document, place, f"no scope declares this ref{report.suggest(ref, refs)}")


def _access(given: Mapping[str, Any]) -> Access:
    allowed, denied = (tuple(given.get(name) or ()) for name in _LISTS)
    return Access(default_allow=given.get("default_access", "allow") == "allow", allowed=allowed, denied=denied)


def _named(document: Document) -> Iterator[tuple[Place, str]]:
    for scope, body in (document.data.get("scopes") or {}).items():
        for app, access in ((body or {}).get("readers") or {}).items():
            yield from _of(access or {}, ("scopes", scope, "readers", app))


def _of(access: Mapping[str, Any], place: Place) -> Iterator[tuple[Place, str]]:
    for name in _LISTS:
        for index, ref in enumerate(access.get(name) or ()):
            yield (*place, name, index), ref
