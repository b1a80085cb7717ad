"""The declared backends: known types, options that fit, checked without opening one."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from syncer.errors import InvalidConfiguration
from syncer.manifest.document import Place, spoken
from syncer.manifest.wording import unknown
from syncer.model import DEFAULT_BACKEND, BackendSpec, Origin
from syncer.options import parse_options
from syncer.registry import EMBEDDED, options_class

if TYPE_CHECKING:
    from syncer.manifest.document import Document, Report

_EMBEDDED = {"type": EMBEDDED}


def declared_backends(main: Document, report: Report) -> dict[str, BackendSpec]:
    """Give every backend by name, the default one first: the embedded store, where the manifest names none."""
    found = {
        DEFAULT_BACKEND: _backend(DEFAULT_BACKEND, main, ("backend",), main.data.get("backend", _EMBEDDED), report)
    }
    for name, given in (main.data.get("backends") or {}).items():
        place = ("backends", name)
        if name == DEFAULT_BACKEND:
            report.at_key(main, place, "the default backend stands under `backend`, so no other can have its name")
        else:
            found[name] = _backend(name, main, place, given, report)
    return found


def _backend(name: str, main: Document, place: Place, given: dict[str, Any], report: Report) -> BackendSpec:
    options = {key: value for key, value in given.items() if key != "type"}
    try:
        wanted = options_class(given["type"])
    except InvalidConfiguration as error:
        report.at_value(main, (*place, "type"), spoken(error))
    else:
        _check_options(wanted, options, main, place, report)
    origin = Origin(file=main.name, line=main.key(place).start_mark.line + 1)
    return BackendSpec(name=name, type=given["type"], options=options, origin=origin)


def _check_options(wanted: type[Any], given: dict[str, Any], main: Document, place: Place, report: Report) -> None:
    known = {field.name for field in fields(wanted)}
    for key in given.keys() - known:
        report.at_key(main, (*place, key), unknown("option", key, sorted({*known, "type"}), report))
    try:
        parse_options(wanted, {key: value for key, value in given.items() if key in known})
    except InvalidConfiguration as error:
        report.at_value(main, place, spoken(error))
