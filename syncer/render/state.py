"""State and its records as text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from syncer.render.text import clean, table
from syncer.state.model import record_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.model import Address
    from syncer.state.model import Record, State

_COLUMNS = ("address", "backend", "version", "enabled", "rotated", "value")


def state_json(document: Mapping[str, Any]) -> str:
    """Write the state as one JSON document."""
    return json.dumps(document, indent=2) + "\n"


def state_text(state: State) -> str:
    """Write the state as a table, a line for each record."""
    rows = [_COLUMNS, *(_row(address, record) for address, record in sorted(state.records.items()))]
    head = f"project {state.project}, lineage {state.lineage or '(none yet)'}, serial {state.serial}"
    return "\n".join([head, "", *table(rows)]) + "\n"


def state_markdown(state: State) -> str:
    """Write the state table for a comment; in a fence, where nothing from outside is markup."""
    return f"```text\n{state_text(state).replace('`', '&#96;')}```\n"


def record_text(address: Address, record: Record, form: str) -> str:
    """Write one record, in JSON or a line for each field."""
    document = {"address": str(address), **record_document(record)}
    if form == "json":
        return json.dumps(document, indent=2) + "\n"
    width = max(map(len, document))
    return "".join(f"{name.ljust(width)} = {json.dumps(value)}\n" for name, value in document.items())


def _row(address: Address, record: Record) -> tuple[str, ...]:
    return (
        clean(str(address)),
        record.backend,
        clean(record.version or "(unknown)"),
        "yes" if record.enabled else "no",
        record.rotated.strftime("%Y-%m-%d"),
        record.fingerprint.short if record.fingerprint else "(unknown)",
    )
