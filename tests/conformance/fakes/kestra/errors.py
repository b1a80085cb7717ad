"""Errors, and the two shapes that their bodies have had."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.fakes.kestra.replies import PROBLEM, Document, Reply

if TYPE_CHECKING:
    from conformance.fakes.kestra.releases import Release

TYPES = "https://kestra.io/docs/api-reference/problems/"
UNSAID = "An internal error occurred."
"""All that a problem tells of what went wrong in the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What errors have in common."""

    status: int
    slug: str
    """How a problem's type ends."""
    title: str
    reason: str
    """How the message begins in releases before 2.0."""


def _kind(status: int, slug: str, title: str, reason: str = "") -> Kind:
    return Kind(status=status, slug=slug, title=title, reason=reason or title)


BAD_REQUEST = _kind(400, "bad-request", "Bad request", "Bad Request")
BAD_PARAMETER = _kind(400, "invalid-query-parameter", "Invalid query parameter", "Bad Request")
BAD_FILTERS = _kind(400, "invalid-query-filters", "Invalid query filters")
UNAUTHENTICATED = _kind(401, "unauthenticated", "Authentication required", "Unauthorized")
FORBIDDEN = _kind(403, "forbidden", "Access denied", "Forbidden")
NOT_FOUND = _kind(404, "not-found", "Resource not found", "Not Found")
CONFLICT = _kind(409, "conflict", "Conflict", "Illegal state")
MEDIA_TYPE = _kind(415, "unsupported-media-type", "Unsupported media type", "Unsupported Media Type")
INVALID_JSON = _kind(422, "invalid-json", "Invalid JSON", "Invalid json")
INVALID_BODY = _kind(422, "invalid-request-body", "Invalid request body", "Invalid json mapping")
INVALID_ARGUMENT = _kind(422, "invalid-argument", "Invalid argument", "Illegal argument")
VALIDATION_FAILED = _kind(422, "validation-failed", "Validation failed", "Invalid entity")
LOCKED = _kind(423, "locked", "Resource is locked", "Locked")
TOO_MANY_REQUESTS = _kind(429, "too-many-requests", "Too many requests", "Too Many Requests")
INTERNAL = _kind(500, "internal-error", "Internal server error")
UNKNOWN_HERE = _kind(501, "internal-error", "Not implemented", "this fake does not know")
"""To what a real server may know and this one does not: loudly, so that no test builds on it."""
UNAVAILABLE = _kind(503, "service-unavailable", "Service unavailable", "Service Unavailable")
MIGRATION_REQUIRED = _kind(503, "migration-required", "Migration required", "Service Unavailable")
TIMEOUT = _kind(504, "timeout", "Operation timed out", "Gateway Timeout")

BY_STATUS = {
    kind.status: kind
    for kind in (
        *(BAD_REQUEST, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, CONFLICT, MEDIA_TYPE, VALIDATION_FAILED),
        *(LOCKED, TOO_MANY_REQUESTS, INTERNAL, UNAVAILABLE, TIMEOUT),
    )
}
"""The kind that is meant where only a status is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A member of a body that is not as it must be."""

    path: str
    detail: str


class Refused(Exception):
    """Ends a request with an error."""

    def __init__(self, kind: Kind, detail: str = "", *faults: Fault) -> None:
        super().__init__(kind.status)
        self.kind = kind
        self.detail = detail
        self.faults = faults


def spelled(refused: Refused, release: Release, target: str) -> Reply:
    """Spell an error as a release does, to who asked for that target."""
    if release.problems:
        return Reply(status=refused.kind.status, body=_problem(refused, target), headers=(PROBLEM,))
    return Reply(status=refused.kind.status, body=_json_error(refused, target))


def _problem(refused: Refused, target: str) -> Document:
    kind = refused.kind
    broken = kind.status >= 500 and kind is not UNKNOWN_HERE
    body = {
        "type": TYPES + kind.slug,
        "title": kind.title,
        "status": kind.status,
        "detail": UNSAID if broken else refused.detail or kind.title,
        "instance": target.partition("?")[0],
    }
    faults = [{"detail": one.detail, "pointer": f"/{one.path}", "path": one.path} for one in refused.faults]
    return body | ({"errors": faults} if faults else {}) | ({"traceId": uuid.uuid4().hex} if broken else {})


def _json_error(refused: Refused, target: str) -> Document:
    message = f"{refused.kind.reason}: {refused.detail}" if refused.detail else refused.kind.reason
    faults = [{"message": one.detail, "path": one.path} for one in refused.faults]
    body = {"message": message, "_links": {"self": {"href": target, "templated": False}}}
    return body | ({"_embedded": {"errors": faults}} if faults else {})
