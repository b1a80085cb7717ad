"""The JSON Schemas that ship with the tool."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import syncer


def schema_path(name: str) -> Path:
    """Find a schema by its name: `manifest`, `plan` or `state`."""
    package = Path(syncer.__file__).parent
    installed = package / "schemas"
    # A wheel carries the schemas inside the package; a checkout has them beside it.
    folder = installed if installed.is_dir() else package.parent / "schemas"
    return folder / f"{name}.schema.json"


def load_schema(name: str) -> dict[str, Any]:
    """Parse a schema."""
    schema: dict[str, Any] = json.loads(schema_path(name).read_bytes())
    return schema
