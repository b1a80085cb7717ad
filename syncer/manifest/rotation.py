"""When a value is due for a new version, as declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncer.errors import InvalidConfiguration
from syncer.model import Rotation
from syncer.options import duration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from syncer.manifest.document import Document, Place, Report


def rotation(given: Mapping[str, Any], document: Document, place: Place, report: Report) -> Rotation:
    """Read a `rotate` mapping and note what is wrong with it."""
    every = read_duration(given.get("every"), document, (*place, "every"), report)
    warn = read_duration(given.get("warn"), document, (*place, "warn"), report)
    if every and warn and warn >= every:
        report.at_value(document, (*place, "warn"), "`warn` must be shorter than `every`")
    return Rotation(every=every, warn=warn, version=int(given.get("version", 0)))


def read_duration(text: str | None, document: Document, place: Place, report: Report) -> timedelta | None:
    """Read a span, and note what is wrong with it; None where none is given."""
    if text is None:
        return None
    try:
        return duration(text)
    except InvalidConfiguration as error:
        report.at_value(document, place, error.message)
        return None
