"""The part of SARIF 2.1.0 that is written, as a JSON Schema that closes every object.

Sections of https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html are named where they say more.
"""

from __future__ import annotations

from typing import Any

LEVEL = {"enum": ["none", "note", "warning", "error"]}


def closed(required: str, **properties: Any) -> dict[str, Any]:
    """Give an object with these properties and no others, some of them required."""
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def listed(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Give an array."""
    return {"type": "array", "items": items, **more}


TEXT = {"type": "string", "minLength": 1}
LINE = {"type": "integer", "minimum": 1}
MESSAGE = closed("text", text=TEXT)  # 3.11
RULE = closed("id shortDescription", id=TEXT, shortDescription=MESSAGE, properties=closed("tags", tags=listed(TEXT)))
FILE = closed("uri", uri={"type": "string", "format": "uri-reference"}, uriBaseId=TEXT)  # 3.4
REGION = closed("startLine", startLine=LINE, startColumn=LINE)  # 3.30
PLACE = closed(
    "physicalLocation",
    physicalLocation=closed("artifactLocation region", artifactLocation=FILE, region=REGION),
    logicalLocations=listed(closed("fullyQualifiedName kind", fullyQualifiedName=TEXT, kind={"const": "resource"})),
)
RESULT = closed(
    "ruleId ruleIndex level message locations partialFingerprints",
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=MESSAGE,
    locations=listed(PLACE, minItems=1, maxItems=1),
    partialFingerprints={"type": "object", "additionalProperties": TEXT, "minProperties": 1},
)
NOTIFICATION = closed("level message", level=LEVEL, message=MESSAGE)
RUN = closed(
    "tool results",
    tool=closed(
        "driver", driver=closed("name version rules", name=TEXT, version=TEXT, rules=listed(RULE, uniqueItems=True))
    ),
    automationDetails=closed("id", id=TEXT),
    invocations=listed(
        closed(
            "executionSuccessful",
            executionSuccessful={"type": "boolean"},
            toolExecutionNotifications=listed(NOTIFICATION),
        )
    ),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results=listed(RESULT),
)
LOG = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **closed("version runs", **{"$schema": {"type": "string"}, "version": {"const": "2.1.0"}, "runs": listed(RUN)}),
}
