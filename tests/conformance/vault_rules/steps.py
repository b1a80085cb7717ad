"""What a rule is: requests in order, and what must come back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NOTHING = ""
"""An empty body."""
DENIED = "1 error occurred:\n\t* permission denied\n\n"
UNSUPPORTED = "1 error occurred:\n\t* unsupported operation\n\n"
MISMATCH = "check-and-set parameter did not match the current version"
REQUIRED = "check-and-set parameter required for this call"
NO_SLASH = "cannot write to a path ending in '/'"
INVALID = "1 error occurred:\n\t* custom_metadata validation failed: "
MERGE = {"Content-Type": "application/merge-patch+json"}

Expected = dict[str, Any] | str | None
MISSING: Expected = {"errors": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request, its method and path inside the mount, and what must come back."""

    call: str
    status: int
    expected: Expected = None
    """Values by dotted path, or the only error, or the start of it if it ends in three dots; none if all may come."""
    body: Any = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    openbao: tuple[int, Expected] | None = None
    """What comes back from OpenBao where it differs from Vault."""

    def expectation(self, flavour: str) -> tuple[int, Expected]:
        """Give status and parts that a product must reply with."""
        return self.openbao if self.openbao and flavour == "openbao" else (self.status, self.expected)


def step(call: str, status: int, expected: Expected = None, body: Any = None, **more: Any) -> Step:
    """Make a step; a PATCH is a merge patch unless its headers say otherwise."""
    headers = more.pop("headers", MERGE if call.startswith("PATCH") else {})
    return Step(call=call, status=status, expected=expected, body=body, headers=headers, **more)


def write(key: str, version: int, value: Any = None, **options: Any) -> Step:
    """Write a value, which must become this version."""
    body = {"data": {"k": value}, **({"options": options} if options else {})}
    return step(f"POST data/{key}", 200, {"data.version": version}, body)


def ignored(*parameters: str) -> list[str]:
    """Give the warnings about parameters that mean nothing."""
    return [f"Endpoint ignored these unrecognized parameters: [{' '.join(parameters)}]"]


def hint(brand: str, command: str) -> list[str]:
    """Give the warnings about a path that means nothing."""
    head = "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use."
    return [f"{head} If using the {brand} CLI, use '{command}' for this operation."]
