"""An answer that is none to what was asked, and the rules that tell what it means."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple

from syncer.ci.lines import MINUTE, no_platform, throttled
from syncer.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.ci.lines import Asked, Site
    from syncer.errors import SyncerError


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


def told(answer: Answer, rules: tuple[Rule, ...], asked: Asked, site: Site) -> SyncerError:
    """Turn it into ours."""
    for rule in rules:
        if answer.status in rule.statuses and answer.says(rule.words):
            return _error(rule, answer.status, asked, site)
    return no_platform(asked, site)


def _error(rule: Rule, status: int, asked: Asked, site: Site) -> SyncerError:
    words = {"thing": asked.thing, "right": asked.right, "name": site.name, "url": site.url, "token": site.token}
    message = rule.message.format(**words, status=status)
    return rule.kind(message, hint=rule.hint and rule.hint.format(**words))


def limited(answer: Answer, asked: Asked, site: Site, *, reset: str) -> SyncerError:
    """Tell of a limit on calls, which is lifted at the time that a header named `reset` tells."""
    pause = answer.header("retry-after")
    seconds = float(pause) if pause.isdecimal() else _until(answer, answer.header(reset))
    return throttled(asked, site, answer.status, seconds)


def _until(answer: Answer, reset: str) -> float:
    """Give the seconds until a time, by the server's clock: ours may be wrong. A minute where it tells none."""
    if not reset.isdecimal():
        return MINUTE
    try:
        now = parsedate_to_datetime(answer.header("date")).timestamp()
    except ValueError:
        now = time.time()
    return max(0.0, float(reset) - now) + 1.0


def unreadable(asked: Asked, site: Site) -> SyncerError:
    """Tell of an answer with a status of success and without what it should hold."""
    message = f"{asked.thing}: what {site.name} at {site.url} answered cannot be read"
    return BackendError(message, hint="is a proxy in the way, or is it another release?")
