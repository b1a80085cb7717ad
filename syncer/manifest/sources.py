"""The declared sources: exactly one for each secret, checked without asking it for anything."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, cast

from syncer.errors import InvalidConfiguration
from syncer.manifest.document import Place, spoken
from syncer.manifest.wording import unknown
from syncer.model import SourceSpec
from syncer.registry import SOURCES, source_class
from syncer.sources.base import KEY_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from syncer.manifest.document import Document, Report
    from syncer.sources.base import Source

_DECODE = "decode"
_OPTIONS = frozenset({_DECODE, "timeout", "trim"})
"""Of our own sources: no source is called like that."""

# The schema says all that there is to say about these, so no class is loaded to check them.
_SETTLED = {"env": frozenset({_DECODE}), "file": frozenset({_DECODE, "trim"})}
_NOTHING: Mapping[str, Any] = {}

_MANY = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReader:
    """Reads the sources of one manifest."""

    report: Report
    _classes: dict[str, type[Source] | InvalidConfiguration] = field(default_factory=dict)

    def read(self, given: Mapping[str, Any], folder: Path, document: Document, place: Place) -> SourceSpec:
        """Read a `source` mapping and note what is wrong with it."""
        kind = next(iter(given), "") if len(given) == 1 else ""
        if kind not in SOURCES:
            kind = self._kind(given, document, place)
        options = {key: value for key, value in given.items() if key != kind} if len(given) > 1 else _NOTHING
        spec = SourceSpec(type=kind, argument=given.get(kind), options=options, folder=folder)
        if kind and not _settled(spec):
            self._check(spec, document, place)
        return spec

    def _kind(self, given: Mapping[str, Any], document: Document, place: Place) -> str:
        """Give the one key that names a source, or nothing."""
        named = [key for key in given if key in SOURCES] or self._from_packages(given, document, place)
        if len(named) > 1:
            self.report.at_key(document, (*place, named[1]), f"exactly one source, and `{named[0]}` is there already")
        return named[0] if len(named) == 1 else ""

    def _from_packages(self, given: Mapping[str, Any], document: Document, place: Place) -> list[str]:
        """Give the keys that name sources of other packages; note it where none does."""
        candidates = [key for key in given if key not in _OPTIONS]
        found = {key: self._class(key) for key in candidates}
        named = [key for key in candidates if not isinstance(found[key], InvalidConfiguration)]
        if not candidates:
            self.report.at_value(document, place, f"exactly one source is needed: {', '.join(SOURCES)}")
        elif not named:
            for key, error in found.items():
                self.report.at_key(document, (*place, key), spoken(cast("InvalidConfiguration", error)))
        return named

    def _class(self, kind: str) -> type[Source] | InvalidConfiguration:
        if kind not in self._classes:
            self._classes[kind] = self._find(kind)
        return self._classes[kind]

    def _find(self, kind: str) -> type[Source] | InvalidConfiguration:
        # To look through the packages takes milliseconds; a manifest may hold 10,000 wrong sources.
        if len(self._classes) > _MANY:
            return InvalidConfiguration("unknown source")
        try:
            return source_class(kind)
        except InvalidConfiguration as error:
            return error

    def _check(self, spec: SourceSpec, document: Document, place: Place) -> None:
        source = cast("type[Source]", self._class(spec.type))
        known = {option.name for option in fields(source.Options)} | {_DECODE}
        extra = spec.options.keys() - known
        for key in extra:
            message = unknown("option", key, sorted({*known, spec.type}), self.report)
            self.report.at_key(document, (*place, key), message)
        if extra:
            return
        try:
            source(spec)
        except InvalidConfiguration as error:
            self.report.at_value(document, (*place, spec.type), spoken(error))


def _settled(spec: SourceSpec) -> bool:
    allowed = _SETTLED.get(spec.type)
    return allowed is not None and spec.argument != KEY_VARIABLE and spec.options.keys() <= allowed
