"""The declared secrets: each with its source and with what it inherits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncer.manifest.scopes import GivenScope, bodies, inherit
from syncer.manifest.sources import SourceReader
from syncer.model import Address, Origin, Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncer.manifest.document import Document, Report

_REPLACED = frozenset({"enabled", "rotate", "on_remove"})


def declared_secrets(
    documents: Sequence[Document], scopes: Mapping[str, GivenScope], report: Report
) -> dict[Address, Secret]:
    """Give every secret by address; one that is declared twice is a fault at its second place."""
    found: dict[Address, Secret] = {}
    sources = SourceReader(report=report)
    for document in documents:
        for name, body in bodies(document):
            for secret in _secrets_of(document, scopes[name], body.get("secrets") or {}, sources):
                first = found.setdefault(secret.address, secret)
                if first is not secret:
                    place = ("scopes", name, "secrets", secret.address.ref)
                    report.at_key(document, place, f"this address is declared at {first.origin} already")
    return found


def _secrets_of(
    document: Document, given: GivenScope, secrets: Mapping[str, dict[str, Any]], sources: SourceReader
) -> list[Secret]:
    name = given.scope.name
    lines = document.lines(("scopes", name, "secrets"))
    folder = Path(document.name).parent
    found = []
    for ref, entry in secrets.items():
        place = ("scopes", name, "secrets", ref)
        inherited, tags = given.inherited, entry.get("tags")
        if not _REPLACED.isdisjoint(entry):
            inherited = inherit(inherited, entry, document, place, sources.report)
        found.append(
            Secret(
                address=Address(name, ref),
                source=sources.read(entry["source"], folder, document, (*place, "source")),
                tags={**given.inherited.tags, **tags} if tags else given.inherited.tags,
                enabled=inherited.enabled,
                description=entry.get("description", ""),
                rotate=inherited.rotate,
                on_remove=inherited.on_remove,
                backend=given.scope.backend,
                origin=Origin(file=document.name, line=lines[ref]),
            )
        )
    return found
