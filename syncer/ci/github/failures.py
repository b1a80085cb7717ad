"""What GitHub answers instead of what was asked for, told in our words.

https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.ci import failures
from syncer.ci.failures import OTHERS, UNKNOWN_TOKEN, Answer, Rule
from syncer.errors import AccessDenied, NotFound, Refused, Transient

if TYPE_CHECKING:
    from syncer.ci.failures import Asked, Site
    from syncer.errors import SyncerError

_TOO_MANY = 429
_LIMITS = (403, _TOO_MANY)

_RULES = (
    UNKNOWN_TOKEN,
    Rule(
        (403,),
        "resource not accessible by",
        AccessDenied,
        "{thing}: {name} at {url} does not let the token do it (403)",
        "the job needs `{right}`; a fork's or Dependabot's never gets it",
    ),
    Rule((403,), "locked", AccessDenied, "{thing}: its conversation is locked (403)", "unlock it"),
    Rule((403,), "archived", AccessDenied, "{thing}: the repository is archived and takes nothing (403)"),
    Rule(
        (403,),
        "saml",
        AccessDenied,
        "{thing}: the organization wants single sign-on for the token (403)",
        "authorize {token} for the organization",
    ),
    Rule((403,), "", AccessDenied, "{thing}: {name} at {url} denied it (403)", "{token} needs `{right}`"),
    Rule(
        (404,),
        "",
        NotFound,
        "{thing}: not on {name} at {url}, or not for this token to see (404)",
        "in a private repository, the job needs `{right}`",
    ),
    Rule((410,), "issues", Refused, "{thing}: the repository's issues are switched off (410)"),
    Rule((410,), "", NotFound, "{thing}: no longer there (410)"),
    Rule((422,), "too long", Refused, "{thing}: longer than {name} takes (422)", "select fewer secrets at once"),
    Rule((408,), "", Transient, "{thing}: {name} at {url} did not take it in time (408)"),
    *OTHERS,
)


def told(answer: Answer, asked: Asked, site: Site) -> SyncerError:
    """Turn it into ours."""
    if answer.status in _LIMITS and _is_limit(answer):
        return failures.limited(answer, asked, site, reset="x-ratelimit-reset")
    return failures.told(answer, _RULES, asked, site)


def _is_limit(answer: Answer) -> bool:
    """Whether it is about the number of calls. Of a secondary limit GitHub sometimes tells in words alone."""
    if answer.status == _TOO_MANY or answer.header("retry-after"):
        return True
    return answer.header("x-ratelimit-remaining") == "0" or answer.says("rate limit")
