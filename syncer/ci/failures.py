"""What goes wrong between us and a platform, told in our words: never a text of its own, which may quote a request."""

from __future__ import annotations

import json
import ssl
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple

from syncer.errors import AccessDenied, BackendError, InvalidConfiguration, Refused, SyncerError, Throttled, Transient
from syncer.rest.causes import chain, in_words

if TYPE_CHECKING:
    from collections.abc import Mapping

_MINUTE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked of a platform, for errors."""

    thing: str
    """`the comment on pull request 7`."""
    right: str
    """What one needs for it, in the platform's own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Whom we asked."""

    name: str
    """`github`."""
    url: str
    """Where its API begins."""
    token: str
    """The variable that held the token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a platform said."""

    status: int
    headers: Mapping[str, object] = field(repr=False)
    """Found by names in small letters."""
    data: object = field(repr=False)

    def says(self, words: str) -> bool:
        """Whether these words, in small letters, stand in it; to find something, never to show."""
        return words in json.dumps(self.data, default=str).lower()

    def header(self, name: str) -> str:
        """Give a header; empty where there is none."""
        return str(self.headers.get(name, ""))


class Rule(NamedTuple):
    """The first that fits tells what an answer means."""

    statuses: range | tuple[int, ...]
    words: str
    """Stand in the answer, in small letters."""
    kind: type[SyncerError]
    message: str
    """May name {thing}, {name}, {url}, {status}, {right} and {token}."""
    hint: str | None = None


UNKNOWN_TOKEN = Rule(
    (401,),
    "",
    AccessDenied,
    "{thing}: {name} at {url} does not know the token (401)",
    "is {token} expired, revoked or of another server?",
)
OTHERS = (
    Rule(range(400, 500), "", Refused, "{thing}: {name} at {url} refused it ({status})"),
    Rule(range(500, 600), "", Transient, "{thing}: {name} at {url} failed ({status})"),
)
"""What is left once a platform's own rules did not fit."""


def told(answer: Answer, rules: tuple[Rule, ...], asked: Asked, site: Site) -> SyncerError:
    """Turn it into ours."""
    for rule in rules:
        if answer.status in rule.statuses and answer.says(rule.words):
            return _error(rule, answer.status, asked, site)
    message = f"{asked.thing}: what answers at {site.url} is no {site.name}"
    return InvalidConfiguration(message, hint="check its address: http or https? a proxy may want a login of its own")


def _error(rule: Rule, status: int, asked: Asked, site: Site) -> SyncerError:
    words = {"thing": asked.thing, "right": asked.right, "name": site.name, "url": site.url, "token": site.token}
    message = rule.message.format(**words, status=status)
    return rule.kind(message, hint=rule.hint and rule.hint.format(**words))


def limited(answer: Answer, asked: Asked, site: Site, *, reset: str) -> SyncerError:
    """Tell of a limit on calls, which is lifted at the time that a header named `reset` tells."""
    pause = answer.header("retry-after")
    seconds = float(pause) if pause.isdecimal() else _until(answer, answer.header(reset))
    message = f"{asked.thing}: {site.name} at {site.url} asks for fewer calls ({answer.status}), for {seconds:.0f} s"
    return Throttled(message, hint="run it again later", retry_after=seconds)


def _until(answer: Answer, reset: str) -> float:
    """Give the seconds until a time, by the server's clock: ours may be wrong. A minute where it tells none."""
    if not reset.isdecimal():
        return _MINUTE
    try:
        now = parsedate_to_datetime(answer.header("date")).timestamp()
    except ValueError:
        now = time.time()
    return max(0.0, float(reset) - now) + 1.0


def unreadable(asked: Asked, site: Site) -> SyncerError:
    """Tell of an answer with a status of success and without what it should hold."""
    message = f"{asked.thing}: what {site.name} at {site.url} answered cannot be read"
    return BackendError(message, hint="is a proxy in the way, or is it another release?")


def no_answer(error: OSError, asked: Asked, site: Site) -> SyncerError:
    """Turn what came instead of an answer into ours; every error of `requests` is an OSError."""
    causes = tuple(chain(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = cause.verify_message.rstrip(".")
            message = f"{asked.thing}: the certificate of {site.name} at {site.url} is not trusted: {why}"
            return InvalidConfiguration(message, hint="its authority's certificate goes into REQUESTS_CA_BUNDLE")
    late = "timeout" in type(error).__name__.lower()
    why = in_words(causes, otherwise="timed out" if late else "the answer was cut off")
    return Transient(f"{asked.thing}: no answer from {site.name} at {site.url} ({why})")
