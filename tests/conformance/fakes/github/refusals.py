"""Errors as GitHub words them.

https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
"""

from __future__ import annotations

from conformance.fakes.forge import Refused, answer
from conformance.fakes.loopback import Answer

DOCS = "https://docs.github.com/rest"


def _error(status: int, message: str, *errors: dict[str, str]) -> Refused:
    more = {"errors": list(errors)} if errors else {}
    return Refused(status, {"message": message, **more, "documentation_url": DOCS, "status": str(status)})


BAD_CREDENTIALS = _error(401, "Bad credentials")
REQUIRES_AUTHENTICATION = _error(401, "Requires authentication")
NOT_ACCESSIBLE = _error(403, "Resource not accessible by integration")
NOT_ACCESSIBLE_PAT = _error(403, "Resource not accessible by personal access token")
LOCKED = _error(403, "Unable to create comment because issue is locked.")
ARCHIVED = _error(403, "Repository was archived so is read-only.")
NOT_FOUND = _error(404, "Not Found")
EXPIRED = _error(410, "Artifact has expired")
ISSUES_OFF = _error(410, "Issues has been disabled in this repository.")
UNKNOWN_COMMIT = _error(422, "No commit found for SHA")
UNKNOWN_CALL = _error(501, "this fake does not know")
"""To what GitHub may know and this one does not: loudly, so that no test builds on it."""


def too_long(resource: str) -> Refused:
    """Refuse a body."""
    message = "Body is too long (maximum is 65536 characters)"
    return _error(
        422,
        f"Validation Failed: {message}",
        {"resource": resource, "code": "unprocessable", "field": "data", "message": message},
    )


def missing(resource: str, field: str) -> Refused:
    """Refuse what lacks a member."""
    return _error(422, "Validation Failed", {"resource": resource, "code": "missing_field", "field": field})


def primary_limit(reset: int, status: int = 403) -> Answer:
    """Refuse until a time, in seconds since 1970."""
    document = {"message": "API rate limit exceeded for installation ID 1.", "documentation_url": DOCS}
    headers = (
        ("X-RateLimit-Limit", "1000"),
        ("X-RateLimit-Remaining", "0"),
        ("X-RateLimit-Reset", str(reset)),
    )
    return answer(status, document, *headers)


def secondary_limit(retry_after: int | None = 1, status: int = 403) -> Answer:
    """Refuse for some seconds, which GitHub does not always tell."""
    words = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    headers = () if retry_after is None else (("Retry-After", str(retry_after)),)
    return answer(status, {"message": words, "documentation_url": DOCS}, *headers)


UNAVAILABLE = answer(503, {"message": "Service unavailable", "documentation_url": DOCS})
UNICORN = Answer(status=502, headers=(("Content-Type", "text/html"),), body=b"<html><body>Unicorn!</body></html>")
LOGIN_PAGE = Answer(headers=(("Content-Type", "text/html"),), body=b"<html><body>Sign in</body></html>")
"""A proxy that wants a login of its own."""
