"""Errors as GitLab words them."""

from __future__ import annotations

from conformance.fakes.forge import Refused, answer
from conformance.fakes.loopback import Answer

UNAUTHORIZED = Refused(401, {"message": "401 Unauthorized"})
SCOPE = Refused(
    403,
    {
        "error": "insufficient_scope",
        "error_description": "The request requires higher privileges than provided by the access token.",
        "scope": "api",
    },
)
FORBIDDEN = Refused(403, {"message": "403 Forbidden"})
PROJECT_NOT_FOUND = Refused(404, {"message": "404 Project Not Found"})
NOT_FOUND = Refused(404, {"message": "404 Not found"})
UNKNOWN_CALL = Refused(501, {"message": "this fake does not know"})
"""To what GitLab may know and this one does not: loudly, so that no test builds on it."""
TOO_LONG = Refused(400, {"message": {"note": ["is too long (maximum is 1000000 characters)"]}})
UNAVAILABLE = answer(503, {"message": "503 Service Unavailable"})
BAD_GATEWAY = Answer(
    status=502, headers=(("Content-Type", "text/html"),), body=b"<html>GitLab is not responding</html>"
)
LOGIN_PAGE = Answer(headers=(("Content-Type", "text/html"),), body=b"<html><body>Sign in</body></html>")


def missing(name: str) -> Refused:
    """Refuse what lacks a member."""
    return Refused(400, {"error": f"{name} is missing"})


def throttled(retry_after: int | None = 1, reset: int | None = None) -> Answer:
    """Refuse for some seconds."""
    headers = [("RateLimit-Limit", "60"), ("RateLimit-Remaining", "0")]
    headers += [] if retry_after is None else [("Retry-After", str(retry_after))]
    headers += [] if reset is None else [("RateLimit-Reset", str(reset))]
    return Answer(status=429, headers=(("Content-Type", "text/plain"), *headers), body=b"Retry later\n")
