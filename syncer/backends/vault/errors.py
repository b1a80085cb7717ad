"""What the server says, and what the line to it does, told in our words: never a text of its own."""

from __future__ import annotations

import json
import re
import socket
import ssl
from contextlib import suppress
from http.client import HTTPException, IncompleteRead
from typing import TYPE_CHECKING, NamedTuple

from syncer.errors import (
    AccessDenied,
    BackendError,
    InvalidConfiguration,
    NotFound,
    Refused,
    SyncerError,
    Throttled,
    Transient,
    VersionConflict,
)

if TYPE_CHECKING:
    from syncer.backends.vault.messages import Answer, Request


class _Rule(NamedTuple):
    """The first that fits tells what an answer means. Texts are those of Vault 1.21 and OpenBao 2.6."""

    statuses: range | tuple[int, ...]
    pattern: str
    """Found in what the server says."""
    kind: type[SyncerError]
    message: str
    hint: str | None = None


_DENIED = 403
_LOGIN = (400, 401, _DENIED)
_CLIENT, _SERVER = range(400, 500), range(500, 600)
_REASONS = {
    "invalid username or password": "unknown user or wrong password",
    "invalid role or secret ID": "unknown role or wrong secret ID",
    "missing secret_id": "the role wants a secret ID",
    "could not be found": "unknown role",
    "token is expired": "the token has expired",
    "token not yet valid": "the token is not valid yet",
    "invalid audience": "the token is for somebody else",
    "invalid issuer": "the token is of somebody else",
    "verifying token signature": "nobody that it trusts signed the token",
}
"""Why a login fails, by what the servers say."""

# A policy that does not reach is "1 error occurred: permission denied"; a token that nobody knows (any more) is
# "2 errors occurred: permission denied, invalid token" to Vault, and to OpenBao "permission denied" alone.
_NOBODY = r"invalid token|\A\s*permission denied\s*\Z"

_RULES = (
    _Rule(
        range(300, 400),
        "",
        Refused,
        "{thing}: vault at {server} sends us on to nowhere ({status})",
        "is a vault there? see `address` and VAULT_ADDR",
    ),
    _Rule(
        (_DENIED,),
        _NOBODY,
        AccessDenied,
        "{thing}: the token for vault at {server} is expired, revoked or unknown",
        "log in again, for instance with `vault login`, or name another one in `auth`",
    ),
    _Rule(
        (_DENIED,),
        "",
        AccessDenied,
        "{thing}: vault denied {right} on {path}",
        'the token\'s policy needs "{right}" on {path}',
    ),
    _Rule(
        (404,),
        "no handler for route",
        InvalidConfiguration,
        "{thing}: vault at {server} has nothing mounted at {mount}",
        "options `mount` and, for what lies in one, `namespace`",
    ),
    _Rule(
        (404,),
        "namespace not found",
        InvalidConfiguration,
        "{thing}: vault at {server} has no such namespace",
        "option `namespace`, or VAULT_NAMESPACE",
    ),
    _Rule(
        (404,),
        r"\A\s*<",
        InvalidConfiguration,
        "{thing}: what answers at {server} is no vault",
        "check `address` or VAULT_ADDR",
    ),
    _Rule((404,), "", NotFound, "{thing}: not in vault"),
    _Rule(
        (400,),
        "check-and-set parameter d(id|oes) not match",
        VersionConflict,
        "{thing}: somebody else wrote it since it was looked at",
        "plan again",
    ),
    _Rule(
        (400,),
        "metadata check-and-set parameter required",
        Refused,
        "{thing}: its metadata may be written under a condition only",
        "switch `metadata_cas_required` off, of the secret or of {mount}",
    ),
    _Rule((400,), "Upgrading from non-versioned", Transient, "{thing}: vault is busy making {mount} a version 2"),
    _Rule(
        (400,),
        "HTTP request to an HTTPS server",
        InvalidConfiguration,
        "{thing}: vault at {server} is to be reached over TLS",
        "write https:// in `address` or VAULT_ADDR",
    ),
    _Rule(
        (400, 413, 500),
        "too large|exceeds allowed|too big|high complexity",
        Refused,
        "{thing}: larger than this server takes ({status})",
        "its limits: max_request_size, and what the storage takes of one entry",
    ),
    _Rule((412,), "", Transient, "{thing}: vault at {server} has not caught up with an earlier write (412)"),
    _Rule((429,), "", Throttled, "{thing}: vault asks for fewer calls (429)"),
    _Rule(
        (472,),
        "",
        Refused,
        "{thing}: vault at {server} is a disaster recovery secondary, which serves nobody (472)",
        "name the primary in `address` or VAULT_ADDR",
    ),
    _Rule((473,), "", Transient, "{thing}: vault at {server} is a standby that does not serve this (473)"),
    _Rule((503,), "is sealed", Refused, "{thing}: vault at {server} is sealed", "unseal it: `vault operator unseal`"),
    _Rule(
        _SERVER,
        "not active|no active|active cluster node",
        Transient,
        "{thing}: vault at {server} has no active node ({status})",
    ),
    _Rule(_SERVER, "", Transient, "{thing}: vault at {server} failed ({status})"),
    _Rule(_CLIENT, "", Refused, "{thing}: vault refused {right} on {path} ({status})"),
)


def told(answer: Answer) -> SyncerError:
    """Turn an answer that is none to what was asked into ours."""
    text = said(answer)
    for rule in _RULES:
        if answer.status in rule.statuses and re.search(rule.pattern, text):
            return _error(rule, answer)
    return BackendError(f"{answer.request.thing}: vault at {answer.server} is beyond us ({answer.status})")


def _error(rule: _Rule, answer: Answer) -> SyncerError:
    asked = answer.request
    words = {"thing": asked.thing, "right": asked.right, "path": asked.path, "mount": asked.mount}
    message = rule.message.format(**words, server=answer.server, status=answer.status)
    hint = rule.hint and rule.hint.format(**words)
    if rule.kind is Throttled:
        return Throttled(message, hint=hint, retry_after=_retry_after(answer))
    return rule.kind(message, hint=hint)


def knows_us_not(answer: Answer) -> bool:
    """Whether the token was refused, and not what it may do."""
    return answer.status == _DENIED and re.search(_NOBODY, said(answer)) is not None


def said(answer: Answer) -> str:
    """Give the texts of an answer that is an error; to find something in, never to show: they may quote a request."""
    with suppress(ValueError, RecursionError):
        document = json.loads(answer.body)
        errors = document.get("errors") if isinstance(document, dict) else None
        return "\n".join(map(str, errors)) if isinstance(errors, list) else ""
    return answer.body[:200].decode("ascii", "replace")


def _retry_after(answer: Answer) -> float | None:
    """Give the pause that the server asks for, in seconds; a date, which none of them sends, is not read."""
    asked = answer.headers.get("Retry-After", "")
    return float(asked) if asked.isdecimal() else None


# The first class that fits; a refusal by the proxy is a plain OSError.
_LINES: tuple[tuple[type[Exception], str], ...] = (
    (ConnectionRefusedError, "connection refused"),
    (TimeoutError, "timed out"),
    (socket.gaierror, "unknown host"),
    (ConnectionError, "connection lost"),
    (IncompleteRead, "the answer was cut off"),
    (ssl.SSLError, "TLS broke off"),
    (HTTPException, "what came is no HTTP"),
    (OSError, "no way to it"),
)


def failed(error: OSError | HTTPException, request: Request, server: str) -> SyncerError:
    """Turn what went wrong instead of an answer into ours."""
    if isinstance(error, ssl.SSLError):
        problem = _tls(error, request, server)
        if problem is not None:
            return problem
    reason = next(reason for kind, reason in _LINES if isinstance(error, kind))
    return Transient(f"{request.thing}: no answer from vault at {server} ({reason})")


def _tls(error: ssl.SSLError, request: Request, server: str) -> SyncerError | None:
    reason = error.reason or ""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message.rstrip(".")
        message = f"{request.thing}: the certificate of vault at {server} is not trusted: {why}"
        hint = "its authority's certificate goes into `ca_cert` or VAULT_CACERT, another name into `tls_server_name`"
        return InvalidConfiguration(message, hint=hint)
    if "ALERT" in reason:
        message = f"{request.thing}: vault at {server} broke TLS off ({reason})"
        return AccessDenied(message, hint="does it want `client_cert` and `client_key`, or others?")
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        message = f"{request.thing}: vault at {server} does not speak TLS"
        return InvalidConfiguration(message, hint="is it http:// that `address` or VAULT_ADDR should say?")
    return None


def turned_down(answer: Answer) -> SyncerError:
    """Turn the answer to a login that failed into ours."""
    problem = told(answer)
    if answer.status not in _LOGIN or not isinstance(problem, AccessDenied | Refused):
        return problem
    text = said(answer)
    why = next((spoken for words, spoken in _REASONS.items() if words in text), answer.status)
    message = f"vault at {answer.server} turned the login at {answer.request.mount} down ({why})"
    hint = "check the credentials under `auth`, and that the method is enabled there; many failures lock a user out"
    return AccessDenied(message, hint=hint)


def downgraded(answer: Answer) -> SyncerError:
    """Tell of a node that a standby would have us reach without TLS."""
    message = f"{answer.request.thing}: vault at {answer.server} sends us on to an address without TLS"
    return Refused(message, hint="correct `api_addr` in the configuration of its nodes")
