"""What goes wrong between us and a server, told in our words: never a text of its own, which may quote a request."""

from __future__ import annotations

import re
import ssl
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
)
from syncer.rest.causes import chain, in_words
from syncer.rest.messages import garbled, is_page
from syncer.rest.options import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncer.rest.messages import Answer, Request, Server

REDIRECTS, CLIENT, SERVER = range(300, 400), range(400, 500), range(500, 600)
UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 401, 403, 404


class Rule(NamedTuple):
    """What the answers with some statuses mean; the first rule that fits counts."""

    statuses: range | tuple[int, ...]
    kind: type[SyncerError]
    message: str
    """May name {thing}, {store}, {url}, {call}, {status}, {right} and {credential}."""
    hint: str | None = None


RULES = (
    Rule(
        REDIRECTS,
        Refused,
        "{thing}: {store} at {url} sends {call} on to somewhere else ({status})",
        "check `url` and its path: http or https? a proxy may want a login of its own",
    ),
    Rule(
        (UNAUTHORIZED,),
        AccessDenied,
        "{thing}: {store} at {url} does not let us in with {credential} ({call}, 401)",
        "is it expired, revoked or of another server? it needs {right}",
    ),
    Rule((FORBIDDEN,), AccessDenied, "{thing}: {store} at {url} denied {call} (403)", "{credential} needs {right}"),
    Rule((NOT_FOUND,), NotFound, "{thing}: not in {store}"),
    Rule(
        (407,),
        AccessDenied,
        "{thing}: the proxy before {store} at {url} does not let us through (407)",
        "its user and password go into HTTP_PROXY: http://user:password@host:port",
    ),
    Rule((408, 425), Transient, "{thing}: {store} at {url} did not take {call} in time ({status})"),
    Rule((413,), Refused, "{thing}: larger than {store} at {url} takes (413)"),
    Rule((429,), Throttled, "{thing}: {store} at {url} asks for fewer calls (429)"),
    Rule(SERVER, Transient, "{thing}: {store} at {url} failed at {call} ({status})"),
    Rule(CLIENT, Refused, "{thing}: {store} at {url} refused {call} ({status})"),
    Rule(range(1000), BackendError, "{thing}: what {store} at {url} answered to {call} is beyond us ({status})"),
)
_ANONYMOUS = Rule(
    (UNAUTHORIZED, FORBIDDEN),
    AccessDenied,
    "{thing}: {store} at {url} wants to know who we are ({call}, {status})",
    "give `token`, or `username` and `password`; it needs {right}",
)
_PLAIN = Rule(
    (400,),
    InvalidConfiguration,
    "{thing}: {store} at {url} is to be reached over TLS",
    "is it https:// that `url` should say?",
)
_WANTS_TLS = re.compile(rb"HTTP request (was sent )?to (an )?HTTPS")
"""How servers in Go, and nginx, answer to HTTP where they speak TLS."""


def told(answer: Answer, first: tuple[Rule, ...] = ()) -> SyncerError:
    """Turn an answer that is none to what was asked into an error; the rules in `first` go before the common ones."""
    if answer.status == NOT_FOUND and is_page(answer):
        return garbled(answer)  # nothing that an API says of a secret
    request, server = answer.request, answer.server
    rules = (*_special(answer), *first, *RULES)
    rule = next(rule for rule in rules if answer.status in rule.statuses)
    words = {
        "thing": request.thing,
        "call": request.call,
        "right": request.right,
        "status": answer.status,
        "store": server.store,
        "url": server.url,
        "credential": server.credential,
    }
    message, hint = rule.message.format(**words), rule.hint and rule.hint.format(**words)
    if issubclass(rule.kind, Transient):
        return rule.kind(message, hint=hint, retry_after=_retry_after(answer))
    return rule.kind(message, hint=hint)


def _special(answer: Answer) -> Iterator[Rule]:
    """Give the rules that hold for more than a status."""
    if answer.server.credential == NOBODY:
        yield _ANONYMOUS
    if _WANTS_TLS.search(answer.body):
        yield _PLAIN


def _retry_after(answer: Answer) -> float | None:
    """Give the pause that the server asks for, in seconds; a date, which few send, is not read."""
    asked = answer.headers.get("retry-after", "")
    return float(asked) if asked.isdecimal() else None


def cannot_ask(request: Request, server: Server) -> SyncerError:
    """Tell of a call that cannot be put into a request: a URL that is none, half a surrogate pair in a text."""
    message = f"{request.thing}: {server.store} at {server.url} cannot be asked {request.call}"
    return InvalidConfiguration(message, hint="check `url`, and the texts to send for what is no Unicode")


def no_answer(error: Exception, request: Request, server: Server, *, otherwise: str) -> SyncerError:
    """Turn what came instead of an answer into ours; `otherwise` says it where no cause of it is known here."""
    causes = tuple(chain(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLError) and (problem := _tls(cause, request, server)) is not None:
            return problem
    if any(isinstance(cause, OSError) for cause in causes):
        otherwise = "no way to it"
    why = in_words(causes, otherwise=otherwise)
    return Transient(f"{request.thing}: no answer from {server.store} at {server.url} to {request.call} ({why})")


def _tls(error: ssl.SSLError, request: Request, server: Server) -> SyncerError | None:
    reason = error.reason or ""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message.rstrip(".")
        message = f"{request.thing}: the certificate of {server.store} at {server.url} is not trusted: {why}"
        return InvalidConfiguration(message, hint="its authority's certificate goes into `ca_cert`")
    if "ALERT" in reason:
        message = f"{request.thing}: {server.store} at {server.url} broke TLS off ({reason})"
        return AccessDenied(message, hint="does it want `client_cert` and `client_key`, or others?")
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        message = f"{request.thing}: {server.store} at {server.url} does not speak TLS"
        return InvalidConfiguration(message, hint="is it http:// that `url` should say?")
    return None
